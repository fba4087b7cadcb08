"""Damaged captures through the whole pipeline: every loss is told, the books balance, and nothing depends on luck.

``GENAI_EXPORTER_FUZZ_ITERATIONS`` and ``GENAI_EXPORTER_FUZZ_SEED`` make longer and other runs; a failure names the seed
of the one input that caused it.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from otlp_samples import EDGE_DOUBLES, EDGE_INTEGERS, NOW, Collector, any_value

from genai_exporter import catalogue
from genai_exporter.errors import Full, Unreadable
from genai_exporter.metrics.recorder import Recorder
from genai_exporter.metrics.store import Store
from genai_exporter.pipeline import Pipeline, PipelineSettings
from genai_exporter.price import Pricer
from genai_exporter.records import Call, Settled

CAPTURES = Path(__file__).parents[1] / "corpus" / "captures"
ITERATIONS = int(os.environ.get("GENAI_EXPORTER_FUZZ_ITERATIONS", "250"))
SEED = int(os.environ.get("GENAI_EXPORTER_FUZZ_SEED", "1"))
LARGEST = 20_000
MESSAGES: dict[str, Any] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
PRICER = Pricer(log_unpriced=False)


class Spy(Recorder):
    """The real recorder, with a copy of what it was told."""

    def __init__(self) -> None:
        self.series = Store(max_label_values=50, max_series=2_000, idle_seconds=3600)
        super().__init__(self.series, catalogue.DEFAULT_DIMENSIONS, price=PRICER.price)
        self.told = Collector()

    def record(self, settled: Settled, now: float) -> None:
        self.told.record(settled, now)
        super().record(settled, now)


@cache
def bodies(signal: str, encoding: str) -> tuple[bytes, ...]:
    """Captured requests of moderate size, one of each case."""
    found = [path.read_bytes() for path in sorted(CAPTURES.rglob(f"*.{signal}.*.pb"))]
    found = [body for body in found if len(body) <= LARGEST]
    if encoding == "json":
        found = [MessageToJson(MESSAGES[signal].FromString(body), indent=None).encode() for body in found]
    return tuple(found)


# -- damage -----------------------------------------------------------------------------------------------------------

_BYTES = b"\x00\x01\x02\x08\x0a\x12\x18\x21\x2a\x32\x3a\x7f\x80\xff"
_TOKENS = (b"null", b"{}", b"[]", b'"x"', b"-1", b"1e308", b"9" * 400, b"true", b"\\ud800", b'{"a":' * 50, b"}", b",")


def flip(random: Random, body: bytearray, _: bytes) -> None:
    for _ in range(random.randrange(1, 9)):
        body[random.randrange(len(body))] ^= 1 << random.randrange(8)


def overwrite(random: Random, body: bytearray, _: bytes) -> None:
    body[random.randrange(len(body))] = random.choice(_BYTES)


def truncate(random: Random, body: bytearray, _: bytes) -> None:
    del body[random.randrange(1, len(body) + 1) :]


def cut(random: Random, body: bytearray, _: bytes) -> None:
    start = random.randrange(len(body))
    del body[start : start + random.randrange(1, 40)]


def repeat(random: Random, body: bytearray, _: bytes) -> None:
    start = random.randrange(len(body))
    piece = body[start : start + random.randrange(1, 400)]
    body[start:start] = piece * random.randrange(1, 4)


def splice(random: Random, body: bytearray, other: bytes) -> None:
    start, source = random.randrange(len(body)), random.randrange(len(other))
    body[start : start + random.randrange(200)] = other[source : source + random.randrange(1, 400)]


def nudge(random: Random, body: bytearray, _: bytes) -> None:
    """Lengths are bytes like others: one more or one less."""
    place = random.randrange(len(body))
    body[place] = (body[place] + random.choice((-1, 1))) % 256


def token(random: Random, body: bytearray, _: bytes) -> None:
    start = random.randrange(len(body))
    body[start : start + random.randrange(6)] = random.choice(_TOKENS)


DAMAGE: tuple[Callable[[Random, bytearray, bytes], None], ...] = (
    flip, overwrite, truncate, cut, repeat, splice, nudge, token,
)  # fmt: skip


def damaged(random: Random, body: bytes, other: bytes) -> bytes:
    found = bytearray(body)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        if not found:
            break
        random.choice(DAMAGE)(random, found, other)
    return bytes(found)


HOSTILE: list[Any] = [
    *EDGE_INTEGERS, *EDGE_DOUBLES, None, "", "x" * 5000, "{'a': (1,", '{"a":' * 2000, "[" * 500, b"\xff", [], {}, [[]],
    ["stop"] * 500, {"input": {"input": -1}}, True, "NaN", "-5", "١٢", "chat", "LLM", "AGENT", "2026-11-20T10:00:00Z",
]  # fmt: skip


def rearranged(random: Random, body: bytes) -> bytes:
    """A request that is sound on the wire and senseless in what it says: other values, ids, parents and times."""
    message = ExportTraceServiceRequest.FromString(body)
    spans = [span for group in message.resource_spans for part in group.scope_spans for span in part.spans]
    keys = [pair.key for span in spans for pair in span.attributes]
    for _ in range(random.randrange(1, 8)):
        span, other = random.choice(spans), random.choice(spans)
        match random.randrange(9):
            case 0 if span.attributes:
                random.choice(span.attributes).value.CopyFrom(any_value(random.choice(HOSTILE)))
            case 1 if keys:
                span.attributes.add(key=random.choice(keys)).value.CopyFrom(any_value(random.choice(HOSTILE)))
            case 2:
                span.parent_span_id = random.choice((other.span_id, other.parent_span_id, b"", bytes(8), b"p"))
            case 3:
                span.span_id = random.choice((other.span_id, bytes(8), b"", b"\xff" * 8))
            case 4:
                span.trace_id = random.choice((other.trace_id, bytes(16), b"", b"\xff" * 16))
            case 5:
                span.start_time_unix_nano = random.choice((0, 1, other.end_time_unix_nano, 2**64 - 1, 2**63))
            case 6:
                span.end_time_unix_nano = random.choice((0, 1, other.start_time_unix_nano, 2**64 - 1, 2**63))
            case 7:
                span.attributes.extend(list(other.attributes))
            case _:
                span.events.extend(list(other.events))
                span.status.code = random.randrange(3)
    return message.SerializeToString()


# -- checks -----------------------------------------------------------------------------------------------------------


def sound(call: Call) -> bool:
    """Figures that a call can have."""
    counts = (
        call.input_tokens, call.output_tokens, call.cache_read_tokens, call.cache_write_tokens,
        call.cache_write_1h_tokens, call.reasoning_tokens, call.retries,
    )  # fmt: skip
    times = (call.duration_s, call.ttft_s, call.reported_cost_usd)
    return all(n is None or (type(n) is int and 0 <= n <= 4 * 10**9) for n in counts) and all(
        x is None or (math.isfinite(x) and 0 <= x <= 2e7) for x in times
    )


def take(pipeline: Pipeline, signal: str, body: bytes, encoding: str) -> Any:
    """The receipt, or the kind of refusal. Anything else that is raised fails the test."""
    try:
        return getattr(pipeline, signal)(body, encoding, NOW)
    except (Unreadable, Full) as refusal:
        return type(refusal).__name__


def outcome(signal: str, body: bytes, encoding: str) -> tuple[Any, ...]:
    spy = Spy()
    pipeline = Pipeline(PipelineSettings(), spy)
    receipt = take(pipeline, signal, body, encoding)
    stats = pipeline.stats
    assert stats.balance() == 0
    pipeline.drain(NOW + 1)
    assert stats.balance() == stats.pending_spans == 0
    assert not any(result == "dropped" for result, _ in stats.spans), "a fault while settling"
    if isinstance(receipt, str):
        assert stats.received == 0
    elif signal == "traces":
        assert receipt.accepted + receipt.rejected == stats.received
        assert receipt.rejected == sum(n for (result, _), n in stats.spans.items() if result == "invalid")
    assert [call for call in spy.told.calls if not sound(call)] == []
    page = spy.series.render(openmetrics=True)
    page.decode()
    counters = (stats.spans, stats.invalid_attributes, stats.log_records, stats.metric_points, stats.ambiguous)
    return (receipt, spy.told.everything(), *counters)


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize(("signal", "share"), [("traces", 1.0), ("logs", 0.4), ("metrics", 0.2)])
def test_damaged_requests_are_read_or_refused(signal: str, share: float, encoding: str) -> None:
    sources = bodies(signal, encoding)
    results: Counter[str] = Counter()
    for number in range(int(ITERATIONS * share)):
        seed = f"{SEED}:{signal}:{encoding}:{number}"
        random = Random(seed)
        body = damaged(random, random.choice(sources), random.choice(sources))
        first = outcome(signal, body, encoding)
        assert outcome(signal, body, encoding) == first, f"{seed}: the same bytes, another result"
        results[first[0] if isinstance(first[0], str) else "taken"] += 1
    assert set(results) <= {"taken", "Unreadable"}
    assert results["Unreadable"], "no damage was done"
    assert results["taken"] or encoding == "json", "only rubble came in"


def test_senseless_requests_are_taken_and_accounted_for() -> None:
    sources = bodies("traces", "protobuf")
    for number in range(ITERATIONS):
        seed = f"{SEED}:senseless:{number}"
        random = Random(seed)
        body = rearranged(random, random.choice(sources))
        first = outcome("traces", body, "protobuf")
        assert first[0].accepted + first[0].rejected > 0, seed
        assert outcome("traces", body, "protobuf") == first, f"{seed}: the same bytes, another result"


def test_one_service_survives_all_of_it() -> None:
    """One pipeline with little room takes everything while time passes; after each request the books balance."""
    spy = Spy()
    pipeline = Pipeline(PipelineSettings(max_pending_spans=400, response_id_memory=50, settle_seconds=2.0), spy)
    random = Random(f"{SEED}:service")
    refused = 0
    for number in range(ITERATIONS):
        signal = random.choice(("traces", "traces", "traces", "logs", "metrics"))
        encoding = random.choice(("protobuf", "protobuf", "json"))
        sources = bodies(signal, encoding)
        body = random.choice(sources)
        match random.randrange(3):
            case 0:
                body = damaged(random, body, random.choice(sources))
            case 1 if signal == "traces" and encoding == "protobuf":
                body = rearranged(random, body)
        refused += isinstance(take(pipeline, signal, body, encoding), str)
        assert pipeline.stats.balance() == 0, number
        if random.random() < 0.3:
            pipeline.tick(NOW + number / 10)
            assert pipeline.stats.balance() == 0, number
    pipeline.drain(NOW + ITERATIONS)
    assert pipeline.stats.balance() == pipeline.stats.pending_spans == 0
    assert not pipeline.stats.spans["dropped", "fault"]
    assert refused < ITERATIONS
    assert [call for call in spy.told.calls if not sound(call)] == []


def test_damage_that_the_official_classes_accept_is_accepted() -> None:
    """The lean reader is more lenient than the official one, never stricter about a request as a whole."""
    sources = bodies("traces", "protobuf")
    accepted = 0
    for number in range(ITERATIONS):
        random = Random(f"{SEED}:accepted:{number}")
        body = damaged(random, random.choice(sources), random.choice(sources))
        try:
            official = ExportTraceServiceRequest.FromString(body)
        except DecodeError:
            continue
        accepted += 1
        spans = sum(len(part.spans) for group in official.resource_spans for part in group.scope_spans)
        pipeline = Pipeline(PipelineSettings(), Collector())
        receipt = pipeline.traces(body, "protobuf", NOW)
        assert receipt.accepted + receipt.rejected == spans, number
    assert accepted
