"""Each dialect says the same about a request, in its own words."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from genai_exporter.simulate.conversation import Chatbot
from genai_exporter.simulate.dialects import DIALECTS, Dialect
from genai_exporter.simulate.encode import Scoped, resource_of
from genai_exporter.simulate.model import Deployment, Kind, ModelCall, Request
from genai_exporter.simulate.scenario import SCENARIOS
from genai_exporter.simulate.truth import Truth

START_NS = 1_760_000_000_000_000_000
NATIVE = "com.anthropic.sdk.python"


def simulated(scenario: str, count: int, seed: int) -> list[Request]:
    chatbot = Chatbot(seed)
    return [chatbot.next(SCENARIOS[scenario].behaviour) for _ in range(count)]


REQUESTS = simulated("steady", 250, 11)
OUTAGE = simulated("provider_outage", 40, 5)
EXPLOSION = simulated("cost_explosion", 30, 2)

every_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())


def plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    return getattr(value, kind)


def attributes(span: Span) -> dict[str, Any]:
    found = {attribute.key: plain(attribute.value) for attribute in span.attributes}
    assert len(found) == len(span.attributes)  # a key must not occur twice
    return found


def exported(dialect: Dialect, requests: list[Request] = REQUESTS, *, content: bool = True) -> list[Scoped]:
    return [item for request in requests for item in dialect.spans(request, START_NS, content=content)]


# How to tell the spans of provider calls, and where their token counts are: written down here a second time, on
# purpose, from what the libraries were seen to send.
CALL_MARKS = {
    "otel": ("gen_ai.operation.name", {"chat", "generate_content", "embeddings"}),
    "otel-1.41": ("gen_ai.operation.name", {"chat", "generate_content", "embeddings"}),
    "openllmetry": ("gen_ai.operation.name", {"chat", "embeddings"}),
    "openllmetry-0.47": ("llm.request.type", {"chat", "completion", "embedding"}),
    "openinference": ("openinference.span.kind", {"LLM", "EMBEDDING"}),
}
TOKEN_KEYS = {
    "otel": ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
    "otel-1.41": ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
    "openllmetry": ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
    "openllmetry-0.47": ("gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens"),
    "openinference": ("llm.token_count.prompt", "llm.token_count.completion"),
}
PARTS = {
    "cached_input_tokens": {
        "otel": "gen_ai.usage.cache_read.input_tokens",
        "otel-1.41": "gen_ai.usage.cache_read.input_tokens",
        "openllmetry": "gen_ai.usage.cache_read.input_tokens",
        "openllmetry-0.47": "gen_ai.usage.cache_read_input_tokens",
        "openinference": "llm.token_count.prompt_details.cache_read",
    },
    "cache_write_input_tokens": {
        "otel": "gen_ai.usage.cache_write.input_tokens",
        "otel-1.41": "gen_ai.usage.cache_creation.input_tokens",
        "openllmetry": "gen_ai.usage.cache_creation.input_tokens",
        "openllmetry-0.47": "gen_ai.usage.cache_creation_input_tokens",
        "openinference": "llm.token_count.prompt_details.cache_write",
    },
    "reasoning_output_tokens": {
        "otel": "gen_ai.usage.reasoning.output_tokens",
        "otel-1.41": "gen_ai.usage.reasoning.output_tokens",
        "openllmetry": "gen_ai.usage.reasoning_tokens",
        "openllmetry-0.47": "gen_ai.usage.reasoning_tokens",
        "openinference": "llm.token_count.completion_details.reasoning",
    },
}


@every_dialect
def test_the_spans_carry_exactly_the_true_calls_and_tokens(dialect: Dialect) -> None:
    for requests in (REQUESTS, OUTAGE, EXPLOSION):
        truth = Truth()
        for request in requests:
            truth.add(request, 0)
        mark, values = CALL_MARKS[dialect.name]
        seen: Counter[str] = Counter()
        for scoped in exported(dialect, requests):
            found = attributes(scoped.span)
            if scoped.scope.name == NATIVE or found.get(mark) not in values:
                continue
            seen["calls"] += 1
            seen["failed_calls"] += scoped.span.status.code == Status.STATUS_CODE_ERROR
            for name, key in zip(("input_tokens", "output_tokens"), TOKEN_KEYS[dialect.name], strict=True):
                seen[name] += found.get(key, 0)
            for name, keys in PARTS.items():
                seen[name] += found.get(keys[dialect.name], 0)
        assert seen == Counter({name: truth.counts[name] for name in seen})


@every_dialect
def test_spans_lie_in_time_and_ids_are_unique(dialect: Dialect) -> None:
    for request in REQUESTS[:60]:
        spans = [scoped.span for scoped in dialect.spans(request, START_NS, content=True)]
        known = {span.span_id: span for span in spans}
        assert len(known) == len(spans)
        order = {span.span_id: index for index, span in enumerate(spans)}
        for span in spans:
            assert len(span.trace_id) == 16
            assert len(span.span_id) == 8
            assert START_NS <= span.start_time_unix_nano <= span.end_time_unix_nano
            if span.parent_span_id:
                parent = known[span.parent_span_id]
                assert order[parent.span_id] > order[span.span_id]
                assert parent.start_time_unix_nano <= span.start_time_unix_nano
                assert parent.end_time_unix_nano >= span.end_time_unix_nano
        assert spans[-1].kind == Span.SPAN_KIND_SERVER


@every_dialect
def test_the_root_carries_route_session_user_and_segment(dialect: Dialect) -> None:
    """R96, R98, R101."""
    for request in REQUESTS[:40]:
        root = attributes(dialect.spans(request, START_NS, content=True)[-1].span)
        assert root["http.route"] in {"/chat", "/summarize"}
        assert root["session.id"] == request.session_id
        assert root["user.id"] == request.user_id
        assert root["user.segment"] in {"free", "pro", "enterprise"}


@every_dialect
def test_without_content_no_message_leaves(dialect: Dialect) -> None:
    """R108."""
    said = {"Handbook", "handbook says", "Use the tools", "Rewrite the user", '"order"', "spare part"}
    without = "".join(str(scoped.span) for scoped in exported(dialect, content=False))
    with_content = "".join(str(scoped.span) for scoped in exported(dialect, content=True))
    assert not [text for text in said if text in without.replace("\\", "")]
    assert [text for text in said if text in with_content.replace("\\", "")]
    questions = {call.messages[-1].text for request in REQUESTS[:80] for call in _calls(request) if call.messages}
    assert not [question for question in questions if question.isascii() and question in without]


def _calls(request: Request) -> list[ModelCall]:
    return [span.facts for span in request.spans if isinstance(span.facts, ModelCall)]


@every_dialect
def test_prompt_name_and_version_are_on_the_calls(dialect: Dialect) -> None:
    """R102, R127."""
    keys = {
        "otel": ("gen_ai.prompt.name", "gen_ai.prompt.version"),
        "openllmetry": ("traceloop.prompt.key", "traceloop.prompt.version"),
        "openllmetry-0.47": ("traceloop.prompt.key", "traceloop.prompt.version"),
        "openinference": ("prompt.id", "llm.prompt_template.version"),
    }
    if dialect.name not in keys:  # the older conventions have no such attribute; the resource has the version
        assert not [
            a for scoped in exported(dialect) for a in attributes(scoped.span) if a.startswith("gen_ai.prompt.")
        ]
        return
    name, version = keys[dialect.name]
    prompts = {(found.get(name), found.get(version)) for found in map(attributes, (s.span for s in exported(dialect)))}
    assert prompts - {(None, None)} == {
        ("query-rewrite", "v1.2"),
        ("rag-answer", "v2.3"),
        ("support-agent", "v1.4"),
        ("summarize", "v1.0"),
    }


def test_first_token_is_shown_where_the_dialect_can() -> None:
    """R11, R25."""
    for name, requests in (("otel", REQUESTS), ("openinference", REQUESTS), ("openllmetry", REQUESTS)):
        dialect = DIALECTS[name]
        truth = Truth(dialect.first_token_from)
        for request in requests:
            truth.add(request, 0)
        shown = 0
        for scoped in exported(dialect, requests):
            found, events = attributes(scoped.span), {event.name for event in scoped.span.events}
            if name == "otel" and scoped.scope.name == NATIVE:
                continue  # the same call again
            shown += (
                "gen_ai.response.time_to_first_chunk" in found
                or "First Token Stream Event" in events
                or "gen_ai.content.completion.chunk" in events
            )
        assert shown == truth.counts["first_tokens"] > 0


def test_first_token_times_are_those_of_the_call() -> None:
    for request in REQUESTS[:80]:
        times = {
            span.span_id: span.facts.ttft_s
            for span in request.spans
            if isinstance(span.facts, ModelCall) and span.facts.ttft_s is not None
        }
        for scoped in DIALECTS["openinference"].spans(request, START_NS, content=False):
            for event in scoped.span.events:
                if event.name == "First Token Stream Event":
                    after_s = (event.time_unix_nano - scoped.span.start_time_unix_nano) / 1e9
                    assert after_s == pytest.approx(times[scoped.span.span_id], abs=1e-6)


def test_otel_spells_a_streamed_anthropic_call_twice_like_the_sdk_does() -> None:
    for request in REQUESTS:
        scoped = DIALECTS["otel"].spans(request, START_NS, content=False)
        spans = {item.span.span_id: (item.scope.name, attributes(item.span)) for item in scoped}
        for item in scoped:
            if item.scope.name == NATIVE and item.span.status.code == Status.STATUS_CODE_OK:
                outer_scope, outer = spans[item.span.parent_span_id]
                inner = attributes(item.span)
                assert outer_scope == "opentelemetry.instrumentation.genai.anthropic"
                for key in ("gen_ai.response.id", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"):
                    assert inner[key] == outer[key]
    assert any(item.scope.name == NATIVE for item in exported(DIALECTS["otel"]))


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("otel", "error.type", "openai.RateLimitError"),
        ("otel", "error.type", "openai.APITimeoutError"),
        ("openllmetry", "error.type", "InternalServerError"),
        ("openllmetry-0.47", "error.type", "APITimeoutError"),
    ],
)
def test_errors_carry_the_class_the_library_names(name: str, key: str, value: str) -> None:
    """R43."""
    requests = OUTAGE + simulated("steady", 600, 21)
    assert value in {attributes(scoped.span).get(key) for scoped in exported(DIALECTS[name], requests)}


def test_openinference_errors_are_exceptions_and_have_no_error_type() -> None:
    failed = [
        scoped.span
        for scoped in exported(DIALECTS["openinference"], OUTAGE)
        if scoped.span.status.code == Status.STATUS_CODE_ERROR and scoped.scope.name.startswith("openinference.")
    ]
    assert failed
    for span in failed:
        assert "error.type" not in attributes(span)
        assert [event.name for event in span.events] == ["exception"]


def test_openinference_names_the_requested_model_in_the_parameters_only() -> None:
    for scoped in exported(DIALECTS["openinference"]):
        found = attributes(scoped.span)
        if scoped.scope.name == "openinference.instrumentation.openai" and found["openinference.span.kind"] == "LLM":
            assert json.loads(found["llm.invocation_parameters"])["model"] in {"gpt-4o", "gpt-4o-mini", "o4-mini"}
            assert found.get("llm.model_name", "gpt-4o-2024-11-20")[-10:].replace("-", "").isdigit()


def test_content_is_in_the_form_of_each_dialect() -> None:
    otel = [attributes(s.span) for s in exported(DIALECTS["otel"]) if s.scope.name.endswith("genai.openai")]
    messages = [found["gen_ai.input.messages"] for found in otel if "gen_ai.input.messages" in found]
    assert json.loads(messages[0])[0]["parts"][0]["type"] == "text"
    old = [attributes(s.span) for s in exported(DIALECTS["openllmetry-0.47"]) if s.scope.name.endswith("openai.v1")]
    assert {"gen_ai.prompt.0.role", "gen_ai.prompt.1.content", "gen_ai.completion.0.finish_reason"} <= set().union(*old)
    flat = [attributes(s.span) for s in exported(DIALECTS["openinference"])]
    assert "llm.output_messages.0.message.tool_calls.0.tool_call.function.name" in set().union(*flat)


@every_dialect
def test_evaluations_and_feedback_are_reported_once_each(dialect: Dialect) -> None:
    """R35, R38-R41, R118."""
    truth = Truth()
    found: Counter[str] = Counter()
    for request in REQUESTS:
        truth.add(request, 0)
        records = dialect.evaluations(request, START_NS) + dialect.feedback(request, START_NS)
        for record in records:
            assert record.event_name == "gen_ai.evaluation.result"
            assert record.trace_id == request.trace_id
            assert record.span_id == request.answer_span_id
            found[{a.key: plain(a.value) for a in record.attributes}["gen_ai.evaluation.name"]] += 1
        for scoped in dialect.spans(request, START_NS, content=True):
            for event in scoped.span.events:
                if event.name == "gen_ai.evaluation.result":
                    found[{a.key: plain(a.value) for a in event.attributes}["gen_ai.evaluation.name"]] += 1
            for key, value in attributes(scoped.span).items():
                if key.startswith("eval."):
                    found[key.removeprefix("eval.").removesuffix("_pass").removesuffix("_score")] += 1
                elif key.startswith(("evaluations.", "annotations.")) and key.endswith(".name"):
                    found[value] += 1
                elif key == "user.feedback":
                    found["user_feedback"] += 1
    expected: Counter[str] = Counter({"user_feedback": truth.feedback.total()})
    for name, count in truth.evaluations.items():
        expected[name.partition(":")[0]] += count
    assert found == expected


def test_the_resource_carries_the_three_mandatory_versions() -> None:
    """R102, R103."""
    resource = resource_of(Deployment("chat", "1.8.0", "gpt-4o-2024-11-20", "v2.3", "demo", "chat-0"))
    found = {attribute.key: plain(attribute.value) for attribute in resource.attributes}
    assert found["service.version"] == "1.8.0"
    assert found["app.prompt_template_version"] == "v2.3"
    assert found["app.model_version"] == "gpt-4o-2024-11-20"


def test_agents_repeat_the_usage_of_their_calls_in_otel() -> None:
    repeated = 0
    for request in REQUESTS:
        below = sum(
            span.facts.usage.input
            for span in request.spans
            if span.agent and isinstance(span.facts, ModelCall) and span.facts.usage
        )
        for span, scoped in zip(
            (span for span in request.spans if span.kind is Kind.AGENT),
            (
                s
                for s in DIALECTS["otel"].spans(request, START_NS, content=False)
                if s.span.name.startswith("invoke_agent")
            ),
            strict=True,
        ):
            assert span.span_id == scoped.span.span_id
            assert attributes(scoped.span)["gen_ai.usage.input_tokens"] == below
            repeated += 1
    assert repeated
