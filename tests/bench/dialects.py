"""How three instrumentation libraries spell the spans of one RAG conversation.

Each dialect turns a step into (span name, span kind, attributes). Attribute keys are the ones the libraries put on the
wire; ``bench.payload`` decides ids, times and figures.
"""

from __future__ import annotations

import json
import random
from typing import Any, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Described = tuple[str, int, dict[str, Any]]

CLIENT = Span.SPAN_KIND_CLIENT
INTERNAL = Span.SPAN_KIND_INTERNAL
SERVER = Span.SPAN_KIND_SERVER

EMBEDDING_MODEL = "text-embedding-3-small"
MODELS = (
    ("openai", "gpt-4o", "gpt-4o-2024-08-06"),
    ("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
    ("anthropic", "claude-3-5-sonnet-20241022", "claude-3-5-sonnet-20241022"),
    ("anthropic", "claude-3-5-haiku-20241022", "claude-3-5-haiku-20241022"),
)


class Turn(NamedTuple):
    """One chat call as the application saw it; empty prompt and answer mean that content is not recorded."""

    provider: str
    model: str
    answered_by: str
    response_id: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    streaming: bool
    ttft_s: float
    duration_s: float
    finish_reason: str
    error_type: str
    conversation: str
    user: str
    prompt: str
    answer: str


class Dialect:
    """One instrumentation library's spelling. ``first_token_event`` is the span event that marks a first token."""

    scope: InstrumentationScope
    resource: dict[str, Any]
    first_token_event = ""

    def root(self, rng: random.Random) -> Described:
        raise NotImplementedError

    def retrieval(self, documents: list[str]) -> Described:
        raise NotImplementedError

    def embeddings(self, tokens: int) -> Described:
        raise NotImplementedError

    def chat(self, turn: Turn) -> Described:
        raise NotImplementedError

    def tool(self, name: str) -> Described:
        raise NotImplementedError


def _resource(service: str) -> dict[str, Any]:
    return {
        "service.name": service,
        "service.version": "4.2.0",
        "service.instance.id": f"{service}-0",
        "deployment.environment.name": "production",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.45.2",
    }


class SemanticConventions(Dialect):
    """OpenTelemetry's own GenAI conventions, as the official instrumentations write them."""

    scope = InstrumentationScope(name="opentelemetry.instrumentation.genai.openai", version="1.3b0")
    resource = _resource("support-bot")

    def root(self, rng: random.Random) -> Described:
        attributes = {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": "answer_question",
            "http.route": "/chat",
            "http.request.method": "POST",
            "http.response.status_code": 200,
            "client.address": f"10.0.{rng.randrange(256)}.{rng.randrange(256)}",
        }
        return "invoke_workflow answer_question", SERVER, attributes

    def retrieval(self, documents: list[str]) -> Described:
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": "handbook",
            "gen_ai.retrieval.top_k": 4,
        }
        if documents:
            found = [{"id": f"doc-{i}", "score": 0.9 - i / 10, "text": text} for i, text in enumerate(documents)]
            attributes["gen_ai.retrieval.documents"] = json.dumps(found)
        return "retrieval handbook", CLIENT, attributes

    def embeddings(self, tokens: int) -> Described:
        attributes = {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": EMBEDDING_MODEL,
            "gen_ai.response.model": EMBEDDING_MODEL,
            "gen_ai.usage.input_tokens": tokens,
            "gen_ai.embeddings.dimension.count": 1536,
            "server.address": "api.openai.com",
            "server.port": 443,
        }
        return f"embeddings {EMBEDDING_MODEL}", CLIENT, attributes

    def chat(self, turn: Turn) -> Described:
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": turn.provider,
            "gen_ai.request.model": turn.model,
            "gen_ai.request.temperature": 0.2,
            "gen_ai.request.top_p": 1.0,
            "gen_ai.request.max_tokens": 1024,
            "gen_ai.request.frequency_penalty": 0.0,
            "gen_ai.request.presence_penalty": 0.0,
            "gen_ai.output.type": "text",
            "gen_ai.conversation.id": turn.conversation,
            "user.id": turn.user,
            "gen_ai.prompt.name": "answer",
            "gen_ai.prompt.version": "v2.3",
            "server.address": f"api.{turn.provider}.com",
            "server.port": 443,
        }
        if turn.streaming:
            attributes["gen_ai.request.stream"] = True
        if turn.prompt:
            attributes["gen_ai.input.messages"] = _messages("user", turn.prompt)
        if turn.error_type:
            attributes["error.type"] = turn.error_type
            return f"chat {turn.model}", CLIENT, attributes
        attributes |= {
            "gen_ai.response.model": turn.answered_by,
            "gen_ai.response.id": turn.response_id,
            "gen_ai.response.finish_reasons": [turn.finish_reason],
            "gen_ai.usage.input_tokens": turn.input_tokens,
            "gen_ai.usage.output_tokens": turn.output_tokens,
        }
        if turn.cached_tokens:
            attributes["gen_ai.usage.cache_read.input_tokens"] = turn.cached_tokens
        if turn.streaming:
            attributes["gen_ai.response.time_to_first_chunk"] = turn.ttft_s
        if turn.answer:
            attributes["gen_ai.output.messages"] = _messages("assistant", turn.answer)
        return f"chat {turn.model}", CLIENT, attributes

    def tool(self, name: str) -> Described:
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": "call_0",
        }
        return f"execute_tool {name}", INTERNAL, attributes


def _messages(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


class OpenLLMetry(Dialect):
    """OpenLLMetry before it took up the conventions: flat indexed messages, prompt_tokens and completion_tokens."""

    scope = InstrumentationScope(name="opentelemetry.instrumentation.openai.v1", version="0.40.14")
    resource = _resource("search-assistant")
    path = "answer_question"

    def _common(self, kind: str, entity: str) -> dict[str, Any]:
        return {
            "traceloop.span.kind": kind,
            "traceloop.workflow.name": self.path,
            "traceloop.entity.name": entity,
            "traceloop.entity.path": "" if kind == "workflow" else entity,
        }

    def root(self, rng: random.Random) -> Described:
        del rng
        return f"{self.path}.workflow", INTERNAL, self._common("workflow", self.path)

    def retrieval(self, documents: list[str]) -> Described:
        attributes = self._common("task", "retrieve") | {"gen_ai.operation.name": "retrieval", "db.system": "chroma"}
        if documents:
            attributes["traceloop.entity.output"] = json.dumps(documents)
        return "retrieve.task", INTERNAL, attributes

    def embeddings(self, tokens: int) -> Described:
        attributes = {
            "llm.request.type": "embedding",
            "gen_ai.system": "OpenAI",
            "gen_ai.request.model": EMBEDDING_MODEL,
            "gen_ai.response.model": EMBEDDING_MODEL,
            "gen_ai.usage.prompt_tokens": tokens,
            "llm.usage.total_tokens": tokens,
            "llm.is_streaming": False,
            "traceloop.workflow.name": self.path,
            "gen_ai.openai.api_base": "https://api.openai.com/v1/",
        }
        return "openai.embeddings", CLIENT, attributes

    def chat(self, turn: Turn) -> Described:
        attributes: dict[str, Any] = {
            "llm.request.type": "chat",
            "gen_ai.system": {"openai": "OpenAI", "anthropic": "Anthropic"}[turn.provider],
            "gen_ai.request.model": turn.model,
            "gen_ai.request.temperature": 0.2,
            "gen_ai.request.top_p": 1.0,
            "gen_ai.request.max_tokens": 1024,
            "llm.headers": "None",
            "llm.is_streaming": turn.streaming,
            "llm.user": turn.user,
            "traceloop.workflow.name": self.path,
            "traceloop.entity.path": "generate",
            "traceloop.association.properties.session_id": turn.conversation,
            "traceloop.association.properties.user_id": turn.user,
            "gen_ai.prompt.0.role": "user",
        }
        if turn.prompt:
            attributes["gen_ai.prompt.0.content"] = turn.prompt
        if turn.error_type:
            attributes["error.type"] = turn.error_type
            return f"{turn.provider}.chat", CLIENT, attributes
        attributes |= {
            "gen_ai.response.model": turn.answered_by,
            "gen_ai.response.id": turn.response_id,
            "gen_ai.usage.prompt_tokens": turn.input_tokens,
            "gen_ai.usage.completion_tokens": turn.output_tokens,
            "llm.usage.total_tokens": turn.input_tokens + turn.output_tokens,
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.finish_reason": turn.finish_reason,
        }
        if turn.cached_tokens:
            attributes["gen_ai.usage.cache_read_input_tokens"] = turn.cached_tokens
        if turn.answer:
            attributes["gen_ai.completion.0.content"] = turn.answer
        return f"{turn.provider}.chat", CLIENT, attributes

    def tool(self, name: str) -> Described:
        return f"{name}.tool", INTERNAL, self._common("tool", name)


class OpenInference(Dialect):
    """Arize's OpenInference: span kinds in capitals, flattened messages, the first token as a span event."""

    scope = InstrumentationScope(name="openinference.instrumentation.openai", version="0.1.42")
    resource = _resource("report-writer")
    first_token_event = "First Token Stream Event"

    def root(self, rng: random.Random) -> Described:
        del rng
        attributes = {
            "openinference.span.kind": "CHAIN",
            "input.mime_type": "text/plain",
            "output.mime_type": "text/plain",
        }
        return "answer_question", INTERNAL, attributes

    def retrieval(self, documents: list[str]) -> Described:
        attributes: dict[str, Any] = {"openinference.span.kind": "RETRIEVER"}
        for i, text in enumerate(documents):
            attributes[f"retrieval.documents.{i}.document.id"] = f"doc-{i}"
            attributes[f"retrieval.documents.{i}.document.score"] = 0.9 - i / 10
            attributes[f"retrieval.documents.{i}.document.content"] = text
        return "retrieve", INTERNAL, attributes

    def embeddings(self, tokens: int) -> Described:
        attributes = {
            "openinference.span.kind": "EMBEDDING",
            "llm.provider": "openai",
            "llm.system": "openai",
            "embedding.model_name": EMBEDDING_MODEL,
            "llm.token_count.prompt": tokens,
            "llm.token_count.total": tokens,
        }
        return "CreateEmbeddings", INTERNAL, attributes

    def chat(self, turn: Turn) -> Described:
        attributes: dict[str, Any] = {
            "openinference.span.kind": "LLM",
            "llm.provider": turn.provider,
            "llm.system": turn.provider,
            "llm.model_name": turn.model,
            "llm.invocation_parameters": json.dumps({"temperature": 0.2, "max_tokens": 1024, "stream": turn.streaming}),
            "session.id": turn.conversation,
            "user.id": turn.user,
            "metadata": json.dumps({"channel": "web", "tier": "gold"}),
            "llm.prompt_template.version": "v2.3",
            "input.mime_type": "application/json",
            "output.mime_type": "application/json",
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.1.message.role": "user",
        }
        if turn.prompt:
            attributes["llm.input_messages.0.message.content"] = turn.prompt[:300]
            attributes["llm.input_messages.1.message.content"] = turn.prompt[300:]
        if turn.error_type:
            return "ChatCompletion", INTERNAL, attributes
        attributes |= {
            "llm.response.model_name": turn.answered_by,
            "llm.token_count.prompt": turn.input_tokens,
            "llm.token_count.completion": turn.output_tokens,
            "llm.token_count.total": turn.input_tokens + turn.output_tokens,
            "llm.token_count.prompt_details.cache_read": turn.cached_tokens,
            "llm.token_count.completion_details.reasoning": turn.reasoning_tokens,
            "llm.finish_reason": turn.finish_reason,
            "llm.output_messages.0.message.role": "assistant",
        }
        if turn.answer:
            attributes["llm.output_messages.0.message.content"] = turn.answer
        return "ChatCompletion", INTERNAL, attributes

    def tool(self, name: str) -> Described:
        attributes = {
            "openinference.span.kind": "TOOL",
            "tool.name": name,
            "tool.parameters": json.dumps({"order": "string"}),
        }
        return name, INTERNAL, attributes


ALL: tuple[Dialect, ...] = (SemanticConventions(), OpenLLMetry(), OpenInference())
