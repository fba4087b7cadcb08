"""What a client accepts: the format of the metrics page, and compression."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

OPENMETRICS: Final = "application/openmetrics-text"
OPENMETRICS_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

# The page has no feature that 1.0.0 added over 0.0.1, so a client that knows the draft only can read it.
_VERSIONS: Final = ("", "0.0.1", "1.0.0")
MAX_HEADER_CHARS: Final = 4096


class _Range(NamedTuple):
    name: str
    parameters: dict[str, str]
    quality: float


def wants_openmetrics(accept: str) -> bool:
    """Whether the OpenMetrics format is asked for, and not less than plain text.

    Wildcards do not count: a browser gets what it can show, and what asks for nothing gets what everything reads.
    """
    openmetrics = text = 0.0
    for entry in _entries(accept):
        if entry.name == OPENMETRICS and entry.parameters.get("version", "") in _VERSIONS:
            openmetrics = max(openmetrics, entry.quality)
        elif entry.name == "text/plain":
            text = max(text, entry.quality)
    return openmetrics > 0 and openmetrics >= text


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether a gzip body may be sent."""
    quality = {entry.name: entry.quality for entry in _entries(accept_encoding)}
    return quality.get("gzip", quality.get("*", 0.0)) > 0


def _entries(header: str) -> Iterator[_Range]:
    for entry in header[:MAX_HEADER_CHARS].split(","):
        name, *rest = (part.strip() for part in entry.split(";"))
        parameters = {
            key.strip().lower(): value.strip().strip('"') for key, _, value in (part.partition("=") for part in rest)
        }
        yield _Range(name.lower(), parameters, _quality(parameters.get("q", "1")))


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if math.isfinite(quality) and 0 <= quality <= 1 else 0.0
