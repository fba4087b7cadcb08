"""The OpenTelemetry GenAI semantic conventions, as the official instrumentations write them.

Two generations: the current one (``gen_ai.prompt.version``, ``cache_write``, evaluations as log events) and that of
semantic conventions 1.37 to 1.41 (``cache_creation``, no prompt attributes, evaluations as span events).
"""

from __future__ import annotations

from functools import partial

from .encode import CLIENT, EVALUATION_EVENT, INTERNAL, SERVER, Attributes, Event, Scope, Shape, as_json, evaluation
from .model import Exchange, Kind, Lookup, Message, ModelCall, Request, Served, Span, ToolUse
from .spelling import (
    ADDRESSES,
    HTTP,
    OPENAI_REASONS,
    anthropic_sdk,
    carried,
    exception,
    has_sdk_span,
    input_messages,
    output_messages,
    served,
)

APP = Scope("app.chatbot", "1.0")
HANDLER = Scope("opentelemetry.util.genai.handler", "1.3b0")
LIBRARIES = {
    "openai": Scope("opentelemetry.instrumentation.genai.openai", "1.3b0"),
    "anthropic": Scope("opentelemetry.instrumentation.genai.anthropic", "1.3b0"),
    "gcp.gemini": Scope("opentelemetry.instrumentation.google_genai", "1.3b0"),
}
OPERATIONS = {"gcp.gemini": "generate_content"}


def _usage(call: ModelCall, cache_write_key: str) -> Attributes:
    usage = call.usage
    if usage is None:
        return {}
    attributes: Attributes = {"gen_ai.usage.input_tokens": usage.input, "gen_ai.usage.output_tokens": usage.output}
    for key, tokens in (
        ("gen_ai.usage.cache_read.input_tokens", usage.cache_read),
        (cache_write_key, usage.cache_write),
        ("gen_ai.usage.reasoning.output_tokens", usage.reasoning),
    ):
        if tokens:
            attributes[key] = tokens
    return attributes


def shape(request: Request, span: Span, *, content: bool, current: bool) -> Shape:
    """One span in the current generation of the conventions, or in the one before."""
    facts = span.facts
    if isinstance(facts, Served):
        return Shape(HTTP, span.name, SERVER, served(request, span, facts))
    attributes: Attributes
    events: list[Event] = []
    scope, name, kind = APP, span.name, INTERNAL
    inner: Shape | None = None
    if isinstance(facts, ModelCall):
        scope, kind = LIBRARIES[facts.provider], CLIENT
        attributes = _call(request, span, facts, content=content, current=current)
        name = f"{attributes['gen_ai.operation.name']} {facts.request_model}"
        inner = anthropic_sdk(facts, span) if has_sdk_span(facts) else None
        if not current and span.span_id == request.answer_span_id:
            events = [
                Event(EVALUATION_EVENT, span.end_s, evaluation(verdict, facts.response_id))
                for verdict in request.verdicts
            ]
    elif isinstance(facts, ToolUse):
        scope, name = HANDLER, f"execute_tool {facts.name}"
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": facts.name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": facts.call_id,
        }
        if content:
            attributes["gen_ai.tool.call.arguments"] = facts.arguments
            attributes["gen_ai.tool.call.result"] = facts.result
        if span.failure is not None:
            attributes["error.type"] = "ToolError"
    elif isinstance(facts, Lookup):
        attributes = _lookup(span, facts, content)
        if span.kind is Kind.RETRIEVAL:
            kind, name = CLIENT, f"retrieval {facts.source}"
    else:
        attributes, name = _structure(request, span, facts, content)
        scope = APP if span.kind is Kind.STEP else HANDLER
    return Shape(scope, name, kind, attributes | carried(request), events, inner=inner)


def _call(request: Request, span: Span, call: ModelCall, *, content: bool, current: bool) -> Attributes:
    operation = "embeddings" if span.kind is Kind.EMBEDDINGS else OPERATIONS.get(call.provider, "chat")
    attributes: Attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": call.request_model,
        "server.address": ADDRESSES[call.provider],
        "server.port": 443,
        "gen_ai.conversation.id": request.session_id,
    }
    if span.agent:
        attributes["gen_ai.agent.name"] = span.agent
    if call.max_tokens:
        attributes["gen_ai.request.max_tokens"] = call.max_tokens
    if call.temperature is not None:
        attributes["gen_ai.request.temperature"] = call.temperature
    if call.streaming:
        attributes["gen_ai.request.stream"] = True
    if call.prompt is not None and current:
        attributes["gen_ai.prompt.name"] = call.prompt.name
        attributes["gen_ai.prompt.version"] = call.prompt.version
    if call.attempt:
        attributes["http.request.resend_count"] = call.attempt
    if call.cache_hit is not None:
        attributes["cache.hit"] = call.cache_hit
    if span.failure is not None:
        attributes["error.type"] = exception(call.provider, span.failure)
        return attributes
    attributes["gen_ai.response.model"] = call.response_model
    if call.response_id:
        attributes["gen_ai.response.id"] = call.response_id
    if call.finish is not None:
        spelling = OPENAI_REASONS if call.provider == "openai" else {}
        attributes["gen_ai.response.finish_reasons"] = [spelling.get(call.finish, call.finish)]
    if call.ttft_s is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = call.ttft_s
    if call.refusal:
        attributes["gen_ai.refusal"] = True
    attributes |= _usage(
        call, "gen_ai.usage.cache_write.input_tokens" if current else "gen_ai.usage.cache_creation.input_tokens"
    )
    if content and span.kind is Kind.CHAT:
        instructions = [{"type": "text", "content": text.text} for text in call.messages if text.role == "system"]
        attributes["gen_ai.system_instructions"] = as_json(instructions)
        attributes["gen_ai.input.messages"] = input_messages(call.messages)
        attributes["gen_ai.output.messages"] = output_messages(call)
    return attributes


def _lookup(span: Span, facts: Lookup, content: bool) -> Attributes:
    if span.kind is Kind.RERANK:  # the conventions have no word for it
        return {"app.step": "rerank", "app.rerank.model": facts.source, "app.rerank.documents": len(facts.documents)}
    attributes: Attributes = {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.data_source.id": facts.source,
        "gen_ai.retrieval.top_k": len(facts.documents),
    }
    if content:
        attributes["gen_ai.retrieval.query.text"] = facts.query
        attributes["gen_ai.retrieval.documents"] = as_json(
            [{"id": document.id, "score": document.score} for document in facts.documents]
        )
    return attributes


def _structure(request: Request, span: Span, facts: Exchange, content: bool) -> tuple[Attributes, str]:
    if span.kind is Kind.STEP:
        iteration: Attributes = {} if facts.iteration is None else {"app.agent.iteration": facts.iteration}
        return {"app.step": span.name} | iteration, span.name
    subject = "agent" if span.kind is Kind.AGENT else "workflow"
    attributes: Attributes = {
        "gen_ai.operation.name": f"invoke_{subject}",
        f"gen_ai.{subject}.name": span.name,
        "gen_ai.conversation.id": request.session_id,
    }
    if span.kind is Kind.AGENT:
        attributes |= _below(request, span)
    if content:
        attributes["gen_ai.input.messages"] = input_messages((Message("user", facts.question),))
        attributes["gen_ai.output.messages"] = as_json(
            [{"role": "assistant", "parts": [{"type": "text", "content": facts.answer}], "finish_reason": "stop"}]
        )
    if span.failure is not None:
        attributes["error.type"] = "_OTHER"
    return attributes, f"invoke_{subject} {span.name}"


def _below(request: Request, agent: Span) -> Attributes:
    """The usage of all calls below an agent, which agent spans repeat: a receiver must not count it again."""
    usages = [
        span.facts.usage
        for span in request.spans
        if span.agent == agent.name and isinstance(span.facts, ModelCall) and span.facts.usage is not None
    ]
    return {
        "gen_ai.usage.input_tokens": sum(usage.input for usage in usages),
        "gen_ai.usage.output_tokens": sum(usage.output for usage in usages),
    }


current = partial(shape, current=True)
previous = partial(shape, current=False)
