"""OpenLIT: today's conventions plus extras; older releases spell the details their own way."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule

DIALECT = Dialect(
    name="openlit",
    source="https://github.com/openlit/openlit/tree/main/sdk/python",
    rows=(
        Row("gen_ai.usage.cost", f.COST, 10, Kind.MONEY),
        Row("gen_ai.request.is_stream", f.STREAMING, 22, Kind.FLAG),
        Row("gen_ai.usage.completion_tokens_details.reasoning_tokens", f.REASONING, 24, Kind.TOKENS),
        Row("gen_ai.usage.completion_tokens_details.reasoning", f.REASONING, 25, Kind.TOKENS),
        Row("gen_ai.usage.prompt_tokens_details.cached_tokens", f.CACHE_READ, 24, Kind.TOKENS),
        Row("gen_ai.usage.prompt_tokens_details.cache_read", f.CACHE_READ, 25, Kind.TOKENS),
        Row("gen_ai.usage.prompt_tokens_details.cache_creation_tokens", f.CACHE_WRITE, 24, Kind.TOKENS),
        Row("gen_ai.usage.prompt_tokens_details.cache_write", f.CACHE_WRITE, 25, Kind.TOKENS),
        Row("gen_ai.request.user", f.USER, 26, Kind.IDENTIFIER),
        Row("gen_ai.eval.groundedness", f.IGNORED, 10, Kind.EVALUATION, tag="groundedness"),
        Row("gen_ai.eval.answer_relevancy", f.IGNORED, 10, Kind.EVALUATION, tag="relevance"),
        Row("gen_ai.eval.context_relevancy", f.IGNORED, 10, Kind.EVALUATION, tag="context_relevance"),
    ),
    scopes=(
        # Anthropic's own figure leaves cached tokens out, and this instrumentation passes it on as it is.
        ScopeRule("openlit.instrumentation.anthropic", "openlit", exclusive_input=True, untimed_first_token=True),
        # A time to first token is reported without a stream, too: it is then the whole duration.
        ScopeRule("openlit", "openlit", untimed_first_token=True),
    ),
)
