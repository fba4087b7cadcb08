"""Smaller dialects: Grafana's agent SDK, Langtrace, Laminar, Genkit, Spring AI, VoltAgent and older token keys."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule
from genai_exporter.records import Role

_T = Kind.TOKENS

DIALECT = Dialect(
    name="others",
    source="https://github.com/getsentry/sentry-conventions/tree/main/model/attributes",
    rows=(
        Row("gen_ai.token.semantics", f.EXCLUSIVE, 10, Kind.TEXT, {"inclusive": False, "exclusive": True}),
        Row("gen_ai.token.usage.input", f.INPUT, 46, Kind.TOKENS),
        Row("gen_ai.token.usage.output", f.OUTPUT, 46, Kind.TOKENS),
        Row("gen_ai.token.cost.total", f.COST, 30, Kind.MONEY),
        Row("llm.token.counts.prompt", f.INPUT, 48, Kind.TOKENS),
        Row("llm.token.counts.completion", f.OUTPUT, 48, Kind.TOKENS),
        Row("llm.token.counts.total", f.TOTAL, 48, Kind.TOKENS),
        Row("llm.model", f.REQUEST_MODEL, 46),
        Row("lmnr.span.type", f.ROLE, 26, Kind.ROLE, {
            "llm": (Role.CALL, "chat"), "tool": (Role.TOOL, "execute_tool"), "default": None,
            "evaluator": (Role.STEP, "evaluation"), "executor": (Role.STEP, "executor"),
            "evaluation": (Role.STEP, "evaluation"), "*": None,
        }),
        Row("genkit:metadata:subtype", f.ROLE, 28, Kind.ROLE, {
            "model": (Role.CALL, "chat"), "embedder": (Role.CALL, "embeddings"), "tool": (Role.TOOL, "execute_tool"),
            "flow": (Role.WORKFLOW, "invoke_workflow"), "retriever": (Role.RETRIEVAL, "retrieval"),
            "reranker": (Role.RETRIEVAL, "rerank"), "prompt": (Role.STEP, "prompt"), "util": (Role.STEP, "util"),
        }),
        Row("genkit:name", f.BARE_MODEL, 32),
        Row("genkit:output", f.INPUT, 54, Kind.EXPAND, members=(
            ("usage.inputTokens", f.INPUT, 54, _T), ("usage.outputTokens", f.OUTPUT, 54, _T),
            ("usage.totalTokens", f.TOTAL, 54, _T), ("usage.cachedContentTokens", f.CACHE_READ, 58, _T),
            ("usage.thoughtsTokens", f.REASONING, 58, _T), ("finishReason", f.FINISH, 58, Kind.FINISH),
        )),
        # Spring AI calls everything but the model call itself "framework".
        Row("spring.ai.kind", f.ROLE, 18, Kind.ROLE, {
            "tool_call": (Role.TOOL, "execute_tool"), "chat_client": (Role.STEP, "chat_client"),
            "advisor": (Role.STEP, "advisor"), "vector_store": (Role.STEP, "vector_store"), "*": None,
        }),
        Row("spring.ai.tool.definition.name", f.TOOL, 30),
        Row("langtrace.service.name", f.PROVIDER, 44),
        Row("error.category", f.ERROR_TYPE, 8, Kind.TEXT, {
            "rate_limit": "rate_limit", "timeout": "timeout", "auth_error": "authentication",
            "context_length": "context_length_exceeded", "content_filter": "content_filter", "*": None,
        }),
        Row("entity.type", f.ROLE, 32, Kind.ROLE, {
            "agent": (Role.AGENT, "invoke_agent"), "tool": (Role.TOOL, "execute_tool"),
            "llm": (Role.CALL, "chat"), "workflow": (Role.WORKFLOW, "invoke_workflow"), "*": None,
        }),
    ),
    scopes=(ScopeRule("agento11y", "agento11y"), ScopeRule("github.com/grafana/agento11y", "agento11y"),
            ScopeRule("langtrace", "langtrace"), ScopeRule("genkit", "genkit"), ScopeRule("lmnr", "laminar"),
            ScopeRule("openrouter", "openrouter"), ScopeRule("org.springframework.ai", "spring_ai")),
)  # fmt: skip
