"""OpenLLMetry (Traceloop SDK): the 0.62 form, which is close to the conventions, and the 0.47 form, which is not.

Both carry the attributes that monitoring guides built on this SDK recommend: ``cache.hit``, ``user.feedback``,
``user.regenerated``, ``gen_ai.refusal`` and ``eval.*``.
"""

from __future__ import annotations

from functools import partial

from .encode import CLIENT, EVALUATION_EVENT, INTERNAL, SERVER, Attributes, Event, Scope, Shape, as_json, evaluation
from .model import Exchange, Kind, Lookup, ModelCall, Request, Served, Span, ToolUse, Usage
from .spelling import EXCEPTIONS, HTTP, STOP_REASONS, exception, output_messages, served

SDK = Scope("traceloop.tracer", "")
PINECONE = "opentelemetry.instrumentation.pinecone"
SCOPES = {
    "openai": "opentelemetry.instrumentation.openai.v1",
    "anthropic": "opentelemetry.instrumentation.anthropic",
    "gcp.gemini": "opentelemetry.instrumentation.google_generativeai",
}
VERSIONS = {True: "0.62.4", False: "0.47.5"}
SPAN_NAMES = {"openai": "openai.chat", "anthropic": "anthropic.chat", "gcp.gemini": "gemini.generate_content"}
PROVIDERS = {"gcp.gemini": "gcp.gen_ai"}
OLD_SYSTEMS = {"anthropic": "Anthropic", "gcp.gemini": "Google"}
REQUEST_TYPES = {"openai": "chat", "anthropic": "completion", "gcp.gemini": "completion"}
OLD_REASONS = {"anthropic": STOP_REASONS, "openai": {"tool_call": "tool_calls"}}
CHUNK_EVENTS = {True: "gen_ai.content.completion.chunk", False: "llm.content.completion.chunk"}
CHUNKS_SHOWN = 4
SPAN_KINDS = {Kind.WORKFLOW: "workflow", Kind.AGENT: "agent", Kind.TOOL: "tool"}
GUIDE_SCORES = {"quality": "eval.quality_score", "groundedness": "eval.groundedness"}
GUIDE_FLAGS = {"heuristic": "eval.heuristic_pass", "safety": "eval.safety_pass"}


def shape(request: Request, span: Span, *, content: bool, current: bool) -> Shape:
    """One span in the 0.62 form (``current``) or in the 0.47 form."""
    facts = span.facts
    if isinstance(facts, Served):
        return Shape(HTTP, span.name, SERVER, served(request, span, facts))
    common = _carried(request, span)
    if isinstance(facts, ModelCall):
        form = _current_call if current else _old_call
        attributes, events = form(span, facts, content)
        attributes |= _either_form(span, facts)
        name = "openai.embeddings" if span.kind is Kind.EMBEDDINGS else SPAN_NAMES[facts.provider]
        scope = Scope(SCOPES[facts.provider], VERSIONS[current])
        return Shape(scope, name, CLIENT, common | attributes, events + _exception(span, facts), ok=True)
    if isinstance(facts, Lookup) and span.kind is Kind.RETRIEVAL:
        attributes = {
            "db.system": "pinecone",
            "db.operation": "query",
            "db.pinecone.usage.read_units": len(facts.documents),
            "pinecone.query.top_k": len(facts.documents),
        }
        return Shape(Scope(PINECONE, VERSIONS[current]), "pinecone.query", CLIENT, common | attributes)
    kind = SPAN_KINDS.get(span.kind, "task")
    attributes = {"traceloop.span.kind": kind, "traceloop.entity.name": span.name}
    events = []
    if span.kind is Kind.TOOL and current:
        attributes["gen_ai.tool.name"] = span.name
    if content:
        given, got = _exchanged(facts)
        attributes["traceloop.entity.input"] = as_json({"args": [given], "kwargs": {}})
        attributes["traceloop.entity.output"] = as_json(got)
    if isinstance(facts, Exchange) and facts.iteration is not None:
        attributes["app.agent.iteration"] = facts.iteration
    if span.failure is not None:
        attributes["error.type"] = "ToolError" if span.kind is Kind.TOOL else "InternalServerError"
    if span.kind is Kind.WORKFLOW:
        guide, events = _evaluated(request, span)
        attributes |= guide
    return Shape(SDK, f"{span.name}.{kind}", INTERNAL, common | attributes, events)


def _carried(request: Request, span: Span) -> Attributes:
    """What the SDK copies onto every span below the workflow."""
    attributes: Attributes = {
        "traceloop.workflow.name": request.workflow,
        "traceloop.association.properties.session_id": request.session_id,
        "traceloop.association.properties.user_id": request.user_id,
        "traceloop.association.properties.user_segment": request.segment,
        "user.segment": request.segment,
    }
    if span.agent:
        attributes["gen_ai.agent.name"] = span.agent
    return attributes


def _either_form(span: Span, call: ModelCall) -> Attributes:
    attributes: Attributes = {}
    if call.prompt is not None:
        attributes["traceloop.prompt.key"] = call.prompt.name
        attributes["traceloop.prompt.version"] = call.prompt.version
    if call.max_tokens:
        attributes["gen_ai.request.max_tokens"] = call.max_tokens
    if call.temperature is not None:
        attributes["gen_ai.request.temperature"] = call.temperature
    if call.attempt:
        attributes["http.request.resend_count"] = call.attempt
    if call.cache_hit is not None:
        attributes["cache.hit"] = call.cache_hit
    if call.refusal:
        attributes["gen_ai.refusal"] = True
    if span.failure is not None:
        attributes["error.type"] = EXCEPTIONS[span.failure.kind]
    return attributes


def _current_call(span: Span, call: ModelCall, content: bool) -> tuple[Attributes, list[Event]]:
    attributes: Attributes = {
        "gen_ai.operation.name": "embeddings" if span.kind is Kind.EMBEDDINGS else "chat",
        "gen_ai.provider.name": PROVIDERS.get(call.provider, call.provider),
        "gen_ai.request.model": call.request_model,
        "gen_ai.is_streaming": call.streaming,
    }
    if content and span.kind is Kind.CHAT:
        attributes["gen_ai.input.messages"] = as_json(
            [{"role": text.role, "parts": [{"type": "text", "content": text.text}]} for text in call.messages]
        )
    if call.usage is None:
        return attributes, []
    attributes["gen_ai.response.model"] = call.response_model
    if call.response_id:
        attributes["gen_ai.response.id"] = call.response_id
    if call.finish is not None:
        attributes["gen_ai.response.finish_reasons"] = [call.finish]
        if content:
            attributes["gen_ai.output.messages"] = output_messages(call)
    usage = call.usage
    attributes["gen_ai.usage.input_tokens"] = usage.input
    if span.kind is Kind.CHAT:
        attributes["gen_ai.usage.output_tokens"] = usage.output
    attributes["gen_ai.usage.total_tokens"] = usage.input + usage.output
    attributes["gen_ai.usage.cache_read.input_tokens"] = usage.cache_read
    if call.provider == "anthropic":
        attributes["gen_ai.usage.cache_creation.input_tokens"] = usage.cache_write
    if usage.reasoning:
        attributes["gen_ai.usage.reasoning_tokens"] = usage.reasoning
    return attributes, _chunks(span, call, CHUNK_EVENTS[True])


def _old_call(span: Span, call: ModelCall, content: bool) -> tuple[Attributes, list[Event]]:
    embedding = span.kind is Kind.EMBEDDINGS
    attributes: Attributes = {
        "llm.request.type": "embedding" if embedding else REQUEST_TYPES[call.provider],
        "gen_ai.system": OLD_SYSTEMS.get(call.provider, call.provider),
        "gen_ai.request.model": call.request_model,
        "llm.is_streaming": call.streaming,
    }
    if content:
        for index, message in enumerate(call.messages):
            attributes[f"gen_ai.prompt.{index}.role"] = message.role
            attributes[f"gen_ai.prompt.{index}.content"] = message.text
    if call.usage is None:
        return attributes, []
    attributes["gen_ai.response.model"] = call.response_model
    if call.response_id:
        attributes["gen_ai.response.id"] = call.response_id
    if content and not embedding:
        attributes |= _old_completion(call)
    return attributes | _old_usage(call.usage, embedding), _chunks(span, call, CHUNK_EVENTS[False])


def _old_usage(usage: Usage, embedding: bool) -> Attributes:
    attributes: Attributes = {
        "gen_ai.usage.prompt_tokens": usage.input,
        "llm.usage.total_tokens": usage.input + usage.output,
    }
    if not embedding:
        attributes["gen_ai.usage.completion_tokens"] = usage.output
        attributes["gen_ai.usage.cache_read_input_tokens"] = usage.cache_read
    if usage.cache_write:
        attributes["gen_ai.usage.cache_creation_input_tokens"] = usage.cache_write
    if usage.reasoning:
        attributes["gen_ai.usage.reasoning_tokens"] = usage.reasoning
    return attributes


def _old_completion(call: ModelCall) -> Attributes:
    finish = call.finish or ""
    attributes: Attributes = {
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.finish_reason": OLD_REASONS.get(call.provider, {}).get(finish, finish),
    }
    if call.answer:
        attributes["gen_ai.completion.0.content"] = call.answer
    for index, use in enumerate(call.tools):
        attributes[f"gen_ai.completion.0.tool_calls.{index}.id"] = use.call_id
        attributes[f"gen_ai.completion.0.tool_calls.{index}.name"] = use.name
        attributes[f"gen_ai.completion.0.tool_calls.{index}.arguments"] = use.arguments
    return attributes


def _chunks(span: Span, call: ModelCall, name: str) -> list[Event]:
    """The event of every streamed chunk, thinned to a few; the OpenAI instrumentation alone emits them."""
    if call.ttft_s is None or call.provider != "openai":
        return []
    first = span.start_s + call.ttft_s
    gap = (span.end_s - first) / CHUNKS_SHOWN
    return [Event(name, first + gap * index, {}) for index in range(CHUNKS_SHOWN)]


def _exception(span: Span, call: ModelCall) -> list[Event]:
    if span.failure is None:
        return []
    attributes: Attributes = {
        "exception.type": exception(call.provider, span.failure),
        "exception.message": span.failure.message,
    }
    return [Event("exception", span.end_s, attributes)]


def _exchanged(facts: object) -> tuple[str, str]:
    if isinstance(facts, ToolUse):
        return facts.arguments, facts.result
    if isinstance(facts, Lookup):
        return facts.query, as_json([document.id for document in facts.documents])
    if isinstance(facts, Exchange):
        return facts.question, facts.answer
    raise TypeError(f"no input and output in {type(facts).__name__}")


def _evaluated(request: Request, span: Span) -> tuple[Attributes, list[Event]]:
    """Scores and feedback as the guides' attributes; what they have no attribute for, as an event."""
    attributes: Attributes = {}
    events = []
    if request.liked is not None:
        attributes["user.feedback"] = "thumbs_up" if request.liked else "thumbs_down"
    for verdict in request.verdicts:
        if verdict.name in GUIDE_SCORES:
            attributes[GUIDE_SCORES[verdict.name]] = verdict.score
        elif verdict.name in GUIDE_FLAGS:
            attributes[GUIDE_FLAGS[verdict.name]] = verdict.label == "pass"
        else:
            events.append(Event(EVALUATION_EVENT, span.end_s, evaluation(verdict, request.answer_response_id)))
    return attributes, events


current = partial(shape, current=True)
previous = partial(shape, current=False)
