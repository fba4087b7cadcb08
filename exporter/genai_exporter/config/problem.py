"""What is wrong with a configuration, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Path = tuple[str | int, ...]


class Problem(NamedTuple):
    """One fault: the path of the key in the configuration, and what is wrong there."""

    path: Path
    message: str


class ConfigError(Exception):
    """The configuration cannot be used. One line per fault: source, path, bad value, accepted values."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def dotted(path: Path) -> str:
    """``("quotas", 0, "model")`` as ``quotas[0].model``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def unknown(kind: str, name: str, accepted: Iterable[str]) -> str:
    """Message for a name that does not exist, with the nearest one that does."""
    names = list(accepted)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"unknown {kind} {name!r}{hint} Accepted: {', '.join(names)}"
