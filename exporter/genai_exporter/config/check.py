"""Checking a raw configuration against the schema: every fault at once, each with its path and what is accepted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import inspect

from genai_exporter.config import schema
from genai_exporter.config.problem import Path, Problem, unknown
from genai_exporter.config.secret import Secret

_LONGEST_SHOWN = 80


def problems(value: object, type_: inspect.Type, path: Path = ()) -> Iterator[Problem]:
    """All faults of ``value`` against ``type_``; none when it can be converted."""
    type_ = asked = schema.unwrap(type_)[0]
    if isinstance(type_, inspect.UnionType):
        type_, optional = schema.members(type_)
        if optional and value is None:
            return
    match type_:
        case inspect.StructType():
            yield from _struct(value, type_, path)
        case inspect.VarTupleType():
            yield from _list(value, type_, path)
        case inspect.DictType():
            yield from _mapping(value, type_, path)
        case _:
            if not _fits(value, type_):
                yield Problem(path, f"{_shown(value, type_)} is refused. Accepted: {schema.accepted(asked)}")


def _struct(value: object, type_: inspect.StructType, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, f"{_shown(value, type_)} is refused. Accepted: {schema.accepted(type_)}")
        return
    fields = {field.encode_name: field for field in type_.fields}
    for key in value:
        if key not in fields:
            yield Problem((*path, str(key)), unknown("key", str(key), fields))
    for name, field in fields.items():
        if name in value:
            yield from problems(value[name], field.type, (*path, name))
        elif field.required:
            yield Problem((*path, name), f"missing. Accepted: {schema.accepted(field.type)}")


def _list(value: object, type_: inspect.VarTupleType, path: Path) -> Iterator[Problem]:
    if not isinstance(value, (list, tuple)):
        yield Problem(path, f"{_shown(value, type_)} is refused. Accepted: {schema.accepted(type_)}")
        return
    if type_.max_length is not None and len(value) > type_.max_length:
        yield Problem(path, f"{len(value)} entries are too many. Accepted: {schema.accepted(type_)}")
        return
    for index, entry in enumerate(value):
        yield from problems(entry, type_.item_type, (*path, index))


def _mapping(value: object, type_: inspect.DictType, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, f"{_shown(value, type_)} is refused. Accepted: {schema.accepted(type_)}")
        return
    for key, entry in value.items():
        if not isinstance(key, str):
            yield Problem(path, f"key {key!r} is refused. Accepted: a text")
        else:
            yield from problems(entry, type_.value_type, (*path, key))


def _fits(value: Any, type_: inspect.Type) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    match type_:
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType(ge=low, le=high):
            return (
                number and isinstance(value, int) and (low is None or low <= value) and (high is None or value <= high)
            )
        case inspect.FloatType(ge=low, le=high):
            return number and (low is None or low <= value) and (high is None or value <= high)  # no for NaN
        case inspect.StrType(min_length=shortest, max_length=longest):
            return isinstance(value, str) and (shortest or 0) <= len(value) <= (longest or len(value))
        case inspect.CustomType(cls=cls) if cls is Secret:
            return isinstance(value, (str, Secret)) and value != ""
        case inspect.LiteralType(values=values):
            return isinstance(value, str) and value in values
    raise TypeError(f"no check for {type_!r}")


def _shown(value: object, type_: inspect.Type) -> str:
    if isinstance(type_, inspect.CustomType):
        return "the value (not shown)"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."
