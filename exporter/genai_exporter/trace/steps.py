"""Agent runs, tool executions, retrievals and workflows of one trace, each counted once."""

from __future__ import annotations

from typing import Final

from genai_exporter.dialects.vercel import PIPELINE
from genai_exporter.records import Step
from genai_exporter.trace import match
from genai_exporter.trace.context import Context, agent_name, text_of, tool_name, workflow_name
from genai_exporter.trace.facts import failure
from genai_exporter.trace.span import AGENT, CALL, OTHER, RETRIEVAL, TOOL, WORKFLOW, Span

_TIMED: Final = frozenset({AGENT, TOOL, WORKFLOW, RETRIEVAL})
_MAX_DEPTH: Final = 256


class Steps:
    """The timed spans of one trace: ``kept`` are runs of their own, ``dropped`` tell of a run that is kept."""

    def __init__(self) -> None:
        self.kept: list[tuple[Span, int, str]] = []  # span, role, name
        self.dropped: set[bytes] = set()


def find_steps(spans: dict[bytes, Span]) -> Steps:
    """Sort out the timed spans of one trace."""
    result = Steps()
    timed = [span for span in spans.values() if span.role in _TIMED]
    timed.sort(key=lambda span: (span.start_ns, -span.end_ns, span.span_id))
    agents_with_tools = {owner.span_id for span in timed if span.role == TOOL and (owner := _above(span, spans, AGENT))}
    workflows: list[Span] = []
    for span in timed:
        role = span.role
        if role == WORKFLOW:
            if _above(span, spans, WORKFLOW) is None:
                workflows.append(span)
            else:
                result.dropped.add(span.span_id)
            continue
        if role == AGENT and span.operation == PIPELINE and span.span_id not in agents_with_tools:
            continue
        name = _NAMES[role](span)
        if _repeats(span, name, spans) or _has_twin(span, name, result):
            result.dropped.add(span.span_id)
        else:
            result.kept.append((span, role, name))
    if not workflows:
        workflows = [span for span in spans.values() if _is_pipeline(span, spans)]
    result.kept.extend((span, WORKFLOW, workflow_name(span)) for span in workflows)
    return result


def _retrieval_name(span: Span) -> str:
    return text_of(span.name)


_NAMES: Final = {AGENT: agent_name, TOOL: tool_name, RETRIEVAL: _retrieval_name}


def _is_pipeline(span: Span, spans: dict[bytes, Span]) -> bool:
    """A root with GenAI work below it: one request from end to end (R26)."""
    if span.parent_id or span.role in (CALL, TOOL, RETRIEVAL):
        return False
    return any(other.role != OTHER and other is not span for other in spans.values())


def _above(span: Span, spans: dict[bytes, Span], role: int) -> Span | None:
    """The nearest span above that has a role."""
    above = spans.get(span.parent_id)
    for _ in range(_MAX_DEPTH):
        if above is None or above is span:
            return None
        if above.role == role:
            return above
        above = spans.get(above.parent_id)
    return None


def _repeats(span: Span, name: str, spans: dict[bytes, Span]) -> bool:
    """A span of the same kind and name right above tells of the same run: two layers of one instrumentation."""
    above = spans.get(span.parent_id)
    for _ in range(_MAX_DEPTH):
        if above is None or above is span:
            return False
        if above.role == span.role:
            return span.role == RETRIEVAL or _plain(_NAMES[above.role](above)) == _plain(name)
        if above.role in _TIMED or above.role == CALL:
            return False
        above = spans.get(above.parent_id)
    return False


def _plain(name: str) -> str:
    """OpenLLMetry's span around a run bears the run's name and what it is."""
    return name.removesuffix(".workflow").removesuffix(".agent")


def _has_twin(span: Span, name: str, found: Steps) -> bool:
    """Another instrumentation tells of the same run: same kind and name, one inside the other."""
    return any(
        role == span.role
        and other.scope.number != span.scope.number
        and other_name == name
        and match.contained(span, other)
        for other, role, other_name in found.kept
    )


def build_step(span: Span, role: int, name: str, context: Context) -> Step:
    resource = span.resource
    return Step(
        role,
        name,
        span.trace_id,
        span.span_id,
        span.start_ns,
        (span.end_ns - span.start_ns) / 1e9,
        failure(span),
        resource.service,
        context.service_version or resource.service_version,
        context.environment or resource.environment,
        context.flow_name(resource.flow) or (name if role == WORKFLOW else ""),
        context.segment or resource.segment,
        name if role == AGENT else context.agent,
        context.prompt_name or resource.prompt_name,
        context.prompt_version or resource.prompt_version,
    )
