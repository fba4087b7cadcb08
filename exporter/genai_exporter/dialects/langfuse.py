"""Langfuse SDK: an observation type, and usage as a JSON object inside one string."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule
from genai_exporter.records import Role

_T = Kind.TOKENS
_USAGE = (
    ("prompt_tokens", f.INPUT, 39, _T), ("completion_tokens", f.OUTPUT, 39, _T), ("total_tokens", f.TOTAL, 39, _T),
    ("input_tokens", f.INPUT, 40, _T), ("output_tokens", f.OUTPUT, 40, _T),
    ("input", f.INPUT, 41, _T), ("output", f.OUTPUT, 41, _T), ("total", f.TOTAL, 41, _T),
    ("prompt_tokens_details.cached_tokens", f.CACHE_READ, 52, _T),
    ("input_tokens_details.cached_tokens", f.CACHE_READ, 53, _T),
    ("completion_tokens_details.reasoning_tokens", f.REASONING, 52, _T),
    ("output_tokens_details.reasoning_tokens", f.REASONING, 53, _T),
    ("cache_read_input_tokens", f.CACHE_READ, 54, _T), ("cache_creation_input_tokens", f.CACHE_WRITE, 54, _T),
    # The buckets of Langfuse's own integrations: "input" leaves these out, and the total does not.
    ("input_cached_tokens", f.CACHE_READ, 55, _T), ("input_cache_read", f.CACHE_READ, 56, _T),
    ("input_cache_creation", f.CACHE_WRITE, 55, _T), ("output_reasoning_tokens", f.REASONING, 55, _T),
    ("output_reasoning", f.REASONING, 56, _T),
    ("input_cached_tokens", f.EXCLUSIVE, 20, Kind.BUCKET), ("input_cache_read", f.EXCLUSIVE, 21, Kind.BUCKET),
    ("input_cache_creation", f.EXCLUSIVE, 22, Kind.BUCKET),
    ("output_reasoning_tokens", f.EXCLUSIVE_OUTPUT, 20, Kind.BUCKET),
    ("output_reasoning", f.EXCLUSIVE_OUTPUT, 21, Kind.BUCKET),
)  # fmt: skip

DIALECT = Dialect(
    name="langfuse",
    source="https://langfuse.com/integrations/native/opentelemetry",
    rows=(
        Row("langfuse.observation.type", f.ROLE, 4, Kind.ROLE, {
            "generation": (Role.CALL, "chat"), "embedding": (Role.CALL, "embeddings"),
            "agent": (Role.AGENT, "invoke_agent"), "tool": (Role.TOOL, "execute_tool"), "chain": (Role.STEP, "chain"),
            "retriever": (Role.RETRIEVAL, "retrieval"), "guardrail": (Role.STEP, "guardrail"),
            "evaluator": (Role.STEP, "evaluation"), "span": None, "event": None,
        }),
        Row("langfuse.observation.model.name", f.MODEL, 8),
        Row("langfuse.observation.usage_details", f.INPUT, 30, Kind.EXPAND, members=_USAGE),
        Row("langfuse.observation.cost_details", f.COST, 16, Kind.EXPAND, members=(("total", f.COST, 16, Kind.MONEY),)),
        Row("langfuse.observation.completion_start_time", f.COMPLETION_START, 10, Kind.TIMESTAMP),
        Row("langfuse.observation.metadata.finish_reason", f.FINISH, 34, Kind.FINISH),
        Row("langfuse.observation.prompt.name", f.PROMPT_NAME, 22),
        Row("langfuse.observation.prompt.version", f.PROMPT_VERSION, 22),
        Row("langfuse.prompt.name", f.PROMPT_NAME, 23),
        Row("langfuse.prompt.version", f.PROMPT_VERSION, 23),
        Row("langfuse.observation.level", f.ERROR_TYPE, 60, Kind.TEXT, {
            "error": "_OTHER", "debug": None, "default": None, "warning": None,
        }),
        Row("langfuse.session.id", f.SESSION, 18, Kind.IDENTIFIER),
        Row("langfuse.user.id", f.USER, 12, Kind.IDENTIFIER),
        Row("langfuse.trace.metadata.langfuse_session_id", f.SESSION, 35, Kind.IDENTIFIER),
        Row("langfuse.observation.metadata.langfuse_session_id", f.SESSION, 36, Kind.IDENTIFIER),
        Row("langfuse.environment", f.ENVIRONMENT, 20),
        Row("langfuse.release", f.SERVICE_VERSION, 20),
        Row("langfuse.version", f.SERVICE_VERSION, 22),
    ),
    scopes=(ScopeRule("langfuse", "langfuse"),),
)  # fmt: skip
