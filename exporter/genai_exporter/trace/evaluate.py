"""Evaluations that applications send along: scales, verdicts, and people's feedback among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from genai_exporter.dialects import vocabulary
from genai_exporter.records import Evaluation, Feedback, Resource
from genai_exporter.trace.context import Context
from genai_exporter.trace.span import RawEvaluation

#: Evaluation names that carry a person's verdict on an answer, not an evaluator's.
FEEDBACK_NAMES: Final = frozenset({"user_feedback", "user.feedback", "feedback", "user_satisfaction", "thumbs"})
REGENERATED_NAMES: Final = frozenset({"user_regenerated", "user.regenerated", "regenerated"})
_NEUTRAL: Final = 0.5


class EvaluationRule(msgspec.Struct, frozen=True):
    """The scale of an evaluator and the score from which it passes; ``pass_threshold`` is on the evaluator's scale."""

    min_score: float = 0.0
    max_score: float = 1.0
    pass_threshold: float | None = None


_DEFAULT: Final = EvaluationRule()


def rating_of(value: object) -> str:
    """``positive``, ``negative`` or ``""``: thumbs come as words, booleans and numbers on several scales."""
    if isinstance(value, bool):
        return "positive" if value else "negative"
    if isinstance(value, int | float):
        if value < 0:
            return "negative"
        return "positive" if value > _NEUTRAL else "negative" if value < _NEUTRAL else ""
    if isinstance(value, str):
        word = value.strip().lower()
        if word in vocabulary.POSITIVE:
            return "positive"
        if word in vocabulary.NEGATIVE:
            return "negative"
        try:
            return rating_of(float(word))
        except ValueError:
            return ""
    return ""


def _rating_on_scale(raw: RawEvaluation, rules: Mapping[str, EvaluationRule]) -> str:
    """A number of stars is worth what its scale says, where one is configured for it."""
    rule = rules.get(raw.name)
    if rule is None or raw.value is None or isinstance(raw.value, bool):
        return rating_of(raw.value)
    return rating_of((raw.value - rule.min_score) / (rule.max_score - rule.min_score))


def judge(raw: RawEvaluation, rules: Mapping[str, EvaluationRule]) -> tuple[float | None, str]:
    """Score from 0 to 1, and ``pass``, ``fail``, ``error`` or ``""`` when the evaluator leaves the verdict open.

    A score outside the evaluator's scale is an error of the evaluator: it is counted as one and never used.
    """
    rule = rules.get(raw.name, _DEFAULT)
    score: float | None = None
    result = ""
    if isinstance(raw.value, bool):
        score, result = float(raw.value), "pass" if raw.value else "fail"
    elif raw.value is not None:
        span = rule.max_score - rule.min_score
        score = (raw.value - rule.min_score) / span
        if not -1e-9 <= score <= 1 + 1e-9:
            return None, "error"
        score = min(max(score, 0.0), 1.0)
        if rule.pass_threshold is not None:
            result = "pass" if raw.value >= rule.pass_threshold else "fail"
    if raw.label:
        word = raw.label.strip().lower().replace(" ", "_")
        if word in vocabulary.PASS_LABELS:
            result = "pass"
        elif word in vocabulary.FAIL_LABELS:
            result = "fail"
        elif word == "error":
            result = "error"
    return score, result


class Judged(msgspec.Struct):
    """What the evaluations on one span amount to."""

    evaluations: list[Evaluation]
    feedback: list[Feedback]
    regenerations: int = 0


def sort_out(
    raw: list[RawEvaluation],
    rules: Mapping[str, EvaluationRule],
    resource: Resource,
    context: Context,
    trace_id: bytes,
    span_id: bytes,
) -> Judged:
    """Evaluations, feedback and regenerations among the raw evaluations of one span or log record."""
    judged = Judged([], [])
    where = {
        "service": resource.service,
        "environment": context.environment or resource.environment,
        "flow": context.flow_name(resource.flow),
        "segment": context.segment or resource.segment,
        "prompt_name": context.prompt_name or resource.prompt_name,
        "prompt_version": context.prompt_version or resource.prompt_version,
    }
    for one in raw:
        name = one.name.strip().lower()
        if name in REGENERATED_NAMES:
            judged.regenerations += one.value is not False and one.value != 0
        elif name in FEEDBACK_NAMES or one.human:
            rating = rating_of(one.label) or _rating_on_scale(one, rules)
            if rating:
                judged.feedback.append(Feedback(rating=rating, trace_id=trace_id, span_id=span_id, **where))
        else:
            score, result = judge(one, rules)
            judged.evaluations.append(
                Evaluation(
                    name=one.name, score=score, result=result, trace_id=trace_id, span_id=span_id,
                    response_id=one.response_id, **where,
                )
            )  # fmt: skip
    return judged
