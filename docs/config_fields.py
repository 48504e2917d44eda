"""Makes the page of all config fields from the comments of `configs/base.py`.

    python docs/config_fields.py

The build of the site fails if the page is out of date.
"""

import collections
import dataclasses
import pathlib
import re

from ws_keras.configs import base

HERE = pathlib.Path(__file__).parent
SOURCE = HERE.parent / "configs/base.py"
PAGE = HERE / "fields.md"
_HEAD = """# All fields of a config

Every [experiment](own_methods.md#an-experiment-a-config-file) has these fields.
Set one in a config file, as in `config.train.batch_size = 64`, or on the
command line of `ws-run` and `ws-sweep`:

```bash
ws-run --config=quickstart --workdir=runs/small --config.train.batch_size=64
```

To run several values of a field, define [a
grid](own_methods.md#an-experiment-a-config-file) and run it with
[ws-sweep](sweeps.md).

This page is made from the comments of [configs/base.py](../configs/base.py) by
`python docs/config_fields.py`.
"""
_TABLE = """
| field | default | meaning | valid values |
|---|---|---|---|
"""


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a config: its full name, default, and descriptions.

    `valid` describes its valid values.
    """

    name: str
    default: object
    meaning: str
    valid: str


def sections() -> dict[str, list[Field]]:
    """Returns the fields by the sentence that introduces their section.

    Raises:
        ValueError: If a field has no comment, or a comment without "Valid:".
    """
    config = base.get_config()
    found = collections.defaultdict(list)
    # Fields outside of all sections stand at the beginning and the end.
    title, comment = "", []
    for line in _body().splitlines():
        text = line.strip()
        if text.startswith("# "):
            comment.append(text[2:])
            continue
        name = re.match(r"(?:config\.)?([\w.]+) = ", text)
        if name and text.endswith("ml_collections.ConfigDict()"):
            title = " ".join(comment)
        elif name:
            group = "" if text.startswith("config.") else title
            found[group] += _fields(name[1], " ".join(comment), config)
        comment = []
    return dict(found)


def written() -> str:
    """Returns the text of the page."""
    parts = [_HEAD]
    for title, fields in sections().items():
        if title:
            heading, _, rest = title.partition(": ")
            heading = heading.removesuffix(".")
            parts.append(f"\n## {heading}\n")
            if rest:
                parts.append(f"\n{rest[0].upper()}{rest[1:]}\n")
        rows = [f"| {' | '.join(_cells(field))} |\n" for field in fields]
        parts.append(_TABLE + "".join(rows))
    return "".join(parts)


def _body() -> str:
    text = SOURCE.read_text(encoding="utf8")
    start = text.index("config = ml_collections.ConfigDict()")
    return text[text.index("\n", start) : text.index("return config.lock()")]


def _fields(name: str, comment: str, config) -> list[Field]:
    """Returns the field of a name, or all fields below it."""
    meaning, separator, valid = comment.partition(" Valid: ")
    if not separator:
        raise ValueError(
            f"The comment of each field must describe it and have a part "
            f"'Valid:'. Received: {name} with the comment {comment!r}."
        )
    value = config.to_dict()
    for part in name.split("."):
        value = value[part]
    inner = value if isinstance(value, dict) else {None: value}
    return [
        Field(name + (f".{key}" if key else ""), each, meaning, valid)
        for key, each in inner.items()
    ]


def _cells(field: Field) -> list[str]:
    default = repr(field.default).replace("'", '"')
    return [
        f"`{field.name}`",
        f"`{default}`",
        _marked(field.meaning),
        _marked(field.valid.removesuffix(".")),
    ]


def _marked(text: str) -> str:
    return re.sub(r'("[^"]+")', r"`\1`", text)


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf8")
