"""Attribute keys of libraries with an instrumentation scope of their own (see ``rows``)."""

from __future__ import annotations

import json
from typing import Any

Entry = tuple[str, Any, dict[str, Any]]


def _j(value: Any) -> str:
    return json.dumps(value)


_USAGE = "langfuse.observation.usage_details"
_META = "langsmith.metadata."
_PROVIDER_META = "ai.response.providerMetadata"
_COMPLETION = "gen_ai.completion"
_KWARGS = {"message": {"kwargs": {"response_metadata": {"finish_reason": "length"}}}}

OPENLIT: list[Entry] = [
    ("gen_ai.usage.cost", 0.0012, {"reported_cost_usd": 0.0012}),
    ("gen_ai.request.is_stream", True, {"streaming": True}),
    ("gen_ai.usage.completion_tokens_details.reasoning_tokens", 4, {"reasoning_tokens": 4}),
    ("gen_ai.usage.completion_tokens_details.reasoning", 4, {"reasoning_tokens": 4}),
    ("gen_ai.usage.prompt_tokens_details.cached_tokens", 11, {"cache_read_tokens": 11}),
    ("gen_ai.usage.prompt_tokens_details.cache_read", 11, {"cache_read_tokens": 11}),
    ("gen_ai.usage.prompt_tokens_details.cache_creation_tokens", 12, {"cache_write_tokens": 12}),
    ("gen_ai.usage.prompt_tokens_details.cache_write", 12, {"cache_write_tokens": 12}),
    ("gen_ai.request.user", "u-1", {"user": "u-1"}),
]

LANGFUSE: list[Entry] = [
    ("langfuse.observation.model.name", "gpt-4o-2024-08-06", {"response_model": "gpt-4o-2024-08-06"}),
    (_USAGE, _j({"prompt_tokens": 101, "completion_tokens": 17}), {"input_tokens": 101, "output_tokens": 17}),
    (_USAGE, _j({"input_tokens": 101, "output_tokens": 17}), {"input_tokens": 101, "output_tokens": 17}),
    (_USAGE, _j({"input": 101, "output": 17}), {"input_tokens": 101, "output_tokens": 17}),
    (_USAGE, _j({"prompt_tokens_details": {"cached_tokens": 11}}), {"cache_read_tokens": 11}),
    (_USAGE, _j({"input_tokens_details": {"cached_tokens": 11}}), {"cache_read_tokens": 11}),
    (_USAGE, _j({"completion_tokens_details": {"reasoning_tokens": 4}}), {"reasoning_tokens": 4}),
    (_USAGE, _j({"output_tokens_details": {"reasoning_tokens": 4}}), {"reasoning_tokens": 4}),
    (_USAGE, _j({"cache_read_input_tokens": 11}), {"cache_read_tokens": 11}),
    (_USAGE, _j({"cache_creation_input_tokens": 12}), {"cache_write_tokens": 12}),
    ("langfuse.observation.cost_details", _j({"input": 0.001, "total": 0.003}), {"reported_cost_usd": 0.003}),
    ("langfuse.observation.completion_start_time", '"2026-09-21T14:13:20.4Z"', {"ttft_s": 0.4, "streaming": True}),
    ("langfuse.observation.metadata.finish_reason", '"stop"', {"finish_reason": "stop"}),
    ("langfuse.observation.prompt.name", "answer", {"prompt_name": "answer"}),
    ("langfuse.observation.prompt.version", 3, {"prompt_version": "3"}),
    ("langfuse.prompt.name", "answer", {"prompt_name": "answer"}),
    ("langfuse.prompt.version", "4", {"prompt_version": "4"}),
    ("langfuse.observation.level", "ERROR", {"error_type": "_OTHER", "finish_reason": "error"}),
    ("langfuse.observation.level", "WARNING", {}),
    ("langfuse.session.id", "s-1", {"session": "s-1"}),
    ("langfuse.user.id", "u-1", {"user": "u-1"}),
    ("langfuse.trace.metadata.langfuse_session_id", "s-2", {"session": "s-2"}),
    ("langfuse.observation.metadata.langfuse_session_id", "s-3", {"session": "s-3"}),
    ("langfuse.environment", "prod", {"environment": "prod"}),
    ("langfuse.release", "r7", {"service_version": "r7"}),
    ("langfuse.version", "v7", {"service_version": "v7"}),
]

LANGSMITH: list[Entry] = [
    ("gen_ai.usage.input_token_details", "{'cache_read': 11}", {"cache_read_tokens": 11}),
    ("gen_ai.usage.input_token_details", "{'cache_creation': 12}", {"cache_write_tokens": 12}),
    ("gen_ai.usage.output_token_details", "{'reasoning': 4}", {"reasoning_tokens": 4}),
    (_META + "usage_metadata", _j({"input_tokens": 9, "output_tokens": 8}), {"input_tokens": 9, "output_tokens": 8}),
    (_META + "usage_metadata", _j({"input_token_details": {"cache_read": 11}}), {"cache_read_tokens": 11}),
    (_META + "usage_metadata", _j({"input_token_details": {"cache_creation": 12}}), {"cache_write_tokens": 12}),
    (_META + "usage_metadata", _j({"output_token_details": {"reasoning": 4}}), {"reasoning_tokens": 4}),
    (_META + "ls_provider", "azure", {"provider": "azure.ai.openai"}),
    (_META + "ls_model_name", "gpt-4o", {"request_model": "gpt-4o"}),
    (_META + "stream", True, {"streaming": True}),
    ("langsmith.request.streaming", True, {"streaming": True}),
    (_META + "thread_id", "t-1", {"session": "t-1"}),
    (_META + "session_id", "s-1", {"session": "s-1"}),
    (_META + "conversation_id", "c-1", {"session": "c-1"}),
    (_META + "user_id", "u-1", {"user": "u-1"}),
    (_META + "lc_agent_name", "planner", {"agent": "planner"}),
    (_META + "prompt_version", "v1", {"prompt_version": "v1"}),
    (_META + "prompt_template_version", "v2", {"prompt_version": "v2"}),
    (_META + "user_segment", "pro", {"segment": "pro"}),
    (
        _COMPLETION,
        _j({"generations": [[{"generation_info": {"finish_reason": "tool_calls"}}]]}),
        {"finish_reason": "tool_call"},
    ),
    (_COMPLETION, _j({"generations": [[_KWARGS]]}), {"finish_reason": "length"}),
    (
        _COMPLETION,
        _j({"generations": [[{"message": {"kwargs": {"response_metadata": {"model_name": "gpt-4o-2024-08-06"}}}}]]}),
        {"response_model": "gpt-4o-2024-08-06"},
    ),
    (
        _COMPLETION,
        _j({"generations": [[{"message": {"kwargs": {"response_metadata": {"id": "chatcmpl-0123456789abc"}}}}]]}),
        {"response_id": "chatcmpl-0123456789abc"},
    ),
    # The oldest conventions have the answer itself under this key.
    (_COMPLETION, "It is sunny.", {}),
    (_COMPLETION, _j([{"role": "assistant", "content": "It is sunny."}]), {}),
]

VERCEL: list[Entry] = [
    ("ai.model.provider", "google.vertex.chat", {"provider": "gcp.vertex_ai"}),
    ("ai.model.id", "gpt-4o", {"request_model": "gpt-4o"}),
    ("ai.response.model", "gpt-4o-2024-08-06", {"response_model": "gpt-4o-2024-08-06"}),
    ("ai.response.id", "resp_0123456789abcdef", {"response_id": "resp_0123456789abcdef"}),
    ("ai.response.finishReason", "tool-calls", {"finish_reason": "tool_call"}),
    ("ai.response.msToFirstChunk", 210.5, {"ttft_s": 0.2105, "streaming": True}),
    ("ai.stream.msToFirstChunk", 300, {"ttft_s": 0.3}),
    ("ai.usage.inputTokens", 101, {"input_tokens": 101}),
    ("ai.usage.outputTokens", 17, {"output_tokens": 17}),
    ("ai.usage.promptTokens", 101, {"input_tokens": 101}),
    ("ai.usage.completionTokens", 17, {"output_tokens": 17}),
    ("ai.usage.tokens", 9, {"input_tokens": 9}),
    ("ai.usage.inputTokenDetails.cacheReadTokens", 11, {"cache_read_tokens": 11}),
    ("ai.usage.inputTokenDetails.cacheWriteTokens", 12, {"cache_write_tokens": 12}),
    ("ai.usage.cachedInputTokens", 11, {"cache_read_tokens": 11}),
    ("ai.usage.outputTokenDetails.reasoningTokens", 4, {"reasoning_tokens": 4}),
    ("ai.usage.reasoningTokens", 4, {"reasoning_tokens": 4}),
    (_PROVIDER_META, _j({"anthropic": {"usage": {"cache_read_input_tokens": 11}}}), {"cache_read_tokens": 11}),
    (_PROVIDER_META, _j({"anthropic": {"usage": {"cache_creation_input_tokens": 12}}}), {"cache_write_tokens": 12}),
    (_PROVIDER_META, _j({"anthropic": {"cacheCreationInputTokens": 12}}), {"cache_write_tokens": 12}),
    (
        _PROVIDER_META,
        _j({"anthropic": {"usage": {"cache_creation": {"ephemeral_1h_input_tokens": 15}}}}),
        {"cache_write_1h_tokens": 15},
    ),
    (_PROVIDER_META, _j({"openai": {"cachedPromptTokens": 11}}), {"cache_read_tokens": 11}),
    (_PROVIDER_META, _j({"openai": {"reasoningTokens": 4}}), {"reasoning_tokens": 4}),
    (_PROVIDER_META, _j({"bedrock": {"usage": {"cacheReadInputTokens": 11}}}), {"cache_read_tokens": 11}),
    (_PROVIDER_META, _j({"bedrock": {"usage": {"cacheWriteInputTokens": 12}}}), {"cache_write_tokens": 12}),
    ("ai.telemetry.metadata.sessionId", "s-1", {"session": "s-1"}),
    ("ai.telemetry.metadata.session_id", "s-2", {"session": "s-2"}),
    ("ai.telemetry.metadata.userId", "u-1", {"user": "u-1"}),
    ("ai.telemetry.metadata.user_id", "u-2", {"user": "u-2"}),
    ("ai.telemetry.metadata.promptVersion", "v1", {"prompt_version": "v1"}),
    ("ai.telemetry.metadata.promptName", "answer", {"prompt_name": "answer"}),
    ("ai.telemetry.metadata.userSegment", "pro", {"segment": "pro"}),
]

PYDANTIC_AI: list[Entry] = [
    ("operation.cost", 2.4525e-05, {"reported_cost_usd": 2.4525e-05}),
    ("gen_ai.usage.details.cache_read_tokens", 11, {"cache_read_tokens": 11}),
    ("gen_ai.usage.details.cache_write_tokens", 12, {"cache_write_tokens": 12}),
    ("gen_ai.usage.details.cached_tokens", 11, {"cache_read_tokens": 11}),
    ("gen_ai.usage.details.cache_read_input_tokens", 11, {"cache_read_tokens": 11}),
    ("gen_ai.usage.details.cache_creation_input_tokens", 12, {"cache_write_tokens": 12}),
    ("gen_ai.usage.details.reasoning_tokens", 4, {"reasoning_tokens": 4}),
    ("agent_name", "planner", {"agent": "planner"}),
    ("gen_ai.usage.raw", _j({"prompt_tokens_details": {"cached_tokens": 11}}), {"cache_read_tokens": 11}),
    ("gen_ai.usage.raw", _j({"input_tokens_details": {"cached_tokens": 11}}), {"cache_read_tokens": 11}),
    ("gen_ai.usage.raw", _j({"cache_read_input_tokens": 11}), {"cache_read_tokens": 11}),
    ("gen_ai.usage.raw", _j({"cache_creation_input_tokens": 12}), {"cache_write_tokens": 12}),
    (
        "gen_ai.usage.raw",
        _j({"cache_creation": {"ephemeral_1h_input_tokens": 15}}),
        {"cache_write_1h_tokens": 15},
    ),
    ("gen_ai.usage.raw", _j({"completion_tokens_details": {"reasoning_tokens": 4}}), {"reasoning_tokens": 4}),
    ("gen_ai.usage.raw", _j({"output_tokens_details": {"reasoning_tokens": 4}}), {"reasoning_tokens": 4}),
    ("gen_ai.usage.raw", _j({"service_tier": "priority"}), {"service_tier": "priority"}),
]

LITELLM: list[Entry] = [
    ("litellm.provider.model", "gpt-4o-mini", {"response_model": "gpt-4o-mini"}),
    ("litellm.cost.total", 0.002, {"reported_cost_usd": 0.002}),
    ("litellm.cache_hit", True, {"response_cache_hit": True}),
    ("litellm.request.streaming", True, {"streaming": True}),
    ("litellm.end_user.id", "u-1", {"user": "u-1"}),
    ("litellm.provider.error.code", "429", {"error_type": "rate_limit", "finish_reason": "error"}),
    ("error.code", "401", {"error_type": "authentication", "finish_reason": "error"}),
    ("error.code", "ECONNREFUSED", {}),
    ("gen_ai.cost.total_cost", 0.002, {"reported_cost_usd": 0.002}),
    ("metadata.user_api_key_user_id", "u-1", {"user": "u-1"}),
    ("metadata.user_api_key_end_user_id", "u-2", {"user": "u-2"}),
    ("litellm.metadata.session_id", "s-1", {"session": "s-1"}),
    ("litellm.metadata.prompt_version", "v1", {"prompt_version": "v1"}),
    ("litellm.metadata.user_segment", "pro", {"segment": "pro"}),
]

_TOKEN_USAGE = "mlflow.chat.tokenUsage"
MLFLOW: list[Entry] = [
    (_TOKEN_USAGE, _j({"input_tokens": 101, "output_tokens": 17}), {"input_tokens": 101, "output_tokens": 17}),
    (_TOKEN_USAGE, _j({"cache_read_input_tokens": 11}), {"cache_read_tokens": 11}),
    (_TOKEN_USAGE, _j({"cache_creation_input_tokens": 12}), {"cache_write_tokens": 12}),
    ("mlflow.llm.model", _j("gpt-4o-mini-2024-07-18"), {"response_model": "gpt-4o-mini-2024-07-18"}),
    ("mlflow.llm.provider", _j("bedrock"), {"provider": "aws.bedrock"}),
    ("mlflow.llm.cost", _j({"total_cost": 0.002}), {"reported_cost_usd": 0.002}),
    ("mlflow.llm.cost", _j({"total": 0.003}), {"reported_cost_usd": 0.003}),
    ("mlflow.trace.session", _j("s-1"), {"session": "s-1"}),
    ("mlflow.trace.user", _j("u-1"), {"user": "u-1"}),
    (
        "mlflow.linkedPrompts",
        _j([{"name": "answer", "version": "2"}]),
        {"prompt_name": "answer", "prompt_version": "2"},
    ),
    ("mlflow.spanOutputs", _j({"choices": [{"finish_reason": "length"}]}), {"finish_reason": "length"}),
    ("mlflow.spanOutputs", _j({"stop_reason": "end_turn"}), {"finish_reason": "stop"}),
    ("mlflow.spanOutputs", _j("It is sunny."), {}),
    ("model", _j("gpt-4o-mini"), {"request_model": "gpt-4o-mini"}),
]

GOOGLE_ADK: list[Entry] = [
    ("gcp.vertex.agent.session_id", "s-1", {"session": "s-1"}),
    ("gen_ai.usage.experimental.reasoning_tokens", 4, {"reasoning_tokens": 4}),
    (
        "gcp.vertex.agent.llm_response",
        _j({"usage_metadata": {"cached_content_token_count": 11}}),
        {"cache_read_tokens": 11},
    ),
    ("gcp.vertex.agent.llm_response", _j({"usage_metadata": {"thoughts_token_count": 4}}), {"reasoning_tokens": 4}),
]

SENTRY: list[Entry] = [
    ("gen_ai.usage.input_tokens.cached", 11, {"cache_read_tokens": 11}),
    ("gen_ai.usage.input_tokens.cache_write", 12, {"cache_write_tokens": 12}),
    ("gen_ai.usage.output_tokens.reasoning", 4, {"reasoning_tokens": 4}),
    ("gen_ai.cost.total_tokens", 0.0042, {"reported_cost_usd": 0.0042}),
    ("gen_ai.response.time_to_first_token", 0.25, {"ttft_s": 0.25}),
    ("gen_ai.response.streaming", True, {"streaming": True}),
    ("gen_ai.pipeline.name", "refunds", {"flow": "refunds"}),
    ("ai.model_id", "gpt-4o", {"request_model": "gpt-4o"}),
    ("ai.prompt_tokens.used", 101, {"input_tokens": 101}),
    ("ai.completion_tokens.used", 17, {"output_tokens": 17}),
    ("ai.streaming", True, {"streaming": True}),
]

OTHERS: list[Entry] = [
    ("gen_ai.token.usage.input", 101, {"input_tokens": 101}),
    ("gen_ai.token.usage.output", 17, {"output_tokens": 17}),
    ("gen_ai.token.cost.total", 0.002, {"reported_cost_usd": 0.002}),
    ("llm.token.counts.prompt", 101, {"input_tokens": 101}),
    ("llm.token.counts.completion", 17, {"output_tokens": 17}),
    ("llm.model", "gpt-4o", {"request_model": "gpt-4o"}),
    ("langtrace.service.name", "OpenAI", {"provider": "openai"}),
    ("error.category", "rate_limit", {"error_type": "rate_limit", "finish_reason": "error"}),
    ("error.category", "sdk_error", {}),
]

CLAUDE_CODE: list[Entry] = [
    ("input_tokens", 101, {"input_tokens": 101}),
    ("ttft_ms", 350, {"ttft_s": 0.35}),
]

BY_SCOPE: list[tuple[str, list[Entry]]] = [
    ("openlit.instrumentation.openai", OPENLIT),
    ("langfuse-sdk", LANGFUSE),
    ("langsmith", LANGSMITH),
    ("ai", VERCEL),
    ("pydantic-ai", PYDANTIC_AI),
    ("litellm", LITELLM),
    ("mlflow.openai", MLFLOW),
    ("gcp.vertex.agent", GOOGLE_ADK),
    ("weave", [("wandb.thread_id", "s-1", {"session": "s-1"})]),
    ("sentry", SENTRY),
    ("some.library", OTHERS),
    ("com.anthropic.claude_code.tracing", CLAUDE_CODE),
]

#: A total that adds up only with the cached tokens tells that the input leaves them out: 101 + 17 + 20.
TOTALS: list[tuple[str, dict[str, Any]]] = [
    ("gen_ai.usage.total_tokens", {"gen_ai.usage.total_tokens": 138}),
    ("llm.usage.total_tokens", {"llm.usage.total_tokens": 138}),
    ("llm.token_count.total", {"llm.token_count.total": 138}),
    ("ai.usage.totalTokens", {"ai.usage.totalTokens": 138}),
    ("ai.total_tokens.used", {"ai.total_tokens.used": 138}),
    ("llm.token.counts.total", {"llm.token.counts.total": 138}),
    ("mlflow.chat.tokenUsage", {"mlflow.chat.tokenUsage": _j({"total_tokens": 138})}),
    ("langfuse total_tokens", {_USAGE: _j({"total_tokens": 138})}),
    ("langfuse total", {_USAGE: _j({"total": 138})}),
    ("langsmith", {_META + "usage_metadata": _j({"total_tokens": 138})}),
    ("genkit", {"genkit:output": _j({"usage": {"totalTokens": 138}})}),
]
#: Langfuse's buckets stand beside each other: usage, and the input and output that it means.
BUCKETS: list[tuple[dict[str, int], tuple[int, int]]] = [
    ({"input": 2000, "output": 42, "input_cached_tokens": 1500}, (3500, 42)),
    ({"input": 2000, "output": 42, "input_cache_read": 1500}, (3500, 42)),
    ({"input": 2000, "output": 42, "input_cache_creation": 250}, (2250, 42)),
    ({"input": 90, "output": 13, "output_reasoning": 4}, (90, 17)),
    ({"input": 90, "output": 13, "output_reasoning_tokens": 4}, (90, 17)),
    # A total without them says that the figures contain them.
    ({"input": 2000, "output": 42, "input_cached_tokens": 1500, "total": 2042}, (2000, 42)),
    ({"input": 90, "output": 17, "output_reasoning": 4, "total": 107}, (90, 17)),
]
