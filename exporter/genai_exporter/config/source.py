"""Reading the YAML file: values, the line of every key, and no silent surprise.

YAML itself lets a key appear twice (the last one wins); here that is a fault, since one of the two is not what its
author believes.
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any, NamedTuple

import yaml

from genai_exporter.config.problem import ConfigError, Path, Problem

_DEEPEST = 20


class Source(NamedTuple):
    """A configuration file as read: plain values, the 1-based line of each path, faults found on the way."""

    values: dict[str, Any]
    lines: dict[Path, int]
    problems: list[Problem]


def read(path: str) -> Source:
    """Read ``path``. Raises ConfigError when it cannot be read, is no YAML, or is no mapping."""
    try:
        text = FilePath(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 text (byte {error.start})"]) from error
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        source = Source({}, {}, [])
        if node is None:
            return source
        value = _value(loader, node, (), source)
    except yaml.YAMLError as error:
        raise ConfigError([f"{path}{_at(error)}: is not valid YAML: {_reason(error)}"]) from error
    finally:
        loader.dispose()
    if value is None:
        return source
    if not isinstance(value, dict):
        raise ConfigError([f"{path}: the file must be a mapping of sections, not {type(value).__name__}"])
    return source._replace(values=value)


def _value(loader: yaml.SafeLoader, node: yaml.Node, path: Path, source: Source) -> Any:
    source.lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > _DEEPEST:
        raise yaml.constructor.ConstructorError(None, None, "nested too deep", node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, entry, (*path, index), source) for index, entry in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node)
    values: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is not text", key_node.start_mark)
        here = (*path, key)
        if key in values:
            first = source.lines[here]
            source.problems.append(Problem(here, f"given twice (line {first} and {key_node.start_mark.line + 1})"))
        source.lines[here] = key_node.start_mark.line + 1
        values[key] = _value(loader, value_node, here, source)
    return values


def _at(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark else ""


def _reason(error: yaml.YAMLError) -> str:
    return getattr(error, "problem", None) or str(error).splitlines()[0]
