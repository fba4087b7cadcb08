"""Log records: evaluations and feedback are counted, what repeats a span is not (R35, R38-R41)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from otlp_samples import NOW, Collector, any_value, logs_request, new_pipeline, pairs, request, span

from genai_exporter.errors import Unreadable
from genai_exporter.pipeline import Pipeline
from genai_exporter.trace.evaluate import EvaluationRule

CAPTURES = Path(__file__).parents[1] / "corpus" / "captures"
EVALUATION = "gen_ai.evaluation.result"
TRACE = b"trace-id-16bytes"
SPAN = b"span-id8"


def record(event: str, attributes: dict[str, Any], **members: Any) -> LogRecord:
    given: dict[str, Any] = {"event_name": event, "trace_id": TRACE, "span_id": SPAN}
    return LogRecord(**{**given, **members}, attributes=pairs(attributes))


def take(*records: LogRecord, resource: dict[str, Any] | None = None, **settings: Any) -> tuple[Collector, Pipeline]:
    pipeline, collector = new_pipeline(**settings)
    receipt = pipeline.logs(logs_request(*records, resource=resource).SerializeToString(), "protobuf", NOW)
    assert (receipt.accepted, receipt.rejected, receipt.reason) == (len(records), 0, "")
    assert sum(pipeline.stats.log_records.values()) == len(records)
    return collector, pipeline


def named(name: str, **attributes: Any) -> dict[str, Any]:
    return {"gen_ai.evaluation.name": name} | {
        f"gen_ai.evaluation.score.{key}": value for key, value in attributes.items()
    }


# -- evaluations ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("older", [False, True])
def test_an_evaluation_event_is_counted_under_either_name(older: bool) -> None:
    """``event_name`` is the newer place of an event's name, the attribute ``event.name`` the older one."""
    attributes = named("relevance", value=0.75)
    one = record("", attributes | {"event.name": EVALUATION}) if older else record(EVALUATION, attributes)
    collector, pipeline = take(one)
    (found,) = collector.evaluations
    assert (found.name, found.score, found.result) == ("relevance", 0.75, "")
    assert (found.trace_id, found.span_id) == (TRACE, SPAN)
    assert pipeline.stats.log_records == {("recorded", "evaluation"): 1}
    assert collector.calls == collector.steps == []


@pytest.mark.parametrize("verdict", ["fail", "Failed", "unsafe", "violation", False])
def test_a_failed_safety_check_is_a_failure(verdict: Any) -> None:
    """R41: every failure pages, so none may be lost to its spelling."""
    told = {"eval.safety_pass": verdict} if verdict is False else named("safety", label=verdict)
    collector, pipeline = take(record(EVALUATION, told))
    assert [(one.name, one.result) for one in collector.evaluations] == [("safety", "fail")]
    assert not pipeline.stats.invalid_attributes


def test_scores_are_put_on_one_scale_and_judged_by_the_rule() -> None:
    rules = {"tone": EvaluationRule(min_score=1, max_score=5, pass_threshold=4)}
    scored = [record(EVALUATION, named("tone", value=value)) for value in (1, 3.0, 4, 5)]
    collector, _ = take(*scored, evaluations=rules)
    assert [one.score for one in collector.evaluations] == [0.0, 0.5, 0.75, 1.0]
    assert [one.result for one in collector.evaluations] == ["fail", "fail", "pass", "pass"]


@pytest.mark.parametrize("score", [7, -1, 1e300])
def test_a_score_off_the_scale_is_an_error_of_the_evaluator(score: float) -> None:
    collector, _ = take(record(EVALUATION, named("quality", value=score)))
    assert [(one.score, one.result) for one in collector.evaluations] == [(None, "error")]


@pytest.mark.parametrize("score", [math.nan, math.inf, "high", ["0.5"], b"1"])
def test_a_score_that_is_none_is_counted_and_never_recorded(score: Any) -> None:
    collector, pipeline = take(record(EVALUATION, named("quality", value=score)))
    assert all(one.score is None and one.result == "" for one in collector.evaluations)
    assert sum(pipeline.stats.invalid_attributes.values()) == 1


def test_an_evaluation_without_a_name_is_counted_as_invalid() -> None:
    collector, pipeline = take(record(EVALUATION, {"gen_ai.evaluation.score.value": 0.5}))
    assert collector.evaluations == []
    assert pipeline.stats.invalid_attributes == {"no_name": 1}


def test_records_do_not_run_into_each_other() -> None:
    """The name of one must not meet the score of the next."""
    collector, _ = take(
        record(EVALUATION, named("relevance")),
        record(EVALUATION, {"gen_ai.evaluation.score.value": 0.1}),
        record(EVALUATION, named("safety", label="pass")),
        record("user.feedback", {"user.feedback": "thumbs_up"}),
    )
    assert [(one.name, one.score, one.result) for one in collector.evaluations] == [
        ("relevance", None, ""), ("safety", None, "pass"),
    ]  # fmt: skip
    assert [one.rating for one in collector.feedback] == ["positive"]


def test_labels_come_from_the_record_and_else_from_the_resource() -> None:
    resource = {
        "service.name": "support-bot", "deployment.environment.name": "prod", "app.prompt_template_version": "v1",
    }  # fmt: skip
    told = {
        "user.segment": "premium", "gen_ai.workflow.name": "answer", "gen_ai.prompt.name": "greeting",
        "gen_ai.prompt.version": "v2", "gen_ai.response.id": "chatcmpl-1",
    }  # fmt: skip
    collector, _ = take(
        record(EVALUATION, named("quality", value=1) | told), record(EVALUATION, named("quality", value=1)),
        resource=resource,
    )  # fmt: skip
    rich, poor = collector.evaluations
    assert (rich.service, rich.environment) == (poor.service, poor.environment) == ("support-bot", "prod")
    assert (rich.segment, rich.flow, rich.prompt_name, rich.prompt_version) == ("premium", "answer", "greeting", "v2")
    assert (poor.segment, poor.flow, poor.prompt_name, poor.prompt_version) == ("", "", "", "v1")
    assert (rich.response_id, poor.response_id) == ("chatcmpl-1", None)


# -- feedback ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "rating"),
    [
        ("thumbs_up", "positive"), ("positive", "positive"), (True, "positive"), (1, "positive"), ("👍", "positive"),
        ("thumbs_down", "negative"), ("Negative", "negative"), (False, "negative"), (0, "negative"), (-1, "negative"),
        ("👎", "negative"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("event", ["user.feedback", "user_feedback", "feedback"])
def test_a_persons_verdict_is_counted(event: str, value: Any, rating: str) -> None:
    """R35: explicit thumbs up and down."""
    collector, pipeline = take(record(event, {"user.feedback": value}))
    assert [one.rating for one in collector.feedback] == [rating]
    assert (collector.feedback[0].trace_id, collector.feedback[0].span_id) == (TRACE, SPAN)
    assert pipeline.stats.log_records == {("recorded", "feedback"): 1}


@pytest.mark.parametrize("label", ["thumbs_down", "negative"])
def test_feedback_sent_as_an_evaluation_is_feedback(label: str) -> None:
    collector, _ = take(record(EVALUATION, named("user_feedback", label=label)))
    assert [one.rating for one in collector.feedback] == ["negative"]
    assert collector.evaluations == []


@pytest.mark.parametrize("value", ["", "meh", 0.5, math.nan, None])
def test_a_verdict_that_is_none_is_no_feedback(value: Any) -> None:
    collector, _ = take(record("user.feedback", {"user.feedback": value}))
    assert collector.feedback == []


def test_a_regeneration_is_counted() -> None:
    """R36, sent as an evaluation of the answer."""
    collector, _ = take(record(EVALUATION, named("user_regenerated", value=1)))
    assert collector.regenerations == 1
    assert collector.evaluations == []


# -- what is not counted ----------------------------------------------------------------------------------------------

USAGE = {"gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 30, "gen_ai.request.model": "gpt-4o"}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("gen_ai.client.inference.operation.details", "inference_details"), ("gen_ai.user.message", "content"),
        ("gen_ai.choice", "content"), ("gen_ai.content.prompt", "content"), ("gen_ai.tool.message", "content"),
        ("gen_ai.something.new", "event"),
    ],
)  # fmt: skip
def test_what_the_span_tells_as_well_is_no_second_call(event: str, reason: str) -> None:
    pipeline, collector = new_pipeline()
    pipeline.traces(request(span()).SerializeToString(), "protobuf", NOW)
    pipeline.logs(logs_request(record(event, USAGE)).SerializeToString(), "protobuf", NOW)
    pipeline.drain(NOW)
    assert [(call.input_tokens, call.output_tokens) for call in collector.calls] == [(120, 30)]
    assert pipeline.stats.log_records == {("recorded", reason): 1}
    assert pipeline.stats.balance() == 0


@pytest.mark.parametrize("event", ["", "http.request", "exception", "claude_code.user_prompt", "GEN_AI.CHOICE"])
def test_other_logs_are_ignored_and_counted(event: str) -> None:
    collector, pipeline = take(record(event, USAGE | named("quality", value=1)))
    assert collector.everything() == Collector().everything()
    assert collector.seen == []
    assert pipeline.stats.log_records == {("ignored", ""): 1}


def test_only_services_with_evaluations_are_presented() -> None:
    message = logs_request(record(EVALUATION, named("quality", value=1)), resource={"service.name": "judged"})
    message.resource_logs.extend(
        logs_request(record("http.request", {}), resource={"service.name": "chatty"}).resource_logs
    )
    pipeline, collector = new_pipeline()
    pipeline.logs(message.SerializeToString(), "protobuf", NOW)
    assert {resource.service for resource in collector.seen} == {"judged"}


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"\xff", b"\x0a", b"\x0a\x05abc", b"garbage"])
def test_what_is_no_request_is_unreadable(body: bytes) -> None:
    pipeline, _ = new_pipeline()
    with pytest.raises(Unreadable):
        pipeline.logs(body, "protobuf", NOW)
    assert not pipeline.stats.log_records


@pytest.mark.parametrize("value", [5, ["a", "b"], {"a": 1}, b"x", None])
def test_an_event_name_of_a_wrong_type_is_no_event(value: Any) -> None:
    _, pipeline = take(record("", {"event.name": value}))
    assert pipeline.stats.log_records == {("ignored", ""): 1}


def test_a_hostile_record_costs_itself() -> None:
    giant = {f"key.{number}": "x" * 100 for number in range(20_000)} | {"user.segment": "y" * 1_000_000}
    collector, pipeline = take(
        record("gen_ai.evaluation.result", giant | named("n" * 1_000_000, value=1)),
        record("x" * 1_000_000, {}),
        record(EVALUATION, named("quality", value=1), trace_id=b"", span_id=b"short", body=any_value("z" * 1_000_000)),
    )
    assert [len(one.name) for one in collector.evaluations] == [1024, 7]
    assert len(collector.evaluations[0].segment) == 1024
    assert pipeline.stats.log_records == {("recorded", "evaluation"): 2, ("ignored", ""): 1}


def test_invalid_utf8_costs_characters_only() -> None:
    message = logs_request(record(EVALUATION, named("?????", label="pass"), body=any_value("?????")))
    pipeline, collector = new_pipeline()
    pipeline.logs(message.SerializeToString().replace(b"?????", b"\xff\xc3(\xed\xa0"), "protobuf", NOW)
    assert [one.result for one in collector.evaluations] == ["pass"]
    collector.evaluations[0].name.encode()


# -- captures ---------------------------------------------------------------------------------------------------------


def test_captured_logs_count_what_the_applications_judged_and_no_calls() -> None:
    pipeline, collector = new_pipeline()
    bodies = [path.read_bytes() for path in sorted(CAPTURES.rglob("*.logs.*.pb"))]
    total = 0
    for body in bodies:
        receipt = pipeline.logs(body, "protobuf", NOW)
        assert receipt.rejected == 0
        total += receipt.accepted
    expected = sum(
        len(part.log_records)
        for body in bodies
        for group in ExportLogsServiceRequest.FromString(body).resource_logs
        for part in group.scope_logs
    )
    assert total == expected == sum(pipeline.stats.log_records.values())
    assert collector.calls == collector.steps == []
    assert {(one.name, one.score) for one in collector.evaluations} == {("category", None), ("quality", 0.85)}
    assert [one.rating for one in collector.feedback] == ["positive"]
    assert not pipeline.stats.invalid_attributes
    assert {result for result, _ in pipeline.stats.log_records} == {"recorded"}


def test_captured_logs_beside_their_spans_do_not_change_the_calls() -> None:
    manifest = [json.loads(line) for line in (CAPTURES / "manifest.jsonl").read_text().splitlines()]
    with_logs = [case for case in manifest if any(file["signal"] == "logs" for file in case["files"])]
    assert len(with_logs) >= 20
    for case in with_logs:
        told = []
        for signals in ({"traces"}, {"traces", "logs"}):
            pipeline, collector = new_pipeline()
            for file in case["files"]:
                if file["signal"] in signals:
                    getattr(pipeline, file["signal"])((CAPTURES / file["file"]).read_bytes(), "protobuf", NOW)
            pipeline.drain(NOW)
            told.append((sorted(map(repr, collector.calls)), sorted(map(repr, collector.steps))))
        assert told[0] == told[1], case["case"]
