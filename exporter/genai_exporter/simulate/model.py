"""What happened to one request of the simulated application, before any instrumentation has put it into words.

Times are seconds from the start of the request. Token counts have one meaning everywhere: ``input`` includes tokens
read from and written to a prompt cache, ``output`` includes reasoning tokens.
"""

from __future__ import annotations

import enum

import msgspec


class Kind(enum.StrEnum):
    """What a span describes."""

    REQUEST = "request"  # the HTTP server span, root of the trace
    WORKFLOW = "workflow"
    STEP = "step"  # application code between the calls: post-processing, one iteration of an agent's loop
    CHAT = "chat"
    EMBEDDINGS = "embeddings"
    RETRIEVAL = "retrieval"
    RERANK = "rerank"  # a cross-encoder in the application's own process: no provider is called
    AGENT = "agent"
    TOOL = "tool"


CALLS = frozenset({Kind.CHAT, Kind.EMBEDDINGS})


class Prompt(msgspec.Struct, frozen=True):
    """A prompt template by name and version."""

    name: str
    version: str


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one call; the three last are parts of the first two."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0


class Failure(msgspec.Struct, frozen=True):
    """Why a call or a tool failed. ``kind`` is a key of ``FAILURES``."""

    kind: str
    http_status: int
    message: str


class Message(msgspec.Struct, frozen=True):
    """One message of a conversation; ``role`` is system, user or assistant."""

    role: str
    text: str


class ToolUse(msgspec.Struct, frozen=True):
    """A tool that the model asked for; ``arguments`` is JSON text."""

    name: str
    call_id: str
    arguments: str
    result: str


class ModelCall(msgspec.Struct, frozen=True):
    """One request to a model provider, from the client's point of view.

    ``usage`` and ``finish`` are None when the call failed, ``ttft_s`` unless it streamed. ``attempt`` counts from 0.
    ``cache_hit`` is the answer of the application's own response cache, None when no cache was asked.
    """

    provider: str
    request_model: str
    response_model: str
    response_id: str
    streaming: bool
    ttft_s: float | None
    usage: Usage | None
    finish: str | None
    attempt: int
    prompt: Prompt | None
    max_tokens: int
    temperature: float | None
    messages: tuple[Message, ...]
    answer: str
    tools: tuple[ToolUse, ...] = ()
    refusal: bool = False
    cache_hit: bool | None = None


class Document(msgspec.Struct, frozen=True):
    """A retrieved passage with its score from 0 to 1."""

    id: str
    score: float
    text: str


class Lookup(msgspec.Struct, frozen=True):
    """What a retrieval or a rerank was asked and gave."""

    source: str
    query: str
    documents: tuple[Document, ...]


class Served(msgspec.Struct, frozen=True):
    """The HTTP side of a request."""

    route: str
    status: int


class Exchange(msgspec.Struct, frozen=True):
    """Text that went into and came out of an agent, a workflow or a step."""

    question: str
    answer: str
    iteration: int | None = None


Facts = ModelCall | ToolUse | Lookup | Served | Exchange


class Span(msgspec.Struct, frozen=True):
    """One timed piece of a request; ``parent_id`` is empty for the root."""

    kind: Kind
    name: str
    span_id: bytes
    parent_id: bytes
    start_s: float
    end_s: float
    facts: Facts
    failure: Failure | None
    agent: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """One evaluation of an answer: a score from 0 to 1 and, when the evaluator decides, ``pass`` or ``fail``."""

    name: str
    score: float
    label: str
    explanation: str


class Request(msgspec.Struct, frozen=True):
    """One request with all its spans, in the order in which they ended.

    ``answer_span_id`` and ``answer_response_id`` name the call that wrote the answer; both are empty when none did.
    ``liked`` is the user's thumb: up, down, or None for no feedback.
    """

    trace_id: bytes
    session_id: str
    user_id: str
    segment: str
    language: str
    turn: int
    workflow: str
    spans: tuple[Span, ...]
    duration_s: float
    answer_span_id: bytes
    answer_response_id: str
    verdicts: tuple[Verdict, ...]
    liked: bool | None
    regenerated: bool


class Deployment(msgspec.Struct, frozen=True):
    """What is running: the service and the three version ids that every trace must carry (R103)."""

    service: str
    app_version: str
    model_version: str
    prompt_version: str
    environment: str
    instance: str


FAILURES: dict[str, Failure] = {
    failure.kind: failure
    for failure in (
        Failure("timeout", 408, "Request timed out."),
        Failure("rate_limit", 429, "Error code: 429 - rate_limit_exceeded: too many tokens per minute."),
        Failure("context_length", 400, "Error code: 400 - context_length_exceeded: the messages are too long."),
        Failure("server_error", 500, "Error code: 500 - the server had an error while processing the request."),
        Failure("tool_error", 502, "The backend of the tool did not answer."),
    )
}
RETRIABLE = frozenset({"timeout", "rate_limit", "server_error"})
