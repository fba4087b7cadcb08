"""LangSmith's OpenTelemetry exporter. Its span kind is right where its operation name is not."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule
from genai_exporter.records import Role

_M = "langsmith.metadata."
_T = Kind.TOKENS
_INPUT_DETAILS = (("cache_read", f.CACHE_READ, 30, _T), ("cache_creation", f.CACHE_WRITE, 30, _T))

DIALECT = Dialect(
    name="langsmith",
    source="https://docs.langchain.com/langsmith/trace-with-opentelemetry",
    rows=(
        Row("langsmith.span.kind", f.ROLE, 6, Kind.ROLE, {
            "llm": (Role.CALL, "chat"), "chain": (Role.STEP, "chain"), "tool": (Role.TOOL, "execute_tool"),
            "retriever": (Role.RETRIEVAL, "retrieval"), "embedding": (Role.CALL, "embeddings"),
            "prompt": (Role.STEP, "prompt"), "parser": (Role.STEP, "parser"),
        }),
        # Printed as a Python dict, single quotes included.
        Row("gen_ai.usage.input_token_details", f.CACHE_READ, 30, Kind.EXPAND, members=_INPUT_DETAILS),
        Row("gen_ai.usage.output_token_details", f.REASONING, 30, Kind.EXPAND, members=(
            ("reasoning", f.REASONING, 30, _T),
        )),
        Row(_M + "usage_metadata", f.INPUT, 50, Kind.EXPAND, members=(
            ("input_tokens", f.INPUT, 50, _T), ("output_tokens", f.OUTPUT, 50, _T), ("total_tokens", f.TOTAL, 50, _T),
            ("input_token_details.cache_read", f.CACHE_READ, 50, _T),
            ("input_token_details.cache_creation", f.CACHE_WRITE, 50, _T),
            ("output_token_details.reasoning", f.REASONING, 50, _T),
        )),
        Row(_M + "ls_provider", f.PROVIDER, 40),
        Row(_M + "ls_model_name", f.REQUEST_MODEL, 36),
        Row(_M + "stream", f.STREAMING, 36, Kind.FLAG),
        Row("langsmith.request.streaming", f.STREAMING, 34, Kind.FLAG),
        Row(_M + "thread_id", f.SESSION, 24, Kind.IDENTIFIER),
        Row(_M + "session_id", f.SESSION, 25, Kind.IDENTIFIER),
        Row(_M + "conversation_id", f.SESSION, 26, Kind.IDENTIFIER),
        Row(_M + "user_id", f.USER, 48, Kind.IDENTIFIER),
        Row(_M + "lc_agent_name", f.AGENT, 30),
        Row(_M + "prompt_version", f.PROMPT_VERSION, 32),
        Row(_M + "prompt_template_version", f.PROMPT_VERSION, 33),
        Row(_M + "user_segment", f.SEGMENT, 32),
        Row("gen_ai.completion", f.FINISH, 50, Kind.EXPAND, members=(
            ("generations.0.0.generation_info.finish_reason", f.FINISH, 50, Kind.FINISH),
            ("generations.0.0.message.kwargs.response_metadata.finish_reason", f.FINISH, 51, Kind.FINISH),
            ("generations.0.0.message.kwargs.response_metadata.model_name", f.RESPONSE_MODEL, 50, Kind.TEXT),
            ("generations.0.0.message.kwargs.response_metadata.id", f.RESPONSE_ID, 50, Kind.IDENTIFIER),
        )),
    ),
    scopes=(ScopeRule("langsmith", "langsmith", status_unreliable=True),),
)  # fmt: skip
