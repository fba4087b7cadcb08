"""Reads label values out of records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any


def picker(fields: Sequence[str]) -> Callable[[Any], tuple[str, ...]]:
    """A function that reads ``fields`` of a record into a tuple; two or more are read without entering Python."""
    if len(fields) > 1:
        return attrgetter(*fields)
    if fields:
        single = attrgetter(fields[0])
        return lambda record: (single(record),)
    return lambda record: ()
