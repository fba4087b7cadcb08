"""LiteLLM, SDK and proxy: conventions plus ``litellm.*``; a router alias stands in the request model."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule

DIALECT = Dialect(
    name="litellm",
    source="https://docs.litellm.ai/docs/observability/opentelemetry_integration",
    rows=(
        # The request model may be the alias of a router; this is the model that was asked.
        Row("litellm.provider.model", f.RESPONSE_MODEL, 38),
        Row("litellm.cost.total", f.COST, 12, Kind.MONEY),
        Row("litellm.cache_hit", f.CACHE_HIT, 12, Kind.FLAG),
        Row("litellm.request.streaming", f.STREAMING, 14, Kind.FLAG),
        Row("litellm.end_user.id", f.USER, 42, Kind.IDENTIFIER),
        Row("litellm.provider.error.code", f.HTTP_STATUS, 20, Kind.STATUS),
        Row("error.code", f.HTTP_STATUS, 24, Kind.STATUS),
        Row("gen_ai.cost.total_cost", f.COST, 22, Kind.MONEY),
        Row("metadata.user_api_key_user_id", f.USER, 51, Kind.IDENTIFIER),
        Row("metadata.user_api_key_end_user_id", f.USER, 50, Kind.IDENTIFIER),
        Row("litellm.metadata.session_id", f.SESSION, 39, Kind.IDENTIFIER),
        Row("litellm.metadata.prompt_version", f.PROMPT_VERSION, 38),
        Row("litellm.metadata.user_segment", f.SEGMENT, 36),
    ),
    scopes=(ScopeRule("litellm", "litellm", steps=("raw_gen_ai_request",)),),
)
