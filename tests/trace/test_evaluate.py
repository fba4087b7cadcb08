"""Scores, verdicts, people's feedback and regenerations that come on spans (R35-R41)."""

from __future__ import annotations

import pytest

from genai_exporter.trace.context import EMPTY
from genai_exporter.trace.evaluate import EvaluationRule, judge, rating_of, sort_out
from genai_exporter.trace.span import RawEvaluation

from .build import Bench, Resource, S, Value, settled
from .test_assemble import CALL, ROOT

RULES = {
    "groundedness": EvaluationRule(pass_threshold=0.7),
    "tone": EvaluationRule(min_score=1, max_score=5, pass_threshold=4),
    "stars": EvaluationRule(min_score=1, max_score=5),
}


def evaluation(name: str, score: Value | None = None, label: str = "") -> dict[str, Value]:
    found: dict[str, Value] = {"gen_ai.evaluation.name": name}
    if score is not None:
        found["gen_ai.evaluation.score.value"] = score
    if label:
        found["gen_ai.evaluation.score.label"] = label
    return found


# -- one evaluation ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (RawEvaluation("groundedness", 0.7), (0.7, "pass")),  # R38: from the threshold on
        (RawEvaluation("groundedness", 0.69), (0.69, "fail")),
        (RawEvaluation("groundedness", 0.0), (0.0, "fail")),
        (RawEvaluation("tone", 1), (0.0, "fail")),  # R37: whatever the evaluator's scale, 0 to 1
        (RawEvaluation("tone", 4), (0.75, "pass")),
        (RawEvaluation("tone", 5), (1.0, "pass")),
        (RawEvaluation("tone", 0), (None, "error")),
        (RawEvaluation("tone", 6), (None, "error")),
        (RawEvaluation("unknown", 0.4), (0.4, "")),
        (RawEvaluation("unknown", 1.0000000001), (1.0, "")),
        (RawEvaluation("unknown", 85), (None, "error")),
        (RawEvaluation("unknown", -0.1), (None, "error")),
        (RawEvaluation("safety", True), (1.0, "pass")),
        (RawEvaluation("safety", False), (0.0, "fail")),
        (RawEvaluation("safety", label="unsafe"), (None, "fail")),
        (RawEvaluation("safety", label=" Not Hallucinated "), (None, "pass")),
        (RawEvaluation("safety", label="error"), (None, "error")),
        (RawEvaluation("safety", label="perhaps"), (None, "")),
        (RawEvaluation("groundedness", 0.9, "fail"), (0.9, "fail")),  # the evaluator's own verdict stands
        (RawEvaluation("tone", 9, "pass"), (None, "error")),  # and yet not on a scale it does not have
    ],
)
def test_a_score_and_a_verdict(raw: RawEvaluation, expected: tuple[float | None, str]) -> None:
    assert judge(raw, RULES) == expected


@pytest.mark.parametrize(
    ("value", "rating"),
    [
        (True, "positive"), (False, "negative"), (1, "positive"), (0, "negative"), (-1, "negative"), (0.5, ""),
        (0.9, "positive"), ("thumbs_up", "positive"), (" Thumbs_Down ", "negative"), ("👍", "positive"),
        ("👎", "negative"), ("1", "positive"), ("0", "negative"), ("-1", "negative"), ("well", ""), ("", ""),
        (None, ""), ("nan", ""),
    ],
)  # fmt: skip
def test_what_people_say_of_an_answer(value: object, rating: str) -> None:
    """R35: thumbs come as words, signs, booleans and numbers."""
    assert rating_of(value) == rating


@pytest.mark.parametrize(
    ("raw", "ratings"),
    [
        (RawEvaluation("user_feedback", 1.0), ["positive"]),
        (RawEvaluation("User.Feedback", label="thumbs_down"), ["negative"]),
        (RawEvaluation("helpful", 1.0, human=True), ["positive"]),
        (RawEvaluation("stars", 1, human=True), ["negative"]),  # one star of five
        (RawEvaluation("stars", 3, human=True), []),
        (RawEvaluation("stars", 5, human=True), ["positive"]),
    ],
)
def test_feedback_among_evaluations(raw: RawEvaluation, ratings: list[str]) -> None:
    judged = sort_out([raw], RULES, Resource(service="app"), EMPTY, bytes(16), bytes(8))
    assert [one.rating for one in judged.feedback] == ratings
    assert not judged.evaluations


# -- on spans ----------------------------------------------------------------------------------------------------


def test_evaluations_know_where_they_belong() -> None:
    """R40, R41: by service, flow, segment and prompt version, with the trace to look at."""
    root = ROOT.but(attrs={"gen_ai.workflow.name": "answer", "user.segment": "paid", "prompt.version": "v7",
                           "prompt.name": "rag"})  # fmt: skip
    bench = settled(
        root, CALL.but(attrs=evaluation("groundedness", 0.4)), S(3, 1, role="", attrs={"eval.safety_pass": True}),
        evaluations=RULES,
    )  # fmt: skip
    found = {one.name: one for one in bench.spy.evaluations}
    assert {name: (one.score, one.result) for name, one in found.items()} == {
        "groundedness": (0.4, "fail"),
        "safety": (1.0, "pass"),
    }
    for one in found.values():
        assert (one.service, one.flow, one.segment, one.prompt_name, one.prompt_version) == (
            "app", "answer", "paid", "rag", "v7",
        )  # fmt: skip
        assert one.trace_id == (1).to_bytes(16, "big")


def test_an_evaluation_off_its_scale_is_an_error_and_no_score() -> None:
    """R39: an evaluator that fails is counted as failing; no score is made up for it."""
    bench = settled(CALL.but(attrs=evaluation("tone", 85)), evaluations=RULES)
    [one] = bench.spy.evaluations
    assert (one.score, one.result) == (None, "error")


def test_an_evaluation_counts_once_however_often_its_trace_is_opened() -> None:
    bench = Bench().send(CALL.but(attrs=evaluation("groundedness", 1))).wait(11)
    for n in range(3, 8):
        bench.send(CALL, CALL.but(id=n, at=n * 300)).wait(11)
    bench.settle()
    assert len(bench.spy.evaluations) == 1


def test_feedback_on_a_span() -> None:
    bench = settled(ROOT.but(attrs={"user.feedback": "thumbs_down", "user.segment": "paid"}), CALL)
    [one] = bench.spy.feedback
    assert (one.rating, one.segment, one.service) == ("negative", "paid", "app")


# -- regenerations -----------------------------------------------------------------------------------------------

AGAIN: dict[str, Value] = {"user.regenerated": True}


@pytest.mark.parametrize(
    "spans",
    [
        [ROOT.but(attrs=AGAIN), CALL],
        [ROOT, CALL.but(attrs=AGAIN)],
        [ROOT.but(attrs=AGAIN), CALL.but(attrs=AGAIN)],
        [ROOT.but(attrs=AGAIN), CALL, CALL.but(id=3, at=300)],
        [ROOT.but(attrs=AGAIN, role=""), CALL, CALL.but(id=3, at=300, attrs=evaluation("user_regenerated", 1.0))],
        [ROOT, CALL.but(attrs=evaluation("regenerated", 1.0)), S(4, 1, role="", attrs=evaluation("regenerated", 1.0))],
        [ROOT.but(attrs=AGAIN), CALL.but(scope="framework"), CALL.but(id=3, parent=0, trace=2, attrs=AGAIN)],
    ],
)
def test_a_request_that_was_asked_again_is_one_regeneration(spans: list[S]) -> None:
    """R36: a flag on the root, on each call and from an evaluator is one repeated request; one call has its labels."""
    for order in (range(len(spans)), reversed(range(len(spans)))):
        bench = settled(*spans, order=list(order))
        assert bench.spy.regenerations == 1
        assert [call.regenerated for call in bench.calls].count(True) == 1


@pytest.mark.parametrize("spans", [[ROOT, CALL], [ROOT, CALL.but(attrs=evaluation("user_regenerated", 0.0))],
                                   [ROOT.but(attrs={"user.regenerated": False}), CALL]])  # fmt: skip
def test_an_answer_that_was_good_enough(spans: list[S]) -> None:
    bench = settled(*spans)
    assert bench.spy.regenerations == 0
    assert not any(call.regenerated for call in bench.calls)


def test_a_trace_in_parts_was_asked_again_once() -> None:
    bench = Bench().send(ROOT.but(attrs=AGAIN), CALL).wait(11)
    for n in range(3, 6):
        bench.send(CALL.but(id=n, at=n * 300)).wait(11)
    bench.settle()
    assert bench.spy.regenerations == 1
    assert [call.regenerated for call in bench.calls] == [True, False, False, False]


def test_a_flag_that_comes_after_the_calls_were_counted() -> None:
    bench = Bench().send(CALL).wait(11).send(ROOT.but(attrs=AGAIN)).settle()
    assert bench.spy.regenerations == 1


def test_two_requests_that_were_asked_again() -> None:
    bench = Bench()
    bench.send(*(span.but(trace=n) for n in (1, 2, 3) for span in (ROOT.but(attrs=AGAIN if n < 3 else {}), CALL)))
    assert bench.settle().spy.regenerations == 2
