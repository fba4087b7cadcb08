"""Building blocks of the configuration structs: what every field must say about itself."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

LIVE = {"reload": True}
RESTART = {"reload": False}

Text = Annotated[str, Meta(min_length=1, max_length=4096)]
Keys = tuple[Text, ...]
Score = Annotated[float, Meta(ge=-1_000_000, le=1_000_000)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all sections: immutable, and an unknown key is an error."""


def about(description: str, extra: dict[str, bool] = LIVE, *examples: Any) -> Meta:
    return Meta(description=description, extra=extra, examples=list(examples) or None)


def number(low: float, high: float, description: str, extra: dict[str, bool] = LIVE) -> Meta:
    """A number with both ends bounded, so that a typing error of some zeros does not get through."""
    return Meta(ge=low, le=high, description=description, extra=extra)


def items(most: int, description: str, extra: dict[str, bool] = LIVE, *examples: Any) -> Meta:
    return Meta(max_length=most, description=description, extra=extra, examples=list(examples) or None)
