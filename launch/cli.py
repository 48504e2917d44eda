"""What all commands share: flags, help, and errors as sentences."""

import functools
import re
import signal
import sys
import textwrap
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import NoReturn

from absl import app
from absl import flags
from absl import logging

from . import called
from . import mistakes
from . import output

_HELP = ("-h", "-help", "--help", "--helpshort")
# Besides its own errors, absl lets through what a config flag raises for a
# field that the config does not have, or of a file that is not there.
_FLAG_ERRORS = (flags.Error, AttributeError, KeyError, TypeError, ValueError)
_FLAG_ERRORS += (OSError,)
_INTERRUPTED = 130
# The arguments as they are parsed: flags of a --flagfile are among them, and
# `--config` comes first, since it decides which `--config.FIELD` there are.
ARGV: list[str] = []
_CONFIG = re.compile(r"--?config(?:[=\s](.*))?", re.DOTALL)
# The help that absl gives to an alias, and what it adds to that of a flag that
# may be given again.
_ALIAS = "Alias for "
_REPEATED = "; repeat this option to specify a list of values"


def run(
    main: Callable[[list[str]], int | None], argv: list[str] | None = None
) -> NoReturn:
    """Runs a command and leaves the process with its exit status.

    `--help` shows the module's docstring and its key flags (see absl's
    `adopt_module_key_flags`), with status 0. A wrong
    flag, a stray argument or a `ValueError` of `main` becomes a sentence on
    the standard error and status 1; `--verbosity=1` shows the traceback.

    Example:

    ```python
    _WORKDIR = flags.DEFINE_string("workdir", None, "Folder.", required=True)

    def main(_):
        print(_WORKDIR.value)

    def run():
        cli.run(main)
    ```

    Args:
        main: Function of the remaining arguments, in the command's module.
        argv: Program name and arguments. Defaults to `sys.argv`.
    """
    module = sys.modules[main.__module__]
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    output.install()
    usual, warnings.formatwarning = warnings.formatwarning, _warning
    try:
        try:
            app.run(
                functools.partial(_call, main),
                argv,
                flags_parser=functools.partial(_parse, module),
            )
        finally:
            warnings.formatwarning = usual
            sys.stdout.flush()
    except (BrokenPipeError, output.Unwritable) as error:
        # Whoever reads, such as `head`, has seen enough; or nobody can.
        output.drop(sys.stdout)
        if isinstance(error, output.Unwritable):
            _fail(str(error))
        sys.exit(1)


def _warning(message, category, filename, lineno, line=None) -> str:
    """Returns a warning without the line of code that it comes from."""
    where = f" ({filename}:{lineno}, {category.__name__})"
    debug = logging.get_verbosity() >= logging.DEBUG
    return f"Warning: {message}{where if debug else ''}\n"


def help_text(module: ModuleType) -> str:
    """Returns a module's docstring and its key flags, adopted ones first."""
    own = flags.FLAGS.get_flags_for_module(module)
    found = flags.FLAGS.get_key_flags_for_module(module)
    lines = [
        _flag_help(flag)
        for flag in [*(flag for flag in found if flag not in own), *own]
        if not flag.help.startswith(_ALIAS)
    ]
    return "\n".join(
        [
            called.named((module.__doc__ or "").strip()),
            "\nFlags:\n",
            *lines,
            "\n--helpfull also lists the flags of absl.",
        ]
    )


def _flag_help(flag: flags.Flag) -> str:
    name = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"
    text = " ".join((flag.help or "").split()).removesuffix(_REPEATED)
    text = called.named(text)
    default = (flag.default_as_str or "").strip("'")
    if default:  # an empty list has its default in the text
        text += f" Default: {default}."
    indent = "      "
    return f"  {name}\n" + textwrap.fill(
        text, 79, initial_indent=indent, subsequent_indent=indent
    )


def _parse(module: ModuleType, argv: list[str]) -> list[str]:
    if any(argument in _HELP for argument in argv[1:]):
        print(help_text(module))
        sys.exit(0)
    try:
        ARGV[:] = _config_first(flags.FLAGS.read_flags_from_files(argv))
        rest = flags.FLAGS(ARGV)
    except IndexError:
        given = " ".join(a for a in ARGV if "[" in a.partition("=")[0])
        _fail(
            "A field that is a tuple or list must be set as a whole. "
            f"Received: {given}. Give all elements with commas, as in "
            "--config.seeds=0,1. Try --help."
        )
    except _FLAG_ERRORS as error:
        found = mistakes.sentence(error, _sentence(error), ARGV)
        _fail(f"{found} Try --help.")
    # What libraries log while all is well is not for the user's terminal. Of
    # the default absl would make 0 now.
    if flags.FLAGS["verbosity"].using_default_value:
        flags.FLAGS.verbosity = logging.WARNING
    if len(rest) > 1:
        has_config = (
            "config" not in flags.FLAGS or flags.FLAGS["config"].present
        )
        missing = None if has_config else "config"
        _fail(f"{mistakes.stray(rest[1:], missing)} Try --help.")
    return rest


def _config_first(argv: list[str]) -> list[str]:
    """Moves the last `--config` of all to the front."""
    program, *left = argv
    config, others = [], []
    while left:
        argument = left.pop(0)
        found = _CONFIG.fullmatch(argument)
        if argument == "--":
            return [program, *config, *others, argument, *left]
        if not found:
            others.append(argument)
        elif found[1] is None and not left:
            config = [argument]
        else:
            value = left.pop(0) if found[1] is None else found[1]
            config = [f"--config={value}"]
    return [program, *config, *others]


def _call(main: Callable, argv: list[str]) -> int | None:
    try:
        return main(argv)
    except (BrokenPipeError, output.Unwritable):
        raise  # of the terminal, and not of what the command works on
    except (OSError, ValueError) as error:
        if logging.get_verbosity() >= logging.DEBUG:
            raise
        _fail(sentence(error))
    except KeyboardInterrupt as interrupt:
        # Below the `^C` of a terminal.
        lead = "\n" if sys.stderr.isatty() else ""
        text = str(interrupt) or "Interrupted. Finished work is kept."
        print(f"{lead}{text}", file=sys.stderr)
        sys.exit(_INTERRUPTED)


def sentence(error: OSError | ValueError) -> str:
    """Returns what a command says of an error that ends it."""
    if isinstance(error, ValueError):
        return called.as_flags(_sentence(error))
    # With a workdir, --overwrite renames the folder of the run.
    is_run = "workdir" in flags.FLAGS
    moved = is_run and getattr(flags.FLAGS, "overwrite", False)
    return (
        f"Cannot access {error.filename or 'a file'}: "
        f"{error.strerror or error}. Finished work is kept. Solve the problem "
        "and give the same command "
        f"again{', without --overwrite' if moved else ''}."
    )


def _sentence(error: BaseException) -> str:
    # Errors of a config flag hold the error that says what was wrong.
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    text = str(error.args[0] if len(error.args) == 1 else error)
    text = " ".join(text.split()).removeprefix("ERROR:: ")
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _fail(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(1)
