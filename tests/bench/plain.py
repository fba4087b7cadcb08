"""The same job the straightforward way, as the yardstick.

What an able developer writes in an afternoon: the official protobuf classes read into dictionaries, a chain of known
keys per field, prometheus_client's ``labels()`` per observation, genai-prices per call. It yields the metrics that the
exporter yields for the same bodies, exemplars included (the benchmark compares calls, tokens and dollars), and leaves
out what a first version leaves out: traces split over several requests, duplicates, limits on labels and series.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from typing import Any, NamedTuple

import genai_prices
from genai_prices import Usage
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

Attributes = dict[str, Any]

DEPLOYMENT = ("service_name", "service_version", "prompt_name", "prompt_version", "response_model", "environment")
SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
TOKENS = (1, 10, 50, 100, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000)
DOLLARS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

LABELS = (
    "gen_ai_operation_name",
    "gen_ai_provider_name",
    "gen_ai_request_model",
    "service_name",
    "deployment_environment_name",
    "gen_ai_prompt_name",
    "gen_ai_prompt_version",
    "llm_flow",
    "llm_user_segment",
)

PROVIDERS = {"OpenAI": "openai", "Anthropic": "anthropic"}
FINISH_REASONS = {
    "stop": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_call",
}
OPERATIONS = {"embedding": "embeddings", "EMBEDDING": "embeddings", "LLM": "chat", "completion": "text_completion"}
CALLS = ("chat", "text_completion", "generate_content", "embeddings")
STEPS = {
    "execute_tool": "tool",
    "tool": "tool",
    "TOOL": "tool",
    "retrieval": "retrieval",
    "RETRIEVER": "retrieval",
    "invoke_workflow": "workflow",
    "workflow": "workflow",
    "CHAIN": "workflow",
}


class Totals(NamedTuple):
    """What was counted so far; tokens in the canonical meaning, money in US dollars."""

    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float


class Plain:
    """Spans in by ``traces``, metrics in ``registry``."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        duration, usage = (*LABELS, "error_type"), (*LABELS, "gen_ai_token_type")
        self.duration = self._histogram("gen_ai_client_operation_duration_seconds", duration, SECONDS)
        self.tokens = self._histogram("gen_ai_client_token_usage", usage, TOKENS)
        self.first_token = self._histogram("gen_ai_client_time_to_first_token_seconds", LABELS, SECONDS)
        self.per_token = self._histogram("gen_ai_client_time_per_token_seconds", LABELS, SECONDS)
        self.cached = self._counter("llm_cached_input_tokens", LABELS)
        self.reasoning = self._counter("llm_reasoning_output_tokens", LABELS)
        self.cost = self._counter("llm_cost_usd", (*LABELS, "cost_source"))
        self.call_cost = self._histogram("llm_call_cost_usd", LABELS, DOLLARS)
        self.unpriced = self._counter("llm_unpriced_calls", LABELS)
        self.finish = self._counter("llm_finish_reasons", (*LABELS, "finish_reason"))
        self.steps = self._histogram("llm_step_duration_seconds", ("step", "service_name"), SECONDS)
        self.spans = self._counter("spans", ("result",))
        self.dialects = self._counter("dialect_spans", ("dialect",))
        self.deployment = Gauge("llm_deployment_info", "Live versions.", DEPLOYMENT, registry=self.registry)

    def _histogram(self, name: str, labels: tuple[str, ...], buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, name, labels, buckets=buckets, registry=self.registry)

    def _counter(self, name: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, name, labels, registry=self.registry)

    def traces(self, body: bytes) -> None:
        """Count the spans of one uncompressed OTLP protobuf request."""
        request = ExportTraceServiceRequest.FromString(body)
        by_trace: dict[bytes, list[tuple[Any, Attributes, Attributes]]] = defaultdict(list)
        for resource_spans in request.resource_spans:
            resource = {kv.key: _value(kv.value) for kv in resource_spans.resource.attributes}
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    attributes = {kv.key: _value(kv.value) for kv in span.attributes}
                    by_trace[span.trace_id].append((span, attributes, resource))
        for spans in by_trace.values():
            flow = ""
            for span, attributes, _ in spans:
                if not span.parent_span_id:
                    flow = _first(attributes, "gen_ai.workflow.name", "traceloop.entity.name") or span.name
            for span, attributes, resource in spans:
                self._span(span, attributes, resource, flow)

    def totals(self) -> Totals:
        sums: dict[tuple[str, str], float] = defaultdict(float)
        for metric in self.registry.collect():
            for sample in metric.samples:
                sums[sample.name, sample.labels.get("gen_ai_token_type", "")] += sample.value
        return Totals(
            int(sums["gen_ai_client_operation_duration_seconds_count", ""]),
            int(sums["gen_ai_client_token_usage_sum", "input"]),
            int(sums["gen_ai_client_token_usage_sum", "output"]),
            sums["llm_cost_usd_total", ""],
        )

    def _span(self, span: Any, attributes: Attributes, resource: Attributes, flow: str) -> None:
        kind = _first(
            attributes,
            "openinference.span.kind",
            "gen_ai.operation.name",
            "llm.request.type",
            "traceloop.span.kind",
        )
        operation = OPERATIONS.get(kind, kind)
        exemplar = {"trace_id": span.trace_id.hex(), "span_id": span.span_id.hex()}
        seconds = max(0.0, (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9)
        if operation in CALLS:
            self.spans.labels("recorded").inc()
            self._call(span, attributes, resource, flow, operation, seconds, exemplar)
        elif operation in STEPS:
            self.spans.labels("recorded").inc()
            self.steps.labels(STEPS[operation], resource.get("service.name", "")).observe(seconds, exemplar)
        else:
            self.spans.labels("not_genai").inc()
            return
        self.dialects.labels(_dialect(attributes)).inc()

    def _call(
        self,
        span: Any,
        attributes: Attributes,
        resource: Attributes,
        flow: str,
        operation: str,
        seconds: float,
        exemplar: dict[str, str],
    ) -> None:
        provider = _first(attributes, "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
        provider = PROVIDERS.get(provider, provider)
        requested = _first(attributes, "gen_ai.request.model", "llm.model_name", "embedding.model_name")
        answered = _first(attributes, "gen_ai.response.model", "llm.response.model_name")
        input_tokens = _first(
            attributes,
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.token_count.prompt",
            default=None,
        )
        output_tokens = _first(
            attributes,
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.token_count.completion",
            default=None,
        )
        cached = _first(
            attributes,
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "llm.token_count.prompt_details.cache_read",
            default=None,
        )
        reasoning = _first(
            attributes,
            "gen_ai.usage.reasoning.output_tokens",
            "llm.token_count.completion_details.reasoning",
            default=None,
        )
        environment = _first(resource, "deployment.environment.name", "deployment.environment")
        values = (
            operation,
            provider,
            requested,
            resource.get("service.name", ""),
            environment,
            _first(attributes, "gen_ai.prompt.name"),
            _first(attributes, "gen_ai.prompt.version", "llm.prompt_template.version"),
            flow,
            _first(attributes, "user.segment"),
        )
        error = _first(attributes, "error.type") or ("_OTHER" if span.status.code == 2 else "")
        self.duration.labels(*values, error).observe(seconds, exemplar)
        if input_tokens is not None:
            self.tokens.labels(*values, "input").observe(input_tokens, exemplar)
        if output_tokens is not None:
            self.tokens.labels(*values, "output").observe(output_tokens, exemplar)
        if cached is not None:
            self.cached.labels(*values).inc(cached, exemplar)
        if reasoning is not None:
            self.reasoning.labels(*values).inc(reasoning, exemplar)
        first_token = _first(attributes, "gen_ai.response.time_to_first_chunk", default=None)
        for event in span.events:
            if event.name == "First Token Stream Event":
                first_token = (event.time_unix_nano - span.start_time_unix_nano) / 1e9
        if first_token is not None:
            self.first_token.labels(*values).observe(first_token, exemplar)
            if output_tokens and output_tokens > 1:
                self.per_token.labels(*values).observe((seconds - first_token) / (output_tokens - 1), exemplar)
        reasons = _first(
            attributes,
            "gen_ai.response.finish_reasons",
            "gen_ai.completion.0.finish_reason",
            "llm.finish_reason",
        )
        reason = reasons[0] if isinstance(reasons, list) and reasons else reasons
        if reason:
            self.finish.labels(*values, FINISH_REASONS.get(reason, "other")).inc(1, exemplar)
        if input_tokens is not None or output_tokens is not None:
            usage = Usage(
                input_tokens=input_tokens or 0, output_tokens=output_tokens or 0, cache_read_tokens=cached or 0
            )
            self._price(values, answered or requested, span, usage, exemplar)
        service, version = resource.get("service.name", ""), resource.get("service.version", "")
        self.deployment.labels(service, version, values[5], values[6], answered, environment).set(1)

    def _price(self, values: tuple[str, ...], model: str, span: Any, usage: Usage, exemplar: dict[str, str]) -> None:
        started = datetime.datetime.fromtimestamp(span.start_time_unix_nano / 1e9, datetime.UTC)
        try:
            price = genai_prices.calc_price(usage, model, provider_id=values[1], genai_request_timestamp=started)
        except LookupError:
            self.unpriced.labels(*values).inc(1, exemplar)
            return
        dollars = float(price.total_price)
        self.cost.labels(*values, "computed").inc(dollars, exemplar)
        self.call_cost.labels(*values).observe(dollars, exemplar)


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {kv.key: _value(kv.value) for kv in value.kvlist_value.values}
    return getattr(value, kind) if kind else None


def _dialect(attributes: Attributes) -> str:
    if "openinference.span.kind" in attributes:
        return "openinference"
    return "openllmetry" if "llm.request.type" in attributes or "traceloop.span.kind" in attributes else "opentelemetry"


def _first(attributes: Attributes, *keys: str, default: Any = "") -> Any:
    for key in keys:
        if key in attributes:
            return attributes[key]
    return default
