"""LiteLLM, MLflow, LangSmith, Logfire, Weave, Vercel's AI SDK, Sentry and the smaller emitters."""

from __future__ import annotations

import json
from typing import Any

from dialects.build import Golden, call, event, exception, golden, span
from dialects.golden.platforms import MINI, MINI_DATED
from dialects.golden.sdk import CLAUDE, CLAUDE_DATED, GPT, GPT_DATED, NATIVE, usage


def _j(value: Any) -> str:
    return json.dumps(value)


_V1 = {
    "gen_ai.system": "openai",
    "gen_ai.request.model": MINI,
    "llm.is_streaming": "False",
    "metadata.user_api_key_user_id": "u-1",
}
_V2 = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.system": "openai",
    "gen_ai.request.model": "main",
       "litellm.provider.model": MINI, "litellm.request.streaming": False}  # fmt: skip
LITELLM = [
    golden(
        "litellm v1: the raw request below carries no usage; lists and flags are text",
        span("litellm_request", _V1 | {"gen_ai.operation.name": "acompletion", "gen_ai.response.model": MINI_DATED,
             "litellm.provider.model": MINI,
             "gen_ai.response.id": "chatcmpl-mock6dc4f50000", "gen_ai.response.finish_reasons": '["stop"]',
                 "llm.request.functions.0.name": "get_weather",
             "gen_ai.cost.total_cost": 0.001} | usage(101, 17, total_tokens=118), id=1, scope="litellm"),
        span("raw_gen_ai_request", {"llm.openai.model": MINI, "llm.openai.id": "chatcmpl-mock6dc4f50000",
             "gen_ai.request.model": MINI,
             "gen_ai.operation.name": "acompletion"}, id=2, parent=1, scope="litellm"),
        calls=call("openai", MINI, MINI_DATED, (101, 17), finish_reason="stop", user="u-1", streaming=False,
            reported_cost_usd=0.001, dialect="litellm"),
    ),
    golden(
        "litellm v1: error with its code as text, exception after the end",
        span("litellm_request", _V1 | {"gen_ai.operation.name": "completion", "error.type": "RateLimitError",
             "error.code": "429",
             "http.response.status_code": 429} | usage(0, 0), scope="litellm", status="error",
                 message="litellm.RateLimitError: ...",
             events=[exception("RateLimitError", "litellm.RateLimitError", at=1.5)]),
        calls=call("openai", MINI, user="u-1", error_type="rate_limit", finish_reason="error"),
    ),
    golden(
        "litellm v2: a router alias is what was asked, the deployment is what answered; usage twice on one span",
        span("route main", {"litellm.request.route": "main", "gen_ai.request.model": "main",
             "gen_ai.provider.name": "openai"}, id=1, scope="litellm"),
        span("chat main", _V2 | {"gen_ai.usage.prompt_tokens": 101, "gen_ai.usage.completion_tokens": 17,
             "gen_ai.conversation.id": "s-1",
             "gen_ai.response.finish_reasons": ["stop"], "litellm.cost.total": 0.002, "litellm.cache_hit": False,
                 "litellm.end_user.id": "u-1"}
             | usage(101, 17, cache_creation__input_tokens=12), id=2, parent=1, kind="client", scope="litellm"),
        calls=call("openai", "main", MINI, (101, 17), cache_write_tokens=12, finish_reason="stop", session="s-1",
            user="u-1",
                   reported_cost_usd=0.002, response_cache_hit=False),
        workflows=1,
    ),
    golden(
        "litellm v2: attempts of the router are roots of their own, zero tokens of a failure are none",
        span("chat main", _V2 | {"error.type": "openai.InternalServerError", "litellm.provider.error.code": "500"}
             | usage(0, 0), id=1, trace=1,
             kind="client", scope="litellm", status="error"),
        span("chat main", _V2 | usage(101, 17), id=2, trace=2, start=2.0, end=3.0, kind="client", scope="litellm"),
        calls=[call("openai", "main", MINI, error_type="server_error", finish_reason="error"), call("openai", "main",
            MINI, (101, 17))],
    ),
    golden(
        "litellm: a stream without usage reports zeros, which are no figures",
        span("chat main", _V2 | {"litellm.request.streaming": True, "gen_ai.response.time_to_first_chunk": 0.2}
             | usage(0, 0), kind="client",
             scope="litellm"),
        calls=call("openai", "main", MINI, ttft_s=0.2, streaming=True),
    ),
    golden(
        "litellm: all mappers on one span, Langfuse's buckets do not unsettle the input",
        span("chat main", _V2 | {"openinference.span.kind": "LLM", "llm.token_count.prompt": 101,
             "llm.token_count.completion": 17,
             "langfuse.observation.type": "generation", "langfuse.observation.usage_details": _j({"input": 90,
                 "output": 17, "input_cached_tokens": 11}),
             "traceloop.span.kind": "unknown", "llm.token.counts.prompt": 101, "weave.span.kind": "llm"}
             | usage(101, 17, total_tokens=118, cache_read__input_tokens=11), kind="client", scope="litellm"),
        calls=call("openai", "main", MINI, (101, 17), cache_read_tokens=11),
    ),
    golden(
        "gateway and application: both tell of one call",
        span("chat gpt-4o-mini", {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
             "gen_ai.request.model": "main"} | usage(101, 17),
             id=1, kind="client", scope="opentelemetry.instrumentation.genai.openai"),
        span("POST", {"http.request.method": "POST"}, id=2, parent=1, start=0.1, end=0.9, kind="client",
             scope="opentelemetry.instrumentation.httpx"),
        span("chat main", _V2 | usage(101, 17), id=3, parent=2, start=0.2, end=0.8, kind="client", scope="litellm",
             resource={"service.name": "gateway"}),
        calls=call("openai", "main", MINI, (101, 17), service="bot"),
    ),
]  # fmt: skip

_ML = {
    "mlflow.spanType": _j("CHAT_MODEL"),
    "model": _j(MINI),
    "mlflow.llm.model": _j(MINI_DATED),
    "mlflow.traceRequestId": _j("tr-1"),
}
MLFLOW = [
    golden(
        "mlflow: every value is JSON in a string, finish reason in the outputs, one event per chunk",
        span("agent", {"mlflow.spanType": _j("AGENT"), "mlflow.spanOutputs": _j({"answer": "x"})}, id=1, end=9.0,
             scope="mlflow.tracing"),
        span("Completions", _ML | {"mlflow.chat.tokenUsage": _j({"input_tokens": 101, "output_tokens": 17,
             "total_tokens": 118, "cache_read_input_tokens": 11}),
             "mlflow.spanOutputs": _j({"id": "chatcmpl-1", "choices": [{"finish_reason": "tool_calls"}]}),
                 "stream": "true"}, id=2, parent=1,
             scope="mlflow.openai", status="ok", events=[event("mlflow.chunk.item.0", 0.2),
                 event("mlflow.chunk.item.1", 0.3)]),
        span("get_weather", {"mlflow.spanType": _j("TOOL")}, id=3, parent=1, start=1.0, end=2.0,
             scope="mlflow.langchain"),
        span("docs", {"mlflow.spanType": _j("RETRIEVER")}, id=4, parent=1, start=2.0, end=3.0,
             scope="mlflow.langchain"),
        span("Embeddings", {"mlflow.spanType": _j("EMBEDDING"), "model": _j("text-embedding-3-small")}, id=5, parent=1,
             start=3.0, end=4.0, scope="mlflow.openai"),
        calls=[call("openai", MINI, MINI_DATED, (101, 17), cache_read_tokens=11, finish_reason="tool_call", ttft_s=0.2,
            streaming=True, agent="agent"),
               call("openai", "text-embedding-3-small", operation="embeddings", agent="agent")],
        agents=("agent",), tools=("get_weather",), retrievals=("docs",), workflows=1,
    ),
    golden(
        "mlflow: streamed, no chunk events",
        span("Completions", _ML | {"stream": "true"}, scope="mlflow.openai"),
        calls=call("openai", MINI, MINI_DATED, streaming=True),
    ),
    golden(
        "mlflow: an error without a message",
        span("Completions", {"mlflow.spanType": _j("CHAT_MODEL"), "model": _j(MINI)}, scope="mlflow.openai",
             status="error",
             events=[exception("RateLimitError", "Error code: 429")]),
        calls=call("openai", MINI, error_type="rate_limit", finish_reason="error"),
    ),
    golden(
        "mlflow in genai semantics: the asked model is in a bare key, roles are operations in capitals",
        span("pipeline", {"gen_ai.operation.name": "CHAIN"}, id=1, end=9.0, scope="mlflow"),
        span("docs", {"gen_ai.operation.name": "RETRIEVER"}, id=2, parent=1, scope="mlflow"),
        span("chat gpt-4o-mini-2024-07-18", {"gen_ai.operation.name": "chat", "gen_ai.request.model": MINI_DATED,
             "model": _j(MINI),
             "gen_ai.response.finish_reasons": ["stop"]} | usage(101, 17), id=3, parent=1, start=1.0, end=2.0,
                 kind="client", scope="mlflow"),
        span("get_weather", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather"}, id=4,
             parent=1, scope="mlflow"),
        calls=call("openai", MINI, MINI_DATED, (101, 17), finish_reason="stop"), retrievals=("docs",),
            tools=("get_weather",), workflows=1,
    ),
]  # fmt: skip

_LS = {"langsmith.span.kind": "llm", "gen_ai.operation.name": "chat", "gen_ai.system": "openai",
    "gen_ai.request.model": MINI,
       "langsmith.metadata.ls_model_name": MINI, "langsmith.trace.session_name": "project"}  # fmt: skip
LANGSMITH = [
    golden(
        "langsmith: prompts are called chat and retrievers embeddings; a failed run may have status OK",
        span("chain", {"langsmith.span.kind": "chain", "gen_ai.operation.name": "chain"}, id=1, end=9.0,
             scope="langsmith"),
        span("ChatPromptTemplate", {"langsmith.span.kind": "prompt", "gen_ai.operation.name": "chat"}, id=2, parent=1,
             scope="langsmith"),
        span("docs", {"langsmith.span.kind": "retriever", "gen_ai.operation.name": "embeddings"}, id=3, parent=1,
             scope="langsmith"),
        span("get_weather", {"langsmith.span.kind": "tool", "gen_ai.operation.name": "execute_tool",
             "gen_ai.tool.name": "get_weather"}, id=4, parent=1,
             scope="langsmith"),
        span("ChatOpenAI", _LS | usage(101, 17, total_tokens=118)
             | {"gen_ai.usage.input_token_details": "{'cache_read': 11}",
             "gen_ai.usage.output_token_details": "{'reasoning': 4}", "langsmith.metadata.thread_id": "t-1"}, id=5,
                 parent=1, start=2.0, end=3.0,
             scope="langsmith"),
        span("ChatOpenAI", _LS, id=6, parent=1, start=4.0, end=5.0, scope="langsmith", status="ok",
             events=[exception("Exception", "RateLimitError('Error code: 429')", at=5.2)]),
        span("StrOutputParser", {"langsmith.span.kind": "parser", "gen_ai.operation.name": "chat"}, id=7, parent=1,
             scope="langsmith"),
        span("embed", {"langsmith.span.kind": "embedding", "gen_ai.operation.name": "embeddings",
             "gen_ai.request.model": "text-embedding-3-small"}, id=8,
             parent=1, start=5.0, end=6.0, scope="langsmith"),
        calls=[call("openai", MINI, tokens=(101, 17), cache_read_tokens=11, reasoning_tokens=4, session="t-1"),
               call("openai", MINI, error_type="rate_limit", finish_reason="error"),
               call("openai", "text-embedding-3-small", operation="embeddings")],
        retrievals=("docs",), tools=("get_weather",), workflows=1,
    ),
]  # fmt: skip

_FIRE = {"gen_ai.provider.name": "openai", "gen_ai.system": "openai", "gen_ai.operation.name": "chat",
    "gen_ai.request.model": GPT,
         "request_data": _j({"model": GPT}), "logfire.level_num": 9}  # fmt: skip
LOGFIRE = [
    golden(
        "logfire: name templates are not filled in, lists are JSON text, details are raw",
        span("Chat Completion with {request_data[model]!r}", _FIRE | {"gen_ai.response.model": GPT_DATED,
             "gen_ai.response.finish_reasons": '["stop"]',
             "gen_ai.usage.raw": _j({"prompt_tokens": 395, "prompt_tokens_details": {"cached_tokens": 128},
             "completion_tokens_details": {"reasoning_tokens": 64}}), "logfire.span_type": "span"} | usage(395, 157),
                 kind="client", scope="logfire.openai"),
        calls=call("openai", GPT, GPT_DATED, (395, 157), cache_read_tokens=128, reasoning_tokens=64,
            finish_reason="stop", dialect="logfire"),
    ),
    golden(
        "logfire: a stream is a request span and, in another trace, a log span of no length",
        span("Chat Completion with {request_data[model]!r}", _FIRE | {"logfire.span_type": "span"}, id=1, trace=1,
             end=0.009, kind="client",
             scope="logfire.openai"),
        span("streaming response from {request_data[model]!r}", _FIRE | {"logfire.span_type": "log", "duration": 0.79}
             | usage(395, 157), id=2, trace=2,
             start=0.8, end=0.8, scope="logfire.openai"),
        calls=call("openai", GPT, tokens=(395, 157), streaming=True, duration_s=0.8),
    ),
    golden(
        "logfire: the end of a stream whose beginning was lost",
        span("streaming response from {request_data[model]!r}", _FIRE | {"logfire.span_type": "log", "duration": 0.79}
             | usage(395, 157), start=0.8, end=0.8, scope="logfire.openai"),
        calls=call("openai", GPT, tokens=(395, 157), streaming=True, duration_s=0.79),
    ),
    golden(
        "logfire-anthropic: a third span of the SDK's own",
        span("Message with {request_data[model]!r}", {"gen_ai.provider.name": "anthropic",
             "gen_ai.operation.name": "chat", "gen_ai.request.model": CLAUDE,
             "gen_ai.response.model": CLAUDE_DATED, "gen_ai.usage.raw": _j({"cache_read_input_tokens": 1500,
                 "cache_creation_input_tokens": 250})}
             | usage(1773, 42), id=1, kind="client", scope="logfire.anthropic"),
        span("anthropic.messages.create", {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic",
             "gen_ai.request.model": CLAUDE,
             "gen_ai.response.model": CLAUDE_DATED} | usage(1773, 42, cache_read__input_tokens=1500,
                 cache_write__input_tokens=250), id=2, parent=1,
             start=0.01, end=0.99, kind="client", scope=NATIVE),
        calls=call("anthropic", CLAUDE, CLAUDE_DATED, (1773, 42), cache_read_tokens=1500, cache_write_tokens=250),
    ),
]  # fmt: skip

PAIRS: list[Golden] = [*LITELLM, *MLFLOW, *LANGSMITH, *LOGFIRE]
