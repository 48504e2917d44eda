"""Commands of ws_keras: the place where flags end."""

import pathlib
import signal
import sys

# While a command imports its modules there is nothing to say of Ctrl-C, and
# `cli.run` has not begun to answer it. In `-m` no script is known yet.
_IS_COMMAND = sys.argv[0] == "-m" or pathlib.PurePath(
    sys.argv[0]
).name.startswith("ws-")
if _IS_COMMAND and signal.getsignal(signal.SIGINT) is (
    signal.default_int_handler
):
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import ws_keras  # noqa: E402

# In a wheel this folder and `configs` lie under `ws_keras`; in a checkout they
# lie beside it. This lets `ws_keras.configs` and `ws_keras.launch` name the
# same things in both.
if not any((pathlib.Path(p) / "configs").is_dir() for p in ws_keras.__path__):
    ws_keras.__path__.append(str(pathlib.Path(__file__).resolve().parents[1]))
