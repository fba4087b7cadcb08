"""From file, environment and flags to one set of settings: a flag wins over the environment, that over the file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import msgspec
import yaml
from msgspec import inspect

from genai_exporter.config import check, environment, rules, schema, source
from genai_exporter.config.model import KNOWN_EVALUATIONS, Settings
from genai_exporter.config.problem import ConfigError, Path, Problem, dotted
from genai_exporter.config.secret import Secret

FLAGS: dict[str, Path] = {
    "--otlp-http-listen": rules.HTTP_LISTEN,
    "--otlp-grpc-listen": rules.GRPC_LISTEN,
    "--metrics-listen": rules.METRICS_LISTEN,
    "--settle-seconds": ("assembly", "settle_seconds"),
    "--max-label-values": ("metrics", "max_label_values"),
    "--max-series": ("metrics", "max_series"),
    "--log-level": ("log", "level"),
    "--log-format": ("log", "format"),
}


def load(
    file: str | None = None, *, environ: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None
) -> Settings:
    """The settings in force.

    ``file`` is the path of a YAML file (``GENAI_EXPORTER_CONFIG`` when None), ``environ`` the environment (that of the
    process when None), ``flags`` the text given for each flag of ``FLAGS``. Raises ConfigError with every fault found.
    """
    environ = os.environ if environ is None else environ
    file = file or environ.get(environment.CONFIG_FILE) or None
    given = source.read(file) if file else source.Source({}, {}, [])
    origins: dict[Path, str] = {path: f"{file}:{line}" for path, line in given.lines.items()}
    values = _without_empty(given.values, schema.root())
    faults = [_line(problem, origins) for problem in given.problems]
    faults += [_line(problem, origins) for problem in check.problems(values, schema.root())]

    from_environment, unreadable = environment.read(environ)
    faults += unreadable
    from_flags, unreadable = _read_flags(flags or {})
    faults += unreadable
    keys = schema.all_keys()
    types = {key.path: key.type for key in keys}
    for layer, names in (
        (from_environment, {key.path: f"environment variable {environment.variable(key.path)}" for key in keys}),
        (from_flags, {path: f"flag {name}" for name, path in FLAGS.items()}),
    ):
        for path, value in layer.items():
            origins[path] = names[path]
            faults += [_line(problem, origins) for problem in check.problems(value, types[path], path)]
            _put(values, path, value)
    if faults:
        raise ConfigError(faults)

    settings = msgspec.convert(values, Settings, dec_hook=_decode_secret)
    faults = [_line(problem, origins) for rule in rules.RULES for problem in rule(settings)]
    if faults:
        raise ConfigError(faults)
    return _with_known_evaluations(settings)


def effective(settings: Settings) -> str:
    """The settings as a YAML file, secrets hidden."""
    plain = msgspec.to_builtins(settings, enc_hook=_hide_secret)
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def changed(old: Settings, new: Settings) -> list[schema.Key]:
    """The settings whose values differ."""
    return [key for key in schema.all_keys() if value_at(old, key.path) != value_at(new, key.path)]


def value_at(settings: Settings, path: Path) -> Any:
    """The value of one setting by its path."""
    value: Any = settings
    for part in path:
        value = getattr(value, str(part))
    return value


def _read_flags(flags: Mapping[str, str]) -> tuple[dict[Path, Any], list[str]]:
    types = {key.path: key.type for key in schema.all_keys()}
    values: dict[Path, Any] = {}
    faults: list[str] = []
    for name, text in flags.items():
        path = FLAGS[name]
        try:
            values[path] = environment.parse(text, types[path])
        except ValueError as error:
            faults.append(f"flag {name}: {error}. Accepted: {schema.accepted(types[path])}")
    return values, faults


def _put(values: dict[str, Any], path: Path, value: Any) -> None:
    """Set ``value`` at ``path``. A section that is no mapping stays: that fault has been reported."""
    section: Any = values
    for part in path[:-1]:
        section = section.setdefault(part, {})
        if not isinstance(section, dict):
            return
    section[path[-1]] = value


def _without_empty(values: dict[str, Any], struct: inspect.StructType) -> dict[str, Any]:
    """Without sections, lists and mappings that are written but left empty (all entries commented out)."""
    kept: dict[str, Any] = dict(values)
    for field in struct.fields:
        bare = schema.unwrap(field.type)[0]
        value = values.get(field.encode_name)
        if isinstance(bare, inspect.StructType) and isinstance(value, dict):
            kept[field.encode_name] = _without_empty(value, bare)
        elif isinstance(bare, (inspect.StructType, inspect.VarTupleType, inspect.DictType)) and value is None:
            kept.pop(field.encode_name, None)
    return kept


def _line(problem: Problem, origins: Mapping[Path, str]) -> str:
    for length in range(len(problem.path), 0, -1):
        origin = origins.get(problem.path[:length])
        if origin is not None:
            break
    else:
        origin = "configuration"
    return f"{origin}: {dotted(problem.path)}: {problem.message}"


def _with_known_evaluations(settings: Settings) -> Settings:
    merged = {entry.name: entry for entry in (*KNOWN_EVALUATIONS, *settings.evaluations)}
    return msgspec.structs.replace(settings, evaluations=tuple(merged.values()))


def _decode_secret(wanted: type, value: Any) -> Any:
    if wanted is Secret:
        return value if isinstance(value, Secret) else Secret(value)
    raise NotImplementedError(wanted)


def _hide_secret(value: Any) -> Any:
    if isinstance(value, Secret):
        return repr(value)
    raise NotImplementedError(type(value))
