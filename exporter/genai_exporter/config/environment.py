"""Settings from environment variables: ``GENAI_EXPORTER_<SECTION>__<KEY>``, one for every key.

A variable with our prefix that names no setting is refused: a misspelt variable must not be a setting that silently
does nothing. Kubernetes injects ``<SERVICE>_PORT`` and the like for every Service of a namespace; when that Service is
called ``genai-exporter`` they carry our prefix, are no settings, and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from genai_exporter.config import schema
from genai_exporter.config.problem import Path, unknown
from genai_exporter.config.secret import Secret

PREFIX = "GENAI_EXPORTER_"
CONFIG_FILE = PREFIX + "CONFIG"  # the file itself; `--config` goes before it

_SERVICE_LINK = re.compile(
    r"(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)


def variable(path: Path) -> str:
    """Name of the variable that sets ``path``."""
    return PREFIX + "__".join(str(part) for part in path).upper()


def is_service_link(name: str) -> bool:
    """Whether Kubernetes may have set the variable for a Service whose name starts with ours."""
    return _SERVICE_LINK.fullmatch(name.removeprefix(PREFIX)) is not None


def read(environ: Mapping[str, str]) -> tuple[dict[Path, Any], list[str]]:
    """Values by path as far as they can be read, and one line for each variable that is unknown or unreadable."""
    known = {variable(key.path): key for key in schema.all_keys()}
    values: dict[Path, Any] = {}
    faults: list[str] = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name == CONFIG_FILE:
            continue
        key = known.get(name)
        if key is not None:
            try:
                values[key.path] = parse(environ[name], key.type)
            except ValueError as error:
                faults.append(f"environment variable {name}: {error}. Accepted: {schema.accepted(key.type)}")
        elif not is_service_link(name):
            faults.append(f"environment: {unknown('variable', name, _relatives(name, known))}")
    return values, faults


def _relatives(name: str, known: Iterable[str]) -> list[str]:
    """The variables of the section that ``name`` speaks of; all of them when there is no such section."""
    section = name.partition("__")[0] + "__"
    return [other for other in known if other.startswith(section)] or list(known)


def parse(text: str, type_: inspect.Type) -> Any:
    """The value that ``text`` stands for, of the kind ``type_`` asks for; ranges are checked later.

    Raises ValueError when the text cannot be of that kind.
    """
    if isinstance(type_, inspect.UnionType):
        type_, optional = schema.members(type_)
        if optional and text in ("", "null"):
            return None
    match type_:
        case inspect.BoolType():
            return _flag(text)
        case inspect.IntType():
            return _number(text, int)
        case inspect.FloatType():
            return _number(text, float)
        case inspect.VarTupleType(item_type=item):
            if text.lstrip().startswith("["):
                return _json(text)
            if isinstance(schema.unwrap(item)[0], inspect.StrType):
                return [part.strip() for part in text.split(",") if part.strip()]
            raise ValueError(f"{text!r} is no JSON list")
        case inspect.DictType():
            return _json(text)
        case inspect.CustomType(cls=cls) if cls is Secret:
            return Secret(text)
    return text


def _flag(text: str) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[text.strip().lower()]
    except KeyError:
        raise ValueError(f"{text!r} is refused") from None


def _number(text: str, kind: type[int] | type[float]) -> float:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{text!r} is refused") from None


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"{text!r} is no JSON ({error})") from None
