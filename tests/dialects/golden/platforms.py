"""OpenInference, OpenLIT, Langfuse, Logfire, LiteLLM, MLflow, Sentry and the smaller platforms."""

from __future__ import annotations

import json
from typing import Any

from dialects.build import EMPTY, Golden, call, event, exception, golden, span
from dialects.golden.sdk import A_CALL, CLAUDE, CLAUDE_DATED, GPT, GPT_DATED, NATIVE, usage

OI = "openinference.instrumentation.openai"
MINI, MINI_DATED = "gpt-4o-mini", "gpt-4o-mini-2024-07-18"


def _j(value: Any) -> str:
    return json.dumps(value)


def counts(prompt: int, completion: int, **details: int) -> dict[str, int]:
    found = {
        "llm.token_count.prompt": prompt,
        "llm.token_count.completion": completion,
        "llm.token_count.total": prompt + completion,
    }
    return found | {f"llm.token_count.{key.replace('__', '.')}": value for key, value in details.items()}


_LLM = {
    "openinference.span.kind": "LLM",
    "llm.system": "openai",
    "llm.invocation_parameters": _j({"model": GPT, "stream": True}),
}
OPENINFERENCE = [
    golden(
        "openinference-openai: stream with first-token event; session, user, tags on the span",
        span("ChatCompletion", _LLM | {"llm.model_name": GPT_DATED, "llm.finish_reason": "tool_calls",
             "session.id": "s-1", "user.id": "u-1",
             "metadata": _j({"prompt_version": "v2"}), "tag.tags": ["a"],
                 "llm.output_messages.0.message.tool_calls.0.tool_call.id": "call_1"}
             | counts(395, 157, prompt_details__cache_read=128, completion_details__reasoning=64), scope=OI,
                 status="ok",
             events=[event("First Token Stream Event", 0.22)]),
        calls=call("openai", GPT, GPT_DATED, (395, 157), cache_read_tokens=128, reasoning_tokens=64, ttft_s=0.22,
            streaming=True,
                   finish_reason="tool_call", session="s-1", user="u-1", prompt_version="v2", dialect="openinference"),
    ),
    golden(
        "openinference-openai: the model of a failed call is in its parameters only",
        span("ChatCompletion", _LLM, scope=OI, status="error", message="Error code: 429",
             events=[exception("openai.RateLimitError", "Error code: 429 - rate_limit_exceeded")]),
        calls=call("openai", GPT, error_type="rate_limit", finish_reason="error", streaming=True),
    ),
    golden(
        "openinference-openai: embeddings",
        span("CreateEmbeddings", {"openinference.span.kind": "EMBEDDING",
             "embedding.model_name": "text-embedding-3-small", "llm.system": "openai",
             "embedding.embeddings.0.embedding.text": "hello", "embedding.embeddings.0.embedding.vector": [0.1, 0.2],
             "embedding.invocation_parameters": _j({"model": "text-embedding-3-small"}), "llm.token_count.prompt": 9},
                 scope=OI),
        calls=call("openai", "text-embedding-3-small", "text-embedding-3-small", (9, None), operation="embeddings"),
    ),
    golden(
        "openinference-genai-semconv: both families on one span are one usage, the asked model is in the parameters",
        span("ChatCompletion", _LLM | {"llm.model_name": GPT_DATED, "gen_ai.provider.name": "openai",
             "gen_ai.operation.name": "chat",
             "gen_ai.request.model": GPT_DATED, "gen_ai.response.model": GPT_DATED} | counts(395, 157,
                 completion_details__reasoning=64)
             | usage(395, 157, cache_read__input_tokens=128), scope=OI),
        calls=call("openai", GPT, GPT_DATED, (395, 157), cache_read_tokens=128, reasoning_tokens=64, streaming=True),
    ),
    golden(
        "openinference-anthropic around the native span",
        span("messages.create", {"openinference.span.kind": "LLM", "llm.provider": "anthropic",
             "llm.system": "anthropic", "llm.request.model_name": CLAUDE,
             "llm.response.model_name": CLAUDE_DATED, "llm.model_name": CLAUDE_DATED, "llm.finish_reason": "end_turn"}
             | counts(1773, 42, prompt_details__cache_read=1500, prompt_details__cache_write=250), id=1,
                 scope="openinference.instrumentation.anthropic"),
        span("anthropic.messages.create", {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic",
             "gen_ai.request.model": CLAUDE,
             "gen_ai.response.model": CLAUDE_DATED, "gen_ai.response.id": "msg_01XFDUDYJgAACzvnptvVoYEL"}
             | usage(1773, 42, cache_read__input_tokens=1500, cache_write__input_tokens=250), id=2, parent=1,
                 start=0.01, end=0.99, kind="client",
             scope=NATIVE),
        calls=A_CALL,
    ),
    golden(
        "openinference-google: provider without system",
        span("GenerateContent", {"openinference.span.kind": "LLM", "llm.provider": "google",
             "llm.model_name": "gemini-2.5-flash",
             "llm.finish_reason": "STOP", "llm.invocation_parameters": _j({"temperature": 0.1})}
             | counts(66, 578, completion_details__reasoning=512), scope="openinference.instrumentation.google_genai"),
        calls=call("gcp.gemini", "gemini-2.5-flash", "gemini-2.5-flash", (66, 578), reasoning_tokens=512,
            finish_reason="stop"),
    ),
    golden(
        "openinference: Gemini on Vertex, Azure, Anthropic's figures without the cache and no total",
        span("llm", {"openinference.span.kind": "LLM", "llm.provider": "google", "llm.system": "vertexai",
             "llm.model_name": "gemini-2.5-pro"}
             | counts(5, 6), id=1, scope="openinference.instrumentation.vertexai"),
        span("llm", {"openinference.span.kind": "LLM", "llm.provider": "azure", "llm.system": "openai",
             "llm.model_name": GPT} | counts(7, 8), id=2,
             start=1.0, end=2.0, scope="openinference.instrumentation.litellm"),
        span("llm", {"openinference.span.kind": "LLM", "llm.provider": "anthropic", "llm.model_name": CLAUDE,
             "llm.token_count.prompt": 23,
             "llm.token_count.completion": 42, "llm.token_count.prompt_details.cache_read": 1500,
             "llm.token_count.prompt_details.cache_write": 250}, id=3, start=2.0, end=3.0,
                 scope="openinference.instrumentation.old"),
        calls=[
            call("gcp.vertex_ai", "gemini-2.5-pro", "gemini-2.5-pro", (5, 6)), call("azure.ai.openai", GPT, GPT, (7,
                8)),
            call("anthropic", CLAUDE, CLAUDE, (1773, 42), cache_read_tokens=1500, cache_write_tokens=250),
        ],
    ),
    golden(
        "openinference: every other kind is no call",
        span("run", {"openinference.span.kind": "CHAIN"}, id=1, end=9.0, scope="openinference.instrumentation"),
        span("retrieve", {"openinference.span.kind": "RETRIEVER", "retrieval.documents.0.document.content": "x"}, id=2,
             parent=1, scope="openinference.instrumentation"),
        span("rerank", {"openinference.span.kind": "RERANKER", "reranker.model_name": "rerank-v3.5",
             "reranker.top_k": 3}, id=3, parent=1, start=1.0,
             end=2.0, scope="openinference.instrumentation"),
        span("check", {"openinference.span.kind": "GUARDRAIL"}, id=4, parent=1, scope="openinference.instrumentation"),
        span("judge", {"openinference.span.kind": "EVALUATOR"}, id=5, parent=1, scope="openinference.instrumentation"),
        span("template", {"openinference.span.kind": "PROMPT"}, id=6, parent=1, scope="openinference.instrumentation"),
        span("search", {"openinference.span.kind": "TOOL", "tool.name": "search"}, id=7, parent=1,
             scope="openinference.instrumentation"),
        span("decide", {"openinference.span.kind": "DECISION", "decision.model_name": MINI,
             "decision.token_count.input": 4,
             "decision.token_count.output": 1}, id=8, parent=1, scope="openinference.instrumentation"),
        calls=call("openai", MINI, MINI, (4, 1)), retrievals=("retrieve", "rerank"), tools=("search",), workflows=1,
    ),
    golden(
        "openinference: evaluations and annotations are indexed attributes",
        span("answer", {"openinference.span.kind": "CHAIN", "evaluations.0.evaluation.name": "correctness",
             "evaluations.0.evaluation.score": 0.9,
             "evaluations.0.evaluation.label": "correct", "evaluations.0.evaluation.annotator_kind": "LLM",
             "annotations.0.annotation.name": "thumbs", "annotations.0.annotation.label": "thumbs_up",
             "annotations.0.annotation.annotator_kind": "HUMAN", "trace.evaluations.0.evaluation.name": "safety",
             "trace.evaluations.0.evaluation.score": 1.0, "session.evaluations.0.evaluation.name": "goal",
             "session.evaluations.0.evaluation.label": "fail"}, scope="openinference.instrumentation"),
        evaluations=(("correctness", 0.9, "pass"), ("safety", 1.0, ""), ("goal", None, "fail")), feedback=("positive",),
    ),
    golden(
        "openinference and openai-v2 at once, nested",
        span("ChatCompletion", _LLM | {"llm.model_name": GPT_DATED} | counts(395, 157), id=1, scope=OI),
        span("chat gpt-4o", {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": GPT,
             "gen_ai.response.model": GPT_DATED}
             | usage(395, 157), id=2, parent=1, start=0.01, end=0.99, kind="client",
                 scope="opentelemetry.instrumentation.openai_v2"),
        calls=call("openai", GPT, GPT_DATED, (395, 157), streaming=True),
    ),
    golden(
        "openinference-js",
        span("OpenAI Chat Completions", {"openinference.span.kind": "LLM", "llm.system": "openai",
             "llm.model_name": MINI_DATED, "llm.finish_reason": "stop",
             "llm.invocation_parameters": _j({"model": MINI})} | counts(101, 17),
                 scope="@arizeai/openinference-instrumentation-openai"),
        calls=call("openai", MINI, MINI_DATED, (101, 17), finish_reason="stop", dialect="openinference"),
    ),
]  # fmt: skip

_LIT = {
    "gen_ai.operation.name": "chat",
    "telemetry.sdk.name": "openlit",
    "service.name": "bot",
    "server.address": "NOT_FOUND",
}
OPENLIT = [
    golden(
        "openlit-openai: TTFT of an answer that was not streamed is its duration, the HTTP request below is no call",
        span("chat gpt-4o", _LIT | {"gen_ai.provider.name": "openai", "gen_ai.request.model": GPT,
             "gen_ai.response.model": GPT_DATED,
             "gen_ai.request.stream": False, "gen_ai.server.time_to_first_token": 0.998,
                 "gen_ai.server.time_per_output_token": 0,
             "gen_ai.usage.total_tokens": 552, "gen_ai.client.token.usage": 552, "gen_ai.usage.cost": 0.0025,
                 "gen_ai.request.seed": 0,
             "gen_ai.response.finish_reasons": ["tool_calls"], "gen_ai.tool.name": "get_weather",
                 "gen_ai.tool.call.id": "call_1"}
             | usage(395, 157, cache_read__input_tokens=128), id=1, kind="client",
                 scope="openlit.instrumentation.openai"),
        span("POST", {"http.request.method": "POST", "http.response.status_code": 200}, id=2, parent=1, start=0.1,
             end=0.9, kind="client",
             scope="opentelemetry.instrumentation.httpx"),
        calls=call("openai", GPT, GPT_DATED, (395, 157), cache_read_tokens=128, finish_reason="tool_call",
            reported_cost_usd=0.0025,
                   streaming=False, dialect="openlit"),
    ),
    golden(
        "openlit-anthropic: Anthropic's own input figure leaves the cache out, though the total suggests otherwise",
        span("chat claude", _LIT | {"gen_ai.provider.name": "anthropic", "gen_ai.request.model": CLAUDE,
             "gen_ai.response.model": CLAUDE_DATED,
             "gen_ai.request.stream": True, "gen_ai.server.time_to_first_token": 0.12,
                 "gen_ai.usage.total_tokens": 2042,
             "gen_ai.response.finish_reasons": ["end_turn"]}
             | usage(2000, 42, cache_read__input_tokens=1500, cache_creation__input_tokens=250), kind="client",
                 scope="openlit.instrumentation.anthropic"),
        calls=call("anthropic", CLAUDE, CLAUDE_DATED, (3750, 42), cache_read_tokens=1500, cache_write_tokens=250,
            ttft_s=0.12, finish_reason="stop"),
    ),
    golden(
        "openlit-responses: completed is stop, incomplete is length; Anthropic's errors have no type",
        span("chat gpt-4o", _LIT | {"gen_ai.provider.name": "openai", "gen_ai.request.model": GPT,
             "gen_ai.response.finish_reasons": ["incomplete"],
             "gen_ai.usage.reasoning_tokens": 16} | usage(9, 20), id=1, kind="client",
                 scope="openlit.instrumentation.openai"),
        span("chat claude", _LIT | {"gen_ai.provider.name": "anthropic", "gen_ai.request.model": CLAUDE}, id=2,
             start=2.0, end=3.0, kind="client",
             scope="openlit.instrumentation.anthropic", status="error", events=[exception("RateLimitError",
                 "Error code: 429")]),
        calls=[call("openai", GPT, tokens=(9, 20), finish_reason="length", reasoning_tokens=16),
               call("anthropic", CLAUDE, error_type="rate_limit", finish_reason="error")],
    ),
    golden(
        "openlit: the app's own span is of kind CLIENT and no call; scores are events",
        span("ask", {"gen_ai.output.messages": "[]", "telemetry.sdk.name": "openlit", "gen_ai.eval.groundedness": 0.8,
             "gen_ai.eval.answer_relevancy": 0.7,
             "gen_ai.eval.context_relevancy": 0.6}, kind="client", scope="openlit.otel.tracing",
             events=[event("gen_ai.evaluation.result", 0.9, gen_ai__evaluation__name="helpfulness",
                 gen_ai__evaluation__score__value=0.5)]),
        evaluations=(("groundedness", 0.8, ""), ("relevance", 0.7, ""), ("context_relevance", 0.6, ""), ("helpfulness",
            0.5, "")),
    ),
    golden(
        "openlit: a first token that comes with the last one, and no word about streaming",
        span("chat gpt-4o", {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": GPT,
             "gen_ai.server.time_to_first_token": 0.998} | usage(9, 20), kind="client", scope="openlit.otel.tracing"),
        calls=call("openai", GPT, tokens=(9, 20), streaming=False),
    ),
    golden(
        "openlit 1.34: system, cost, numbers as text, arrays and text left empty",
        span("chat gpt-4o", {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": GPT,
             "gen_ai.response.model": GPT_DATED,
             "gen_ai.request.temperature": "1.0", "gen_ai.request.seed": "", "gen_ai.request.is_stream": False,
                 "gen_ai.usage.cost": 0.001,
             "gen_ai.response.finish_reasons": ["stop"], "gen_ai.server.time_to_first_token": 0,
                 "gen_ai.environment": "default",
             "gen_ai.response.tool_calls": EMPTY, "gen_ai.request.stop_sequences": [],
                 "gen_ai.usage.completion_tokens_details.reasoning": 4}
             | usage(32, 50), kind="client", scope="openlit.otel.tracing"),
        calls=call("openai", GPT, GPT_DATED, (32, 50), reasoning_tokens=4, finish_reason="stop",
            reported_cost_usd=0.001),
    ),
]  # fmt: skip

_FUSE = {
    "langfuse.observation.type": "generation",
    "langfuse.observation.model.name": GPT_DATED,
    "session.id": "s-1",
    "user.id": "u-1",
}
_USAGE = "langfuse.observation.usage_details"
LANGFUSE = [
    golden(
        "langfuse: the OpenAI drop-in, streamed; inclusive usage in one JSON string",
        span("OpenAI-generation", _FUSE | {_USAGE: _j({"prompt_tokens": 395, "completion_tokens": 157,
             "total_tokens": 552,
             "prompt_tokens_details": {"cached_tokens": 128, "audio_tokens": 0},
                 "completion_tokens_details": {"reasoning_tokens": 64}}),
             "langfuse.observation.completion_start_time": _j("2026-09-21T14:13:20.350000Z"),
                 "langfuse.observation.model.parameters": '{"max_tokens": "Infinity"}',
             "langfuse.observation.metadata.finish_reason": _j("stop"),
                 "langfuse.observation.cost_details": _j({"total": 0.004})}, scope="langfuse-sdk",
             resource={"service.name": "unknown_service:python"}),
        calls=call("openai", GPT_DATED, GPT_DATED, (395, 157), cache_read_tokens=128, reasoning_tokens=64, ttft_s=0.35,
            finish_reason="stop",
                   session="s-1", user="u-1", streaming=True, reported_cost_usd=0.004, dialect="langfuse"),
    ),
    golden(
        "langfuse: Langfuse's own buckets stand beside each other, with and without a total",
        span("ChatOpenAI", _FUSE | {_USAGE: _j({"input": 90, "input_cache_read": 11, "output": 13,
             "output_reasoning": 4, "total": 118})}, id=1,
             scope="langfuse-sdk"),
        span("ChatAnthropic", {"langfuse.observation.type": "generation",
             "langfuse.observation.model.name": CLAUDE_DATED,
             _USAGE: _j({"input": 2000, "output": 42, "input_cached_tokens": 1500, "input_cache_creation": 250,
                 "output_reasoning_tokens": 8})},
             id=2, start=2.0, end=3.0, scope="langfuse-sdk"),
        calls=[
            call("openai", GPT_DATED, GPT_DATED, (101, 17), cache_read_tokens=11, reasoning_tokens=4, session="s-1",
                user="u-1"),
            call("anthropic", CLAUDE_DATED, CLAUDE_DATED, (3750, 50), cache_read_tokens=1500, cache_write_tokens=250,
                reasoning_tokens=8),
        ],
    ),
    golden(
        "langfuse: embedding, tool, retriever, agent, chain, and an error that is a level",
        span("agent", {"langfuse.observation.type": "agent"}, id=1, end=9.0, scope="langfuse-sdk"),
        span("step", {"langfuse.observation.type": "chain"}, id=2, parent=1, end=8.0, scope="langfuse-sdk"),
        span("OpenAI-embedding", {"langfuse.observation.type": "embedding",
             "langfuse.observation.model.name": "text-embedding-3-small", _USAGE: _j({"input": 9})},
             id=3, parent=2, scope="langfuse-sdk"),
        span("get_weather", {"langfuse.observation.type": "tool"}, id=4, parent=2, scope="langfuse-sdk"),
        span("docs", {"langfuse.observation.type": "retriever"}, id=5, parent=2, scope="langfuse-sdk"),
        span("OpenAI-generation", {"langfuse.observation.type": "generation", "langfuse.observation.model.name": GPT,
             "langfuse.observation.level": "ERROR",
             "langfuse.observation.status_message": "Error code: 429"}, id=6, parent=2, start=2.0, end=3.0,
                 scope="langfuse-sdk", status="error",
             message="Error code: 429 - rate_limit_exceeded"),
        calls=[call("openai", "text-embedding-3-small", "text-embedding-3-small", (9, None), operation="embeddings",
            agent="agent"),
               call("openai", GPT, error_type="rate_limit", finish_reason="error", agent="agent")],
        agents=("agent",), tools=("get_weather",), retrievals=("docs",), workflows=1,
    ),
    golden(
        "langfuse: a span without model or usage is structure",
        span("ask", {"langfuse.observation.type": "span", "langfuse.trace.name": "ask"}, id=1, scope="langfuse-sdk"),
        span("x", {"langfuse.observation.type": "event"}, id=2, parent=1, scope="langfuse-sdk"),
    ),
]  # fmt: skip

PAIRS: list[Golden] = [*OPENINFERENCE, *OPENLIT, *LANGFUSE]
