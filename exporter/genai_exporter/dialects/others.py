"""Smaller dialects: Grafana's agent SDK, Langtrace, Laminar, Genkit, CrewAI and older token keys."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule
from genai_exporter.records import Role

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
            "evaluation": (Role.STEP, "evaluation"),
        }),
        Row("genkit:metadata:subtype", f.ROLE, 28, Kind.ROLE, {
            "model": (Role.CALL, "chat"), "embedder": (Role.CALL, "embeddings"), "tool": (Role.TOOL, "execute_tool"),
            "flow": (Role.WORKFLOW, "invoke_workflow"), "retriever": (Role.RETRIEVAL, "retrieval"),
            "reranker": (Role.RETRIEVAL, "rerank"), "prompt": (Role.STEP, "prompt"), "util": (Role.STEP, "util"),
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
