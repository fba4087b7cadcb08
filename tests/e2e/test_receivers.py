"""OTLP/HTTP over real sockets: paths, encodings, and an answer of OTLP's own for everything that is wrong."""

from __future__ import annotations

import gzip
import json
import logging
import random
import zlib
from collections.abc import Iterator

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from e2e.receiver_lab import (
    JSON,
    NOW,
    PROTOBUF,
    Lab,
    Taken,
    ask,
    retry_seconds,
    send,
    spans_body,
    spans_json,
)
from genai_exporter.config import Settings
from genai_exporter.core import Core
from genai_exporter.errors import Full, Receipt
from genai_exporter.server import ReceiverLimits

SMALL = ReceiverLimits(max_body_bytes=50_000, max_decompressed_bytes=100_000)
BASES = ("", "/api/public/otel", "/otel", "/api/v1/otel")


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as running:
        yield running


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
@pytest.mark.parametrize("base", [*BASES, "/team/a", "/team/a/otel"])
def test_every_platforms_path_takes_every_signal(lab: Lab, base: str, signal: str) -> None:
    port = lab.http(extra_prefixes=["team/a/"]).port
    answer = send(port, b"", path=f"{base}/v1/{signal}", Authorization="Basic cGstbGY6c2stbGY=")
    assert (answer.code, answer.body) == (200, b"")
    assert answer.headers["content-type"] == PROTOBUF
    assert lab.neighbour.taken == [Taken(signal, "protobuf", NOW, 0, 0)]
    assert lab.requests == [("http", signal, "200")]


def test_protobuf_and_json_are_answered_in_kind(lab: Lab) -> None:
    port = lab.http().port
    assert send(port, spans_body(3)).body == b""
    answer = send(port, spans_json(2), content_type="application/json; charset=utf-8")
    assert (answer.code, answer.body, answer.headers["content-type"]) == (200, b"{}", JSON)
    assert [(taken.encoding, taken.items) for taken in lab.neighbour.taken] == [("protobuf", 3), ("json", 2)]


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("gzip", lambda body: gzip.compress(body[:500]) + gzip.compress(body[500:]) + bytes(7)),
    ],
)
def test_content_encodings(lab: Lab, encoding: str, compress: object) -> None:
    body = spans_body(200)
    assert callable(compress)
    assert send(lab.http().port, compress(body), Content_Encoding=encoding).code == 200
    assert lab.neighbour.taken == [Taken("traces", "protobuf", NOW, 200, len(body))]


def test_chunked_body_is_put_together(lab: Lab) -> None:
    body = gzip.compress(spans_body(500))
    pieces = [body[start : start + 100] for start in range(0, len(body), 100)]
    answer = ask(lab.http().port, body=iter(pieces), Content_Type=PROTOBUF, Content_Encoding="gzip")
    assert answer.code == 200
    assert lab.neighbour.taken[0].items == 500


def test_empty_body_is_an_empty_request_whatever_its_encoding(lab: Lab) -> None:
    port = lab.http().port
    assert send(port, b"", Content_Encoding="gzip").code == 200
    assert send(port, b"", content_type=JSON).body == b"{}"


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
def test_the_official_exporter_delivers(lab: Lab, base: str, compression: Compression) -> None:
    """R104: an application instrumented with the SDK changes its endpoint and nothing else."""
    exporter = OTLPSpanExporter(
        endpoint=f"http://127.0.0.1:{lab.http().port}{base}/v1/traces",
        headers={"authorization": "Bearer of-another-platform"},
        compression=compression,
        timeout=10,
    )
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("chat gpt-4o") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
    provider.shutdown()
    assert [(taken.signal, taken.items) for taken in lab.neighbour.taken] == [("traces", 1)]
    assert lab.requests == [("http", "traces", "200")]


@pytest.mark.parametrize(
    ("signal", "response", "field"),
    [
        ("traces", ExportTraceServiceResponse(), "rejected_spans"),
        ("logs", ExportLogsServiceResponse(), "rejected_log_records"),
        ("metrics", ExportMetricsServiceResponse(), "rejected_data_points"),
    ],
)
def test_rejected_items_are_reported_as_partial_success(lab: Lab, signal: str, response: object, field: str) -> None:
    lab.neighbour.answer = lambda items: Receipt(0, 3, "token count is no number")
    port = lab.http().port
    answer = send(port, b"", path=f"/v1/{signal}")
    assert answer.code == 200
    response.ParseFromString(answer.body)  # type: ignore[attr-defined]
    assert getattr(response.partial_success, field) == 3  # type: ignore[attr-defined]
    assert response.partial_success.error_message == "token count is no number"  # type: ignore[attr-defined]
    camel = "".join(part.title() if index else part for index, part in enumerate(field.split("_")))
    assert json.loads(send(port, b"", path=f"/v1/{signal}", content_type=JSON).body) == {
        "partialSuccess": {camel: "3", "errorMessage": "token count is no number"}
    }


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize(
    ("body", "encoding", "says"),
    [
        (b"\xff\xfe\xfd", "identity", "cannot be read"),
        (gzip.compress(spans_body(50))[:-9], "gzip", "truncated"),
        (gzip.compress(spans_body(50))[:-8] + b"12345678", "gzip", "corrupt"),
        (spans_body(), "gzip", "corrupt"),
        (gzip.compress(spans_body(50)) + b"garbage at the end", "gzip", "corrupt"),
        (zlib.compress(spans_body(50)) + b"garbage", "deflate", "after the end"),
        (gzip.compress(b"") * 2000, "gzip", "members"),
    ],
)
def test_unreadable_bodies_get_400(lab: Lab, content_type: str, body: bytes, encoding: str, says: str) -> None:
    answer = send(lab.http().port, body, content_type=content_type, Content_Encoding=encoding)
    assert (answer.code, answer.headers["content-type"]) == (400, content_type)
    assert answer.status.code == 3
    assert says in answer.status.message
    assert lab.neighbour.taken == []


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (bytes(50_001), "identity"),
        (iter([bytes(30_000), bytes(30_000)]), "identity"),
        (gzip.compress(bytes(100_001)), "gzip"),
        (gzip.compress(bytes(30_000_000)), "gzip"),
        (zlib.compress(bytes(30_000_000)), "deflate"),
    ],
    ids=["declared", "chunked", "one byte over", "gzip bomb", "deflate bomb"],
)
def test_large_bodies_get_413_before_they_are_held(lab: Lab, body: object, encoding: str) -> None:
    receiver = lab.http(limits=SMALL)
    answer = ask(receiver.port, body=body, Content_Type=PROTOBUF, Content_Encoding=encoding)
    assert (answer.code, answer.status.code) == (413, 8)
    assert "larger than" in answer.status.message
    assert lab.neighbour.taken == []
    assert send(receiver.port, spans_body()).code == 200


def test_limits_can_be_changed_while_running(lab: Lab) -> None:
    receiver = lab.http(limits=SMALL)
    assert send(receiver.port, spans_body(1, "x" * 60_000)).code == 413
    receiver.set_limits(ReceiverLimits())
    assert send(receiver.port, spans_body(1, "x" * 60_000)).code == 200


def test_unsupported_types_and_encodings_get_415(lab: Lab) -> None:
    port = lab.http().port
    answer = send(port, b"x", content_type="text/plain")
    assert answer.code == 415
    assert answer.headers["accept-post"] == f"{PROTOBUF}, {JSON}"
    assert "text/plain" in answer.status.message
    answer = send(port, b"x", Content_Encoding="br")
    assert (answer.code, answer.headers["content-type"]) == (415, PROTOBUF)
    assert answer.headers["accept-encoding"] == "gzip, deflate, identity"
    assert send(port, b"x", content_type="").code == 415


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize(
    ("asked", "header", "info"), [(0.0, "1", 0.1), (2.5, "3", 2.5), (1e9, "3600", 3600), (float("nan"), "1", 1)]
)
def test_full_gets_429_with_a_delay(lab: Lab, content_type: str, asked: float, header: str, info: float) -> None:
    def full(items: int) -> Receipt:
        raise Full(asked)

    lab.neighbour.answer = full
    answer = send(lab.http().port, b"", content_type=content_type)
    assert (answer.code, answer.headers["retry-after"]) == (429, header)
    assert (answer.status.code, retry_seconds(answer.status)) == (8, info)
    assert lab.requests == [("http", "traces", "429")]


def test_draining_gets_503_with_a_delay(lab: Lab) -> None:
    receiver = lab.http()
    receiver.set_draining()
    answer = send(receiver.port, spans_body())
    assert (answer.code, answer.headers["retry-after"], answer.headers["connection"]) == (503, "5", "close")
    assert (answer.status.code, retry_seconds(answer.status)) == (14, 5)
    assert lab.neighbour.taken == []


def test_a_fault_of_ours_is_a_500_logged_once(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    def broken(items: int) -> Receipt:
        raise ZeroDivisionError("a defect")

    answer_well = lab.neighbour.answer
    lab.neighbour.answer = broken
    port = lab.http().port
    with caplog.at_level(logging.ERROR):
        answers = [send(port, b"") for _ in range(3)]
    assert [(answer.code, answer.status.code) for answer in answers] == [(500, 13)] * 3
    assert "a defect" not in answers[0].status.message, "the inside of the service is not shown to senders"
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert lab.requests == [("http", "traces", "500")] * 3
    lab.neighbour.answer = answer_well
    assert send(port, spans_body()).code == 200


def test_other_methods_and_paths(lab: Lab) -> None:
    port = lab.http().port
    answer = ask(port, "GET", "/v1/traces")
    assert (answer.code, answer.headers["allow"]) == (405, "POST")
    answer = send(port, b"", path="/v2/traces")
    assert answer.code == 404
    for path in ("/v1/traces", "/api/public/otel/v1/traces", "/otel/v1/metrics"):
        assert path in answer.status.message
    assert send(port, b"", path="/v1/traces/?project=x").code == 200
    assert lab.requests == [("http", "traces", "405"), ("http", "other", "404"), ("http", "traces", "200")]


def test_browsers_may_send_from_configured_origins_only(lab: Lab) -> None:
    port = lab.http(cors_origins=["https://app.example"]).port
    asked = {"Origin": "https://app.example", "Access_Control_Request_Headers": "content-type,x-app"}
    preflight = ask(port, "OPTIONS", "/v1/traces", **asked)
    assert preflight.code == 204
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"
    assert preflight.headers["access-control-allow-headers"] == "content-type,x-app"
    assert send(port, b"", Origin="https://app.example").headers["vary"] == "Origin"
    stranger = send(port, b"", Origin="https://other.example")
    assert not [name for name in stranger.headers if name.startswith("access-control")]
    off = lab.http().port
    assert ask(off, "OPTIONS", "/v1/traces", Origin="https://app.example").code == 405


@pytest.mark.parametrize("real", [False, True], ids=["the official parser", "the real pipeline"])
def test_garbage_never_causes_a_server_error(lab: Lab, real: bool) -> None:
    pipeline = Core(Settings()).pipeline if real else lab.neighbour
    port = lab.http(limits=SMALL, pipeline=pipeline).port
    chance = random.Random(7)
    good = [spans_body(5), spans_json(5), gzip.compress(spans_body(5))]
    for _ in range(200):
        body = bytearray(chance.choice([*good, chance.randbytes(chance.randrange(200))]))
        for _ in range(chance.randrange(4)):
            if body:
                body[chance.randrange(len(body))] = chance.randrange(256)
        answer = send(
            port,
            bytes(body[: chance.randrange(len(body) + 1)]),
            path=f"/v1/{chance.choice(['traces', 'traces', 'logs', 'metrics'])}",
            content_type=chance.choice([PROTOBUF, JSON]),
            Content_Encoding=chance.choice(["identity", "identity", "gzip", "deflate"]),
        )
        assert answer.code in (200, 400, 413), answer
    assert len(lab.requests) == 200
    assert len({code for _, _, code in lab.requests}) > 1, "some are read, some are not"
