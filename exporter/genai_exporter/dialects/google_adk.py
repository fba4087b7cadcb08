"""Google ADK: ``call_llm`` around ``generate_content``, old ones with the cached count inside a JSON response."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule

DIALECT = Dialect(
    name="google_adk",
    source="https://google.github.io/adk-docs/observability/",
    rows=(
        Row("gcp.vertex.agent.session_id", f.SESSION, 28, Kind.IDENTIFIER),
        Row("gen_ai.usage.experimental.reasoning_tokens", f.REASONING, 40, Kind.TOKENS),
        Row("gcp.vertex.agent.llm_response", f.CACHE_READ, 42, Kind.EXPAND, members=(
            ("usage_metadata.cached_content_token_count", f.CACHE_READ, 42, Kind.TOKENS),
            ("usage_metadata.thoughts_token_count", f.REASONING, 42, Kind.TOKENS),
        )),
    ),
    # LiteLLM's completion tokens contain the reasoning tokens already, and ADK adds them as it must for Gemini's.
    # Tools that ran in parallel are reported once more, as one.
    scopes=(ScopeRule("gcp.vertex.agent", "google_adk", reasoning_twice=True, steps=("(merged)",)),
            ScopeRule("google.adk", "google_adk", reasoning_twice=True)),
)  # fmt: skip
