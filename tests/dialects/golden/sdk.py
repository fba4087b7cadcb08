"""Instrumentations of provider SDKs: OpenTelemetry's own, OpenLLMetry, the Anthropic SDK's."""

from __future__ import annotations

from dialects.build import EMPTY, Golden, call, event, exception, golden, span

GPT, GPT_DATED = "gpt-4o", "gpt-4o-2024-08-06"
CLAUDE, CLAUDE_DATED = "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"
V2 = "opentelemetry.instrumentation.openai_v2"
GENAI_OPENAI = "opentelemetry.instrumentation.genai.openai"
GENAI_ANTHROPIC = "opentelemetry.instrumentation.genai.anthropic"
NATIVE = "com.anthropic.sdk.python"
TRACELOOP = "opentelemetry.instrumentation.openai.v1"
TRACELOOP_ANTHROPIC = "opentelemetry.instrumentation.anthropic"


def usage(input_: int, output: int, **more: int) -> dict[str, int]:
    found = {"gen_ai.usage.input_tokens": input_, "gen_ai.usage.output_tokens": output}
    return found | {f"gen_ai.usage.{key.replace('__', '.')}": value for key, value in more.items()}


G1 = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": GPT}
G2 = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": GPT}
ANSWER = {"gen_ai.response.model": GPT_DATED, "gen_ai.response.id": "chatcmpl-9f2c41d07ab3"}
OPENAI = [
    golden(
        "otel-openai-v2: chat",
        span("chat gpt-4o", G1 | ANSWER | usage(395, 157) | {"gen_ai.response.finish_reasons": ["stop"]},
             kind="client", scope=V2),
        calls=call("openai", GPT, GPT_DATED, (395, 157), finish_reason="stop", dialect="opentelemetry"),
    ),
    golden(
        "otel-openai-v2: a stream has no finish reason and no first token",
        span("chat gpt-4o", G1 | ANSWER | usage(395, 157), kind="client", scope=V2),
        calls=call("openai", GPT, GPT_DATED, (395, 157), streaming=False),
    ),
    golden(
        "otel-openai-v2: rate limit, class name only",
        span("chat gpt-4o", G1 | {"error.type": "RateLimitError"}, kind="client", scope=V2, status="error",
             message="Error code: 429"),
        calls=call("openai", GPT, error_type="rate_limit", finish_reason="error"),
    ),
    golden(
        "otel-openai-v2: embeddings",
        span(
            "embeddings text-embedding-3-small",
            {"gen_ai.operation.name": "embeddings", "gen_ai.system": "openai",
                "gen_ai.request.model": "text-embedding-3-small",
             "gen_ai.response.model": "text-embedding-3-small", "gen_ai.usage.input_tokens": 9,
             "gen_ai.request.encoding_formats": ["float"]},
            kind="client", scope=V2,
        ),
        calls=call("openai", "text-embedding-3-small", "text-embedding-3-small", (9, None), operation="embeddings"),
    ),
    golden(
        "otel-openai-v2-optin",
        span("chat gpt-4o", G2 | ANSWER | usage(395, 157) | {"gen_ai.response.finish_reasons": ["tool_calls"],
             "gen_ai.input.messages": "[]"},
             kind="client", scope="opentelemetry.util.genai.handler"),
        calls=call("openai", GPT, GPT_DATED, (395, 157), finish_reason="tool_call"),
    ),
    golden(
        "otel-genai-openai: responses API, stream, cached and reasoning",
        span(
            "chat gpt-4o",
            G2 | {"openai.api.type": "responses", "gen_ai.request.stream": True,
                "gen_ai.response.time_to_first_chunk": 0.21,
                  "gen_ai.response.model": GPT_DATED, "gen_ai.response.id": "resp_0123456789abcdef0123",
                      "openai.response.service_tier": "default",
                  "gen_ai.response.finish_reasons": ["completed"]}
            | usage(1395, 578, cache_read__input_tokens=1024, reasoning__output_tokens=512),
            kind="client", scope=GENAI_OPENAI,
        ),
        calls=call("openai", GPT, GPT_DATED, (1395, 578), cache_read_tokens=1024, reasoning_tokens=512, ttft_s=0.21,
                   streaming=True, finish_reason="stop"),
    ),
    golden(
        "otel-genai-openai: two choices, one cut off",
        span("chat gpt-4o", G2 | ANSWER | usage(32, 50) | {"gen_ai.response.finish_reasons": ["stop", "length"]},
             kind="client", scope=GENAI_OPENAI),
        calls=call("openai", GPT, GPT_DATED, (32, 50), finish_reason="length"),
    ),
    golden(
        "otel-genai-openai: context length behind a 400",
        span("chat gpt-4o", G2 | {"error.type": "openai.BadRequestError"}, kind="client", scope=GENAI_OPENAI,
             status="error",
             message="Error code: 400 - {'error': {'code': 'context_length_exceeded'}}"),
        calls=call("openai", GPT, error_type="context_length_exceeded", finish_reason="error"),
    ),
    golden(
        "stream without include_usage: tokens are missing, not zero",
        span("chat gpt-4o", G2 | ANSWER | {"gen_ai.request.stream": True}, kind="client", scope=GENAI_OPENAI),
        calls=call("openai", GPT, GPT_DATED, streaming=True),
    ),
]  # fmt: skip

A = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": CLAUDE}
A_ANSWER = {"gen_ai.response.model": CLAUDE_DATED, "gen_ai.response.id": "msg_01XFDUDYJgAACzvnptvVoYEL"}
A_USAGE = usage(1773, 42, cache_read__input_tokens=1500, cache_write__input_tokens=250)
_NATIVE_ATTRIBUTES = (
    A | A_ANSWER | A_USAGE | {"gen_ai.request.stream": True, "gen_ai.response.time_to_first_chunk": 0.42,
        "anthropic.message.stop_reason": "end_turn"}
)  # fmt: skip
A_CALL = call(
    "anthropic", CLAUDE, CLAUDE_DATED, (1773, 42), cache_read_tokens=1500, cache_write_tokens=250, finish_reason="stop"
)
ANTHROPIC = [
    golden(
        "anthropic-sdk-native: alone, retried",
        span("anthropic.messages.create", A | A_ANSWER | A_USAGE | {"http.request.resend_count": 2,
             "anthropic.message.stop_reason": "tool_use",
             "anthropic.response.service_tier": "standard",
                 "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 200}, kind="client", scope=NATIVE),
        calls=A_CALL | {"retries": 2, "finish_reason": "tool_call", "dialect": "anthropic_sdk",
            "cache_write_1h_tokens": 200},
    ),
    golden(
        "anthropic-sdk-native: overloaded",
        span("anthropic.messages.create", A | {"error.type": "overloaded_error", "http.response.status_code": 529},
             kind="client", scope=NATIVE,
             status="error"),
        calls=call("anthropic", CLAUDE, error_type="overloaded", finish_reason="error"),
    ),
    golden(
        "otel-genai-anthropic around the native span: one call, its first token is the first content",
        span("chat claude-sonnet-4-5", A | A_ANSWER | A_USAGE | {"gen_ai.request.stream": True,
             "gen_ai.response.time_to_first_chunk": 0.21,
             "gen_ai.response.finish_reasons": ["stop"]}, id=1, kind="client", scope=GENAI_ANTHROPIC),
        span("anthropic.messages.create", _NATIVE_ATTRIBUTES, id=2, parent=1, kind="client", scope=NATIVE, start=0.01,
             end=0.99),
        calls=A_CALL | {"ttft_s": 0.42, "streaming": True},
    ),
    golden(
        "openllmetry-anthropic: the native span is a root of another trace, the stream counts one token twice",
        span("anthropic.chat", A | A_ANSWER | usage(1773, 43, cache_read__input_tokens=1500,
             cache_creation__input_tokens=250, total_tokens=1816)
             | {"gen_ai.is_streaming": True, "gen_ai.response.finish_reasons": ["stop"]}, id=1, trace=1, kind="client",
                 scope=TRACELOOP_ANTHROPIC),
        span("anthropic.messages.create", _NATIVE_ATTRIBUTES, id=2, trace=2, kind="client", scope=NATIVE, start=0.01,
             end=0.9),
        calls=A_CALL | {"ttft_s": 0.42, "streaming": True},
    ),
    golden(
        "both fail: one failed call, retries of the SDK inside",
        span("chat claude-sonnet-4-5", A | {"error.type": "anthropic.RateLimitError"}, id=1, kind="client",
             scope=GENAI_ANTHROPIC, status="error"),
        span("anthropic.messages.create", A | {"error.type": "rate_limit_error", "http.response.status_code": 429},
             id=2, parent=1, kind="client",
             scope=NATIVE, status="error", start=0.01, end=0.98),
        calls=call("anthropic", CLAUDE, error_type="rate_limit", finish_reason="error"),
    ),
]  # fmt: skip

_CHUNKS = [event("gen_ai.content.completion.chunk", at) for at in (0.3, 0.2, 0.4)]
_TL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": GPT,
    "gen_ai.response.model": GPT_DATED,
}
_TL_WORKFLOW = {"traceloop.workflow.name": "support", "traceloop.association.properties.session_id": "s-1",
                "traceloop.association.properties.user_id": "u-1"}  # fmt: skip
OPENLLMETRY = [
    golden(
        "openllmetry 0.62: streamed chunks, values that were not given",
        span("openai.chat", _TL | _TL_WORKFLOW | usage(395, 157, total_tokens=552, cache_read__input_tokens=0)
             | {"gen_ai.is_streaming": True, "gen_ai.request.max_tokens": EMPTY, "gen_ai.user": EMPTY,
                 "gen_ai.response.finish_reasons": ["tool_call"]},
             kind="client", scope=TRACELOOP, events=_CHUNKS),
        calls=call("openai", GPT, GPT_DATED, (395, 157), cache_read_tokens=0, ttft_s=0.2, finish_reason="tool_call",
            session="s-1",
                   user="u-1", flow="support", dialect="openllmetry"),
    ),
    golden(
        "openllmetry 0.62: workflow, task, tool and two calls",
        span("support.workflow", {"traceloop.span.kind": "workflow", "traceloop.entity.name": "support"}
             | _TL_WORKFLOW, id=1, end=9.0, scope="traceloop.tracer"),
        span("rewrite.task", {"traceloop.span.kind": "task", "traceloop.entity.name": "rewrite"} | _TL_WORKFLOW, id=2,
             parent=1, end=2.0, scope="traceloop.tracer"),
        span("openai.chat", _TL | _TL_WORKFLOW | usage(10, 5), id=3, parent=2, kind="client", scope=TRACELOOP),
        span("search.tool", {"traceloop.span.kind": "tool", "traceloop.entity.name": "search"} | _TL_WORKFLOW, id=4,
             parent=1, start=2.0, end=3.0,
             scope="traceloop.tracer"),
        span("openai.chat", _TL | _TL_WORKFLOW | usage(20, 6), id=5, parent=1, start=3.0, end=5.0, kind="client",
             scope=TRACELOOP),
        calls=[call("openai", GPT, GPT_DATED, (n, m), session="s-1", user="u-1") for n, m in ((10, 5), (20, 6))],
        tools=("search",), workflows=1,
    ),
    golden(
        "openllmetry 0.62: died stream has status OK",
        span("openai.chat", _TL | {"gen_ai.is_streaming": True}, kind="client", scope=TRACELOOP, status="ok"),
        calls=call("openai", GPT, GPT_DATED, streaming=True),
    ),
    golden(
        "openllmetry 0.62: error with exception event",
        span("openai.chat", {k: v for k, v in _TL.items() if "response" not in k} | {"error.type": "RateLimitError"},
             kind="client", scope=TRACELOOP,
             status="error", message="Error code: 429", events=[exception("openai.RateLimitError", "Error code: 429")]),
        calls=call("openai", GPT, error_type="rate_limit", finish_reason="error"),
    ),
    golden(
        "openllmetry 0.47: G0 keys, no operation, indexed finish reasons, chunk events",
        span("openai.chat", {"gen_ai.system": "openai", "llm.request.type": "chat", "gen_ai.request.model": GPT,
             "gen_ai.response.model": GPT_DATED,
             "gen_ai.usage.prompt_tokens": 395, "gen_ai.usage.completion_tokens": 157, "llm.usage.total_tokens": 552,
                 "llm.is_streaming": True,
             "gen_ai.usage.reasoning_tokens": 64, "gen_ai.usage.cache_read_input_tokens": 128,
                 "gen_ai.prompt.0.role": "user",
             "gen_ai.completion.0.finish_reason": "stop", "gen_ai.completion.0.content": "It is sunny."},
                 kind="client", scope=TRACELOOP,
             events=[event("llm.content.completion.chunk", 0.25)]),
        calls=call("openai", GPT, GPT_DATED, (395, 157), cache_read_tokens=128, reasoning_tokens=64, ttft_s=0.25,
            finish_reason="stop"),
    ),
    golden(
        "openllmetry 0.47: Anthropic with a capital, a completion that is a chat, sums include the cache",
        span("anthropic.chat", {"gen_ai.system": "Anthropic", "llm.request.type": "completion",
             "gen_ai.request.model": CLAUDE,
             "gen_ai.response.model": CLAUDE_DATED, "gen_ai.usage.prompt_tokens": 1773,
                 "gen_ai.usage.completion_tokens": 42,
             "llm.usage.total_tokens": 1815, "gen_ai.usage.cache_read_input_tokens": 1500,
                 "gen_ai.usage.cache_creation_input_tokens": 250,
             "llm.is_streaming": False, "gen_ai.completion.0.finish_reason": "end_turn"}, kind="client",
                 scope=TRACELOOP_ANTHROPIC),
        calls=A_CALL | {"operation": "chat"},
    ),
    golden(
        "openllmetry 0.47: a completion, an embedding, a rerank",
        span("openai.completion", {"gen_ai.system": "OpenAI", "llm.request.type": "completion",
             "gen_ai.request.model": "davinci-002",
             "gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.completion_tokens": 3}, id=1, kind="client",
                 scope=TRACELOOP),
        span("openai.embeddings", {"gen_ai.system": "OpenAI", "llm.request.type": "embedding",
             "gen_ai.request.model": "text-embedding-3-small",
             "gen_ai.usage.prompt_tokens": 9}, id=2, start=1.0, end=2.0, kind="client", scope=TRACELOOP),
        span("cohere.rerank", {"gen_ai.system": "Cohere", "llm.request.type": "rerank",
             "gen_ai.request.model": "rerank-v3.5"}, id=3, start=2.0,
             end=3.0, kind="client", scope="opentelemetry.instrumentation.cohere"),
        calls=[
            call("openai", "davinci-002", tokens=(7, 3), operation="text_completion"),
            call("openai", "text-embedding-3-small", tokens=(9, None), operation="embeddings"),
            call("cohere", "rerank-v3.5", operation="rerank"),
        ],
    ),
    golden(
        "openllmetry and openai-v2 at once: nested, then a stream as siblings without ids",
        span("ask", {}, id=1, end=9.0, scope="my.app"),
        span("openai.chat", _TL | usage(395, 157), id=2, parent=1, kind="client", scope=TRACELOOP),
        span("chat gpt-4o", G1 | ANSWER | usage(395, 157), id=3, parent=2, start=0.01, end=0.99, kind="client",
             scope=V2),
        span("openai.chat", _TL | {"gen_ai.is_streaming": True} | usage(96, 31), id=4, parent=1, start=2.0, end=3.0,
             kind="client", scope=TRACELOOP),
        span("chat gpt-4o", G1 | usage(96, 31), id=5, parent=1, start=2.01, end=2.99, kind="client", scope=V2),
        calls=[call("openai", GPT, GPT_DATED, tokens) for tokens in ((395, 157), (96, 31))], workflows=1,
    ),
    golden(
        "two parallel calls of one instrumentation with equal figures stay two",
        span("ask", {}, id=1, end=9.0, scope="my.app"),
        span("openai.chat", _TL | usage(10, 5), id=2, parent=1, kind="client", scope=TRACELOOP),
        span("openai.chat", _TL | usage(10, 5), id=3, parent=1, kind="client", scope=TRACELOOP),
        calls=[call("openai", GPT, GPT_DATED, (10, 5))] * 2, workflows=1,
    ),
    golden(
        "traceloop-js: a stream without usage although it was on the wire",
        span("chat gpt-4o", _TL | {"gen_ai.response.finish_reasons": ["tool_call"]}, kind="client",
             scope="@traceloop/instrumentation-openai"),
        calls=call("openai", GPT, GPT_DATED, finish_reason="tool_call", dialect="openllmetry"),
    ),
]  # fmt: skip

_GEMINI = {
    "gen_ai.operation.name": "generate_content",
    "gen_ai.provider.name": "gemini",
    "gen_ai.request.model": "gemini-2.5-flash",
}
_GEMINI_SCOPE = "opentelemetry.instrumentation.google_genai"
GOOGLE = [
    golden(
        "otel-google-genai: thoughts are in the output, finish reasons in lower case",
        span("generate_content gemini-2.5-flash", _GEMINI | {"gen_ai.response.model": "gemini-2.5-flash",
             "gen_ai.request.stream": True,
             "gen_ai.response.time_to_first_chunk": 0.11, "gen_ai.response.finish_reasons": ["max_tokens"],
                 "gen_ai.usage.text.input_tokens": 66}
             | usage(66, 578, cache_read__input_tokens=32, reasoning__output_tokens=512), kind="client",
                 scope=_GEMINI_SCOPE),
        calls=call("gcp.gemini", "gemini-2.5-flash", "gemini-2.5-flash", (66, 578), operation="generate_content",
            cache_read_tokens=32,
                   reasoning_tokens=512, ttft_s=0.11, finish_reason="length"),
    ),
    golden(
        "otel-google-genai: safety, and an error that is a status code",
        span("generate_content gemini-2.5-flash", _GEMINI | {"gen_ai.response.finish_reasons": ["safety"]} | usage(5,
             1), id=1, kind="client",
             scope=_GEMINI_SCOPE),
        span("generate_content gemini-2.5-flash", _GEMINI | {"error.type": "429"}, id=2, start=1.0, end=2.0,
             kind="client", scope=_GEMINI_SCOPE,
             status="error"),
        span("generate_content gemini-2.5-flash", _GEMINI | {"error.type": "httpx.ReadTimeout"}, id=3, start=2.0,
             end=3.0, kind="client",
             scope=_GEMINI_SCOPE, status="error"),
        calls=[
            call("gcp.gemini", "gemini-2.5-flash", tokens=(5, 1), operation="generate_content",
                finish_reason="content_filter", refusal=True),
            call("gcp.gemini", "gemini-2.5-flash", operation="generate_content", error_type="rate_limit",
                finish_reason="error"),
            call("gcp.gemini", "gemini-2.5-flash", operation="generate_content", error_type="timeout",
                finish_reason="error"),
        ],
    ),
    golden(
        "otel-google-genai: automatic function calling is a tool below the call",
        span("generate_content gemini-2.5-flash", _GEMINI | usage(150, 30), id=1, end=2.0, kind="client",
             scope=_GEMINI_SCOPE),
        span("execute_tool get_weather", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather"},
             id=2, parent=1, start=0.5,
             scope=_GEMINI_SCOPE),
        calls=call("gcp.gemini", "gemini-2.5-flash", tokens=(150, 30), operation="generate_content"),
            tools=("get_weather",),
    ),
]  # fmt: skip

PAIRS: list[Golden] = [*OPENAI, *ANTHROPIC, *OPENLLMETRY, *GOOGLE]
