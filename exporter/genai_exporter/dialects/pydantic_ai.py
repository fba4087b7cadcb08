"""pydantic-ai and Logfire: the conventions with details under other keys; Logfire splits a stream into two spans."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule

_T = Kind.TOKENS

DIALECT = Dialect(
    name="pydantic_ai",
    source="https://ai.pydantic.dev/logfire/",
    rows=(
        Row("operation.cost", f.COST, 14, Kind.MONEY),
        Row("gen_ai.usage.details.cache_read_tokens", f.CACHE_READ, 26, _T),
        Row("gen_ai.usage.details.cache_write_tokens", f.CACHE_WRITE, 26, _T),
        Row("gen_ai.usage.details.cached_tokens", f.CACHE_READ, 43, _T),
        Row("gen_ai.usage.details.cache_read_input_tokens", f.CACHE_READ, 47, _T),
        Row("gen_ai.usage.details.cache_creation_input_tokens", f.CACHE_WRITE, 47, _T),
        Row("gen_ai.usage.details.reasoning_tokens", f.REASONING, 38, _T),
        Row("agent_name", f.AGENT, 42),
        Row("gen_ai.usage.raw", f.CACHE_READ, 44, Kind.EXPAND, members=(
            ("prompt_tokens_details.cached_tokens", f.CACHE_READ, 44, _T),
            ("input_tokens_details.cached_tokens", f.CACHE_READ, 45, _T),
            ("cache_read_input_tokens", f.CACHE_READ, 46, _T),
            ("cache_creation_input_tokens", f.CACHE_WRITE, 44, _T),
            ("cache_creation.ephemeral_1h_input_tokens", f.CACHE_WRITE_1H, 44, _T),
            ("completion_tokens_details.reasoning_tokens", f.REASONING, 44, _T),
            ("output_tokens_details.reasoning_tokens", f.REASONING, 45, _T),
            ("service_tier", f.SERVICE_TIER, 44, Kind.TEXT),
        )),
        Row("logfire.span_type", f.LOG_SPAN, 10, Kind.TEXT, {"log": True, "span": None, "pending_span": None}),
        Row("duration", f.BARE_DURATION, 10, Kind.SECONDS),
    ),
    scopes=(ScopeRule("pydantic-ai", "pydantic_ai"), ScopeRule("logfire", "logfire")),
)  # fmt: skip
