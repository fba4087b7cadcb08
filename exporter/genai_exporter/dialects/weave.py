"""W&B Weave and the OpenAI Agents SDK's own span types, which Weave passes on."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule
from genai_exporter.records import Role

_KINDS = {
    "llm": (Role.CALL, "chat"), "agent": (Role.AGENT, "invoke_agent"), "tool": (Role.TOOL, "execute_tool"),
    "chain": (Role.STEP, "chain"), "retriever": (Role.RETRIEVAL, "retrieval"), "workflow": (Role.WORKFLOW, ""),
    "embedding": (Role.CALL, "embeddings"),
}  # fmt: skip

DIALECT = Dialect(
    name="weave",
    source="https://weave-docs.wandb.ai/guides/tracking/otel",
    rows=(
        Row("weave.span.kind", f.ROLE, 12, Kind.ROLE, _KINDS),
        Row("agent.span.type", f.ROLE, 16, Kind.ROLE, {
            "agent": (Role.AGENT, "invoke_agent"), "response": (Role.CALL, "chat"), "generation": (Role.CALL, "chat"),
            "function": (Role.TOOL, "execute_tool"), "handoff": (Role.STEP, "handoff"),
            "guardrail": (Role.STEP, "guardrail"),
        }),
        Row("wandb.thread_id", f.SESSION, 30, Kind.IDENTIFIER),
    ),
    scopes=(ScopeRule("weave", "weave"), ScopeRule("openai_agents", "openai_agents"), ScopeRule("openai-agents",
            "openai_agents")),
)  # fmt: skip
