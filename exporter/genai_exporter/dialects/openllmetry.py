"""OpenLLMetry (Traceloop): its own keys before it adopted the semantic conventions, and the ones that it kept."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule
from genai_exporter.records import Role

_P = "traceloop.association.properties."

DIALECT = Dialect(
    name="openllmetry",
    source="https://github.com/traceloop/openllmetry",
    rows=(
        Row("traceloop.span.kind", f.ROLE, 14, Kind.ROLE, {
            "workflow": (Role.WORKFLOW, "invoke_workflow"), "agent": (Role.AGENT, "invoke_agent"),
            "tool": (Role.TOOL, "execute_tool"), "*": None,
        }),
        # A task may be a model call, too: LlamaIndex's are. Then another key says so.
        Row("traceloop.span.kind", f.ROLE, 34, Kind.ROLE, {"task": (Role.STEP, "task"), "*": None}),
        Row("llm.request.type", f.ROLE, 24, Kind.ROLE, {
            "chat": (Role.CALL, "chat"), "completion": (Role.CALL, "text_completion"),
            "embedding": (Role.CALL, "embeddings"), "rerank": (Role.CALL, "rerank"), "unknown": None,
        }),
        Row("llm.usage.total_tokens", f.TOTAL, 28, Kind.TOKENS),
        Row("llm.usage.prompt_tokens", f.INPUT, 30, Kind.TOKENS),
        Row("llm.usage.completion_tokens", f.OUTPUT, 30, Kind.TOKENS),
        Row("llm.usage.reasoning_tokens", f.REASONING, 22, Kind.TOKENS),
        Row("gen_ai.usage.reasoning_tokens", f.REASONING, 20, Kind.TOKENS),
        Row("gen_ai.usage.cache_read_input_tokens", f.CACHE_READ, 20, Kind.TOKENS),
        Row("gen_ai.usage.cache_creation_input_tokens", f.CACHE_WRITE, 20, Kind.TOKENS),
        Row("gen_ai.usage.cache_write_input_tokens", f.CACHE_WRITE, 22, Kind.TOKENS),
        Row("llm.is_streaming", f.STREAMING, 20, Kind.FLAG),
        Row("gen_ai.is_streaming", f.STREAMING, 18, Kind.FLAG),
        Row("llm.response.finish_reason", f.FINISH, 24, Kind.FINISH),
        Row("llm.response.stop_reason", f.FINISH, 26, Kind.FINISH),
        Row("gen_ai.completion.*.finish_reason", f.FINISH, 28, Kind.FINISH, pattern=True),
        Row("llm.completions.*.finish_reason", f.FINISH, 29, Kind.FINISH, pattern=True),
        Row("llm.request.model", f.REQUEST_MODEL, 26),
        Row("llm.response.model", f.RESPONSE_MODEL, 26),
        Row("llm.vendor", f.PROVIDER, 34),
        Row("traceloop.entity.name", f.ENTITY, 10),
        Row("traceloop.workflow.name", f.WORKFLOW, 14),
        Row("traceloop.prompt.key", f.PROMPT_NAME, 20),
        Row("traceloop.prompt.version", f.PROMPT_VERSION, 20),
        Row("traceloop.prompt.version_name", f.PROMPT_VERSION, 21),
        Row("gen_ai.user", f.USER, 22, Kind.IDENTIFIER),
        Row("llm.user", f.USER, 24, Kind.IDENTIFIER),
        Row(_P + "session_id", f.SESSION, 20, Kind.IDENTIFIER),
        Row(_P + "thread_id", f.SESSION, 38, Kind.IDENTIFIER),
        Row(_P + "conversation_id", f.SESSION, 37, Kind.IDENTIFIER),
        Row(_P + "user_id", f.USER, 20, Kind.IDENTIFIER),
        Row(_P + "prompt_version", f.PROMPT_VERSION, 30),
        Row(_P + "prompt_name", f.PROMPT_NAME, 30),
        Row(_P + "prompt_template_version", f.PROMPT_VERSION, 31),
        Row(_P + "user_segment", f.SEGMENT, 30),
    ),
    scopes=(
        ScopeRule("opentelemetry.instrumentation.openai.v1", "openllmetry"),
        ScopeRule("opentelemetry.instrumentation.openai.v0", "openllmetry"),
        ScopeRule("opentelemetry.instrumentation.openai", "openllmetry"),
        ScopeRule("opentelemetry.instrumentation.anthropic", "openllmetry"),
        ScopeRule("opentelemetry.instrumentation.", "openllmetry"),
        ScopeRule("traceloop", "openllmetry"),
        ScopeRule("@traceloop/", "openllmetry"),
    ),
)  # fmt: skip
