"""MLflow: every attribute is a JSON document inside a string, quotes included."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule
from genai_exporter.records import Role

_T = Kind.TOKENS

DIALECT = Dialect(
    name="mlflow",
    source="https://mlflow.org/docs/latest/genai/tracing/",
    rows=(
        Row("mlflow.spanType", f.ROLE, 9, Kind.ROLE, {
            "llm": (Role.CALL, "chat"), "chat_model": (Role.CALL, "chat"), "agent": (Role.AGENT, "invoke_agent"),
            "tool": (Role.TOOL, "execute_tool"), "chain": (Role.STEP, "chain"),
            "retriever": (Role.RETRIEVAL, "retrieval"), "embedding": (Role.CALL, "embeddings"),
            "reranker": (Role.RETRIEVAL, "rerank"), "parser": (Role.STEP, "parser"), "memory": (Role.STEP, "memory"),
            "workflow": (Role.WORKFLOW, "invoke_workflow"), "task": (Role.STEP, "task"),
            "guardrail": (Role.STEP, "guardrail"), "evaluator": (Role.STEP, "evaluation"), "unknown": None,
        }),
        Row("mlflow.chat.tokenUsage", f.INPUT, 32, Kind.EXPAND, members=(
            ("input_tokens", f.INPUT, 42, _T), ("output_tokens", f.OUTPUT, 42, _T), ("total_tokens", f.TOTAL, 42, _T),
            ("cache_read_input_tokens", f.CACHE_READ, 57, _T), ("cache_creation_input_tokens", f.CACHE_WRITE, 57, _T),
        )),
        Row("mlflow.llm.model", f.RESPONSE_MODEL, 32),
        Row("mlflow.llm.provider", f.PROVIDER, 36),
        Row("mlflow.llm.cost", f.COST, 27, Kind.EXPAND, members=(
            ("total_cost", f.COST, 27, Kind.MONEY), ("total", f.COST, 28, Kind.MONEY),
        )),
        Row("mlflow.trace.session", f.SESSION, 27, Kind.IDENTIFIER),
        Row("mlflow.trace.user", f.USER, 41, Kind.IDENTIFIER),
        Row("mlflow.linkedPrompts", f.PROMPT_NAME, 36, Kind.EXPAND, members=(
            ("0.name", f.PROMPT_NAME, 36, Kind.TEXT), ("0.version", f.PROMPT_VERSION, 37, Kind.TEXT),
        )),
        # What the provider sent back, or what was made of it.
        Row("mlflow.spanOutputs", f.FINISH, 55, Kind.EXPAND, members=(
            ("choices.0.finish_reason", f.FINISH, 55, Kind.FINISH), ("stop_reason", f.FINISH, 56, Kind.FINISH),
        )),
        Row("model", f.BARE_MODEL, 10),
        Row("stream", f.BARE_STREAMING, 10, Kind.FLAG),
    ),
    scopes=(ScopeRule("mlflow", "mlflow"),),
)  # fmt: skip
