"""Records agent runs, tool executions, workflows and retrievals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from genai_exporter import catalogue
from genai_exporter.records import Role, Step

from .family import HistogramFamily
from .model import Label, Metric
from .picker import picker
from .store import Store

STEP_FIELDS = {
    "gen_ai_prompt_name": "prompt_name",
    "gen_ai_prompt_version": "prompt_version",
    "service_name": "service",
    "service_version": "service_version",
    "deployment_environment_name": "environment",
    "llm_flow": "flow",
    "llm_user_segment": "segment",
}
"""Which field of a step, an evaluation, a verdict or a resource fills a label."""


def shared_fields(metric: Metric, own: Sequence[Label], dimensions: Sequence[str]) -> list[str]:
    """The fields that fill the labels of ``metric`` after its ``own`` ones, in the order of its labels."""
    names = {label.name for label in own}
    return [STEP_FIELDS[name] for name in metric.chosen(dimensions) if name not in names]


class StepRecorder:
    """The duration of every step, by its role."""

    def __init__(self, store: Store, dimensions: Sequence[str]) -> None:
        own = {
            Role.AGENT: (catalogue.AGENT_DURATION, (catalogue.AGENT_NAME,), _agent),
            Role.TOOL: (catalogue.TOOL_DURATION, (catalogue.TOOL_NAME, catalogue.AGENT_NAME), _tool),
            Role.WORKFLOW: (catalogue.WORKFLOW_DURATION, (catalogue.FLOW,), _workflow),
            Role.RETRIEVAL: (catalogue.RETRIEVAL_DURATION, (), _nothing),
        }
        self._roles: dict[int, tuple[HistogramFamily, Callable[[Step], tuple[str, ...]], _Pick]] = {}
        for role, (metric, labels, first) in own.items():
            family = store.histogram(metric, metric.chosen(dimensions))
            rest = picker(shared_fields(metric, (catalogue.ERROR_TYPE, *labels), dimensions))
            self._roles[role] = (family, first, rest)

    def record(self, step: Step, now: float) -> None:
        """Record ``step``. Raises KeyError for a role that is no step."""
        family, first, rest = self._roles[step.role]
        child = family.child((step.error_type, *first(step), *rest(step)), now)
        child.observe(step.duration_s, (step.trace_id, step.span_id, now))


_Pick = Callable[[object], tuple[str, ...]]


def _agent(step: Step) -> tuple[str, ...]:
    return (step.name or step.agent,)


def _tool(step: Step) -> tuple[str, ...]:
    return (step.name, step.agent)


def _workflow(step: Step) -> tuple[str, ...]:
    return (step.flow or step.name,)


def _nothing(step: Step) -> tuple[str, ...]:
    return ()
