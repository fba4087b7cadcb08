"""Words that dialects share: the HTTP root, exception classes, message JSON, and what a provider's SDK emits."""

from __future__ import annotations

from .encode import CLIENT, Attributes, Scope, Shape, as_json
from .model import Failure, Message, ModelCall, Request, Served, Span

HTTP = Scope("opentelemetry.instrumentation.fastapi", "0.66b2")
ANTHROPIC_SDK = Scope("com.anthropic.sdk.python", "2.11.0")
ADDRESSES = {
    "openai": "api.openai.com",
    "anthropic": "api.anthropic.com",
    "gcp.gemini": "generativelanguage.googleapis.com",
}
EXCEPTIONS = {
    "timeout": "APITimeoutError",
    "rate_limit": "RateLimitError",
    "context_length": "BadRequestError",
    "server_error": "InternalServerError",
}
GOOGLE_ERRORS = {"timeout": "httpx.ReadTimeout"}
ANTHROPIC_ERRORS = {
    "timeout": "client_timeout_error",
    "rate_limit": "rate_limit_error",
    "context_length": "invalid_request_error",
    "server_error": "api_error",
}
STOP_REASONS = {"stop": "end_turn", "tool_call": "tool_use", "length": "max_tokens", "content_filter": "refusal"}
OPENAI_REASONS = {"tool_call": "tool_calls"}


def exception(provider: str, failure: Failure) -> str:
    """The class that a provider's SDK raises."""
    if provider == "gcp.gemini":
        return GOOGLE_ERRORS.get(failure.kind, f"{failure.http_status}")
    return f"{provider}.{EXCEPTIONS[failure.kind]}"


def carried(request: Request) -> Attributes:
    """What a baggage processor copies onto every span of the request."""
    return {"session.id": request.session_id, "user.id": request.user_id, "user.segment": request.segment}


def served(request: Request, span: Span, facts: Served) -> Attributes:
    """The HTTP server span, the root; the same in every dialect."""
    attributes: Attributes = {
        "http.request.method": "POST",
        "http.route": facts.route,
        "url.path": facts.route,
        "url.scheme": "https",
        "http.response.status_code": facts.status,
        "user.language": request.language,
    }
    if request.regenerated:
        attributes["user.regenerated"] = True
    if span.failure is not None:
        attributes["error.type"] = f"{facts.status}"
    return attributes | carried(request)


def input_messages(messages: tuple[Message, ...]) -> str:
    """Messages in the JSON form of the conventions, without the system message."""
    return as_json(
        [
            {"role": message.role, "parts": [{"type": "text", "content": message.text}]}
            for message in messages
            if message.role != "system"
        ]
    )


def output_messages(call: ModelCall) -> str:
    """The answer, or the tool calls in its place, in the JSON form of the conventions."""
    parts: list[dict[str, object]] = [
        {"type": "tool_call", "id": use.call_id, "name": use.name, "arguments": use.arguments} for use in call.tools
    ] or [{"type": "text", "content": call.answer}]
    return as_json([{"role": "assistant", "parts": parts, "finish_reason": call.finish}])


def anthropic_sdk(call: ModelCall, span: Span) -> Shape:
    """The span that the Anthropic SDK emits by itself for every request, whatever instruments it besides."""
    attributes: Attributes = {
        "server.address": ADDRESSES["anthropic"],
        "gen_ai.provider.name": "anthropic",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": call.request_model,
        "gen_ai.request.max_tokens": call.max_tokens,
        "http.request.method": "POST",
        "http.route": "/v1/messages",
        "url.path": "/v1/messages",
    }
    if call.streaming:
        attributes["gen_ai.request.stream"] = True
    if span.failure is not None:
        if span.failure.kind != "timeout":
            attributes["http.response.status_code"] = span.failure.http_status
        attributes["error.type"] = ANTHROPIC_ERRORS[span.failure.kind]
    else:
        attributes["http.response.status_code"] = 200
        attributes["gen_ai.response.id"] = call.response_id
        attributes["gen_ai.response.model"] = call.response_model
        if call.ttft_s is not None:
            attributes["gen_ai.response.time_to_first_chunk"] = call.ttft_s
        if call.usage is not None:
            attributes["gen_ai.usage.input_tokens"] = call.usage.input
            attributes["gen_ai.usage.output_tokens"] = call.usage.output
            attributes["gen_ai.usage.cache_read.input_tokens"] = call.usage.cache_read
            attributes["gen_ai.usage.cache_write.input_tokens"] = call.usage.cache_write
        attributes["anthropic.message.stop_reason"] = STOP_REASONS[call.finish or "stop"]
    return Shape(ANTHROPIC_SDK, "anthropic.messages.create", CLIENT, attributes, ok=True)


def has_sdk_span(call: ModelCall) -> bool:
    """Whether the provider's SDK reports the call too. An answer from the response cache never reaches the SDK."""
    return call.provider == "anthropic" and not call.cache_hit
