"""Seeded OTLP request bodies in the shape that LLM applications send.

A body holds three ResourceSpans, one per dialect (OpenTelemetry's semantic conventions, OpenLLMetry's older keys,
OpenInference). A trace is one question to a RAG chatbot: root, retrieval, embeddings, chat, tool, chat. Three of the
six spans are calls to a provider; chat spans carry 20 to 25 attributes. The sets differ in what surrounds that:

``on``     prompts and answers of 2 to 8 kB on every chat span
``off``    no content
``noise``  as ``on``, and twelve HTTP and Redis spans in every trace

Ids that must be unique begin with the body's stamp, eight characters, so that a body can be sent again as new traces by
replacing them (``Body.restamped``), which costs next to nothing and leaves every length as it was.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from bench import dialects
from bench.dialects import Turn

SETS = ("on", "off", "noise")
STAMP = 8
NS = 1_000_000_000
FIRST_STAMP = 0x10000000


class Body(NamedTuple):
    """One request body and what is in it.

    ``calls`` provider calls of ``spans`` spans in ``traces`` traces; token sums in the canonical meaning.
    """

    raw: bytes
    stamp: bytes
    spans: int
    traces: int
    calls: int
    input_tokens: int
    output_tokens: int

    def restamped(self, number: int) -> Body:
        """The same traffic as new traces: ``number`` (below 2**31) takes the place of the stamp."""
        stamp = _stamp(number)
        return self._replace(raw=self.raw.replace(self.stamp, stamp), stamp=stamp)


def bodies(kind: str, count: int, *, now: float, seed: int = 7, churn: bool = False) -> list[Body]:
    """``count`` bodies of the set ``kind``, their spans ended within the minute before ``now`` (Unix seconds).

    With ``churn`` users, conversations and one model name per dialect change with the stamp: weeks in minutes.
    """
    if kind not in SETS:
        raise ValueError(f"unknown set {kind!r}; known: {', '.join(SETS)}")
    rng = random.Random(f"{seed}/{kind}")
    return [_body(kind, FIRST_STAMP + i, rng, int(now * NS), churn) for i in range(count)]


def _stamp(number: int) -> bytes:
    return b"%08x" % number


def _vocabulary() -> list[str]:
    """Five hundred made-up words: text that compresses about as well as prose does."""
    rng = random.Random(1)
    syllables = [
        first + vowel + last for first in "bdfgklmnprstvw" for vowel in "aeiou" for last in ("", "l", "n", "r", "st")
    ]
    return ["".join(rng.choices(syllables, k=rng.choice((1, 1, 2, 2, 3)))) for _ in range(500)]


_WORDS = _vocabulary()


def prose(rng: random.Random, low: int, high: int) -> str:
    """Words up to a length between ``low`` and ``high`` characters."""
    wanted = rng.randint(low, high)
    words: list[str] = []
    size = 0
    while size < wanted:
        word = rng.choice(_WORDS)
        words.append(word)
        size += len(word) + 1
    return " ".join(words)[:wanted]


def attribute(key: str, value: Any) -> KeyValue:
    """One OTLP attribute; a list of text becomes an array."""
    match value:
        case bool():
            wrapped = AnyValue(bool_value=value)
        case int():
            wrapped = AnyValue(int_value=value)
        case float():
            wrapped = AnyValue(double_value=value)
        case list():
            wrapped = AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=item) for item in value]))
        case _:
            wrapped = AnyValue(string_value=value)
    return KeyValue(key=key, value=wrapped)


class _Trace:
    """Builds the spans of one trace: ids from the stamp, times from a clock that only moves forward."""

    def __init__(self, stamp: bytes, number: int, rng: random.Random, end_ns: int) -> None:
        self.rng = rng
        self.trace_id = stamp + number.to_bytes(2, "big") + rng.randbytes(6)
        self.clock = end_ns - 60 * NS + rng.randrange(20 * NS)
        self.root_start = self.clock
        self.root_id = rng.randbytes(8)
        self.spans: list[Span] = []

    def add(
        self,
        name: str,
        kind: int,
        attributes: dict[str, Any],
        seconds: float,
        *,
        parent: bytes | None = None,
        failed: bool = False,
    ) -> Span:
        start = self.clock
        self.clock += int(seconds * NS)
        span = Span(
            trace_id=self.trace_id,
            span_id=self.rng.randbytes(8),
            parent_span_id=self.root_id if parent is None else parent,
            name=name,
            kind=kind,  # type: ignore[arg-type]
            start_time_unix_nano=start,
            end_time_unix_nano=self.clock,
            attributes=[attribute(key, value) for key, value in attributes.items()],
            status=Status(code=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET),
        )
        self.spans.append(span)
        return span

    def close(self, name: str, kind: int, attributes: dict[str, Any]) -> None:
        root = self.add(name, kind, attributes, 0.001, parent=b"")
        root.span_id = self.root_id
        root.start_time_unix_nano = self.root_start


def _noise(trace: _Trace) -> None:
    rng = trace.rng
    for i in range(12):
        if i % 3:
            attributes = {
                "db.system.name": "redis",
                "db.operation.name": "GET",
                "server.address": "redis",
                "server.port": 6379,
            }
            trace.add("GET", Span.SPAN_KIND_CLIENT, attributes, rng.uniform(0.0002, 0.002))
        else:
            attributes = {
                "http.request.method": "GET",
                "url.full": f"http://documents/api/v1/items/{rng.randrange(10**6)}?fields=title,body",
                "http.response.status_code": 200,
                "server.address": "documents",
                "server.port": 8080,
                "network.protocol.version": "1.1",
            }
            trace.add("GET", Span.SPAN_KIND_CLIENT, attributes, rng.uniform(0.002, 0.05))


def _turn(trace: _Trace, stamp: bytes, label: str, content: bool, churn: bool) -> Turn:
    rng = trace.rng
    read = prose if content else lambda *_: ""
    provider, model, answered_by = rng.choice(dialects.MODELS)
    if churn and label.endswith("-00-0"):
        model = answered_by = f"ft:{model}:{stamp.decode()}"
    input_tokens = rng.randint(300, 6000)
    return Turn(
        provider=provider,
        model=model,
        answered_by=answered_by,
        response_id=f"chatcmpl-{stamp.decode()}-{label}",
        input_tokens=input_tokens,
        output_tokens=rng.randint(20, 900),
        cached_tokens=rng.choice((0, 0, input_tokens // 2)),
        reasoning_tokens=0,
        streaming=rng.random() < 0.6,
        ttft_s=rng.uniform(0.15, 1.5),
        duration_s=rng.uniform(1.6, 9.0),
        finish_reason="stop",
        error_type="rate_limit_exceeded" if rng.random() < 0.02 else "",
        conversation=f"conv-{stamp.decode()}-{label[:-2]}" if churn else f"conv-{rng.randrange(5000)}",
        user=f"user-{stamp.decode()}-{label[:-2]}" if churn else f"user-{rng.randrange(2000)}",
        prompt=read(rng, 1000, 4000),
        answer=read(rng, 1000, 4000),
    )


def _body(kind: str, number: int, rng: random.Random, end_ns: int, churn: bool) -> Body:
    stamp = _stamp(number)
    per_dialect = 6 if kind == "noise" else 17
    content = kind != "off"
    request = ExportTraceServiceRequest()
    counts = {"spans": 0, "traces": 0, "calls": 0, "input_tokens": 0, "output_tokens": 0}
    for position, dialect in enumerate(dialects.ALL):
        spans: list[Span] = []
        for i in range(per_dialect):
            trace = _Trace(stamp, position * 100 + i, rng, end_ns)
            chat = functools.partial(_turn, trace, stamp, content=content, churn=churn)
            _fill(trace, dialect, chat, f"{position}-{i:02d}", content, counts)
            if kind == "noise":
                _noise(trace)
            trace.close(*dialect.root(trace.rng))
            spans += trace.spans
        resource = ResourceSpans(scope_spans=[ScopeSpans(scope=dialect.scope, spans=spans)])
        resource.resource.attributes.extend(attribute(key, value) for key, value in dialect.resource.items())
        request.resource_spans.append(resource)
        counts["spans"] += len(spans)
        counts["traces"] += per_dialect
    return Body(raw=request.SerializeToString(), stamp=stamp, **counts)


def _fill(
    trace: _Trace,
    dialect: dialects.Dialect,
    chat: Callable[..., Turn],
    label: str,
    content: bool,
    counts: dict[str, int],
) -> None:
    """Retrieval, embeddings, chat, tool, chat: the five steps under the root."""
    rng = trace.rng
    documents = [prose(rng, 200, 600) for _ in range(4)] if content else []
    trace.add(*dialect.retrieval(documents), rng.uniform(0.02, 0.4))
    tokens = rng.randint(8, 60)
    trace.add(*dialect.embeddings(tokens), rng.uniform(0.03, 0.2))
    counts["input_tokens"] += tokens
    counts["calls"] += 3
    for i in range(2):
        turn = chat(label=f"{label}-{i}")
        span = trace.add(*dialect.chat(turn), turn.duration_s, failed=bool(turn.error_type))
        if turn.streaming and dialect.first_token_event and not turn.error_type:
            event = span.events.add(name=dialect.first_token_event)
            event.time_unix_nano = span.start_time_unix_nano + int(turn.ttft_s * NS)
        if not turn.error_type:
            counts["input_tokens"] += turn.input_tokens
            counts["output_tokens"] += turn.output_tokens
        if i == 0:
            trace.add(*dialect.tool("lookup_order"), rng.uniform(0.01, 0.3))
