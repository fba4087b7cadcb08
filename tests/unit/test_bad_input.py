"""Damaged, hostile and merely odd telemetry: never a crash, never a wrong number silently, always a counter."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from otlp_samples import (
    CALL,
    NOW,
    SECOND,
    START,
    any_value,
    new_pipeline,
    request,
    settle,
    settle_spans,
    span,
)

from genai_exporter.errors import Unreadable
from genai_exporter.records import Role

DAY = 86_400 * SECOND
ID = "chatcmpl-0123456789abcdef"


# -- token counts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (-1, "negative"), ("-1", "negative"), (-(2**63), "negative"), (math.nan, "not_a_number"),
        (math.inf, "not_a_number"), ("many", "not_a_number"), ("NaN", "not_a_number"), (1.5, "not_a_number"),
        (2**63 - 1, "too_large"), (float(2**63), "too_large"), ("9223372036854775808", "too_large"),
        (1e300, "too_large"), (True, "wrong_type"), ([120], "wrong_type"), ({"n": 1}, "wrong_type"),
        (b"120", "wrong_type"), ("9" * 100_000, "not_a_number"),
    ],
)  # fmt: skip
def test_a_wrong_token_count_is_left_out_and_counted(value: Any, reason: str) -> None:
    collector, pipeline = settle_spans(span(attributes=CALL | {"gen_ai.usage.input_tokens": value}))
    (call,) = collector.calls
    assert call.input_tokens is None
    assert call.output_tokens == 30
    assert pipeline.stats.invalid_attributes == {reason: 1}


@pytest.mark.parametrize("value", ["120", " 120 ", '"120"', 120.0, "120.0"])
def test_a_token_count_of_another_type_is_read(value: Any) -> None:
    collector, pipeline = settle_spans(span(attributes=CALL | {"gen_ai.usage.input_tokens": value}))
    assert [call.input_tokens for call in collector.calls] == [120]
    assert not pipeline.stats.invalid_attributes


def test_no_value_is_not_reported_and_no_fault() -> None:
    collector, pipeline = settle_spans(span(attributes=CALL | dict.fromkeys(CALL, None) | {"gen_ai.system": "openai"}))
    assert not pipeline.stats.invalid_attributes
    assert not collector.calls
    collector, pipeline = settle_spans(span(attributes=CALL | {"gen_ai.usage.input_tokens": None}))
    assert [(call.input_tokens, call.output_tokens) for call in collector.calls] == [(None, 30)]


def test_a_wrong_count_does_not_hide_a_right_one_in_another_dialect() -> None:
    told = CALL | {"gen_ai.usage.input_tokens": "broken", "llm.token_count.prompt": 120}
    collector, pipeline = settle_spans(span(attributes=told))
    assert [call.input_tokens for call in collector.calls] == [120]
    assert pipeline.stats.invalid_attributes == {"not_a_number": 1}


def test_one_span_that_speaks_five_dialects_is_one_call() -> None:
    usage = json.dumps({"input": 120, "output": 30, "total": 150})
    told = CALL | {
        "gen_ai.system": "openai", "gen_ai.usage.prompt_tokens": 120, "gen_ai.usage.completion_tokens": 30,
        "llm.usage.total_tokens": 150, "llm.token_count.prompt": 120, "llm.token_count.completion": 30,
        "openinference.span.kind": "LLM", "llm.request.type": "chat", "ai.usage.promptTokens": 120,
        "langfuse.observation.type": "generation", "langfuse.observation.usage_details": usage,
        "ai.usage.completionTokens": 30, "traceloop.span.kind": "unknown", "langsmith.span.kind": "llm",
    }  # fmt: skip
    for order in (told, dict(reversed(told.items()))):
        collector, pipeline = settle_spans(span(attributes=order))
        assert [(call.input_tokens, call.output_tokens) for call in collector.calls] == [(120, 30)]
        assert not pipeline.stats.invalid_attributes


def test_a_dialect_that_nobody_knows_is_not_genai() -> None:
    told = {"acme.ai.model": "gpt-4o", "acme.ai.tokens.in": 120, "acme.ai.tokens.out": 30}
    collector, pipeline = settle_spans(span(attributes=told))
    assert collector.everything() == ([], [], [], [], 0)
    assert pipeline.stats.spans == {("not_genai", ""): 1}


# -- identity and time ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"trace_id": b""}, "bad_trace_id"), ({"trace_id": bytes(16)}, "bad_trace_id"),
        ({"trace_id": b"t" * 15}, "bad_trace_id"), ({"trace_id": b"t" * 17}, "bad_trace_id"),
        ({"span_id": b""}, "bad_span_id"), ({"span_id": bytes(8)}, "bad_span_id"),
        ({"span_id": b"s" * 7}, "bad_span_id"), ({"span_id": b"s" * 4000}, "bad_span_id"),
        ({"start_time_unix_nano": 0}, "no_time"),
    ],
)  # fmt: skip
def test_a_span_without_identity_or_time_is_refused_alone(members: dict[str, Any], reason: str) -> None:
    pipeline, collector = new_pipeline()
    receipt = pipeline.traces(request(span(1), span(2, **members)).SerializeToString(), "protobuf", NOW)
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert receipt.reason.startswith("1 spans: ")
    pipeline.drain(NOW)
    assert pipeline.stats.spans == {("recorded", "call"): 1, ("invalid", reason): 1}
    assert pipeline.stats.balance() == 0
    assert len(collector.calls) == 1


@pytest.mark.parametrize("parent", [b"p", b"p" * 7, b"p" * 9, bytes(8)])
def test_a_bad_parent_id_makes_a_root(parent: bytes) -> None:
    collector, _ = settle_spans(span(parent_span_id=parent))
    assert len(collector.calls) == 1


def test_spans_that_are_their_own_ancestors_end() -> None:
    """A span that is its own parent, and two that are each other's."""
    alone = span(1, parent_span_id=(1).to_bytes(8, "big"))
    trace = (9).to_bytes(16, "big")
    a = span(2, trace_id=trace, parent_span_id=(3).to_bytes(8, "big"))
    b = span(3, {"openinference.span.kind": "AGENT"}, trace_id=trace, parent_span_id=(2).to_bytes(8, "big"))
    collector, _ = settle_spans(alone, a, b)
    assert sum(call.input_tokens or 0 for call in collector.calls) == 240


def test_the_same_span_twice_is_one_call() -> None:
    body = request(span()).SerializeToString()
    collector, pipeline = settle(body, body, request(span(), span()).SerializeToString())
    assert len(collector.calls) == 1
    assert pipeline.stats.spans == {("recorded", "call"): 1, ("duplicate", "resent"): 3}


def test_two_spans_under_one_id_are_counted_as_one_and_told() -> None:
    other = span(1, CALL | {"gen_ai.request.model": "gpt-4o-mini"}, start_time_unix_nano=START + 2 * SECOND)
    collector, pipeline = settle_spans(span(1), other)
    assert len(collector.calls) == 1
    assert pipeline.stats.spans["duplicate", "resent"] == 1


@pytest.mark.parametrize(("start", "end"), [(1, 1), (1, SECOND), (2**63, 2**63), (2**64 - 2, 2**64 - 1)])
def test_copies_of_a_span_that_lie_years_apart_are_no_call_of_years(start: int, end: int) -> None:
    bodies = [request(span(1)), request(span(1, start_time_unix_nano=start, end_time_unix_nano=end))]
    for order in (bodies, bodies[::-1]):
        collector, _ = settle(*(body.SerializeToString() for body in order))
        assert [call.input_tokens for call in collector.calls] == [120]
        assert collector.calls[0].duration_s <= 1.0


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        (START, START - SECOND, "end_before_start"), (START, 0, "end_before_start"), (START, 1, "end_before_start"),
        (1, START, "too_long"), (START, 2**64 - 1, "too_long"), (2**64 - 1, START, "end_before_start"),
    ],
)  # fmt: skip
def test_impossible_times_cost_the_duration_and_nothing_else(start: int, end: int, reason: str) -> None:
    collector, pipeline = settle_spans(span(start_time_unix_nano=start, end_time_unix_nano=end))
    (call,) = collector.calls
    assert (call.duration_s, call.input_tokens) == (0.0, 120)
    assert pipeline.stats.invalid_attributes == {reason: 1}


@pytest.mark.parametrize("skew", [-DAY, DAY])
def test_a_clock_that_is_a_day_off_changes_no_figure(skew: int) -> None:
    told = CALL | {"gen_ai.response.time_to_first_chunk": 0.25, "gen_ai.request.stream": True}
    times = {"start_time_unix_nano": START + skew, "end_time_unix_nano": START + skew + SECOND}
    collector, pipeline = settle_spans(span(attributes=told, **times))
    (call,) = collector.calls
    assert (call.duration_s, call.ttft_s, call.input_tokens) == (1.0, 0.25, 120)
    assert pipeline.stats.settle_lag_s >= 0


@pytest.mark.parametrize("skew", [-DAY, DAY])
def test_a_first_token_by_another_clock_is_no_time_to_first_token(skew: int) -> None:
    """It must not stretch the call to a day either."""
    event = Span.Event(time_unix_nano=START + skew, name="gen_ai.content.completion.chunk")
    collector, pipeline = settle_spans(span(events=[event]))
    (call,) = collector.calls
    assert (call.duration_s, call.ttft_s) == (1.0, None)
    if skew > 0:
        assert pipeline.stats.invalid_attributes["bad_time"] >= 1


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"gen_ai.response.time_to_first_chunk": 350.0}, "bad_time"),  # milliseconds where seconds belong
        ({"gen_ai.response.time_to_first_chunk": -0.1}, "negative"),
        ({"gen_ai.response.time_to_first_chunk": 1e9}, "too_large"),
        ({"langfuse.observation.completion_start_time": "2027-11-20T10:00:00Z"}, "bad_time"),
        ({"langfuse.observation.completion_start_time": "soon"}, "bad_time"),
        ({"langfuse.observation.completion_start_time": 2**63 - 1}, "bad_time"),
    ],
)
def test_an_impossible_first_token_is_left_out_and_counted(told: dict[str, Any], reason: str) -> None:
    collector, pipeline = settle_spans(span(attributes=CALL | told))
    (call,) = collector.calls
    assert (call.duration_s, call.ttft_s, call.input_tokens) == (1.0, None, 120)
    assert pipeline.stats.invalid_attributes == {reason: 1}


# -- size -------------------------------------------------------------------------------------------------------------


def test_a_hundred_thousand_attributes_are_refused() -> None:
    many = span(1, {f"key.{number}": number for number in range(100_000)})
    pipeline, collector = new_pipeline()
    receipt = pipeline.traces(request(many, span(2)).SerializeToString(), "protobuf", NOW)
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert "too many attributes" in receipt.reason
    pipeline.drain(NOW)
    assert pipeline.stats.balance() == 0
    assert pipeline.stats.spans["invalid", "too_many_attributes"] == 1
    assert len(collector.calls) == 1


def test_a_prompt_of_ten_megabytes_is_one_call() -> None:
    prompt = "x" * 10_000_000
    told = CALL | {"gen_ai.prompt": prompt, "gen_ai.input.messages": [prompt], "gen_ai.completion": "{" + prompt}
    collector, _ = settle_spans(span(attributes=told, name=prompt))
    (call,) = collector.calls
    assert (call.input_tokens, call.output_tokens) == (120, 30)
    assert all(len(value) <= 1024 for field in call.__struct_fields__ if isinstance(value := getattr(call, field), str))


@pytest.mark.parametrize("key", ["gen_ai.request.model", "user.id", "gen_ai.agent.name", "service.version"])
def test_a_giant_value_is_cut(key: str) -> None:
    collector, _ = settle_spans(span(attributes=CALL | {key: "y" * 1_000_000}))
    (call,) = collector.calls
    assert all(len(str(getattr(call, field))) <= 1024 for field in call.__struct_fields__)


@pytest.mark.parametrize("value", [["x"] * 100_000, [1.5] * 100_000, [[]] * 9999, [None] * 9999, [{"a": 1}] * 9999])
@pytest.mark.parametrize("key", ["gen_ai.response.finish_reasons", "gen_ai.usage.input_tokens", "gen_ai.request.model"])
def test_a_giant_array_is_counted_or_cut(key: str, value: Any) -> None:
    collector, pipeline = settle_spans(span(attributes=CALL | {key: value}))
    assert len(collector.calls) == 1
    understood = key.endswith("reasons") and value[0] in ("x", None)
    assert bool(pipeline.stats.invalid_attributes) != understood


def test_two_hundred_events_are_read() -> None:
    events = [
        Span.Event(time_unix_nano=START + number, name=name)
        for number, name in enumerate(["gen_ai.content.completion.chunk", "exception", "acme", ""] * 50, 1)
    ]
    collector, pipeline = settle_spans(span(events=events))
    assert [call.ttft_s for call in collector.calls] == [1e-9]
    assert not pipeline.stats.invalid_attributes


def test_too_many_spans_in_one_request_are_refused_whole() -> None:
    pipeline, _ = new_pipeline(max_spans_per_request=3)
    with pytest.raises(Unreadable, match="max_spans_per_request"):
        pipeline.traces(request(*map(span, range(1, 5))).SerializeToString(), "protobuf", NOW)
    assert pipeline.stats.received == 0


# -- text and documents -----------------------------------------------------------------------------------------------


def test_invalid_utf8_costs_characters_only() -> None:
    told = CALL | {"gen_ai.request.model": "?????", "user.id": "?????", "gen_ai.prompt": "?????", "?????": "?????"}
    wire = request(
        span(attributes=told, name="?????", status=Status(code=2, message="?????"), events=[Span.Event(name="?????")]),
        resource={"service.name": "?????"},
        scope="?????",
    )
    collector, pipeline = settle(wire.SerializeToString().replace(b"?????", b"\xff\xc3(\xed\xa0"))
    (call,) = collector.calls
    assert call.input_tokens == 120
    for field in call.__struct_fields__:
        str(getattr(call, field)).encode()
    assert "�" in call.request_model
    assert not pipeline.stats.invalid_attributes


@pytest.mark.parametrize("value", ['"gpt-4o"', " gpt-4o ", ["gpt-4o"]])
def test_quoted_text_is_unquoted(value: Any) -> None:
    collector, _ = settle_spans(span(attributes=CALL | {"gen_ai.request.model": value}))
    assert [call.request_model for call in collector.calls] == ["gpt-4o"]


DOCUMENTS = {
    "deep": '{"input":' * 1000 + "1" + "}" * 1000,
    "deeper": "[" * 100_000,
    "cut": '{"input": 12',
    "text": "{no document",
    "large": '{"input": "' + "x" * 300_000 + '"}',
    "huge number": '{"input": ' + "9" * 400 + "}",
    "negative": '{"input": -5}',
    "printed bomb": "{" * 4000,
    "printed minus": "{'input': " + "-" * 3500 + "1}",
    "printed huge": "{'input': " + "9" * 4000 + "}",
    "printed tuple": "{(1, 2): 3, [4]: 5}",
    "printed code": "{'input': __import__('os')}",
}


@pytest.mark.parametrize("key", ["langfuse.observation.usage_details", "langsmith.metadata.usage_metadata"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_hostile_document_is_counted_and_never_believed(key: str, name: str) -> None:
    document = DOCUMENTS[name].replace("input", "input_tokens")
    told = {name: value for name, value in CALL.items() if "usage" not in name}
    collector, pipeline = settle_spans(span(attributes=told | {key: document}))
    assert [(call.input_tokens, call.output_tokens) for call in collector.calls] == [(None, None)]
    assert sum(pipeline.stats.invalid_attributes.values()) == 1


def test_a_bad_member_of_a_document_does_not_cost_the_others() -> None:
    told = CALL | {"langfuse.observation.usage_details": '{"cache_read_input_tokens": 20, "total": "many"}'}
    collector, pipeline = settle_spans(span(attributes=told))
    assert [(call.input_tokens, call.cache_read_tokens) for call in collector.calls] == [(120, 20)]
    assert pipeline.stats.invalid_attributes == {"not_a_number": 1}


@pytest.mark.parametrize("text", ["²", "١٢٣", "5²", "9" * 4000, "0x1F", "\x00", "�", "{}", "."])
@pytest.mark.parametrize("key", ["error.type", "http.response.status_code", "gen_ai.operation.name", "service.version"])
def test_odd_text_never_stops_the_pipeline(key: str, text: str) -> None:
    event = Span.Event(name="exception", time_unix_nano=START)
    event.attributes.add(key="exception.type").value.string_value = text
    event.attributes.add(key="exception.message").value.CopyFrom(any_value(text))
    failed = span(attributes=CALL | {key: text}, status=Status(code=2, message=text), events=[event])
    collector, pipeline = settle_spans(failed)
    assert [call.input_tokens for call in collector.calls] == [120]
    assert not any(result == "dropped" for result, _ in pipeline.stats.spans)


# -- what is missing --------------------------------------------------------------------------------------------------


def test_names_resources_and_scopes_may_be_missing() -> None:
    message = request(span(name=""))
    message.resource_spans[0].ClearField("resource")
    message.resource_spans[0].scope_spans[0].ClearField("scope")
    collector, _ = settle(message.SerializeToString())
    assert [(call.service, call.input_tokens) for call in collector.calls] == [("unknown_service", 120)]


def test_an_agent_or_tool_without_a_name_is_a_step_without_a_name() -> None:
    agent = span(1, {"openinference.span.kind": "AGENT"}, name="")
    collector, _ = settle_spans(agent)
    assert [(step.role, step.name) for step in collector.steps if step.role == Role.AGENT] == [(Role.AGENT, "")]


def test_a_broken_resource_is_counted_and_the_spans_are_kept() -> None:
    message = request(span())
    message.resource_spans[0].resource.attributes.extend(
        [KeyValue(key="service.name", value=any_value(["two", "names"])), KeyValue(key="gen_ai.agent.name")]
    )
    collector, pipeline = settle(message.SerializeToString())
    assert len(collector.calls) == 1
    assert pipeline.stats.invalid_attributes == {"wrong_type": 1}


def test_an_evaluation_among_the_attributes_of_a_process_belongs_to_nobody() -> None:
    collector, _ = settle(
        request(span(), resource={"service.name": "chat", "eval.safety_pass": False}).SerializeToString()
    )
    assert collector.evaluations == []
    assert len(collector.calls) == 1


def test_resources_without_end_are_not_all_remembered() -> None:
    """Each request has a resource of its own, large enough to exhaust memory if all were kept."""
    pipeline, collector = new_pipeline()
    for number in range(50):
        resource = {"service.name": "chat", "process.command_args": f"{number}" + "x" * 100_000}
        pipeline.traces(request(span(number + 1), resource=resource).SerializeToString(), "protobuf", NOW)
    pipeline.drain(NOW)
    assert len(collector.calls) == 50
    assert sum(map(len, pipeline._normaliser._resources)) < 1_000_000


@pytest.mark.parametrize("score", [math.nan, math.inf, "high", [1], {"a": 1}])
def test_a_score_that_is_none_is_counted_and_not_recorded(score: Any) -> None:
    collector, pipeline = settle_spans(span(attributes=CALL | {"eval.quality_score": score}))
    assert collector.evaluations == []
    assert sum(pipeline.stats.invalid_attributes.values()) == 1
    collector, pipeline = settle_spans(span(attributes=CALL | {"eval.quality_score": None}))
    assert collector.evaluations == []
    assert not pipeline.stats.invalid_attributes
