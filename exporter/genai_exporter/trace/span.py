"""A span as the pipeline holds it while its trace is being assembled."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from genai_exporter.dialects.fields import SLOTS
from genai_exporter.records import Resource, Role

#: Shared by every span without a GenAI attribute: most of a busy trace.
NO_VALUES: Final[tuple[None, ...]] = (None,) * SLOTS

#: The roles as plain integers: comparing and hashing members of an enumeration costs ten times as much.
OTHER: Final = int(Role.OTHER)
STEP: Final = int(Role.STEP)
CALL: Final = int(Role.CALL)
AGENT: Final = int(Role.AGENT)
TOOL: Final = int(Role.TOOL)
WORKFLOW: Final = int(Role.WORKFLOW)
RETRIEVAL: Final = int(Role.RETRIEVAL)

STATUS_ERROR: Final = 2
KIND_SERVER: Final = 2
KIND_CLIENT: Final = 3


class ScopeInfo(msgspec.Struct, frozen=True):
    """An instrumentation scope and what its name tells (see ``ScopeRule``). ``number`` is unique per name."""

    number: int
    name: str
    dialect: str
    exclusive_input: bool = False
    untimed_first_token: bool = False
    status_unreliable: bool = False
    steps: tuple[bytes, ...] = ()
    agents: tuple[bytes, ...] = ()
    root_is_agent: bool = False
    reasoning_twice: bool = False


class RawEvaluation(msgspec.Struct, gc=False):
    """An evaluation as it was found: ``value`` is a score, a verdict or both are in ``label``."""

    name: str
    value: float | bool | None = None
    label: str | None = None
    response_id: str | None = None
    human: bool = False


class Span(msgspec.Struct, gc=False):
    """One span. ``values`` is indexed by the field numbers of ``dialects.fields``; ids are raw bytes."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes  # empty for a root
    name: bytes
    kind: int
    start_ns: int
    end_ns: int
    status: int
    role: int
    operation: str
    resource: Resource
    scope: ScopeInfo
    values: Any  # list[object] of SLOTS entries, or NO_VALUES
    evaluations: list[RawEvaluation] | None = None
    failures: tuple[str, ...] = ()  # texts that tell the kind of error: exception type, message, status message
    dialect: str = ""

    @property
    def key(self) -> bytes:
        """Unique among all traces."""
        return self.trace_id + self.span_id
