"""OpenInference (Arize): ``llm.*`` keys, one span kind on every span, flattened lists."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule
from genai_exporter.records import Role

#: What the application asked for. Beside it, gen_ai.request.model is the response's model in this library.
_INVOCATION = (
    ("model", f.REQUEST_MODEL, 6, Kind.TEXT),
    ("model_name", f.REQUEST_MODEL, 7, Kind.TEXT),
    ("model_id", f.REQUEST_MODEL, 8, Kind.TEXT),
    ("service_tier", f.SERVICE_TIER, 40, Kind.TEXT),
)

DIALECT = Dialect(
    name="openinference",
    source="https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md",
    rows=(
        Row("openinference.span.kind", f.ROLE, 10, Kind.ROLE, {
            "llm": (Role.CALL, "chat"), "embedding": (Role.CALL, "embeddings"), "chain": (Role.STEP, "chain"),
            "retriever": (Role.RETRIEVAL, "retrieval"), "reranker": (Role.RETRIEVAL, "rerank"),
            "tool": (Role.TOOL, "execute_tool"), "agent": (Role.AGENT, "invoke_agent"),
            "guardrail": (Role.STEP, "guardrail"), "evaluator": (Role.STEP, "evaluation"),
            "prompt": (Role.STEP, "prompt"), "decision": (Role.CALL, "chat"), "unknown": None,
        }),
        Row("llm.model_name", f.MODEL, 10),
        Row("llm.request.model_name", f.REQUEST_MODEL, 24),
        Row("llm.response.model_name", f.RESPONSE_MODEL, 24),
        Row("embedding.model_name", f.MODEL, 12),
        Row("reranker.model_name", f.MODEL, 14),
        Row("decision.model_name", f.MODEL, 16),
        Row("llm.provider", f.PROVIDER, 24),
        # Who serves the model is the provider, except that "google" alone leaves open which of its two services.
        Row("llm.system", f.PROVIDER, 22, Kind.TEXT, {"vertexai": "gcp.vertex_ai", "*": None}),
        Row("llm.system", f.PROVIDER, 28),
        Row("llm.token_count.prompt", f.INPUT, 26, Kind.TOKENS),
        Row("llm.token_count.completion", f.OUTPUT, 26, Kind.TOKENS),
        Row("llm.token_count.total", f.TOTAL, 26, Kind.TOKENS),
        Row("decision.token_count.input", f.INPUT, 28, Kind.TOKENS),
        Row("decision.token_count.output", f.OUTPUT, 28, Kind.TOKENS),
        Row("llm.token_count.prompt_details.cache_read", f.CACHE_READ, 27, Kind.TOKENS),
        Row("llm.token_count.prompt_details.cache_input", f.CACHE_READ, 28, Kind.TOKENS),
        Row("llm.token_count.prompt_details.cache_write", f.CACHE_WRITE, 27, Kind.TOKENS),
        Row("llm.token_count.completion_details.reasoning", f.REASONING, 26, Kind.TOKENS),
        Row("llm.cost.total", f.COST, 15, Kind.MONEY),
        Row("llm.finish_reason", f.FINISH, 30, Kind.FINISH),
        Row("llm.invocation_parameters", f.REQUEST_MODEL, 40, Kind.EXPAND,
            members=(*_INVOCATION, ("stream", f.STREAMING, 40, Kind.FLAG))),
        Row("embedding.invocation_parameters", f.REQUEST_MODEL, 50, Kind.EXPAND,
            members=(("model", f.REQUEST_MODEL, 4, Kind.TEXT), ("model_name", f.REQUEST_MODEL, 5, Kind.TEXT))),
        Row("llm.prompt_template.version", f.PROMPT_VERSION, 24),
        Row("prompt.id", f.PROMPT_NAME, 26),
        Row("agent.name", f.AGENT, 20),
        Row("graph.node.name", f.AGENT, 32),
        Row("graph.node.id", f.ENTITY, 30),
        Row("tool.name", f.TOOL, 20),
        Row("metadata", f.SESSION, 40, Kind.EXPAND, members=(
            ("session_id", f.SESSION, 40, Kind.IDENTIFIER), ("thread_id", f.SESSION, 41, Kind.IDENTIFIER),
            ("user_id", f.USER, 40, Kind.IDENTIFIER), ("prompt_version", f.PROMPT_VERSION, 40, Kind.TEXT),
            ("prompt_template_version", f.PROMPT_VERSION, 41, Kind.TEXT), ("user_segment", f.SEGMENT, 40, Kind.TEXT),
            ("lc_agent_name", f.AGENT, 40, Kind.TEXT),
        )),
        Row("evaluations.*.evaluation.*", f.IGNORED, 10, Kind.EVALUATION, pattern=True),
        Row("trace.evaluations.*.evaluation.*", f.IGNORED, 10, Kind.EVALUATION, pattern=True),
        Row("session.evaluations.*.evaluation.*", f.IGNORED, 10, Kind.EVALUATION, pattern=True),
        Row("annotations.*.annotation.*", f.IGNORED, 10, Kind.EVALUATION, pattern=True),
    ),
    scopes=(
        # LlamaIndex wraps every call in helper methods that are marked LLM although they only prepare the request.
        ScopeRule("openinference.instrumentation.llama_index", "openinference",
                  steps=("_prepare_chat_with_tools",), agents=("Agent.run", "AgentWorkflow.run")),
        ScopeRule("openinference.instrumentation.openai_agents", "openinference", root_is_agent=True),
        ScopeRule("openinference.instrumentation", "openinference"),
        ScopeRule("@arizeai/openinference", "openinference"),
    ),
)  # fmt: skip
