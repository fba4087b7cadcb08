"""One golden pair per attribute key: the key alone on a model-call span, in the type its library sends.

An entry is (key, value, what the call then says). Where the expected fact is a part of the tokens, the span has 101
input and 17 output tokens by the standard keys; otherwise it has nothing but an operation.
"""

from __future__ import annotations

import json
from typing import Any

from dialects.build import CALL_DEFAULTS, Golden, golden, span
from dialects.golden.rows_libraries import BUCKETS, BY_SCOPE, TOTALS

Entry = tuple[str, Any, dict[str, Any]]
_PARTS = {"cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "reasoning_tokens"}


def _j(value: Any) -> str:
    return json.dumps(value)


STANDARD: list[Entry] = [
    ("gen_ai.provider.name", "openai", {"provider": "openai"}),
    ("gen_ai.system", "anthropic", {"provider": "anthropic"}),
    ("gen_ai.request.model", "gpt-4o", {"request_model": "gpt-4o", "provider": "openai"}),
    ("gen_ai.response.model", "gpt-4o-2024-08-06", {"response_model": "gpt-4o-2024-08-06"}),
    ("gen_ai.response.id", "chatcmpl-0123456789abcdef", {"response_id": "chatcmpl-0123456789abcdef"}),
    ("gen_ai.request.stream", True, {"streaming": True}),
    ("gen_ai.response.time_to_first_chunk", 0.21, {"ttft_s": 0.21, "streaming": True}),
    ("gen_ai.client.operation.time_to_first_chunk", 0.31, {"ttft_s": 0.31}),
    ("gen_ai.server.time_to_first_token", 0.41, {"ttft_s": 0.41}),
    ("gen_ai.usage.input_tokens", 101, {"input_tokens": 101}),
    ("gen_ai.usage.output_tokens", 17, {"output_tokens": 17}),
    ("gen_ai.usage.prompt_tokens", 101, {"input_tokens": 101}),
    ("gen_ai.usage.completion_tokens", 17, {"output_tokens": 17}),
    ("gen_ai.usage.cache_read.input_tokens", 11, {"cache_read_tokens": 11}),
    ("gen_ai.usage.cache_write.input_tokens", 12, {"cache_write_tokens": 12}),
    ("gen_ai.usage.cache_creation.input_tokens", 13, {"cache_write_tokens": 13}),
    ("gen_ai.usage.reasoning.output_tokens", 4, {"reasoning_tokens": 4}),
    ("gen_ai.response.finish_reasons", ["stop"], {"finish_reason": "stop"}),
    ("gen_ai.response.finish_reason", "length", {"finish_reason": "length"}),
    ("gen_ai.response.stop_reason", "end_turn", {"finish_reason": "stop"}),
    ("error.type", "openai.RateLimitError", {"error_type": "rate_limit", "finish_reason": "error"}),
    ("http.response.status_code", 429, {"error_type": "rate_limit", "finish_reason": "error"}),
    ("http.status_code", 503, {"error_type": "overloaded", "finish_reason": "error"}),
    ("gen_ai.agent.name", "weather_agent", {"agent": "weather_agent"}),
    ("gen_ai.prompt.name", "answer", {"prompt_name": "answer"}),
    ("gen_ai.prompt.version", "v2.3", {"prompt_version": "v2.3"}),
    ("gen_ai.conversation.id", "conv-1", {"session": "conv-1"}),
    ("session.id", "s-1", {"session": "s-1"}),
    ("gen_ai.session.id", "s-2", {"session": "s-2"}),
    ("user.id", "u-1", {"user": "u-1"}),
    ("enduser.id", "u-2", {"user": "u-2"}),
    ("enduser.pseudo.id", "u-3", {"user": "u-3"}),
    ("gen_ai.user.id", "u-4", {"user": "u-4"}),
    ("openai.response.service_tier", "flex", {"service_tier": "flex"}),
    ("openai.request.service_tier", "priority", {"service_tier": "priority"}),
    ("gen_ai.openai.response.service_tier", "flex", {"service_tier": "flex"}),
    ("gen_ai.openai.request.service_tier", "flex", {"service_tier": "flex"}),
    ("gen_ai.response.service_tier", "flex", {"service_tier": "flex"}),
    ("anthropic.response.service_tier", "batch", {"service_tier": "batch"}),
    ("anthropic.message.stop_reason", "tool_use", {"finish_reason": "tool_call"}),
    ("http.request.resend_count", 2, {"retries": 2}),
    ("gen_ai.workflow.name", "refunds", {"flow": "refunds"}),
    ("service.version", "1.4.0", {"service_version": "1.4.0"}),
    ("deployment.environment.name", "prod", {"environment": "prod"}),
    ("deployment.environment", "staging", {"environment": "staging"}),
]

OPENLLMETRY: list[Entry] = [
    ("llm.usage.prompt_tokens", 101, {"input_tokens": 101}),
    ("llm.usage.completion_tokens", 17, {"output_tokens": 17}),
    ("llm.usage.reasoning_tokens", 4, {"reasoning_tokens": 4}),
    ("gen_ai.usage.reasoning_tokens", 4, {"reasoning_tokens": 4}),
    ("gen_ai.usage.cache_read_input_tokens", 11, {"cache_read_tokens": 11}),
    ("gen_ai.usage.cache_creation_input_tokens", 12, {"cache_write_tokens": 12}),
    ("gen_ai.usage.cache_write_input_tokens", 12, {"cache_write_tokens": 12}),
    ("llm.is_streaming", True, {"streaming": True}),
    ("gen_ai.is_streaming", True, {"streaming": True}),
    ("llm.response.finish_reason", "stop", {"finish_reason": "stop"}),
    ("llm.response.stop_reason", "max_tokens", {"finish_reason": "length"}),
    ("gen_ai.completion.0.finish_reason", "tool_calls", {"finish_reason": "tool_call"}),
    ("llm.completions.0.finish_reason", "stop", {"finish_reason": "stop"}),
    ("llm.request.model", "gpt-4o", {"request_model": "gpt-4o", "provider": "openai"}),
    ("llm.response.model", "gpt-4o-2024-08-06", {"response_model": "gpt-4o-2024-08-06"}),
    ("llm.vendor", "Anthropic", {"provider": "anthropic"}),
    ("traceloop.workflow.name", "refunds", {"flow": "refunds"}),
    ("traceloop.prompt.key", "answer", {"prompt_name": "answer"}),
    ("traceloop.prompt.version", "7", {"prompt_version": "7"}),
    ("traceloop.prompt.version_name", "blue", {"prompt_version": "blue"}),
    ("gen_ai.user", "u-1", {"user": "u-1"}),
    ("llm.user", "u-1", {"user": "u-1"}),
    ("traceloop.association.properties.session_id", "s-1", {"session": "s-1"}),
    ("traceloop.association.properties.thread_id", "s-2", {"session": "s-2"}),
    ("traceloop.association.properties.conversation_id", "s-3", {"session": "s-3"}),
    ("traceloop.association.properties.user_id", "u-1", {"user": "u-1"}),
    ("traceloop.association.properties.prompt_version", "v3", {"prompt_version": "v3"}),
    ("traceloop.association.properties.prompt_name", "answer", {"prompt_name": "answer"}),
    ("traceloop.association.properties.prompt_template_version", "v4", {"prompt_version": "v4"}),
    ("traceloop.association.properties.user_segment", "pro", {"segment": "pro"}),
]

OPENINFERENCE: list[Entry] = [
    ("llm.model_name", "gpt-4o-2024-08-06", {"response_model": "gpt-4o-2024-08-06"}),
    ("llm.request.model_name", "gpt-4o", {"request_model": "gpt-4o", "provider": "openai"}),
    ("llm.response.model_name", "claude-x", {"response_model": "claude-x", "provider": "anthropic"}),
    ("embedding.model_name", "text-embedding-3-small", {"response_model": "text-embedding-3-small"}),
    ("reranker.model_name", "rerank-v3.5", {"response_model": "rerank-v3.5", "provider": "cohere"}),
    ("decision.model_name", "gpt-4o", {"response_model": "gpt-4o", "provider": "openai"}),
    ("llm.provider", "aws", {"provider": "aws.bedrock"}),
    ("llm.system", "mistralai", {"provider": "mistral_ai"}),
    ("llm.system", "vertexai", {"provider": "gcp.vertex_ai"}),
    ("llm.token_count.prompt", 101, {"input_tokens": 101}),
    ("llm.token_count.completion", 17, {"output_tokens": 17}),
    ("decision.token_count.input", 101, {"input_tokens": 101}),
    ("decision.token_count.output", 17, {"output_tokens": 17}),
    ("llm.token_count.prompt_details.cache_read", 11, {"cache_read_tokens": 11}),
    ("llm.token_count.prompt_details.cache_input", 11, {"cache_read_tokens": 11}),
    ("llm.token_count.prompt_details.cache_write", 12, {"cache_write_tokens": 12}),
    ("llm.token_count.completion_details.reasoning", 4, {"reasoning_tokens": 4}),
    ("llm.cost.total", 0.004, {"reported_cost_usd": 0.004}),
    ("llm.finish_reason", "tool_calls", {"finish_reason": "tool_call"}),
    ("llm.invocation_parameters", _j({"model": "gpt-4o"}), {"request_model": "gpt-4o", "provider": "openai"}),
    ("llm.invocation_parameters", _j({"model_name": "gpt-4o"}), {"request_model": "gpt-4o", "provider": "openai"}),
    ("llm.invocation_parameters", _j({"model_id": "amazon.nova"}), {"request_model": "amazon.nova"}),
    ("llm.invocation_parameters", _j({"service_tier": "flex", "stream": None}), {"service_tier": "flex"}),
    ("llm.invocation_parameters", _j({"model": {"a": 1}, "stream": True}), {"streaming": True}),
    (
        "embedding.invocation_parameters",
        _j({"model": "text-embedding-3-small"}),
        {"request_model": "text-embedding-3-small"},
    ),
    (
        "embedding.invocation_parameters",
        _j({"model_name": "embed-english-v3"}),
        {"request_model": "embed-english-v3", "provider": "cohere"},
    ),
    ("llm.prompt_template.version", "v9", {"prompt_version": "v9"}),
    ("prompt.id", "answer", {"prompt_name": "answer"}),
    ("agent.name", "planner", {"agent": "planner"}),
    ("graph.node.name", "planner", {"agent": "planner"}),
    ("metadata", _j({"session_id": "s-1"}), {"session": "s-1"}),
    ("metadata", _j({"thread_id": "t-1"}), {"session": "t-1"}),
    ("metadata", _j({"user_id": "u-1"}), {"user": "u-1"}),
    ("metadata", _j({"prompt_version": "v1"}), {"prompt_version": "v1"}),
    ("metadata", _j({"prompt_template_version": "v2"}), {"prompt_version": "v2"}),
    ("metadata", _j({"user_segment": "pro"}), {"segment": "pro"}),
    ("metadata", _j({"lc_agent_name": "planner"}), {"agent": "planner"}),
    ("metadata", "plain text is no fault", {}),
]

CUSTOM: list[Entry] = [
    ("app.prompt_template_version", "v2.3", {"prompt_version": "v2.3"}),
    ("prompt_template_version", "v2.4", {"prompt_version": "v2.4"}),
    ("app.prompt_version", "v2.5", {"prompt_version": "v2.5"}),
    ("prompt.version", "v2.6", {"prompt_version": "v2.6"}),
    ("app.prompt_template_name", "answer", {"prompt_name": "answer"}),
    ("prompt.name", "answer", {"prompt_name": "answer"}),
    ("app.version", "3.1", {"service_version": "3.1"}),
    ("app_version", "3.2", {"service_version": "3.2"}),
    ("user.segment", "pro", {"segment": "pro"}),
    ("user_segment", "pro", {"segment": "pro"}),
    ("app.user_segment", "pro", {"segment": "pro"}),
    ("llm.user_segment", "pro", {"segment": "pro"}),
    ("llm.flow", "/refunds", {"flow": "/refunds"}),
    ("session_id", "s-1", {"session": "s-1"}),
    ("conversation_id", "s-2", {"session": "s-2"}),
    ("thread_id", "s-3", {"session": "s-3"}),
    ("user_id", "u-1", {"user": "u-1"}),
    ("cache.hit", True, {"response_cache_hit": True}),
    ("cache.hit", False, {"response_cache_hit": False}),
    ("adk.experimental.context_cache.hit", True, {"response_cache_hit": None}),
    ("user.regenerated", True, {"regenerated": True}),
    ("gen_ai.refusal", True, {"refusal": True}),
    ("gen_ai.response.refusal", True, {"refusal": True}),
    ("retry.count", 2, {"retries": 2}),
    ("retry.attempt", 1, {"retries": 1}),
    ("llm.retry_count", 3, {"retries": 3}),
    ("gen_ai.request.retry_count", 1, {"retries": 1}),
    ("gen_ai.request.batch", True, {"batch": True}),
]

TABLES: list[tuple[str, list[Entry]]] = [
    ("", STANDARD),
    ("opentelemetry.instrumentation.openai.v1", OPENLLMETRY),
    ("openinference.instrumentation.openai", OPENINFERENCE),
    ("my.app", CUSTOM),
    *BY_SCOPE,
]


def _pair(scope: str, key: str, value: Any, fields: dict[str, Any]) -> Golden:
    attributes: dict[str, Any] = {"gen_ai.operation.name": "chat", key: value}
    expected = {**CALL_DEFAULTS, "session": "", **fields}
    if _PARTS & set(fields):
        attributes |= {"gen_ai.usage.input_tokens": 101, "gen_ai.usage.output_tokens": 17}
        if "cache_write_1h_tokens" in fields:
            attributes["gen_ai.usage.cache_write.input_tokens"] = expected["cache_write_tokens"] = 20
        expected |= {"input_tokens": 101, "output_tokens": 17}
    # A model alone gives its provider away, and one name stands for both where only one is given.
    for model in ("response_model", "request_model"):
        if model in fields:
            expected["request_model"] = fields.get("request_model", fields[model])
            if "provider" not in fields:
                del expected["provider"]
    return golden(f"{key}={value!r}"[:90], span("chat", attributes, scope=scope, kind="client"), calls=expected)


def _total(name: str, attributes: dict[str, Any]) -> Golden:
    usage = {
        "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 101, "gen_ai.usage.output_tokens": 17,
        "gen_ai.usage.cache_read.input_tokens": 20,
    }  # fmt: skip
    expected = CALL_DEFAULTS | {"input_tokens": 121, "output_tokens": 17, "cache_read_tokens": 20}
    return golden(f"total: {name}", span("chat", usage | attributes, scope="some.library"), calls=expected)


def _bucket(usage: dict[str, int], tokens: tuple[int, int]) -> Golden:
    attributes = {"langfuse.observation.type": "generation", "langfuse.observation.usage_details": json.dumps(usage)}
    expected = CALL_DEFAULTS | {"input_tokens": tokens[0], "output_tokens": tokens[1]}
    for field, names in _BUCKET_FIELDS.items():
        expected[field] = next((usage[name] for name in names if name in usage), None)
    return golden(f"buckets: {usage}", span("generation", attributes, scope="langfuse-sdk"), calls=expected)


_BUCKET_FIELDS = {
    "cache_read_tokens": ("input_cached_tokens", "input_cache_read"),
    "cache_write_tokens": ("input_cache_creation",),
    "reasoning_tokens": ("output_reasoning", "output_reasoning_tokens"),
}
PAIRS = [
    *(_pair(scope, *entry) for scope, table in TABLES for entry in table),
    *(_total(*entry) for entry in TOTALS),
    *(_bucket(*entry) for entry in BUCKETS),
]
