"""The configuration structs as seen from outside: the tree of keys, and what each accepts.

Built once from msgspec's own description of the structs. The checker, the environment reader and the two renderers
walk this tree, so none of them knows a setting by name.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from genai_exporter.config.model import Settings
from genai_exporter.config.problem import Path
from genai_exporter.config.secret import Secret


class Key(NamedTuple):
    """One setting: a leaf of the tree. ``default`` is the built-in value; ``live`` says that a reload may change it."""

    path: Path
    type: inspect.Type
    default: Any
    description: str
    examples: tuple[Any, ...]
    live: bool


@functools.cache
def root() -> inspect.StructType:
    """The tree itself."""
    tree = inspect.type_info(Settings)
    assert isinstance(tree, inspect.StructType)
    return tree


@functools.cache
def all_keys() -> tuple[Key, ...]:
    """All settings in the order of their declaration."""
    return tuple(_leaves(root(), ()))


def _leaves(struct: inspect.StructType, path: Path) -> Iterator[Key]:
    for field in struct.fields:
        bare, described = unwrap(field.type)
        here = (*path, field.encode_name)
        if isinstance(bare, inspect.StructType):
            yield from _leaves(bare, here)
        else:
            yield leaf(field, here, bare, described)


def leaf(field: inspect.Field, path: Path, bare: inspect.Type, described: inspect.Metadata | None) -> Key:
    schema = (described.extra_json_schema if described else None) or {}
    extra = (described.extra if described else None) or {}
    default: Any = field.default
    if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    return Key(
        path=path,
        type=bare,
        default=default,
        description=schema.get("description", ""),
        examples=tuple(schema.get("examples", ())),
        live=bool(extra.get("reload", True)),
    )


def unwrap(type_: inspect.Type) -> tuple[inspect.Type, inspect.Metadata | None]:
    """A type without its description, and the description."""
    if isinstance(type_, inspect.Metadata):
        return type_.type, type_
    return type_, None


def members(type_: inspect.UnionType) -> tuple[inspect.Type, bool]:
    """The one real member of an optional type, and whether ``null`` is accepted."""
    real = [unwrap(t)[0] for t in type_.types if not isinstance(t, inspect.NoneType)]
    if len(real) != 1:
        raise TypeError("settings know one type, optional or not")
    return real[0], len(real) != len(type_.types)


def accepted(type_: inspect.Type) -> str:
    """What a setting accepts, in words: ``a number from 0 to 3600``."""
    type_ = unwrap(type_)[0]
    match type_:
        case inspect.UnionType():
            real, optional = members(type_)
            return accepted(real) + (" or null" if optional else "")
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=low, le=high):
            return f"a whole number from {low} to {high}"
        case inspect.FloatType(ge=low, le=high):
            return f"a number from {low:g} to {high:g}" if abs(high or 0) < 10**6 else f"a number from {low} to {high}"
        case inspect.StrType(min_length=shortest):
            return "a text that is not empty" if shortest else "a text"
        case inspect.CustomType(cls=cls) if cls is Secret:
            return "a text that is not empty"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(str(value) for value in values)
        case inspect.VarTupleType(item_type=item, max_length=most):
            return f"a list of at most {most}, each {accepted(item)}" if most else f"a list, each {accepted(item)}"
        case inspect.DictType(value_type=value):
            return f"a mapping from text to {accepted(value)}"
        case inspect.StructType(fields=fields):
            return "a mapping with " + ", ".join(field.encode_name for field in fields)
    raise TypeError(f"no words for {type_!r}")
