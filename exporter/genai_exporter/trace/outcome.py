"""What settled traces amount to, and the account of every span."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from genai_exporter.dialects import fields as f
from genai_exporter.records import Settled
from genai_exporter.trace.span import AGENT, CALL, OTHER, RETRIEVAL, STEP, TOOL, WORKFLOW
from genai_exporter.trace.trace import Trace

#: How a span that stands for itself is accounted for, by its role.
_RECORDED: Final = {
    OTHER: ("not_genai", ""),
    STEP: ("recorded", "structure"),
    CALL: ("recorded", "call"),
    AGENT: ("recorded", "agent"),
    TOOL: ("recorded", "tool"),
    WORKFLOW: ("recorded", "workflow"),
    RETRIEVAL: ("recorded", "retrieval"),
}


class Outcome(msgspec.Struct):
    """What a batch of traces amounts to: ``settled`` for the recorder, ``accounts`` of spans by (result, reason).

    ``ambiguous`` counts what no evidence on the wire could settle, by reason; ``missing_versions`` traces without one
    of the three version ids (R103). ``regenerations`` are requests that were answered again, also those that a call in
    ``settled`` says so of. ``lag_s`` is how long after it was due the last trace was settled.
    """

    settled: Settled = msgspec.field(default_factory=lambda: Settled([], [], [], []))
    accounts: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    ambiguous: Counter[str] = msgspec.field(default_factory=Counter)
    missing_versions: Counter[str] = msgspec.field(default_factory=Counter)
    regenerations: int = 0
    lag_s: float | None = None


def give_up(traces: Iterable[Trace], outcome: Outcome) -> None:
    """Account for the spans of traces that could not be settled."""
    for trace in traces:
        outcome.accounts["dropped", "fault"] += len(trace.spans) - trace.reported
        trace.reported = len(trace.spans)


def account(trace: Trace, dropped: set[bytes], reasons: dict[bytes, str], accounts: Counter[tuple[str, str]]) -> None:
    """Every span gets exactly one result, when it is first settled."""
    spans = list(trace.spans.values())
    if trace.reported:
        spans = spans[trace.reported :]
    trace.reported = len(trace.spans)
    if not reasons and not dropped:
        for span in spans:
            accounts[_RECORDED[span.role]] += 1
        return
    for span in spans:
        reason = reasons.get(span.key)
        if span.role != OTHER and (reason is not None or span.span_id in dropped):
            accounts["duplicate", reason or "nested"] += 1
        else:
            accounts[_RECORDED[span.role]] += 1


def note_versions(trace: Trace, outcome: Outcome) -> None:
    """R103: every trace should name its prompt, model and application version."""
    prompt = service = model = False
    for span in trace.spans.values():
        resource, values = span.resource, span.values
        prompt = prompt or bool(resource.prompt_version or values[f.PROMPT_VERSION])
        service = service or bool(resource.service_version or values[f.SERVICE_VERSION])
        model = model or bool(
            resource.model_version or values[f.RESPONSE_MODEL] or values[f.MODEL] or values[f.MODEL_VERSION]
        )
        if prompt and service and model:
            return
    for name, found in (("prompt_version", prompt), ("service_version", service), ("model_version", model)):
        if not found:
            outcome.missing_versions[name] += 1
