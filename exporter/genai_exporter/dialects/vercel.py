"""Vercel AI SDK v4 to v7: a pipeline span, and below it a span per provider attempt: only those are calls."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule
from genai_exporter.records import Role

_T = Kind.TOKENS
_CHAT = ("generateText", "streamText", "generateObject", "streamObject")
#: A pipeline becomes an agent run only when tools ran inside it; the resolver looks.
PIPELINE = "ai_pipeline"

_OPERATIONS: dict[str, object] = {}
for _name in _CHAT:
    _OPERATIONS[f"ai.{_name}".lower()] = (Role.AGENT, PIPELINE)
    _OPERATIONS[f"ai.{_name}.doGenerate".lower()] = (Role.CALL, "chat")
    _OPERATIONS[f"ai.{_name}.doStream".lower()] = (Role.CALL, "chat")
for _name, _operation in (("embed", "embeddings"), ("embedMany", "embeddings"), ("rerank", "rerank")):
    _OPERATIONS[f"ai.{_name}".lower()] = (Role.STEP, _operation)
    _OPERATIONS[f"ai.{_name}.doEmbed".lower()] = (Role.CALL, "embeddings")
    _OPERATIONS[f"ai.{_name}.doRerank".lower()] = (Role.CALL, "rerank")
_OPERATIONS["ai.toolcall"] = (Role.TOOL, "execute_tool")

DIALECT = Dialect(
    name="vercel_ai",
    source="https://ai-sdk.dev/docs/ai-sdk-core/telemetry",
    rows=(
        Row("ai.operationId", f.ROLE, 8, Kind.ROLE, _OPERATIONS),
        Row("ai.model.provider", f.PROVIDER, 32),
        Row("ai.model.id", f.REQUEST_MODEL, 25),
        Row("ai.response.model", f.RESPONSE_MODEL, 28),
        Row("ai.response.id", f.RESPONSE_ID, 28, Kind.IDENTIFIER),
        Row("ai.response.finishReason", f.FINISH, 32, Kind.FINISH),
        Row("ai.response.msToFirstChunk", f.TTFT, 20, Kind.MILLISECONDS),
        Row("ai.stream.msToFirstChunk", f.TTFT, 22, Kind.MILLISECONDS),
        Row("ai.usage.inputTokens", f.INPUT, 34, _T),
        Row("ai.usage.outputTokens", f.OUTPUT, 34, _T),
        Row("ai.usage.promptTokens", f.INPUT, 36, _T),
        Row("ai.usage.completionTokens", f.OUTPUT, 36, _T),
        Row("ai.usage.tokens", f.INPUT, 38, _T),
        Row("ai.usage.totalTokens", f.TOTAL, 34, _T),
        Row("ai.usage.inputTokenDetails.cacheReadTokens", f.CACHE_READ, 34, _T),
        Row("ai.usage.inputTokenDetails.cacheWriteTokens", f.CACHE_WRITE, 34, _T),
        Row("ai.usage.cachedInputTokens", f.CACHE_READ, 36, _T),
        Row("ai.usage.outputTokenDetails.reasoningTokens", f.REASONING, 34, _T),
        Row("ai.usage.reasoningTokens", f.REASONING, 36, _T),
        Row("ai.response.providerMetadata", f.CACHE_READ, 40, Kind.EXPAND, members=(
            ("anthropic.usage.cache_read_input_tokens", f.CACHE_READ, 40, _T),
            ("anthropic.usage.cache_creation_input_tokens", f.CACHE_WRITE, 40, _T),
            ("anthropic.cacheCreationInputTokens", f.CACHE_WRITE, 41, _T),
            ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens", f.CACHE_WRITE_1H, 40, _T),
            ("openai.cachedPromptTokens", f.CACHE_READ, 41, _T),
            ("openai.reasoningTokens", f.REASONING, 41, _T),
            ("bedrock.usage.cacheReadInputTokens", f.CACHE_READ, 48, _T),
            ("bedrock.usage.cacheWriteInputTokens", f.CACHE_WRITE, 42, _T),
        )),
        Row("ai.toolCall.name", f.TOOL, 24),
        Row("ai.telemetry.functionId", f.ENTITY, 24),
        Row("ai.telemetry.metadata.sessionId", f.SESSION, 22, Kind.IDENTIFIER),
        Row("ai.telemetry.metadata.session_id", f.SESSION, 23, Kind.IDENTIFIER),
        Row("ai.telemetry.metadata.userId", f.USER, 36, Kind.IDENTIFIER),
        Row("ai.telemetry.metadata.user_id", f.USER, 37, Kind.IDENTIFIER),
        Row("ai.telemetry.metadata.promptVersion", f.PROMPT_VERSION, 34),
        Row("ai.telemetry.metadata.promptName", f.PROMPT_NAME, 34),
        Row("ai.telemetry.metadata.userSegment", f.SEGMENT, 34),
    ),
    scopes=(ScopeRule("ai", "vercel_ai"), ScopeRule("gen_ai", "vercel_ai"), ScopeRule("@ai-sdk", "vercel_ai")),
)  # fmt: skip
