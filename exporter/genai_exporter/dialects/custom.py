"""Attributes that monitoring guides tell people to set by hand: versions, feedback, cache hits, evaluation results."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row

_E = Kind.EVALUATION

DIALECT = Dialect(
    name="custom",
    source="docs/send-your-spans/by-hand.md",
    rows=(
        Row("app.prompt_template_version", f.PROMPT_VERSION, 26),
        Row("prompt_template_version", f.PROMPT_VERSION, 27),
        Row("app.prompt_version", f.PROMPT_VERSION, 28),
        Row("prompt.version", f.PROMPT_VERSION, 29),
        Row("app.prompt_template_name", f.PROMPT_NAME, 27),
        Row("prompt.name", f.PROMPT_NAME, 28),
        Row("app.model_version", f.MODEL_VERSION, 10),
        Row("model_version", f.MODEL_VERSION, 12),
        Row("app.version", f.SERVICE_VERSION, 24),
        Row("app_version", f.SERVICE_VERSION, 26),
        Row("user.segment", f.SEGMENT, 10),
        Row("user_segment", f.SEGMENT, 12),
        Row("app.user_segment", f.SEGMENT, 14),
        Row("llm.user_segment", f.SEGMENT, 8),
        Row("llm.flow", f.FLOW, 8),
        Row("session_id", f.SESSION, 60, Kind.IDENTIFIER),
        Row("conversation_id", f.SESSION, 61, Kind.IDENTIFIER),
        Row("thread_id", f.SESSION, 62, Kind.IDENTIFIER),
        Row("user_id", f.USER, 60, Kind.IDENTIFIER),
        Row("cache.hit", f.CACHE_HIT, 10, Kind.FLAG),
        Row("adk.experimental.context_cache.hit", f.IGNORED, 10),  # the provider's prompt cache, not a response cache
        Row("user.feedback", f.FEEDBACK, 10, Kind.RATING),
        Row("user.regenerated", f.REGENERATED, 10, Kind.FLAG),
        Row("gen_ai.refusal", f.REFUSAL, 10, Kind.FLAG),
        Row("gen_ai.response.refusal", f.REFUSAL, 12, Kind.FLAG),
        Row("retry.count", f.RETRIES, 20, Kind.TOKENS),
        Row("retry.attempt", f.RETRIES, 22, Kind.TOKENS),
        Row("llm.retry_count", f.RETRIES, 24, Kind.TOKENS),
        Row("gen_ai.request.retry_count", f.RETRIES, 26, Kind.TOKENS),
        Row("gen_ai.request.batch", f.BATCH, 10, Kind.FLAG),
        Row("gen_ai.evaluation.name", f.IGNORED, 10, _E, tag=".name"),
        Row("gen_ai.evaluation.score.value", f.IGNORED, 10, _E, tag=".score"),
        Row("gen_ai.evaluation.score.label", f.IGNORED, 10, _E, tag=".label"),
        Row("eval.heuristic_pass", f.IGNORED, 10, _E, tag="heuristic"),
        Row("eval.safety_pass", f.IGNORED, 10, _E, tag="safety"),
        Row("eval.quality_score", f.IGNORED, 10, _E, tag="quality"),
        Row("eval.groundedness", f.IGNORED, 10, _E, tag="groundedness"),
        Row("eval.groundedness_score", f.IGNORED, 10, _E, tag="groundedness"),
        Row("eval.correctness_score", f.IGNORED, 10, _E, tag="correctness"),
        Row("eval.correctness", f.IGNORED, 10, _E, tag="correctness"),
        Row("eval.relevance_score", f.IGNORED, 10, _E, tag="relevance"),
        Row("eval.relevance", f.IGNORED, 10, _E, tag="relevance"),
        Row("eval.faithfulness", f.IGNORED, 10, _E, tag="faithfulness"),
        Row("eval.safety_score", f.IGNORED, 10, _E, tag="safety"),
        Row("eval.hallucination", f.IGNORED, 10, _E, tag="hallucination"),
    ),
)
