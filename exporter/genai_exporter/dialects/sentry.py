"""Sentry's AI agent monitoring: conventions with the detail in front of the unit."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule

DIALECT = Dialect(
    name="sentry",
    source="https://github.com/getsentry/sentry-conventions",
    rows=(
        Row("gen_ai.usage.input_tokens.cached", f.CACHE_READ, 22, Kind.TOKENS),
        Row("gen_ai.usage.input_tokens.cache_write", f.CACHE_WRITE, 23, Kind.TOKENS),
        Row("gen_ai.usage.output_tokens.reasoning", f.REASONING, 21, Kind.TOKENS),
        Row("gen_ai.cost.total_tokens", f.COST, 26, Kind.MONEY),  # dollars, in spite of the name
        Row("gen_ai.response.time_to_first_token", f.TTFT, 11, Kind.SECONDS),
        Row("gen_ai.response.streaming", f.STREAMING, 26, Kind.FLAG),
        Row("gen_ai.pipeline.name", f.WORKFLOW, 28),
        Row("ai.model_id", f.REQUEST_MODEL, 44),
        Row("ai.prompt_tokens.used", f.INPUT, 44, Kind.TOKENS),
        Row("ai.completion_tokens.used", f.OUTPUT, 44, Kind.TOKENS),
        Row("ai.total_tokens.used", f.TOTAL, 44, Kind.TOKENS),
        Row("ai.streaming", f.STREAMING, 44, Kind.FLAG),
    ),
    scopes=(ScopeRule("sentry", "sentry"),),
)
