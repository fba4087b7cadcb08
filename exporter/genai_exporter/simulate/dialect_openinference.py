"""OpenInference (Arize Phoenix): kinds in upper case, ``llm.*`` keys, JSON parameters, content flattened by index."""

from __future__ import annotations

from .encode import INTERNAL, SERVER, Attributes, Event, Scope, Shape, as_json
from .model import Exchange, Kind, Lookup, ModelCall, Request, Served, Span, ToolUse, Usage
from .spelling import HTTP, OPENAI_REASONS, STOP_REASONS, anthropic_sdk, exception, has_sdk_span, served

APP = Scope("app.chatbot", "1.0")
SCOPES = {
    "openai": Scope("openinference.instrumentation.openai", "0.1.66"),
    "anthropic": Scope("openinference.instrumentation.anthropic", "3.1.0"),
    "gcp.gemini": Scope("openinference.instrumentation.google_genai", "1.4.14"),
}
KINDS = {
    Kind.WORKFLOW: "CHAIN",
    Kind.STEP: "CHAIN",
    Kind.CHAT: "LLM",
    Kind.EMBEDDINGS: "EMBEDDING",
    Kind.RETRIEVAL: "RETRIEVER",
    Kind.RERANK: "RERANKER",
    Kind.AGENT: "AGENT",
    Kind.TOOL: "TOOL",
}
SPAN_NAMES = {"openai": ("ChatCompletion",) * 2, "anthropic": ("messages.create", "messages.stream")}
SPAN_NAMES["gcp.gemini"] = ("GenerateContent", "GenerateContentStream")
FIRST_TOKEN = "First Token Stream Event"
GOOGLE_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY", "tool_call": "STOP"}
REASONS = {"openai": OPENAI_REASONS, "anthropic": STOP_REASONS, "gcp.gemini": GOOGLE_REASONS}


def shape(request: Request, span: Span, *, content: bool) -> Shape:
    """One span as the OpenInference instrumentations write it."""
    facts = span.facts
    if isinstance(facts, Served):
        return Shape(HTTP, span.name, SERVER, served(request, span, facts))
    attributes: Attributes = {
        "openinference.span.kind": KINDS[span.kind],
        "session.id": request.session_id,
        "user.id": request.user_id,
        "user.segment": request.segment,
        "metadata": as_json({"segment": request.segment, "language": request.language}),
        "tag.tags": ["production", "rag"],
    }
    events: list[Event] = []
    scope, name, inner = APP, span.name, None
    if isinstance(facts, ModelCall):
        scope = SCOPES[facts.provider]
        if span.kind is Kind.EMBEDDINGS:
            name = "CreateEmbeddings"
            attributes |= _embedding(facts, content)
        else:
            name = SPAN_NAMES[facts.provider][facts.streaming]
            attributes |= _call(facts, content)
            if facts.ttft_s is not None and facts.provider == "openai":
                events.append(Event(FIRST_TOKEN, span.start_s + facts.ttft_s, {}))
            inner = anthropic_sdk(facts, span) if has_sdk_span(facts) else None
    elif isinstance(facts, ToolUse):
        attributes["tool.name"] = facts.name
        if content:
            attributes |= _exchanged(facts.arguments, facts.result)
    elif isinstance(facts, Lookup):
        attributes |= _lookup(span, facts, content)
    else:
        attributes |= _structure(request, span, facts, content)
    if span.failure is not None:
        kind = exception(facts.provider, span.failure) if isinstance(facts, ModelCall) else "builtins.RuntimeError"
        events.append(
            Event("exception", span.end_s, {"exception.type": kind, "exception.message": span.failure.message})
        )
    return Shape(scope, name, INTERNAL, attributes, events, ok=True, inner=inner)


def _call(call: ModelCall, content: bool) -> Attributes:
    parameters: dict[str, object] = {"max_tokens": call.max_tokens}
    if call.temperature is not None:
        parameters["temperature"] = call.temperature
    attributes: Attributes = {}
    if call.provider == "openai":
        # The request's model is in the parameters only, and model_name is that of the response.
        parameters["model"] = call.request_model
        attributes["llm.system"] = "openai"
        attributes["llm.provider"] = "openai"
    elif call.provider == "anthropic":
        attributes["llm.provider"] = attributes["llm.system"] = "anthropic"
        attributes["llm.request.model_name"] = attributes["llm.model_name"] = call.request_model
    else:
        attributes["llm.provider"] = "google"
        attributes["llm.model_name"] = call.request_model
    if call.streaming:
        parameters["stream"] = True
    attributes["llm.invocation_parameters"] = as_json(parameters)
    if call.prompt is not None:
        attributes["prompt.id"] = call.prompt.name
        attributes["llm.prompt_template.version"] = call.prompt.version
    if call.attempt:
        attributes["http.request.resend_count"] = call.attempt
    if call.cache_hit is not None:
        attributes["cache.hit"] = call.cache_hit
    if call.refusal:
        attributes["gen_ai.refusal"] = True
    if content:
        attributes |= _messages(call)
    if call.usage is not None:
        finish = call.finish or "stop"
        attributes["llm.model_name"] = call.response_model
        attributes["llm.finish_reason"] = REASONS[call.provider].get(finish, finish)
        if call.provider == "anthropic":
            attributes["llm.response.model_name"] = call.response_model
        attributes |= _usage(call.usage)
    return attributes


def _usage(usage: Usage) -> Attributes:
    attributes: Attributes = {
        "llm.token_count.prompt": usage.input,
        "llm.token_count.completion": usage.output,
        "llm.token_count.total": usage.input + usage.output,
        "llm.token_count.prompt_details.cache_read": usage.cache_read,
    }
    if usage.cache_write:
        attributes["llm.token_count.prompt_details.cache_write"] = usage.cache_write
    if usage.reasoning:
        attributes["llm.token_count.completion_details.reasoning"] = usage.reasoning
    return attributes


def _messages(call: ModelCall) -> Attributes:
    attributes: Attributes = _exchanged(
        as_json({"messages": [{"role": text.role, "content": text.text} for text in call.messages]}), call.answer
    )
    attributes["input.mime_type"] = "application/json"
    for index, message in enumerate(call.messages):
        attributes[f"llm.input_messages.{index}.message.role"] = message.role
        attributes[f"llm.input_messages.{index}.message.content"] = message.text
    if call.usage is not None:
        attributes["llm.output_messages.0.message.role"] = "assistant"
        if call.answer:
            attributes["llm.output_messages.0.message.content"] = call.answer
    for index, use in enumerate(call.tools):
        prefix = f"llm.output_messages.0.message.tool_calls.{index}.tool_call"
        attributes[f"{prefix}.id"] = use.call_id
        attributes[f"{prefix}.function.name"] = use.name
        attributes[f"{prefix}.function.arguments"] = use.arguments
    return attributes


def _embedding(call: ModelCall, content: bool) -> Attributes:
    attributes: Attributes = {
        "llm.system": "openai",
        "llm.provider": "openai",
        "embedding.invocation_parameters": as_json({"model": call.request_model, "encoding_format": "base64"}),
    }
    if call.attempt:
        attributes["http.request.resend_count"] = call.attempt
    if content:
        attributes["embedding.embeddings.0.embedding.text"] = call.messages[0].text
    if call.usage is not None:
        attributes["embedding.model_name"] = call.response_model
        attributes["llm.token_count.prompt"] = attributes["llm.token_count.total"] = call.usage.input
    return attributes


def _lookup(span: Span, facts: Lookup, content: bool) -> Attributes:
    reranking = span.kind is Kind.RERANK
    attributes: Attributes = {}
    if reranking:
        attributes["reranker.model_name"] = facts.source
        attributes["reranker.top_k"] = len(facts.documents)
    prefix = "reranker.output_documents" if reranking else "retrieval.documents"
    for index, document in enumerate(facts.documents):
        attributes[f"{prefix}.{index}.document.id"] = document.id
        attributes[f"{prefix}.{index}.document.score"] = document.score
        if content:
            attributes[f"{prefix}.{index}.document.content"] = document.text
    if content:
        attributes["reranker.query" if reranking else "input.value"] = facts.query
    return attributes


def _structure(request: Request, span: Span, facts: Exchange, content: bool) -> Attributes:
    attributes: Attributes = _exchanged(facts.question, facts.answer) if content else {}
    if span.kind is Kind.AGENT:
        attributes["agent.name"] = span.name
    if facts.iteration is not None:
        attributes["app.agent.iteration"] = facts.iteration
    if span.kind is Kind.WORKFLOW:
        for index, verdict in enumerate(request.verdicts):
            prefix = f"evaluations.{index}.evaluation"
            attributes[f"{prefix}.name"] = verdict.name
            attributes[f"{prefix}.score"] = verdict.score
            attributes[f"{prefix}.annotator_kind"] = "CODE" if verdict.name == "heuristic" else "LLM"
            if verdict.label:
                attributes[f"{prefix}.label"] = verdict.label
            if verdict.explanation:
                attributes[f"{prefix}.explanation"] = verdict.explanation
        if request.liked is not None:
            attributes["annotations.0.annotation.name"] = "user_feedback"
            attributes["annotations.0.annotation.annotator_kind"] = "HUMAN"
            attributes["annotations.0.annotation.label"] = "thumbs_up" if request.liked else "thumbs_down"
            attributes["annotations.0.annotation.score"] = 1.0 if request.liked else 0.0
    return attributes


def _exchanged(given: str, got: str) -> Attributes:
    return {
        "input.value": given,
        "input.mime_type": "text/plain",
        "output.value": got,
        "output.mime_type": "text/plain",
    }
