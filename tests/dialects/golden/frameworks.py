"""LangChain, LlamaIndex, the OpenAI Agents SDK, pydantic-ai, ADK and Strands under every instrumentation."""

from __future__ import annotations

import json
from typing import Any

from dialects.build import EMPTY, Golden, call, event, exception, golden, span
from dialects.golden.platforms import MINI, MINI_DATED, counts
from dialects.golden.sdk import CLAUDE, CLAUDE_DATED, NATIVE, usage


def _j(value: Any) -> str:
    return json.dumps(value)


def tool(scope: str, id: int, parent: int, **more: Any) -> Any:
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_weather",
        "gen_ai.tool.call.id": "call_1",
    }
    return span("execute_tool get_weather", attributes, id=id, parent=parent, scope=scope, start=2.0, end=2.5, **more)


CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": MINI}
TWO = [call("openai", MINI, MINI_DATED, tokens) for tokens in ((101, 17), (111, 20))]


def chats(
    scope: str,
    parent: int,
    name: str = "chat gpt-4o-mini",
    kind: str = "client",
    attributes: Any = CHAT,
    first: int = 11,
) -> list[Any]:
    """The two calls of one agent run around a tool."""
    answered = attributes | {"gen_ai.response.model": MINI_DATED}
    return [
        span(name, answered | usage(101, 17), id=first, parent=parent, kind=kind, scope=scope, start=1.0, end=2.0),
        span(name, answered | usage(111, 20), id=first + 1, parent=parent, kind=kind, scope=scope, start=3.0, end=4.0),
    ]


_LC = "opentelemetry.instrumentation.langchain"
_RUN = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "weather_agent",
    "gen_ai.provider.name": "langgraph",
    "gen_ai.conversation.id": "s-1",
}
_WF = {"traceloop.span.kind": "workflow", "traceloop.entity.name": "weather_agent",
    "traceloop.workflow.name": "weather_agent",
       "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather_agent"}  # fmt: skip
_TASK = {"traceloop.span.kind": "task", "gen_ai.operation.name": "execute_task", "traceloop.entity.name": "model"}
_LC_TWO = [
    one | {"agent": "weather_agent", "finish_reason": reason}
    for one, reason in zip(TWO, ("tool_call", "stop"), strict=True)
]
_LC_CHATS = [
    one._replace(attributes=one.attributes | {"gen_ai.response.finish_reasons": [reason]})
    for one, reason in zip(chats(_LC, 3, "ChatOpenAI.chat"), ("tool_call", "stop"), strict=True)
]
_LC_REST = [
    span("model.task", _TASK, id=3, parent=2, start=0.5, end=8.0, scope=_LC), *_LC_CHATS,
    span("get_weather.tool", {"traceloop.span.kind": "tool", "gen_ai.operation.name": "execute_tool",
         "gen_ai.tool.name": "get_weather",
         "traceloop.entity.name": "get_weather"}, id=5, parent=3, start=2.0, end=2.5, scope=_LC),
]  # fmt: skip
LANGCHAIN = [
    golden(
        "langchain-openllmetry: agent and its workflow are one run, creating the agent is none",
        span("create_agent weather_agent", {"gen_ai.operation.name": "create_agent",
             "gen_ai.agent.name": "weather_agent"}, id=9, trace=2, scope=_LC),
        span("invoke_agent weather_agent", _RUN, id=1, end=9.0, scope=_LC),
        span("weather_agent.workflow", _WF, id=2, parent=1, start=0.1, end=8.9, scope=_LC), *_LC_REST,
        calls=[one | {"session": "s-1"} for one in _LC_TWO], agents=("weather_agent",), tools=("get_weather",),
            workflows=1,
    ),
    golden(
        "langchain-openllmetry: the workflow outside, and without a kind of its own",
        span("weather_agent.workflow", {"gen_ai.operation.name": "invoke_agent",
             "traceloop.workflow.name": "weather_agent"}, id=1, end=9.0, scope=_LC),
        span("invoke_agent weather_agent", _RUN, id=2, parent=1, start=0.1, end=8.9, scope=_LC), *_LC_REST,
        calls=[one | {"session": "s-1"} for one in _LC_TWO], agents=("weather_agent.workflow",), tools=("get_weather",
            ), workflows=1,
    ),
    golden(
        "langchain-openllmetry: retrieval of kind CLIENT; an error names the asked model twice",
        span("rag.workflow", {"traceloop.span.kind": "workflow", "traceloop.entity.name": "rag",
             "gen_ai.operation.name": "chain"}, id=1, end=9.0, scope=_LC),
        span("vector_db_retrieve VectorStoreRetriever", {"gen_ai.operation.name": "vector_db_retrieve",
             "traceloop.workflow.name": "rag"}, id=2, parent=1,
             kind="client", scope=_LC),
        span("parser.task", {"traceloop.span.kind": "task", "gen_ai.operation.name": "parser"}, id=3, parent=1,
             scope=_LC),
        span("unknown.task", {"traceloop.span.kind": "task", "gen_ai.operation.name": "unknown"}, id=4, parent=1,
             scope=_LC),
        span("ChatOpenAI.chat", CHAT | {"gen_ai.response.model": MINI, "error.type": "RateLimitError"}, id=5, parent=1,
             start=2.0, end=3.0, kind="client",
             scope=_LC, status="error", events=[exception("openai.RateLimitError", "429")]),
        calls=call("openai", MINI, MINI, error_type="rate_limit", finish_reason="error"),
        retrievals=("vector_db_retrieve VectorStoreRetriever",), workflows=1,
    ),
    golden(
        "langchain-otel-genai: workflow, retrieval from a store that is no provider, calls with first chunk",
        span("invoke_workflow rag", {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "rag"}, id=1,
             end=9.0, scope="opentelemetry.instrumentation.genai.langchain"),
        span("retrieval", {"gen_ai.operation.name": "retrieval", "gen_ai.provider.name": "InMemoryVectorStore",
             "gen_ai.retrieval.documents": "[]"}, id=2,
             parent=1, kind="client", scope="opentelemetry.instrumentation.genai.langchain"),
        span("chat gpt-4o-mini", CHAT | {"gen_ai.response.model": MINI_DATED, "gen_ai.request.stream": True,
             "gen_ai.response.time_to_first_chunk": 0.1,
             "gen_ai.response.finish_reasons": ["tool_calls"]} | usage(101, 17, cache_read__input_tokens=11,
                 reasoning__output_tokens=4), id=3, parent=1,
             start=1.0, end=2.0, kind="client", scope="opentelemetry.instrumentation.genai.langchain"),
        calls=call("openai", MINI, MINI_DATED, (101, 17), cache_read_tokens=11, reasoning_tokens=4, ttft_s=0.1,
            finish_reason="tool_call", flow="rag"),
        retrievals=("retrieval",), workflows=1,
    ),
    golden(
        "langchain-openinference and openinference-openai: the SDK's span is a root of another trace",
        span("ChatOpenAI", {"openinference.span.kind": "LLM", "llm.provider": "openai", "llm.model_name": MINI_DATED,
             "llm.invocation_parameters": _j({"model": MINI})} | counts(101, 17), id=1, trace=1,
                 scope="openinference.instrumentation.langchain"),
        span("ChatCompletion", {"openinference.span.kind": "LLM", "llm.system": "openai", "llm.model_name": MINI_DATED,
             "llm.invocation_parameters": _j({"model": MINI})} | counts(101, 17), id=2, trace=2, start=0.02, end=0.98,
             scope="openinference.instrumentation.openai"),
        calls=call("openai", MINI, MINI_DATED, (101, 17)),
    ),
]  # fmt: skip

_LI = "opentelemetry.instrumentation.llamaindex"
_LIKE = {
    "gen_ai.provider.name": "openailike",
    "gen_ai.request.model": EMPTY,
    "gen_ai.response.model": MINI_DATED,
    "traceloop.span.kind": "task",
}
_GENAI_LI = "opentelemetry.instrumentation.genai.llama_index"
LLAMAINDEX = [
    golden(
        "llamaindex-openllmetry: a task that is a call, its asked model an empty value, its provider a class",
        span("OpenAILike.task", _LIKE | {"gen_ai.operation.name": "chat",
             "gen_ai.response.finish_reasons": ["tool_call"]} | usage(101, 17), id=1, scope=_LI),
        span("OpenAILike.task", _LIKE | {"llm.request.type": "chat"}, id=2, start=2.0, end=3.0, scope=_LI),
        span("OpenAILike.task", _LIKE | usage(102, 18), id=3, start=4.0, end=5.0, scope=_LI),
        calls=[call("openai", MINI_DATED, MINI_DATED, (101, 17), finish_reason="tool_call"),
               call("openai", MINI_DATED, MINI_DATED), call("openai", MINI_DATED, MINI_DATED, (102, 18))],
    ),
    golden(
        "openllmetry: a task is structure",
        span("POST /ask", {}, id=1, end=9.0, kind="server", scope="opentelemetry.instrumentation.fastapi"),
        span("rewrite.task", {"traceloop.span.kind": "task", "traceloop.entity.name": "rewrite"}, id=2, parent=1,
             scope="traceloop.tracer"),
        workflows=1,
    ),
    golden(
        "llamaindex-openinference: two spans around one call, a helper that is none, its first token after its end",
        span("OpenAILike.achat", {"openinference.span.kind": "LLM", "llm.model_name": MINI}, id=1, end=2.0,
             scope="openinference.instrumentation.llama_index"),
        span("OpenAILike._prepare_chat_with_tools", {"openinference.span.kind": "LLM", "llm.model_name": MINI}, id=2,
             parent=1, end=0.01,
             scope="openinference.instrumentation.llama_index"),
        span("OpenAILike.astream_chat", {"openinference.span.kind": "LLM", "llm.provider": "openai",
             "llm.model_name": MINI} | counts(101, 17), id=3, parent=1,
             start=0.1, end=0.102, scope="openinference.instrumentation.llama_index",
                 events=[event("First Token Stream Event", 0.4)]),
        calls=call("openai", MINI, MINI, (101, 17), ttft_s=0.3, streaming=True, duration_s=0.3),
    ),
    golden(
        "llamaindex-otel-genai: no calls at all, the agent names a model and no tokens",
        span("invoke_workflow w", {"gen_ai.operation.name": "invoke_workflow"}, id=1, end=9.0, scope=_GENAI_LI),
        span("invoke_agent a", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a",
             "gen_ai.request.model": MINI}, id=2, parent=1, end=8.0,
             scope=_GENAI_LI), tool(_GENAI_LI, 3, 2),
        span("retrieval", {"gen_ai.operation.name": "retrieval"}, id=4, parent=2, scope=_GENAI_LI),
        agents=("a",), tools=("get_weather",), retrievals=("retrieval",), workflows=1,
    ),
]  # fmt: skip

_OI_AGENTS = "openinference.instrumentation.openai_agents"
_V2_AGENTS = "opentelemetry.instrumentation.openai_agents"
_AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather_agent"}
_OI_LLM = {
    "openinference.span.kind": "LLM",
    "llm.system": "openai",
    "llm.model_name": MINI_DATED,
    "llm.finish_reason": "stop",
}
OPENAI_AGENTS = [
    golden(
        "openai-agents-openinference: the root calls itself an agent and is the workflow",
        span("Agent workflow", {"openinference.span.kind": "AGENT"}, id=1, end=9.0, scope=_OI_AGENTS),
        span("Agent workflow", {"openinference.span.kind": "CHAIN"}, id=2, parent=1, end=8.9, scope=_OI_AGENTS),
        span("weather_agent", {"openinference.span.kind": "AGENT", "agent.name": "weather_agent",
             "graph.node.id": "weather_agent"}, id=3, parent=2, end=8.0,
             scope=_OI_AGENTS),
        span("turn", {"openinference.span.kind": "CHAIN"}, id=4, parent=3, end=7.0, scope=_OI_AGENTS),
        span("response", _OI_LLM | counts(101, 17), id=5, parent=4, start=1.0, end=2.0, scope=_OI_AGENTS),
        span("get_weather", {"openinference.span.kind": "TOOL", "tool.name": "get_weather"}, id=6, parent=4, start=2.0,
             end=3.0, scope=_OI_AGENTS),
        span("response", {"openinference.span.kind": "LLM", "llm.system": "openai"}, id=7, parent=4, start=3.0,
             end=4.0, scope=_OI_AGENTS, status="error",
             message="incomplete"),
        calls=[call("openai", MINI_DATED, MINI_DATED, (101, 17), finish_reason="stop", agent="weather_agent"),
               call("openai", error_type="_OTHER", finish_reason="error", agent="weather_agent")],
        agents=("weather_agent",), tools=("get_weather",), workflows=1,
    ),
    golden(
        "openai-agents-openinference: an older release knows agents by their node, also below the app's own span",
        span("POST /ask", {"http.route": "/ask"}, id=9, end=9.5, kind="server",
             scope="opentelemetry.instrumentation.fastapi"),
        span("Agent workflow", {"openinference.span.kind": "AGENT"}, id=1, parent=9, end=9.0, scope=_OI_AGENTS),
        span("weather_agent", {"openinference.span.kind": "AGENT", "graph.node.id": "weather_agent"}, id=3, parent=1,
             end=8.0, scope=_OI_AGENTS),
        span("response", _OI_LLM | counts(101, 17), id=5, parent=3, start=1.0, end=2.0, scope=_OI_AGENTS),
        calls=call("openai", MINI_DATED, MINI_DATED, (101, 17), finish_reason="stop", agent="weather_agent"),
            agents=("weather_agent",), workflows=1,
    ),
    golden(
        "openai-agents-otel-v2: a SERVER root that is no agent, a literal where the agent's name belongs",
        span("Agent workflow", _AGENT | {"gen_ai.agent.name": "OpenAI Agent"}, id=1, end=9.0, kind="server",
             scope=_V2_AGENTS),
        span("invoke_agent weather_agent", _AGENT, id=2, parent=1, end=8.0, kind="client", scope=_V2_AGENTS),
        *chats(_V2_AGENTS, 2, "chat gpt-4o-mini-2024-07-18", attributes=CHAT | {"gen_ai.request.model": MINI_DATED,
            "gen_ai.agent.name": "OpenAI Agent"}),
        tool(_V2_AGENTS, 4, 2),
        calls=[one | {"request_model": MINI_DATED, "agent": "weather_agent"} for one in TWO], agents=("weather_agent",
            ), tools=("get_weather",), workflows=1,
    ),
    golden(
        "openai-agents-traceloop: the answering model only",
        span("Agent Workflow", {"traceloop.span.kind": "workflow"}, id=1, end=9.0, kind="client", scope=_V2_AGENTS),
        span("weather_agent.agent", {"traceloop.span.kind": "agent", "gen_ai.agent.name": "weather_agent"}, id=2,
             parent=1, end=8.0, kind="client", scope=_V2_AGENTS),
        span("openai.response", {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
             "gen_ai.response.model": MINI_DATED,
             "gen_ai.usage.reasoning_tokens": 4, "gen_ai.response.finish_reasons": ["tool_call"]} | usage(101, 17),
                 id=3, parent=2, kind="client", scope=_V2_AGENTS),
        span("get_weather.tool", {"traceloop.span.kind": "tool", "gen_ai.tool.name": "get_weather"}, id=4, parent=2,
             start=2.0, end=3.0, scope=_V2_AGENTS),
        calls=call("openai", MINI_DATED, MINI_DATED, (101, 17), reasoning_tokens=4, finish_reason="tool_call",
            agent="weather_agent"),
        agents=("weather_agent",), tools=("get_weather",), workflows=1,
    ),
    golden(
        "openai-agents-otel-genai: structure without calls, the agent's error has no type",
        span("invoke_workflow Agent workflow", {"gen_ai.operation.name": "invoke_workflow",
             "gen_ai.conversation.id": "g-1"}, id=1, end=9.0,
                 scope="opentelemetry.instrumentation.genai.openai_agents"),
        span("invoke_agent weather_agent", _AGENT | {"error.type": "_OTHER"}, id=2, parent=1, end=8.0, status="error",
             scope="opentelemetry.instrumentation.genai.openai_agents"),
        tool("opentelemetry.instrumentation.genai.openai_agents", 3, 2),
        agents=("weather_agent:_OTHER",), tools=("get_weather",), workflows=1,
    ),
    golden(
        "openai-agents-weave: internal calls named by the answering model",
        span("invoke_agent weather_agent", _AGENT | {"gen_ai.conversation.id": "trace_random"}, id=1, end=9.0,
             scope="weave.openai_agents"),
        *chats("weave.openai_agents", 1, "chat gpt-4o-mini-2024-07-18", "internal", CHAT
            | {"gen_ai.request.model": MINI_DATED}), tool("weave.openai_agents", 4, 1),
        calls=[one | {"request_model": MINI_DATED, "agent": "weather_agent",
            "session": "trace_random"} for one in TWO], agents=("weather_agent",),
        tools=("get_weather",), workflows=1,
    ),
    golden(
        "openai-agents SDK spans as Weave passes them on",
        span("weather_agent", {"agent.span.type": "agent"}, id=1, end=9.0, scope="openai_agents"),
        span("response", {"agent.span.type": "response", "gen_ai.request.model": MINI} | usage(101, 17), id=2,
             parent=1, scope="openai_agents"),
        span("get_weather", {"agent.span.type": "function"}, id=3, parent=1, scope="openai_agents"),
        span("handoff", {"agent.span.type": "handoff"}, id=4, parent=1, scope="openai_agents"),
        span("guard", {"agent.span.type": "guardrail"}, id=5, parent=1, scope="openai_agents"),
        calls=call("openai", MINI, tokens=(101, 17), agent="weather_agent"), agents=("weather_agent",),
            tools=("get_weather",), workflows=1,
    ),
]  # fmt: skip

_PY = "pydantic-ai"
_PY_CHAT = CHAT | {"gen_ai.system": "openai", "gen_ai.agent.name": "weather_agent", "gen_ai.conversation.id": "uuid-1"}
_PY_TWO = [one | {"agent": "weather_agent", "session": "uuid-1"} for one in TWO]
_CLAUDE = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": CLAUDE,
    "gen_ai.response.model": CLAUDE_DATED,
           "gen_ai.response.id": "msg_01XFDUDYJgAACzvnptvVoYEL"}  # fmt: skip
_CACHED = {"gen_ai.usage.details.cache_read_tokens": 11, "gen_ai.usage.details.reasoning_tokens": 4}
PYDANTIC_AI = [
    golden(
        "pydantic-ai: an older release sums up under the keys of its calls",
        span("invoke_agent weather_agent", _AGENT | {"agent_name": "weather_agent", "model_name": MINI} | usage(212,
             37), id=1, end=9.0, scope=_PY),
        *chats(_PY, 1, attributes=_PY_CHAT), tool(_PY, 4, 1),
        calls=_PY_TWO, agents=("weather_agent",), tools=("get_weather",), workflows=1,
    ),
    golden(
        "pydantic-ai: the oldest names, details under two keys, first chunk as a metric's name",
        span("agent run", {"agent_name": "weather_agent", "model_name": MINI} | usage(101, 17), id=1, end=9.0,
             scope=_PY),
        span("chat gpt-4o-mini", CHAT | _CACHED | {"gen_ai.client.operation.time_to_first_chunk": 0.1} | usage(101, 17,
             cache_read__input_tokens=11), id=2, parent=1,
             kind="client", scope=_PY),
        span("running tools", {"tools": ["get_weather"]}, id=3, parent=1, scope=_PY),
        span("running tool", {"gen_ai.tool.name": "get_weather", "tool_arguments": "{}"}, id=4, parent=3, scope=_PY),
        calls=call("openai", MINI, tokens=(101, 17), cache_read_tokens=11, reasoning_tokens=4, ttft_s=0.1,
            agent="weather_agent"),
        agents=("weather_agent",), tools=("get_weather",), workflows=1,
    ),
    golden(
        "pydantic-ai-anthropic: the SDK traces too, the cache-write keys differ, the raw figure does not appear",
        span("invoke_agent weather_agent", _AGENT | {"gen_ai.aggregated_usage.input_tokens": 101}, id=1, end=9.0,
             scope=_PY),
        span("chat claude", _CLAUDE | usage(101, 17, cache_read__input_tokens=11, cache_creation__input_tokens=6),
             id=2, parent=1, kind="client", scope=_PY),
        span("anthropic.messages.create", _CLAUDE | usage(101, 17, cache_read__input_tokens=11,
             cache_write__input_tokens=6), id=3, parent=2, start=0.01, end=0.9,
             kind="client", scope=NATIVE),
        calls=call("anthropic", CLAUDE, CLAUDE_DATED, (101, 17), cache_read_tokens=11, cache_write_tokens=6,
            agent="weather_agent"),
        agents=("weather_agent",), workflows=1,
    ),
    golden(
        "pydantic-ai and logfire's OpenAI spans below its own",
        span("invoke_agent weather_agent", _AGENT, id=1, end=9.0, scope=_PY),
        span("chat gpt-4o-mini", _PY_CHAT | {"gen_ai.response.model": MINI_DATED} | usage(101, 17), id=2, parent=1,
             kind="client", scope=_PY),
        span("Chat Completion with {request_data[model]!r}", CHAT | {"gen_ai.system": "openai",
             "gen_ai.response.model": MINI_DATED} | usage(101, 17), id=3, parent=2,
             start=0.01, end=0.9, kind="client", scope="logfire.openai"),
        calls=_PY_TWO[0], agents=("weather_agent",), workflows=1,
    ),
    golden(
        "pydantic-ai and logfire's OpenAI spans, streamed: four spans of one call",
        span("invoke_agent weather_agent", _AGENT, id=1, end=9.0, scope=_PY),
        span("chat gpt-4o-mini", _PY_CHAT | {"gen_ai.response.model": MINI_DATED} | usage(101, 17), id=2, parent=1,
             kind="client", scope=_PY),
        span("Chat Completion with {request_data[model]!r}", CHAT | {"gen_ai.system": "openai",
             "logfire.span_type": "span"}, id=3, parent=2, start=0.01, end=0.05,
             kind="client", scope="logfire.openai"),
        span("streaming response from {request_data[model]!r}", CHAT | {"logfire.span_type": "log", "duration": 0.8}
             | usage(101, 17), id=4, parent=2, start=0.9,
             end=0.9, scope="logfire.openai"),
        calls=_PY_TWO[0] | {"streaming": True}, agents=("weather_agent",), workflows=1,
    ),
]  # fmt: skip

PAIRS: list[Golden] = [*LANGCHAIN, *LLAMAINDEX, *OPENAI_AGENTS, *PYDANTIC_AI]
