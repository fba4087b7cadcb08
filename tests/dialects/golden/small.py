"""Smaller emitters, and what people set by hand: versions, feedback, cache hits, evaluations, retries."""

from __future__ import annotations

import json
from typing import Any

from dialects.build import Golden, call, event, golden, span
from dialects.golden.platforms import MINI, MINI_DATED
from dialects.golden.sdk import usage


def _j(value: Any) -> str:
    return json.dumps(value)


_CC = "com.anthropic.claude_code.tracing"
OPUS = "claude-opus-5"
_CC_CALL = {"span.type": "llm_request", "model": OPUS, "gen_ai.system": "anthropic", "input_tokens": 2,
    "output_tokens": 1200, "cache_read_tokens": 84562,
            "cache_creation_tokens": 7096, "ttft_ms": 350, "session.id": "s-1"}  # fmt: skip
_GEMINI_CLI = {
    "gen_ai.agent.name": "gemini-cli",
    "gen_ai.conversation.id": "s-1",
    "gen_ai.request.model": "gemini-2.5-pro",
}
_SPRING = "org.springframework.boot"
EMITTERS = [
    golden(
        "claude code: bare keys, input without the cache, parts of a tool are no tools",
        span("claude_code.interaction", {"span.type": "interaction", "session.id": "s-1"}, id=1, end=9.0, scope=_CC),
        span("claude_code.llm_request", _CC_CALL, id=2, parent=1, scope=_CC),
        span("claude_code.tool", {"span.type": "tool", "tool_name": "Bash", "gen_ai.tool.call.id": "toolu_1"}, id=3,
             parent=1, start=1.0, end=3.0, scope=_CC),
        span("claude_code.tool.blocked_on_user", {"span.type": "tool.blocked_on_user", "tool_name": "Bash"}, id=4,
             parent=3, start=1.0, end=2.0, scope=_CC),
        span("claude_code.tool.execution", {"span.type": "tool.execution", "tool_name": "Bash"}, id=5, parent=3,
             start=2.0, end=3.0, scope=_CC),
        span("claude_code.hook", {"span.type": "hook"}, id=6, parent=1, scope=_CC),
        calls=call("anthropic", OPUS, tokens=(91660, 1200), cache_read_tokens=84562, cache_write_tokens=7096,
            ttft_s=0.35, session="s-1",
                   agent="claude_code.interaction", dialect="claude_code"),
        agents=("claude_code.interaction",), tools=("Bash",), workflows=1,
    ),
    golden(
        "claude code: kinds with a prefix, another scope, the cache smaller than the input",
        span("claude_code.llm_request", _CC_CALL | {"span.type": "claude_code.llm_request", "input_tokens": 90,
             "cache_read_tokens": 11,
             "cache_creation_tokens": 6}, scope="my.relay"),
        calls=call("anthropic", OPUS, tokens=(107, 1200), cache_read_tokens=11, cache_write_tokens=6, ttft_s=0.35,
            session="s-1"),
    ),
    golden(
        "span.type, entity.type and model of other people mean nothing",
        span("GET /", {"span.type": "web", "entity.type": "customer", "model": "T-1000", "input_tokens": 5,
             "stream": True, "duration": 3.0, "metadata": "x"},
             scope="ddtrace"),
    ),
    golden(
        "sentry: details behind the unit, dollars in a key of tokens",
        span("chat gpt-4o-mini", {"gen_ai.operation.name": "chat", "gen_ai.system": "openai",
             "gen_ai.request.model": MINI, "gen_ai.response.model": MINI_DATED,
             "gen_ai.usage.input_tokens.cached": 11, "gen_ai.usage.input_tokens.cache_write": 6,
                 "gen_ai.usage.output_tokens.reasoning": 4,
             "gen_ai.cost.total_tokens": 0.0042, "gen_ai.cost.input_tokens": 0.001,
                 "gen_ai.response.time_to_first_token": 0.25,
             "gen_ai.response.streaming": True, "gen_ai.response.tokens_per_second": 21.0,
                 "gen_ai.pipeline.name": "support"}
             | usage(101, 17, total_tokens=118), scope="sentry.python"),
        calls=call("openai", MINI, MINI_DATED, (101, 17), cache_read_tokens=11, cache_write_tokens=6,
            reasoning_tokens=4, ttft_s=0.25,
                   reported_cost_usd=0.0042, flow="support", dialect="sentry"),
    ),
    golden(
        "sentry: operations of the AI SDK in snake case, deprecated keys",
        span("invoke_agent", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"} | usage(101, 17),
             id=1, end=3.0, scope="sentry"),
        span("generate_text", {"gen_ai.operation.name": "generate_text", "ai.model_id": MINI,
             "ai.prompt_tokens.used": 101, "ai.completion_tokens.used": 17,
             "ai.total_tokens.used": 118}, id=2, parent=1, scope="sentry"),
        calls=call("openai", MINI, tokens=(101, 17), agent="a"), agents=("a",), workflows=1,
    ),
    golden(
        "langtrace: no kind, counts under their own keys; a vector store is no call",
        span("openai.chat.completions.create", {"langtrace.service.name": "OpenAI", "langtrace.service.type": "llm",
             "llm.model": MINI,
             "llm.token.counts.prompt": 101, "llm.token.counts.completion": 17, "llm.token.counts.total": 118,
                 "llm.prompts": "[]"}, id=1, kind="client",
             scope="langtrace_python_sdk.instrumentation.openai"),
        span("pinecone.query", {"langtrace.service.name": "Pinecone", "langtrace.service.type": "vectordb"}, id=2,
             trace=2,
             start=2.0, end=3.0, kind="client",
             scope="langtrace_python_sdk.instrumentation.pinecone"),
        calls=call("openai", MINI, tokens=(101, 17), dialect="langtrace"),
    ),
    golden(
        "laminar",
        span("run", {"lmnr.span.type": "DEFAULT"}, id=1, end=9.0, scope="lmnr.tracer"),
        span("openai.chat", {"lmnr.span.type": "LLM", "gen_ai.system": "openai", "gen_ai.request.model": MINI}
             | usage(101, 17), id=2, parent=1, scope="lmnr.tracer"),
        span("get_weather", {"lmnr.span.type": "TOOL"}, id=3, parent=1, scope="lmnr.tracer"),
        span("judge", {"lmnr.span.type": "EVALUATOR"}, id=4, parent=1, scope="lmnr.tracer"),
        calls=call("openai", MINI, tokens=(101, 17), dialect="laminar"), tools=("get_weather",), workflows=1,
    ),
    golden(
        "genkit: plugin and model in one name, usage in the output, the flow repeats it",
        span("weatherFlow", {"genkit:type": "action", "genkit:metadata:subtype": "flow", "genkit:name": "weatherFlow",
             "genkit:output": _j({"usage": {"inputTokens": 101, "outputTokens": 17}})}, id=1, end=9.0,
                 scope="genkit-tracer"),
        span("generate", {"genkit:metadata:subtype": "util", "genkit:name": "generate",
             "genkit:output": _j({"usage": {"inputTokens": 101, "outputTokens": 17}})}, id=2,
             parent=1, end=8.0, scope="genkit-tracer"),
        span("googleai/gemini-2.5-flash", {"genkit:metadata:subtype": "model",
             "genkit:name": "googleai/gemini-2.5-flash", "genkit:output": _j({"finishReason": "stop",
             "usage": {"inputTokens": 101, "outputTokens": 17, "totalTokens": 122, "thoughtsTokens": 4,
                 "cachedContentTokens": 11}})}, id=3, parent=2,
             scope="genkit-tracer"),
        span("get_weather", {"genkit:metadata:subtype": "tool", "genkit:name": "get_weather",
             "genkit:output": _j("sunny")}, id=4, parent=2, scope="genkit-tracer"),
        calls=call("gcp.gemini", "googleai/gemini-2.5-flash", tokens=(101, 21), cache_read_tokens=11,
            reasoning_tokens=4, finish_reason="stop", flow="weatherFlow",
                   dialect="genkit"),
        tools=("get_weather",), workflows=1,
    ),
    golden(
        "spring-ai: numbers and lists as text, the framework's spans around the call, its tools",
        span("spring_ai chat_client", {"gen_ai.operation.name": "framework", "gen_ai.system": "spring_ai",
             "spring.ai.kind": "chat_client"}, id=1, end=5.0, scope=_SPRING),
        span("call", {"gen_ai.operation.name": "framework", "gen_ai.system": "spring_ai", "spring.ai.kind": "advisor"},
             id=2, parent=1, end=4.0, scope=_SPRING),
        span("chat gpt-4o-mini", {"gen_ai.operation.name": "chat", "gen_ai.system": "openai",
             "gen_ai.request.model": MINI, "gen_ai.response.model": MINI_DATED,
             "gen_ai.usage.input_tokens": "101", "gen_ai.usage.output_tokens": "17",
                 "gen_ai.usage.total_tokens": "118", "gen_ai.request.temperature": "0.7",
             "gen_ai.response.finish_reasons": '["STOP"]'}, id=3, parent=2, scope=_SPRING),
        span("tool_call get_weather", {"gen_ai.operation.name": "framework", "gen_ai.system": "spring_ai",
             "spring.ai.kind": "tool_call",
             "spring.ai.tool.definition.name": "get_weather"}, id=4, parent=3, scope=_SPRING),
        span("pg_vector query", {"gen_ai.operation.name": "framework", "spring.ai.kind": "vector_store",
             "db.operation.name": "query"}, id=5, parent=2, scope=_SPRING),
        calls=call("openai", MINI, MINI_DATED, (101, 17), finish_reason="stop"), tools=("get_weather",), workflows=1,
    ),
    golden(
        "gemini cli: operations of its own",
        span("user_prompt", _GEMINI_CLI | {"gen_ai.operation.name": "user_prompt"}, id=1, end=9.0, scope="gemini-cli"),
        span("llm_call", _GEMINI_CLI | {"gen_ai.operation.name": "llm_call"} | usage(101, 17), id=2, parent=1,
             scope="gemini-cli"),
        span("tool_call", _GEMINI_CLI | {"gen_ai.operation.name": "tool_call", "gen_ai.tool.name": "ls"}, id=3,
             parent=1, scope="gemini-cli"),
        span("agent_call", {"gen_ai.operation.name": "agent_call", "gen_ai.agent.name": "investigator"}, id=4,
             parent=1, scope="gemini-cli"),
        calls=call("gcp.gemini", "gemini-2.5-pro", tokens=(101, 17), agent="gemini-cli", session="s-1"), tools=("ls",),
            agents=("investigator",), workflows=1,
    ),
    golden(
        "voltagent: kinds of entities; livekit: standard keys amid its own; openrouter: a resource",
        span("agent", {"entity.type": "agent", "agent.messages": "[]"}, id=1, end=9.0, scope="voltagent"),
        span("llm", {"entity.type": "llm", "gen_ai.request.model": MINI} | usage(101, 17), id=2, parent=1,
             scope="voltagent"),
        span("weather", {"entity.type": "tool"}, id=3, parent=1, scope="voltagent"),
        span("llm_request", {"lk.pii.chat_ctx": "[]", "gen_ai.operation.name": "chat", "gen_ai.request.model": MINI}
             | usage(7, 3), id=4, trace=2, scope="livekit-agents"),
        span("chat", {"gen_ai.operation.name": "chat", "gen_ai.request.model": "openai/gpt-4o-mini",
             "gen_ai.provider.name": "openai"} | usage(8, 2), id=5, trace=3, scope="",
             resource={"service.name": "openrouter"}),
        calls=[call("openai", MINI, tokens=(101, 17), agent="agent"), call("openai", MINI, tokens=(7, 3)),
            call("openai", "openai/gpt-4o-mini", tokens=(8, 2), service="openrouter")],
        agents=("agent",), tools=("weather",), workflows=1,
    ),
    golden(
        "older token keys of nobody in particular",
        span("chat", {"gen_ai.operation.name": "chat", "gen_ai.token.usage.input": 101,
             "gen_ai.token.usage.output": 17, "gen_ai.token.cost.total": 0.1}, scope="x"),
        calls=call(tokens=(101, 17), reported_cost_usd=0.1),
    ),
    golden(
        "weave: its own kinds",
        span("run", {"weave.span.kind": "workflow"}, id=1, end=9.0, scope="weave"),
        span("agent", {"weave.span.kind": "agent"}, id=2, parent=1, end=8.0, scope="weave"),
        span("llm", {"weave.span.kind": "llm", "gen_ai.request.model": MINI} | usage(101, 17), id=3, parent=2,
             scope="weave"),
        span("tool", {"weave.span.kind": "tool"}, id=4, parent=2, scope="weave"),
        span("docs", {"weave.span.kind": "retriever"}, id=5, parent=2, scope="weave"),
        calls=call("openai", MINI, tokens=(101, 17), agent="agent"), agents=("agent",), tools=("tool",),
            retrievals=("docs",), workflows=1,
    ),
]  # fmt: skip

_CALL = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o"} | usage(10, 5)
_EVALS = {
    "eval.heuristic_pass": True,
    "eval.safety_pass": False,
    "eval.quality_score": 0.8,
    "eval.groundedness": 0.7,
    "eval.correctness_score": 0.9,
}
BY_HAND = [
    golden(
        "the guides' attributes: versions from the resource, feedback and scores on the root, the call inherits",
        span("POST /chat", _EVALS | {"user.feedback": "thumbs_down", "user.segment": "pro", "session.id": "s-1",
             "user.id": "u-1", "http.route": "/chat"}, id=1,
             kind="server", end=3.0, scope="my.app", resource={"service.version": "1.4.0",
                 "app.prompt_template_version": "v2.3", "app.model_version": "gpt-4o-2024-11-20",
             "deployment.environment.name": "prod"}),
        span("chat gpt-4o", _CALL | {"gen_ai.response.finish_reason": "stop", "cache.hit": False}, id=2, parent=1,
             kind="client", scope="my.app",
             resource={"service.version": "1.4.0", "app.prompt_template_version": "v2.3",
                 "deployment.environment.name": "prod"}),
        calls=call("openai", "gpt-4o", tokens=(10, 5), finish_reason="stop", response_cache_hit=False, session="s-1",
            user="u-1", prompt_version="v2.3",
                   segment="pro", flow="/chat", service_version="1.4.0", environment="prod"),
        evaluations=(("heuristic", 1.0, "pass"), ("safety", 0.0, "fail"), ("quality", 0.8, ""), ("groundedness", 0.7,
            ""), ("correctness", 0.9, "")),
        feedback=("negative",), workflows=1,
    ),
    golden(
        "scores under their other names",
        span("ask", {"eval.groundedness_score": 0.1, "eval.correctness": 0.2, "eval.relevance_score": 0.3,
             "eval.relevance": 0.4, "eval.faithfulness": 0.5,
             "eval.safety_score": 0.6, "eval.hallucination": 0.7}, scope="my.app"),
        evaluations=(("groundedness", 0.1, ""), ("correctness", 0.2, ""), ("relevance", 0.3, ""), ("relevance", 0.4,
            ""), ("faithfulness", 0.5, ""),
                     ("safety", 0.6, ""), ("hallucination", 0.7, "")),
    ),
    golden(
        "evaluation results as span events and as attributes of the evaluated span; feedback as an evaluation",
        span("chat gpt-4o", _CALL | {"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.75,
             "gen_ai.evaluation.score.label": "relevant"},
             kind="client", scope="my.app",
             events=[event("gen_ai.evaluation.result", 0.9, gen_ai__evaluation__name="safety",
                 gen_ai__evaluation__score__label="pass"),
                     event("gen_ai.evaluation.result", 0.9, gen_ai__evaluation__name="user_feedback",
                         gen_ai__evaluation__score__value=1.0)]),
        calls=call("openai", "gpt-4o", tokens=(10, 5)), evaluations=(("relevance", 0.75, "pass"), ("safety", None,
            "pass")), feedback=("positive",),
    ),
    golden(
        "a refusal by flag and one by finish reason; an answer asked for again; a batch",
        span("chat", _CALL | {"gen_ai.refusal": True}, id=1, kind="client", scope="my.app"),
        span("chat", _CALL | usage(11, 5) | {"gen_ai.response.finish_reasons": ["refusal"]}, id=2, start=2.0, end=3.0,
             kind="client", scope="my.app"),
        span("chat", _CALL | usage(12, 5) | {"user.regenerated": True, "gen_ai.request.batch": True}, id=3, start=4.0,
             end=5.0, kind="client", scope="my.app"),
        calls=[call("openai", "gpt-4o", tokens=(10, 5), refusal=True),
               call("openai", "gpt-4o", tokens=(11, 5), refusal=True, finish_reason="content_filter"),
               call("openai", "gpt-4o", tokens=(12, 5), regenerated=True, batch=True)],
    ),
    golden(
        "the model's version of the resource, the flow and the segment of the user",
        span("ask", {"llm.flow": "refunds", "app.user_segment": "trial"}, id=1, end=3.0, scope="my.app"),
        span("chat", _CALL, id=2, parent=1, kind="client", scope="my.app"),
        calls=call("openai", "gpt-4o", tokens=(10, 5), segment="trial", flow="refunds"), workflows=1,
    ),
]  # fmt: skip

PAIRS: list[Golden] = [*EMITTERS, *BY_HAND]
