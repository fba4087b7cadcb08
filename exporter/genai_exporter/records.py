"""The records that travel between the stages of the pipeline.

Every record is small, typed and immutable once built. ``None`` always means "not reported"; ``0`` means that the
application reported zero. Token counts have one meaning everywhere: ``input`` includes tokens read from and written to
a prompt cache, ``output`` includes reasoning tokens. Durations are in seconds, timestamps in Unix nanoseconds, money in
US dollars. Trace and span ids stay raw bytes (16 and 8 long) and become hexadecimal only where a person reads them.
"""

from __future__ import annotations

import enum

import msgspec


class Role(enum.IntEnum):
    """What a span is in the life of one request, decided from the dialect's own kind attribute."""

    OTHER = 0  # not a GenAI span: HTTP, database, application code
    STEP = 1  # GenAI structure that is neither billed nor timed on its own: chain, prompt, parser, task, guardrail
    CALL = 2  # one request to a model provider (chat, completion, embeddings, rerank): the only role that is billed
    AGENT = 3
    TOOL = 4
    WORKFLOW = 5
    RETRIEVAL = 6


class Resource(msgspec.Struct, frozen=True):
    """What the OTLP resource says about the process that sent a span.

    ``instance`` tells processes of one service apart.
    """

    service: str = ""
    service_version: str = ""
    environment: str = ""
    instance: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    model_version: str = ""
    segment: str = ""
    flow: str = ""
    number: int = 0  # tells resources apart faster than comparing them does; 0 where nobody has numbered them


class Evaluation(msgspec.Struct, frozen=True, gc=False):
    """One score that an application or an evaluator attached to a span.

    ``score`` is on a scale of 0 to 1. ``result`` is ``pass``, ``fail`` or ``error``; ``""`` when the evaluator gave a
    bare score and no verdict.
    """

    name: str
    score: float | None
    result: str
    service: str
    environment: str
    flow: str
    segment: str
    prompt_name: str
    prompt_version: str
    trace_id: bytes
    span_id: bytes
    response_id: str | None = None


class Feedback(msgspec.Struct, frozen=True, gc=False):
    """A person's verdict on an answer: ``rating`` is ``positive`` or ``negative``."""

    rating: str
    service: str
    environment: str
    flow: str
    segment: str
    prompt_name: str
    prompt_version: str
    trace_id: bytes
    span_id: bytes


class Call(msgspec.Struct, frozen=True, gc=False):
    """One request to a model provider, counted exactly once whatever mix of spans described it.

    Text is ``""`` when unknown. ``error_type`` is ``""`` for a call that succeeded. ``ttft_s`` exists only for
    streaming calls. ``finish_reason`` is folded to stop, length, content_filter, tool_call, error or other.
    ``retries`` counts the attempts that came before this one and are visible on the wire.
    """

    trace_id: bytes
    span_id: bytes
    start_ns: int
    duration_s: float
    operation: str
    provider: str
    request_model: str
    response_model: str
    service: str
    service_version: str
    environment: str
    flow: str
    segment: str
    agent: str
    prompt_name: str
    prompt_version: str
    error_type: str
    finish_reason: str
    streaming: bool
    ttft_s: float | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cache_write_1h_tokens: int | None
    reasoning_tokens: int | None
    reported_cost_usd: float | None
    service_tier: str
    batch: bool
    refusal: bool
    regenerated: bool
    retries: int
    response_cache_hit: bool | None
    response_id: str
    session: str
    user: str
    dialect: str


class Step(msgspec.Struct, frozen=True, gc=False):
    """One agent run, tool execution, workflow run or retrieval: timed, never billed."""

    role: int  # Role.AGENT, Role.TOOL, Role.WORKFLOW or Role.RETRIEVAL
    name: str
    trace_id: bytes
    span_id: bytes
    start_ns: int
    duration_s: float
    error_type: str
    service: str
    service_version: str
    environment: str
    flow: str
    segment: str
    agent: str
    prompt_name: str
    prompt_version: str


class Settled(msgspec.Struct, frozen=True, gc=False):
    """What one or more settled traces amount to. The recorder turns it into metrics."""

    calls: list[Call]
    steps: list[Step]
    evaluations: list[Evaluation]
    feedback: list[Feedback]
    regenerations: int = 0
