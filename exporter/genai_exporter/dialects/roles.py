"""What a span is when its own kind attribute does not say, or says something else than it means."""

from __future__ import annotations

from typing import Any, Final

from genai_exporter.dialects import fields as f
from genai_exporter.records import Role
from genai_exporter.trace.span import KIND_CLIENT, KIND_SERVER, ScopeInfo

TASK: Final = "task"
_UNKNOWN_KIND: Final = 0
_INTERNAL: Final = 1
#: Beginnings of span names, in libraries that tell model calls, agents and structure apart by nothing else.
_AGENT_NAMES: Final = (b"agent run", b"invoke_agent")
_CALL_NAMES: Final = (b"call_llm",)  # Google ADK before it named operations
_STRUCTURE_NAMES: Final = (b"route ",)  # LiteLLM's router, around the deployments that it tries


def named_after_agent(values: list[Any], name: bytes) -> bool:
    """Whether a span bears the name of the agent it belongs to."""
    agent: str | None = values[f.AGENT]
    return agent is not None and agent.encode() == name


def is_whole_run(values: list[Any], kind: int) -> bool:
    """Whether a span that calls itself an agent is the run around all agents (``ScopeRule.root_is_agent``)."""
    return kind == KIND_SERVER or (kind == _INTERNAL and not (values[f.AGENT] or values[f.ENTITY]))


def infer(values: list[Any], kind: int, name: bytes) -> tuple[Role, str]:
    """The role of a span that carries GenAI attributes and no kind of its own."""
    has_model = values[f.REQUEST_MODEL] or values[f.RESPONSE_MODEL] or values[f.MODEL]
    has_usage = values[f.INPUT] is not None or values[f.OUTPUT] is not None
    if name.startswith(_STRUCTURE_NAMES) and not has_usage:
        return Role.STEP, "route"
    if name.startswith(_CALL_NAMES) and (has_model or has_usage):
        return Role.CALL, "chat"
    if values[f.TOOL] and not has_usage and not values[f.RESPONSE_ID]:
        return Role.TOOL, "execute_tool"
    if values[f.AGENT]:
        return (Role.AGENT, "invoke_agent") if name.startswith(_AGENT_NAMES) else (Role.STEP, "")
    if (has_model or values[f.RESPONSE_ID]) and (
        has_usage or (values[f.PROVIDER] and kind in (KIND_CLIENT, _INTERNAL, _UNKNOWN_KIND))
    ):
        return Role.CALL, "embeddings" if b"embed" in name.lower() else "chat"
    if has_usage and values[f.PROVIDER]:
        return Role.CALL, "chat"
    return Role.STEP, ""


def infer_task(values: list[Any], kind: int, name: bytes) -> tuple[Role, str]:
    """A task of OpenLLMetry's is structure, or a model call that is marked as a task (LlamaIndex)."""
    role, operation = infer(values, kind, name)
    return (role, operation) if role == Role.CALL else (Role.STEP, TASK)


def adopt_bare_keys(values: list[Any], role: Role, scope: ScopeInfo) -> None:
    """Keys without a prefix mean something on model calls only, and to the dialects that use them."""
    if scope.dialect == "logfire" and values[f.LOG_SPAN]:
        values[f.DURATION] = values[f.BARE_DURATION]
    if role != Role.CALL:
        return
    asked: str | None = values[f.BARE_MODEL]
    if asked and scope.dialect == "mlflow":
        # MLflow's translation to the conventions has the answering model in the place of the requested one.
        if values[f.RESPONSE_MODEL] is None:
            values[f.RESPONSE_MODEL] = values[f.REQUEST_MODEL]
        values[f.REQUEST_MODEL] = asked
    elif asked and values[f.REQUEST_MODEL] is None:
        values[f.REQUEST_MODEL] = asked
    if values[f.STREAMING] is None:
        values[f.STREAMING] = values[f.BARE_STREAMING]
    if values[f.INPUT] is None and values[f.BARE_INPUT] is not None:
        for bare, field in _BARE_TOKENS:
            if values[field] is None:
                values[field] = values[bare]
        # These are Anthropic's own figures.
        values[f.EXCLUSIVE] = True


_BARE_TOKENS: Final = (
    (f.BARE_INPUT, f.INPUT),
    (f.BARE_OUTPUT, f.OUTPUT),
    (f.BARE_CACHE_READ, f.CACHE_READ),
    (f.BARE_CACHE_WRITE, f.CACHE_WRITE),
)
