"""The list of dialects. A new one is a new module with a table and a line here."""

from typing import Final

from genai_exporter.dialects import (
    claude_code,
    custom,
    google_adk,
    langfuse,
    langsmith,
    litellm,
    mlflow,
    openinference,
    openlit,
    openllmetry,
    opentelemetry,
    others,
    pydantic_ai,
    sentry,
    strands,
    vercel,
    weave,
)
from genai_exporter.dialects.fields import Dialect

DIALECTS: Final[tuple[Dialect, ...]] = tuple(
    module.DIALECT
    for module in (
        opentelemetry,
        openllmetry,
        openinference,
        openlit,
        langfuse,
        langsmith,
        weave,
        vercel,
        pydantic_ai,
        litellm,
        mlflow,
        google_adk,
        strands,
        claude_code,
        sentry,
        others,
        custom,
    )
)
