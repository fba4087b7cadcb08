"""Google ADK, Strands, Vercel's AI SDK, Grafana's agent SDK, smolagents, Haystack, CrewAI."""

from __future__ import annotations

import json
from typing import Any

from dialects.build import Golden, call, event, exception, golden, span
from dialects.golden.frameworks import CHAT, TWO, chats, tool
from dialects.golden.platforms import MINI, MINI_DATED, counts
from dialects.golden.sdk import usage


def _j(value: Any) -> str:
    return json.dumps(value)


_ADK = "gcp.vertex.agent"
FLASH = "gemini-2.5-flash"
_RUN = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather_agent", "gen_ai.conversation.id": "s-1"}
_LLM_1 = {"gen_ai.system": "gcp.vertex.agent", "gen_ai.request.model": FLASH, "gcp.vertex.agent.session_id": "s-1",
          "gcp.vertex.agent.llm_response": _j({"usage_metadata": {"cached_content_token_count": 11,
              "thoughts_token_count": 4}})}  # fmt: skip
_LLM_2 = {"gen_ai.operation.name": "generate_content", "gen_ai.provider.name": "gcp.gemini",
    "gen_ai.request.model": FLASH,
          "gen_ai.agent.name": "weather_agent", "gen_ai.response.finish_reasons": ["stop"]}  # fmt: skip
_ADK_CALL = call("gcp.gemini", FLASH, tokens=(101, 17), operation="generate_content", agent="weather_agent",
    finish_reason="stop",
                 cache_read_tokens=11, reasoning_tokens=4, session="s-1")  # fmt: skip
_DETAILS = {"cache_read__input_tokens": 11, "reasoning__output_tokens": 4}
ADK = [
    golden(
        "google-adk schema 1: call_llm around generate_content, both with usage",
        span("invocation", {}, id=1, end=9.0, scope=_ADK),
        span("invoke_agent weather_agent", _RUN, id=2, parent=1, end=8.0, scope=_ADK),
        span("call_llm", _LLM_1 | {"gen_ai.response.finish_reasons": ["stop"]} | usage(101, 17), id=3, parent=2,
             start=1.0, end=2.0, scope=_ADK),
        span("generate_content gemini-2.5-flash", {"gen_ai.operation.name": "generate_content",
             "gen_ai.system": "gemini", "gen_ai.request.model": FLASH}
             | usage(101, 17), id=4, parent=3, start=1.1, end=1.9, scope="opentelemetry.instrumentation.google_genai"),
        tool(_ADK, 5, 3), span("execute_tool (merged)", {"gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "(merged tools)"}, id=6, parent=3,
                               start=2.5, end=2.5, scope=_ADK),
        calls=_ADK_CALL, agents=("weather_agent",), tools=("get_weather",), workflows=1,
    ),
    golden(
        "google-adk schema 1: call_llm alone, and one that failed",
        span("invocation", {}, id=1, end=9.0, scope=_ADK),
        span("call_llm", _LLM_1 | usage(101, 17), id=3, parent=1, start=1.0, end=2.0, scope=_ADK),
        span("call_llm", {"gen_ai.system": "gcp.vertex.agent", "gen_ai.request.model": FLASH}, id=4, parent=1,
             start=3.0, end=4.0, scope=_ADK, status="error",
             events=[exception("google.genai.errors.ClientError", "429 RESOURCE_EXHAUSTED")]),
        calls=[call("gcp.gemini", FLASH, tokens=(101, 17), session="s-1", cache_read_tokens=11, reasoning_tokens=4),
               call("gcp.gemini", FLASH, error_type="rate_limit", finish_reason="error")],
        workflows=1,
    ),
    golden(
        "google-adk schema 2: a workflow even for one agent, no response model, tool without id failed",
        span("invoke_workflow weather_agent", {"gen_ai.operation.name": "invoke_workflow",
             "gen_ai.workflow.name": "weather_agent"}, id=1, end=9.0, scope=_ADK),
        span("invoke_agent weather_agent", _RUN, id=2, parent=1, end=8.0, scope=_ADK),
        span("generate_content gemini-2.5-flash", _LLM_2 | usage(101, 17, **_DETAILS), id=3, parent=2, start=1.0,
             end=2.0, scope=_ADK),
        span("execute_tool get_weather", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather",
             "gen_ai.tool.call.id": "<not specified>",
             "error.type": "ValueError"}, id=4, parent=2, start=2.0, end=3.0, scope=_ADK, status="error"),
        span("execute_tool transfer_to_agent", {"gen_ai.operation.name": "execute_tool",
             "gen_ai.tool.name": "transfer_to_agent"}, id=5, parent=2, start=3.0,
             end=3.1, scope=_ADK),
        calls=_ADK_CALL, agents=("weather_agent",), tools=("get_weather:ValueError", "transfer_to_agent"), workflows=1,
    ),
    golden(
        "google-adk schema 2: nested workflows are one pipeline, an error on three levels is one failed call",
        span("invoke_workflow w", {"gen_ai.operation.name": "invoke_workflow"}, id=1, end=9.0, scope=_ADK,
             status="error"),
        span("invoke_workflow inner", {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.nested": True},
             id=2, parent=1, end=8.5, scope=_ADK),
        span("invoke_agent weather_agent", _RUN, id=3, parent=2, end=8.0, scope=_ADK, status="error",
             events=[exception("RateLimitError", "429")]),
        span("generate_content gemini-2.5-flash", {k: v for k, v in _LLM_2.items() if "finish" not in k}, id=4,
             parent=3, scope=_ADK, status="error",
             events=[exception("google.genai.errors.ClientError", "429 RESOURCE_EXHAUSTED")]),
        calls=call("gcp.gemini", FLASH, operation="generate_content", error_type="rate_limit", finish_reason="error",
            agent="weather_agent", session="s-1"),
        agents=("weather_agent:rate_limit",), workflows=1,
    ),
    golden(
        "google-adk over LiteLLM: reasoning was in the output already when ADK added it",
        span("generate_content openai/gpt-4o-mini", _LLM_2 | {"gen_ai.provider.name": "openai",
             "gen_ai.request.model": "openai/gpt-4o-mini"}
             | usage(101, 21, **_DETAILS), scope=_ADK),
        calls=call("openai", "openai/gpt-4o-mini", tokens=(101, 17), operation="generate_content",
            agent="weather_agent", finish_reason="stop",
                   cache_read_tokens=11, reasoning_tokens=4),
    ),
    golden(
        "Gemini's raw figures: the total adds up only with the thoughts",
        span("generate_content gemini-2.5-flash", {"gen_ai.operation.name": "generate_content",
             "gen_ai.system": "gemini", "gen_ai.request.model": FLASH,
             "gen_ai.usage.total_tokens": 644} | usage(66, 66, reasoning__output_tokens=512), kind="client",
                 scope="my.app"),
        calls=call("gcp.gemini", FLASH, tokens=(66, 578), operation="generate_content", reasoning_tokens=512),
    ),
]  # fmt: skip

_ST = "strands.telemetry.tracer"
_ST_CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "strands-agents",
    "gen_ai.request.model": "us.anthropic.claude-sonnet-4-20250514-v1:0",
}
_ST_MODEL = "us.anthropic.claude-sonnet-4-20250514-v1:0"
_ST_USAGE = usage(101, 17, prompt_tokens=101, completion_tokens=17, total_tokens=118, cache_read__input_tokens=11,
    cache_read_input_tokens=11,
                  cache_write_input_tokens=6)  # fmt: skip
STRANDS = [
    golden(
        "strands: milliseconds as an integer, finish reason in an event, the framework as provider, cumulative agents",
        span("invoke_agent a", _RUN | usage(101, 17), id=1, end=3.0, scope=_ST),
        span("execute_event_loop_cycle", {"gen_ai.operation.name": "execute_event_loop_cycle"}, id=2, parent=1,
             end=2.0, scope=_ST),
        span("chat", _ST_CHAT | _ST_USAGE | {"gen_ai.server.time_to_first_token": 210}, id=3, parent=2, scope=_ST,
             events=[event("gen_ai.choice", 0.9, finish_reason="tool_use")]),
        span("chat", _ST_CHAT | usage(20, 5) | {"gen_ai.server.time_to_first_token": 985}, id=4, parent=2, start=1.0,
             end=2.0, scope=_ST,
             events=[event("gen_ai.choice", 1.9, finish_reason="end_turn")]),
        span("invoke_agent a", _RUN | usage(242, 44), id=5, trace=2, start=4.0, end=6.0, scope=_ST),
        span("chat", _ST_CHAT | usage(121, 22), id=6, parent=5, trace=2, start=4.0, end=5.0, scope=_ST),
        calls=[
            call("aws.bedrock", _ST_MODEL, tokens=(101, 17), cache_read_tokens=11, cache_write_tokens=6, ttft_s=0.21,
                finish_reason="tool_call",
                 agent="weather_agent", session="s-1"),
            call("aws.bedrock", _ST_MODEL, tokens=(20, 5), finish_reason="stop", agent="weather_agent", session="s-1"),
            call("aws.bedrock", _ST_MODEL, tokens=(121, 22), agent="weather_agent", session="s-1"),
        ],
        agents=("weather_agent",) * 2, workflows=2,
    ),
    golden(
        "strands: a swarm of kind CLIENT; the latest conventions tell the finish reason in a details event",
        span("invoke_swarm", {"gen_ai.operation.name": "invoke_swarm", "gen_ai.provider.name": "strands-agents"}, id=1,
             end=9.0, kind="client", scope=_ST),
        span("invoke_agent a", _RUN | usage(101, 17), id=2, parent=1, end=3.0, scope=_ST),
        span("chat", _ST_CHAT | usage(101, 17), id=3, parent=2, scope=_ST,
             events=[event("gen_ai.client.inference.operation.details", 0.9,
                 gen_ai__response__finish_reasons=["length"])]),
        calls=call("aws.bedrock", _ST_MODEL, tokens=(101, 17), finish_reason="length", agent="weather_agent",
            session="s-1"),
        agents=("weather_agent",), workflows=1,
    ),
]  # fmt: skip

_OUTER = {"ai.operationId": "ai.generateText", "ai.model.id": MINI, "ai.model.provider": "openai.chat",
    "ai.telemetry.functionId": "weather_agent",
          "ai.telemetry.metadata.sessionId": "s-1", "ai.telemetry.metadata.userId": "u-1"}  # fmt: skip
_INNER = _OUTER | {"ai.operationId": "ai.generateText.doGenerate", "gen_ai.system": "openai.chat",
    "gen_ai.request.model": MINI,
                   "gen_ai.response.model": MINI_DATED, "ai.response.model": MINI_DATED}  # fmt: skip
_PEOPLE = {"session": "s-1", "user": "u-1"}
_V7 = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": MINI,
    "gen_ai.response.model": MINI_DATED,
}
_STEPPED = {"gen_ai.operation.name": "agent_step", "gen_ai.provider.name": "openai", "gen_ai.request.model": MINI}
_EMBED = {
    "gen_ai.operation.name": "embeddings",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "text-embedding-3-small",
}
VERCEL = [
    golden(
        "vercel v4: promptTokens, the outer span repeats them; streamed, milliseconds",
        span("ai.streamText", _OUTER | {"ai.operationId": "ai.streamText", "ai.usage.promptTokens": 101,
             "ai.usage.completionTokens": 17}, id=1, scope="ai"),
        span("ai.streamText.doStream", _INNER | {"ai.operationId": "ai.streamText.doStream",
             "ai.usage.promptTokens": 101, "ai.usage.completionTokens": 17,
             "gen_ai.usage.prompt_tokens": 101, "gen_ai.usage.completion_tokens": 17,
                 "ai.response.msToFirstChunk": 150.0, "ai.response.finishReason": "stop"},
             id=2, parent=1, start=0.1, end=0.9, scope="ai", events=[event("ai.stream.firstChunk", 0.25)]),
        calls=call("openai", MINI, MINI_DATED, (101, 17), ttft_s=0.15, finish_reason="stop", agent="weather_agent",
            **_PEOPLE),
        workflows=1,
    ),
    golden(
        "vercel v6: two steps around a tool, aggregated outside, one span per attempt",
        span("ai.generateText", _OUTER | {"ai.usage.inputTokens": 212, "ai.usage.outputTokens": 37,
             "ai.usage.totalTokens": 249}, id=1, end=9.0, scope="ai"),
        span("ai.generateText.doGenerate", {k: v for k, v in _INNER.items() if "response" not in k}, id=2, parent=1,
             start=0.1, end=0.5, scope="ai", status="error",
             events=[exception("AI_APICallError", "Rate limit reached")]),
        span("ai.generateText.doGenerate", _INNER | {"ai.usage.inputTokens": 101, "ai.usage.outputTokens": 17,
             "ai.usage.cachedInputTokens": 11,
             "gen_ai.response.finish_reasons": ["tool-calls"]} | usage(101, 17), id=3, parent=1, start=1.0, end=2.0,
                 scope="ai"),
        span("ai.toolCall", {"ai.operationId": "ai.toolCall", "ai.toolCall.name": "get_weather",
             "ai.toolCall.id": "call_1"}, id=4, parent=1, start=2.0, end=3.0,
             scope="ai"),
        span("ai.generateText.doGenerate", _INNER | {"ai.usage.reasoningTokens": 4} | usage(111, 20), id=5, parent=1,
             start=3.0, end=4.0, scope="ai"),
        calls=[call("openai", MINI, error_type="rate_limit", finish_reason="error", agent="weather_agent", **_PEOPLE),
               TWO[0] | {"cache_read_tokens": 11, "finish_reason": "tool_call", "agent": "weather_agent",
                         "retries": 1} | _PEOPLE,
               TWO[1] | {"reasoning_tokens": 4, "agent": "weather_agent"} | _PEOPLE],
        agents=("weather_agent",), tools=("get_weather",), workflows=1,
    ),
    golden(
        "vercel: embedding and reranking, outer and inner",
        span("ai.embedMany", {"ai.operationId": "ai.embedMany", "ai.model.id": "text-embedding-3-small",
             "ai.usage.tokens": 9}, id=1, scope="ai"),
        span("ai.embedMany.doEmbed", {"ai.operationId": "ai.embedMany.doEmbed",
             "ai.model.id": "text-embedding-3-small", "ai.usage.tokens": 9,
             "ai.model.provider": "openai.embedding"}, id=2, parent=1, start=0.1, end=0.9, scope="ai"),
        span("ai.rerank", {"ai.operationId": "ai.rerank", "ai.model.id": "rerank-v3.5"}, id=3, trace=2, scope="ai"),
        span("ai.rerank.doRerank", {"ai.operationId": "ai.rerank.doRerank", "ai.model.id": "rerank-v3.5"}, id=4,
             parent=3, trace=2, start=0.1, end=0.9, scope="ai"),
        calls=[call("openai", "text-embedding-3-small", tokens=(9, None), operation="embeddings"), call("cohere",
            "rerank-v3.5", operation="rerank")],
        workflows=2,
    ),
    golden(
        "vercel v7 otel: agent and step repeat the usage, metrics are attributes, embeddings are two CLIENT spans",
        span("invoke_agent weather_agent", _RUN | {"gen_ai.request.model": MINI} | usage(212, 37), id=1, end=9.0,
             scope="gen_ai"),
        span("agent_step 0", _STEPPED | usage(101, 17), id=2, parent=1, start=0.5, end=2.5, scope="gen_ai"),
        span("chat gpt-4o-mini", _V7 | {"gen_ai.client.operation.time_to_first_chunk": 0.2,
             "gen_ai.client.operation.duration": 1.0,
             "gen_ai.response.finish_reasons": ["tool-calls"]} | usage(101, 17, cache_read__input_tokens=11), id=3,
                 parent=2, start=1.0, end=2.0, kind="client",
             scope="gen_ai"),
        span("execute_tool get_weather", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather",
             "gen_ai.execute_tool.duration": 0.1}, id=4,
             parent=2, start=2.0, end=2.1, scope="gen_ai"),
        span("embeddings text-embedding-3-small", _EMBED, id=5, parent=1, start=3.0, end=4.0, kind="client",
             scope="gen_ai"),
        span("embeddings text-embedding-3-small", _EMBED | {"gen_ai.usage.input_tokens": 9}, id=6, parent=5, start=3.1,
             end=3.9, kind="client", scope="gen_ai"),
        span("rerank rerank-v3.5", {"gen_ai.operation.name": "rerank", "gen_ai.provider.name": "cohere",
             "gen_ai.request.model": "rerank-v3.5"}, id=7, parent=1,
             start=5.0, end=6.0, kind="client", scope="gen_ai"),
        calls=[TWO[0] | {"cache_read_tokens": 11, "finish_reason": "tool_call", "agent": "weather_agent",
            "session": "s-1", "ttft_s": 0.2},
               call("openai", "text-embedding-3-small", tokens=(9, None), operation="embeddings",
                   agent="weather_agent", session="s-1"),
               call("cohere", "rerank-v3.5", operation="rerank", agent="weather_agent", session="s-1")],
        agents=("weather_agent",), tools=("get_weather",), workflows=1,
    ),
    golden(
        "vercel v7 legacy: a tool below the call that asked for it, and an agent in the tool",
        span("ai.generateText", _OUTER | {"ai.usage.inputTokens": 212}, id=1, end=9.0, scope="ai"),
        span("ai.generateText.doGenerate", _INNER | usage(101, 17), id=2, parent=1, start=1.0, end=6.0, scope="ai"),
        span("ai.toolCall", {"ai.operationId": "ai.toolCall", "ai.toolCall.name": "ask_expert"}, id=3, parent=2,
             start=2.0, end=5.0, scope="ai"),
        span("ai.generateText", _OUTER | {"ai.telemetry.functionId": "expert", "ai.usage.inputTokens": 262}, id=4,
             parent=3, start=2.1, end=4.9, scope="ai"),
        span("ai.generateText.doGenerate", _INNER | {"ai.telemetry.functionId": "expert"} | usage(262, 30), id=5,
             parent=4, start=2.2, end=3.0, scope="ai"),
        span("ai.generateText.doGenerate", _INNER | usage(111, 20), id=6, parent=1, start=6.0, end=7.0, scope="ai"),
        calls=[*(one | {"agent": "weather_agent"} | _PEOPLE for one in TWO),
               call("openai", MINI, MINI_DATED, (262, 30), agent="expert", **_PEOPLE)],
        agents=("weather_agent",), tools=("ask_expert",), workflows=1,
    ),
]  # fmt: skip

_A11Y = "github.com/grafana/agento11y"
_A11Y_RUN = {"gen_ai.provider.name": "openai", "gen_ai.request.model": MINI, "gen_ai.agent.name": "weather_agent",
    "gen_ai.agent.version": "1",
             "gen_ai.conversation.id": "s-1", "user.id": "u-1"}  # fmt: skip
_A11Y_FACTS = {"agent": "weather_agent", "session": "s-1", "user": "u-1"}
_SMOL = "openinference.instrumentation.smolagents"
OTHERS = [
    golden(
        "agento11y: operations in camel case, declared semantics, every span a root, errors with a category",
        span("generateText gpt-4o-mini", _A11Y_RUN | {"gen_ai.operation.name": "generateText",
             "gen_ai.response.model": MINI_DATED, "gen_ai.token.semantics": "inclusive",
             "gen_ai.usage.cache_read_input_tokens": 11, "gen_ai.usage.reasoning_tokens": 4,
                 "gen_ai.response.finish_reasons": ["stop"]}
             | usage(101, 17, total_tokens=118), id=1, trace=1, kind="client", scope=_A11Y),
        span("streamText gpt-4o-mini", _A11Y_RUN | {"gen_ai.operation.name": "streamText",
             "error.type": "provider_call_error", "error.category": "rate_limit"}, id=2,
             trace=2, start=2.0, end=3.0, kind="client", scope=_A11Y, status="error", events=[exception("Error",
                 "failed", at=3.5)]),
        span("streamText gpt-4o-mini", _A11Y_RUN | {"gen_ai.operation.name": "streamText",
             "error.type": "provider_call_error", "error.category": "sdk_error"}, id=3,
             trace=3, start=4.0, end=5.0, kind="client", scope=_A11Y, status="error"),
        span("execute_tool get_weather", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather",
             "error.type": "tool_execution_error"}, id=4,
             trace=4, scope=_A11Y, status="error"),
        calls=[call("openai", MINI, MINI_DATED, (101, 17), cache_read_tokens=11, reasoning_tokens=4,
            finish_reason="stop", **_A11Y_FACTS),
               call("openai", MINI, error_type="rate_limit", finish_reason="error", **_A11Y_FACTS),
               call("openai", MINI, error_type="provider_call_error", finish_reason="error", **_A11Y_FACTS)],
        tools=("get_weather:tool_execution_error",),
    ),
    golden(
        "agento11y: input declared to leave the cache out",
        span("generateText claude", {"gen_ai.operation.name": "generateText", "gen_ai.provider.name": "anthropic",
             "gen_ai.request.model": "claude-sonnet-4-5",
             "gen_ai.token.semantics": "exclusive", "gen_ai.usage.cache_read_input_tokens": 11} | usage(84, 17),
                 kind="client", scope=_A11Y),
        calls=call("anthropic", "claude-sonnet-4-5", tokens=(95, 17), cache_read_tokens=11),
    ),
    golden(
        "smolagents-openinference: the agent has the sum under the calls' keys",
        span("CodeAgent.run", {"openinference.span.kind": "AGENT"} | counts(212, 37), id=1, end=9.0, scope=_SMOL),
        span("Step 1", {"openinference.span.kind": "CHAIN"}, id=2, parent=1, end=8.0, scope=_SMOL),
        *[one._replace(attributes={"openinference.span.kind": "LLM", "llm.provider": "openai", "llm.system": "openai",
            "llm.model_name": MINI} | counts(*tokens))
          for one, tokens in zip(chats(_SMOL, 2, "OpenAIModel.generate", "internal"), ((101, 17), (111, 20)),
              strict=True)],
        span("SimpleTool", {"openinference.span.kind": "TOOL", "tool.name": "get_weather"}, id=3, parent=2, start=2.0,
             end=2.5, scope=_SMOL),
        calls=[one | {"response_model": MINI, "agent": "CodeAgent.run"} for one in TWO], agents=("CodeAgent.run",),
            tools=("get_weather",), workflows=1,
    ),
    golden(
        "smolagents-openinference: a failed run never exports its root",
        span("Step 1", {"openinference.span.kind": "CHAIN"}, id=2, parent=1, end=8.0, scope=_SMOL, status="error"),
        span("OpenAIModel.generate", {"openinference.span.kind": "LLM", "llm.provider": "openai",
             "llm.model_name": MINI}, id=3, parent=2, scope=_SMOL, status="error",
             events=[exception("openai.RateLimitError", "Error code: 429")]),
        calls=call("openai", MINI, error_type="rate_limit", finish_reason="error"),
    ),
    golden(
        "smolagents-otel-genai: an agent with a model and a finish reason and no figures",
        span("invoke_agent CodeAgent", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "CodeAgent",
             "gen_ai.request.model": MINI,
             "gen_ai.response.finish_reasons": ["stop"]}, scope="opentelemetry.instrumentation.genai.smolagents"),
        agents=("CodeAgent",),
    ),
    golden(
        "haystack: calls in a pipeline, nothing in its agent; its own tracer has no keys of ours",
        span("Pipeline.run", {"openinference.span.kind": "CHAIN"}, id=1, end=9.0,
             scope="openinference.instrumentation.haystack"),
        span("OpenAIChatGenerator.run", {"openinference.span.kind": "LLM", "llm.model_name": MINI_DATED} | counts(101,
             17), id=2, parent=1,
             scope="openinference.instrumentation.haystack"),
        span("haystack.component.run", {"haystack.component.name": "llm",
             "haystack.component.type": "OpenAIChatGenerator"}, id=3, trace=2, scope="haystack"),
        span("haystack.agent.step.llm", {"haystack.agent.step": 1}, id=4, parent=3, trace=2, scope="haystack",
             status="error"),
        calls=call("openai", MINI_DATED, MINI_DATED, (101, 17)), workflows=1,
    ),
    golden(
        "crewai-openinference: chains, agents and tools; its failure stands on the chain",
        span("Crew_1.kickoff", {"openinference.span.kind": "CHAIN"}, id=1, end=9.0,
             scope="openinference.instrumentation.crewai", status="error"),
        span("Weather._execute_core", {"openinference.span.kind": "AGENT", "graph.node.id": "weather"}, id=2, parent=1,
             end=8.0,
             scope="openinference.instrumentation.crewai"),
        span("ToolUsage._use", {"openinference.span.kind": "TOOL", "tool.name": "get_weather"}, id=3, parent=2,
             scope="openinference.instrumentation.crewai"),
        agents=("weather",), tools=("get_weather",), workflows=1,
    ),
    golden(
        "an agent that is remote: what it used is counted once, at the lowest span that tells",
        span("plan", {}, id=1, end=9.0, scope="my.app"),
        span("invoke_agent remote", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "remote",
             "gen_ai.provider.name": "openai",
             "gen_ai.request.model": MINI} | usage(101, 17), id=2, parent=1, kind="client",
                 scope="opentelemetry.instrumentation.genai.openai"),
        calls=call("openai", MINI, tokens=(101, 17), agent="remote", operation="invoke_agent"), agents=("remote",),
            workflows=1,
    ),
    golden(
        "an agent alone with structure of unknown names",
        span("invoke_agent a", _RUN, id=1, end=9.0, scope="my.app"),
        *[span(name, CHAT | {"gen_ai.operation.name": name}, id=number, parent=1, scope="my.app")
          for number, name in enumerate(("plan", "handoff", "agent_handoff", "create_memory", "fetch_response",
              "execute_task", "framework"), 2)],
        agents=("weather_agent",), workflows=1,
    ),
]  # fmt: skip

PAIRS: list[Golden] = [*ADK, *STRANDS, *VERCEL, *OTHERS]
