"""What a span inherits from the spans above it: the flow it belongs to, the agent, the prompt, the person."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from genai_exporter.dialects import fields as f
from genai_exporter.trace.span import AGENT, CALL, KIND_SERVER, OTHER, WORKFLOW, Span


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


EMPTY: Final = Context()
_INHERITS_NOTHING: Final = [None] * (f.INHERITED.stop - f.INHERITED.start)
_NOTHING: Final = tuple(_INHERITS_NOTHING)


class Surroundings:
    """The contexts of the spans of one trace, worked out when they are asked for."""

    __slots__ = ("_known", "_spans")

    def __init__(self, spans: dict[bytes, Span]) -> None:
        self._spans = spans
        self._known: dict[bytes, Context] = {b"": EMPTY}

    def of(self, span: Span) -> Context:
        """What ``span`` inherits and says itself."""
        known = self._known
        found = known.get(span.span_id)
        if found is not None:
            return found
        above = known.get(span.parent_id)
        if above is None:
            above = self._climb(span)
            found = known.get(span.span_id)
            if found is not None:
                return found
        found = known[span.span_id] = _extend(above, span)
        return found

    def _climb(self, span: Span) -> Context:
        """The context of the parent, after those of all spans above it."""
        known, spans = self._known, self._spans
        path: list[Span] = []
        seen = {span.span_id}
        context = EMPTY
        above = spans.get(span.parent_id)
        while above is not None:
            found = known.get(above.span_id)
            if found is not None:
                context = found
                break
            if above.span_id in seen:
                self._cut_circle(above)
                return EMPTY if span.span_id in known else self._climb(span)
            seen.add(above.span_id)
            path.append(above)
            above = spans.get(above.parent_id)
        for one in reversed(path):
            context = known[one.span_id] = _extend(context, one)
        return context

    def _cut_circle(self, member: Span) -> None:
        """Spans that are above each other: the one with the smallest id is taken for the top, whoever asks first."""
        known, spans = self._known, self._spans
        circle = [member]
        while (above := spans[circle[-1].parent_id]) is not member:
            circle.append(above)
        top = min(range(len(circle)), key=lambda i: circle[i].span_id)
        context = EMPTY
        for one in reversed(circle[top + 1 :] + circle[: top + 1]):
            context = known[one.span_id] = _extend(context, one)


def _extend(above: Context, span: Span) -> Context:
    values: Any = span.values
    own = values[f.INHERITED]
    if own in (_INHERITS_NOTHING, _NOTHING) and span.role != AGENT and span.role != WORKFLOW:
        if not span.parent_id and span.role != CALL:
            return msgspec.structs.replace(above, root_name=text_of(span.name))
        return above
    role = span.role
    route = above.route
    # The outermost route is the endpoint; an HTTP client's or the provider's own path is not.
    if not route and values[f.ROUTE] is not None and (span.kind == KIND_SERVER or role == OTHER):
        route = values[f.ROUTE]
    workflow = above.workflow
    if not workflow:
        workflow = values[f.WORKFLOW] or (workflow_name(span) if role == WORKFLOW else "")
    return Context(
        values[f.FLOW] or above.flow,
        workflow,
        route,
        above.root_name if span.parent_id or role == CALL else text_of(span.name),
        agent_name(span) if role == AGENT else values[f.AGENT] or above.agent,
        values[f.PROMPT_NAME] or above.prompt_name,
        values[f.PROMPT_VERSION] or above.prompt_version,
        values[f.MODEL_VERSION] or above.model_version,
        values[f.SERVICE_VERSION] or above.service_version,
        values[f.ENVIRONMENT] or above.environment,
        values[f.SEGMENT] or above.segment,
        values[f.SESSION] or above.session,
        values[f.USER] or above.user,
        values[f.REGENERATED] or above.regenerated,
    )


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
