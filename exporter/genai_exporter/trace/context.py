"""What a span inherits from the spans above it: the flow it belongs to, the agent, the prompt, the person."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from genai_exporter.dialects import fields as f
from genai_exporter.records import Role
from genai_exporter.trace.span import KIND_SERVER, NO_VALUES, Span


class Context(msgspec.Struct, gc=False):
    """Inherited facts; ``""`` or ``None`` where no span says anything."""

    flow: str = ""
    workflow: str = ""
    route: str = ""
    root_name: str = ""
    agent: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    model_version: str = ""
    service_version: str = ""
    environment: str = ""
    segment: str = ""
    session: str = ""
    user: str = ""
    regenerated: bool = False

    def flow_name(self, fallback: str) -> str:
        """The endpoint or pipeline: what the user mapped, workflow name, route, resource, root span, in this order."""
        return self.flow or self.workflow or self.route or fallback or self.root_name


_NAMED: Final = (
    (f.FLOW, "flow"),
    (f.PROMPT_NAME, "prompt_name"),
    (f.PROMPT_VERSION, "prompt_version"),
    (f.MODEL_VERSION, "model_version"),
    (f.SERVICE_VERSION, "service_version"),
    (f.ENVIRONMENT, "environment"),
    (f.SEGMENT, "segment"),
    (f.SESSION, "session"),
    (f.USER, "user"),
)
_SLOTS: Final = (*(slot for slot, _ in _NAMED), f.AGENT, f.WORKFLOW, f.ROUTE, f.ENTITY, f.REGENERATED)
_MAX_DEPTH: Final = 256
EMPTY: Final = Context()


def contexts(spans: dict[bytes, Span]) -> dict[bytes, Context]:
    """The context of every span of one trace, by span id. A cycle of parents is cut where it closes."""
    known: dict[bytes, Context] = {}
    for span_id in spans:
        if span_id not in known:
            _resolve(spans, span_id, known)
    return known


def _resolve(spans: dict[bytes, Span], span_id: bytes, known: dict[bytes, Context]) -> None:
    path: list[Span] = []
    seen: set[bytes] = set()
    above = EMPTY
    while True:
        span = spans.get(span_id)
        if span is None or span_id in seen or len(path) >= _MAX_DEPTH:
            break
        inherited = known.get(span_id)
        if inherited is not None:
            above = inherited
            break
        seen.add(span_id)
        path.append(span)
        span_id = span.parent_id
    for span in reversed(path):
        above = _extend(above, span)
        known[span.span_id] = above


def _extend(above: Context, span: Span) -> Context:
    values: Any = span.values
    root = not span.parent_id
    if values is NO_VALUES and not root:
        return above
    if not root and not any(values[slot] is not None for slot in _SLOTS):
        return above
    changes: dict[str, Any] = {}
    for slot, name in _NAMED:
        value = values[slot]
        if value is not None:
            changes[name] = value
    role = span.role
    if role == Role.AGENT:
        changes["agent"] = agent_name(span)
    elif values[f.AGENT] is not None:
        changes["agent"] = values[f.AGENT]
    if not above.workflow:
        workflow = values[f.WORKFLOW] or (workflow_name(span) if role == Role.WORKFLOW else None)
        if workflow:
            changes["workflow"] = workflow
    # The outermost route is the endpoint; an HTTP client's or the provider's own path is not.
    if values[f.ROUTE] is not None and not above.route and (span.kind == KIND_SERVER or role == Role.OTHER):
        changes["route"] = values[f.ROUTE]
    if root and role != Role.CALL:
        changes["root_name"] = text_of(span.name)
    if values[f.REGENERATED]:
        changes["regenerated"] = True
    return msgspec.structs.replace(above, **changes) if changes else above


def text_of(name: bytes) -> str:
    """A span's name as text, of bounded length."""
    return name[:256].decode("utf-8", "replace")


def agent_name(span: Span) -> str:
    values = span.values
    return values[f.AGENT] or values[f.ENTITY] or _after(span.name, b"invoke_agent ")


def tool_name(span: Span) -> str:
    values = span.values
    return values[f.TOOL] or values[f.ENTITY] or _after(span.name, b"execute_tool ")


def workflow_name(span: Span) -> str:
    values = span.values
    return values[f.WORKFLOW] or values[f.ENTITY] or _after(span.name, b"invoke_workflow ")


def _after(name: bytes, prefix: bytes) -> str:
    return text_of(name.removeprefix(prefix))
