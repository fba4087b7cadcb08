"""The reference and the example file, rendered from the settings themselves.

Both are committed under ``docs``; a test keeps them equal to what this renders.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml
from msgspec import inspect

from genai_exporter.config import environment, schema
from genai_exporter.config.load import FLAGS
from genai_exporter.config.problem import Path, dotted

REFERENCE = "configuration.md"
EXAMPLE = "genai-exporter.example.yml"
_WIDTH = 100

_HEAD = """\
<!-- Written by `make docs` from exporter/genai_exporter/config; edit that instead. -->

# Configuration

Nothing has to be configured. What is configured comes from a flag, else from an environment variable, else from one
YAML file (`--config FILE`, or `GENAI_EXPORTER_CONFIG`), else it has its default.

- **Strict.** An unknown key, a key given twice, a value of the wrong kind or out of range, an unknown variable that
  starts with `GENAI_EXPORTER_`: the service does not start, and says where the fault is and what is accepted.
  `genai-exporter check-config --config FILE` tells without starting, and prints the configuration in force with
  secrets hidden. Sections, lists and mappings may be left empty; they have their default then.
- **Environment.** Each key has a variable, named below. Lists are comma separated or JSON, mappings and lists of
  mappings are JSON, flags are `true` or `false`, an empty text is `null` where `null` is accepted. The variables that
  Kubernetes injects for a Service named `genai-exporter` (`GENAI_EXPORTER_SERVICE_HOST`, `GENAI_EXPORTER_PORT_...`)
  are passed over.
- **Files** are named relative to the working directory of the process.
- **Reload.** SIGHUP, or `POST /-/reload` when `reload.http` is on, reads the file again. Keys marked *live* take
  effect at once. If the new configuration is not valid, or changes a key marked *restart*, all of it is refused, the
  running one stays, and `genai_exporter_config_last_reload_successful` becomes 0.

[The example file](genai-exporter.example.yml) holds every key with its default.
"""


def reference() -> str:
    """The Markdown reference of every key."""
    return "\n".join([_HEAD, *_section(schema.root(), ())]).rstrip() + "\n"


def example() -> str:
    """A YAML file with every key at its default, explained, and examples commented out."""
    lines = [
        "# Every key of genai-exporter with its default. Written by `make docs`.",
        "# Keep only what you change: what is absent has the default.",
        *_yaml(schema.root(), ()),
    ]
    return "\n".join(lines) + "\n"


def _section(struct: inspect.StructType, path: Path) -> Iterator[str]:
    own: list[schema.Key] = []
    inner: list[tuple[inspect.StructType, Path]] = []
    for field in struct.fields:
        bare, described = schema.unwrap(field.type)
        here = (*path, field.encode_name)
        if isinstance(bare, inspect.StructType):
            inner.append((bare, here))
        else:
            own.append(schema.leaf(field, here, bare, described))
    if path:
        yield f"## `{dotted(path)}`"
        yield ""
        yield _first_line(struct.cls)
        yield ""
    for key in own:
        yield from _entry(key, heading="###" if path else "##")
    for bare, here in inner:
        yield from _section(bare, here)


def _entry(key: schema.Key, heading: str) -> Iterator[str]:
    flags = [f"`{flag}`" for flag, path in FLAGS.items() if path == key.path]
    yield f"{heading} `{dotted(key.path)}`"
    yield ""
    yield from textwrap.wrap(key.description, 120, break_long_words=False, break_on_hyphens=False)
    yield ""
    yield f"- Accepted: {schema.accepted(key.type)}"
    yield f"- Default: {_default(key)}"
    yield f"- Variable: `{environment.variable(key.path)}`" + (f", flag {', '.join(flags)}" if flags else "")
    yield f"- Change: {'live' if key.live else 'restart'}"
    if key.examples:
        yield f"- Example: `{inline(key.examples[0])}`"
    yield ""
    item = schema.unwrap(key.type.item_type)[0] if isinstance(key.type, inspect.VarTupleType) else None
    if isinstance(item, inspect.StructType):
        yield from _table(item)


def _table(struct: inspect.StructType) -> Iterator[str]:
    yield "| key of an entry | accepted | default | meaning |"
    yield "|---|---|---|---|"
    for field in struct.fields:
        bare, described = schema.unwrap(field.type)
        key = schema.leaf(field, (field.encode_name,), bare, described)
        default = "required" if field.required else f"`{inline(key.default)}`"
        yield f"| `{field.encode_name}` | {schema.accepted(bare)} | {default} | {key.description} |"
    yield ""


def _default(key: schema.Key) -> str:
    if key.path == ("evaluations",):
        return "the known names, each on a scale of 0 to 1: " + ", ".join(f"`{entry.name}`" for entry in key.default)
    if isinstance(key.default, tuple) and key.default:
        return ", ".join(f"`{entry}`" for entry in key.default)
    return f"`{inline(key.default)}`"


def _yaml(struct: inspect.StructType, path: Path) -> Iterator[str]:
    indent = "  " * len(path)
    for field in struct.fields:
        bare, described = schema.unwrap(field.type)
        here = (*path, field.encode_name)
        if isinstance(bare, inspect.StructType):
            yield ""
            yield f"{indent}# {_first_line(bare.cls)}"
            yield f"{indent}{field.encode_name}:"
            yield from _yaml(bare, here)
            continue
        key = schema.leaf(field, here, bare, described)
        if not path:
            yield ""
        wrapped = textwrap.wrap(key.description, _WIDTH - len(indent), break_long_words=False, break_on_hyphens=False)
        yield from (f"{indent}# {line}" for line in wrapped)
        for given in key.examples:
            if given != key.default:
                yield f"{indent}# Example: {inline(given)}"
        yield from _assignment(field.encode_name, key.default, indent)


def _assignment(name: str, value: Any, indent: str) -> Iterator[str]:
    plain = msgspec.to_builtins(value)
    if isinstance(plain, (list, tuple)) and plain:
        yield f"{indent}{name}:"
        yield from (f"{indent}  - {inline(entry)}" for entry in plain)
    else:
        yield f"{indent}{name}: {inline(plain)}"


def inline(value: Any) -> str:
    text = yaml.safe_dump(msgspec.to_builtins(value), default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


def _first_line(cls: type) -> str:
    return (cls.__doc__ or "").partition("\n")[0]
