"""Log records that carry GenAI events: evaluations and feedback are counted, the rest is accepted and named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from genai_exporter.dialects import fields as f
from genai_exporter.events import DETAILS, EVALUATION
from genai_exporter.normalise import Normaliser
from genai_exporter.otlp import convert
from genai_exporter.otlp.convert import Unusable
from genai_exporter.otlp.values import Malformed, read, split
from genai_exporter.records import Feedback, Resource, Settled
from genai_exporter.trace.context import Context
from genai_exporter.trace.evaluate import EvaluationRule, rating_of, sort_out

_CONTENT: Final = (b"gen_ai.system.message", b"gen_ai.user.message", b"gen_ai.assistant.message",
                   b"gen_ai.tool.message", b"gen_ai.choice", b"gen_ai.content.")  # fmt: skip
_FEEDBACK: Final = (b"user.feedback", b"user_feedback", b"feedback")


class LogReader:
    """Reads log records one by one."""

    def __init__(self, normaliser: Normaliser, rules: Mapping[str, EvaluationRule]) -> None:
        self._normaliser = normaliser
        self._rules = rules
        self.regenerations = 0

    def read(self, record: Any, resource: Resource, settled: Settled) -> str:
        """Add what the record tells to ``settled``. Returns what kind of GenAI event it was, ``""`` for none."""
        name = record.event_name or self._named(record.attributes)
        if not name.startswith((b"gen_ai.", *_FEEDBACK)):
            return ""
        if name == DETAILS:
            return "inference_details"  # the span tells of the same call
        if name.startswith(_CONTENT):
            return "content"
        if name != EVALUATION and name not in _FEEDBACK:
            return "event"
        values, _ = self._normaliser.attributes(record.attributes)
        self._normaliser.close_group(values[f.RESPONSE_ID])
        raw = self._normaliser.take_evaluations()
        context = Context(
            prompt_name=values[f.PROMPT_NAME] or "",
            prompt_version=values[f.PROMPT_VERSION] or "",
            segment=values[f.SEGMENT] or "",
            flow=values[f.FLOW] or values[f.WORKFLOW] or "",
            environment=values[f.ENVIRONMENT] or "",
        )
        trace_id, span_id = bytes(record.trace_id), bytes(record.span_id)
        judged = sort_out(raw, self._rules, resource, context, trace_id, span_id)
        settled.evaluations.extend(judged.evaluations)
        settled.feedback.extend(judged.feedback)
        self.regenerations += judged.regenerations
        rating = rating_of(values[f.FEEDBACK])
        if rating:
            settled.feedback.append(
                Feedback(
                    rating=rating, service=resource.service, environment=context.environment or resource.environment,
                    flow=context.flow or resource.flow, segment=context.segment or resource.segment,
                    prompt_name=context.prompt_name or resource.prompt_name,
                    prompt_version=context.prompt_version or resource.prompt_version,
                    trace_id=trace_id, span_id=span_id,
                )
            )  # fmt: skip
        return "evaluation" if name == EVALUATION else "feedback"

    def _named(self, pairs: Any) -> bytes:
        """The event's name where older SDKs put it: in an attribute."""
        for pair in pairs:
            try:
                key, raw = split(pair)
                if key == b"event.name":
                    return (convert.text(read(raw)) or "").encode()
            except (Malformed, Unusable):
                self._normaliser.invalid["malformed"] += 1
        return b""
