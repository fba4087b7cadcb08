"""OTLP/gRPC with the official stubs."""

from __future__ import annotations

import contextlib
import gzip
import logging
import random
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from e2e.receiver_lab import DEADLINE_S, NOW, Lab, eventually, retry_seconds, spans_body
from genai_exporter.errors import Full, Receipt
from genai_exporter.server import ReceiverLimits

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
HEALTH = "/grpc.health.v1.Health/Check"
SMALL = ReceiverLimits(max_body_bytes=50_000, max_decompressed_bytes=100_000, body_seconds=1)


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as running:
        yield running


def channel(port: int) -> grpc.Channel:
    return grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])


def export(port: int, body: bytes, compression: grpc.Compression = grpc.Compression.NoCompression) -> bytes:
    with channel(port) as opened:
        return bytes(opened.unary_unary(EXPORT)(body, compression=compression, timeout=DEADLINE_S))


def refusal(port: int, body: bytes, compression: grpc.Compression = grpc.Compression.NoCompression) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        export(port, body, compression)
    return caught.value


def details(error: Any) -> status_pb2.Status:
    found = dict(error.trailing_metadata())["grpc-status-details-bin"]
    return status_pb2.Status.FromString(found)


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_the_official_stubs_deliver(lab: Lab, compression: grpc.Compression) -> None:
    with channel(lab.grpc().port) as opened:
        traces = trace_service_pb2.ExportTraceServiceRequest.FromString(spans_body(1000))
        answer = trace_service_pb2_grpc.TraceServiceStub(opened).Export(traces, compression=compression)
        assert not answer.HasField("partial_success")
        logs = logs_service_pb2.ExportLogsServiceRequest()
        logs.resource_logs.add().scope_logs.add().log_records.add(event_name="gen_ai.evaluation.result")
        logs_service_pb2_grpc.LogsServiceStub(opened).Export(logs, compression=compression)
        metrics = metrics_service_pb2.ExportMetricsServiceRequest()
        metrics_service_pb2_grpc.MetricsServiceStub(opened).Export(metrics, compression=compression)
    assert [(taken.signal, taken.encoding, taken.now, taken.items) for taken in lab.neighbour.taken] == [
        ("traces", "protobuf", NOW, 1000),
        ("logs", "protobuf", NOW, 1),
        ("metrics", "protobuf", NOW, 0),
    ]
    assert lab.requests == [("grpc", "traces", "OK"), ("grpc", "logs", "OK"), ("grpc", "metrics", "OK")]


def test_rejected_items_are_reported_as_partial_success(lab: Lab) -> None:
    lab.neighbour.answer = lambda items: Receipt(items - 1, 1, "no span id")
    answer = trace_service_pb2.ExportTraceServiceResponse.FromString(export(lab.grpc().port, spans_body(2)))
    assert (answer.partial_success.rejected_spans, answer.partial_success.error_message) == (1, "no span id")


@pytest.mark.parametrize(
    ("body", "compression"),
    [
        (b"\xff\xfe\xfd", grpc.Compression.NoCompression),
        (b"\xff\xfe\xfd" * 1000, grpc.Compression.Gzip),
        (gzip.compress(spans_body(50))[:-9], grpc.Compression.NoCompression),
        (gzip.compress(spans_body(50))[:-8] + b"12345678", grpc.Compression.NoCompression),
    ],
    ids=["garbage", "compressed garbage", "truncated gzip", "corrupt gzip"],
)
def test_unreadable_messages_are_invalid_arguments(lab: Lab, body: bytes, compression: grpc.Compression) -> None:
    error = refusal(lab.grpc().port, body, compression)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (details(error).code, details(error).message) == (3, error.details())
    assert lab.requests == [("grpc", "traces", "INVALID_ARGUMENT")]
    assert lab.neighbour.taken == []


def test_full_is_resource_exhausted_with_a_delay(lab: Lab) -> None:
    def full(items: int) -> Receipt:
        raise Full(2.5)

    lab.neighbour.answer = full
    error = refusal(lab.grpc().port, spans_body())
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (details(error).code, retry_seconds(details(error))) == (8, 2.5)


def test_draining_is_unavailable_with_a_delay(lab: Lab) -> None:
    receiver = lab.grpc()
    receiver.set_draining()
    error = refusal(receiver.port, spans_body())
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert retry_seconds(details(error)) == 5
    assert lab.requests == [("grpc", "traces", "UNAVAILABLE")]
    with channel(receiver.port) as opened:
        assert opened.unary_unary(HEALTH)(b"") == b"\x08\x02"


@pytest.mark.parametrize(
    ("body", "compression"),
    [
        (bytes(50_001), grpc.Compression.NoCompression),
        (bytes(100_001), grpc.Compression.Gzip),
        (bytes(30_000_000), grpc.Compression.Gzip),
    ],
    ids=["too large", "one byte over", "gzip bomb"],
)
def test_large_messages_are_refused_for_good(lab: Lab, body: bytes, compression: grpc.Compression) -> None:
    receiver = lab.grpc(limits=SMALL)
    error = refusal(receiver.port, body, compression)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    if found := dict(error.trailing_metadata()).get("grpc-status-details-bin"):
        assert not status_pb2.Status.FromString(found).details, "without a delay, so that it is not sent again"
    assert lab.neighbour.taken == []
    eventually("the refusal is counted", lambda: len(lab.requests) == 1)
    assert lab.requests == [("grpc", "traces", "RESOURCE_EXHAUSTED")]
    assert export(receiver.port, spans_body()) == b""


def test_limits_can_be_lowered_while_running(lab: Lab) -> None:
    receiver = lab.grpc()
    receiver.set_limits(SMALL)
    assert refusal(receiver.port, bytes(50_001)).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_other_compression_is_unimplemented(lab: Lab) -> None:
    error = refusal(lab.grpc().port, spans_body(), grpc.Compression.Deflate)
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_fault_of_ours_is_internal_and_logged_once(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    def broken(items: int) -> Receipt:
        raise ZeroDivisionError("a defect")

    answer_well = lab.neighbour.answer
    lab.neighbour.answer = broken
    port = lab.grpc().port
    with caplog.at_level(logging.ERROR):
        errors = [refusal(port, spans_body()) for _ in range(3)]
    assert {error.code() for error in errors} == {grpc.StatusCode.INTERNAL}
    assert "a defect" not in errors[0].details()
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert lab.requests == [("grpc", "traces", "INTERNAL")] * 3
    lab.neighbour.answer = answer_well
    assert export(port, spans_body()) == b""


def test_senders_that_do_not_send_are_bounded_in_time_and_number(lab: Lab) -> None:
    receiver = lab.grpc(limits=ReceiverLimits(max_concurrent_calls=2, body_seconds=1))
    forever = threading.Event()

    def silence() -> Iterator[bytes]:
        forever.wait(DEADLINE_S)
        yield b""

    with channel(receiver.port) as first, channel(receiver.port) as second:
        slow = [opened.stream_unary(EXPORT).future(silence()) for opened in (first, second)]
        eventually("both calls are in progress", lambda: receiver.calls_in_progress == 2)
        error = refusal(receiver.port, spans_body())
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert retry_seconds(details(error)) == 1, "worth sending again"
        assert [call.exception(DEADLINE_S).code() for call in slow] == [grpc.StatusCode.DEADLINE_EXCEEDED] * 2
        forever.set()
    assert export(receiver.port, spans_body()) == b""


def test_a_call_without_a_message_is_refused(lab: Lab) -> None:
    with channel(lab.grpc().port) as opened, pytest.raises(grpc.RpcError) as caught:
        opened.stream_unary(EXPORT)(iter(()), timeout=DEADLINE_S)
    assert "no message" in caught.value.details()
    assert lab.requests == [("grpc", "traces", "RESOURCE_EXHAUSTED")]


@pytest.mark.parametrize(
    ("request_bytes", "code"),
    [
        (b"", None),
        (b"\x0a\x16grpc.health.v1.Health", grpc.StatusCode.NOT_FOUND),
        (b"\x0a\x15grpc.health.v1.Health", None),
        (b"\x0a\x07unknown", grpc.StatusCode.NOT_FOUND),
        (bytes(1000), grpc.StatusCode.NOT_FOUND),
    ],
)
def test_health(lab: Lab, request_bytes: bytes, code: grpc.StatusCode | None) -> None:
    with channel(lab.grpc().port) as opened:
        check = opened.unary_unary(HEALTH)
        if code is None:
            assert check(request_bytes) == b"\x08\x01"
        else:
            with pytest.raises(grpc.RpcError) as caught:
                check(request_bytes)
            assert caught.value.code() is code


def test_garbage_never_causes_a_server_error(lab: Lab) -> None:
    chance = random.Random(7)
    good = [spans_body(5), gzip.compress(spans_body(5))]
    with channel(lab.grpc().port) as opened:
        call = opened.unary_unary(EXPORT)
        for _ in range(150):
            body = bytearray(chance.choice([*good, chance.randbytes(chance.randrange(200))]))
            for _ in range(chance.randrange(4)):
                if body:
                    body[chance.randrange(len(body))] = chance.randrange(256)
            with contextlib.suppress(grpc.RpcError):
                call(bytes(body[: chance.randrange(len(body) + 1)]), timeout=DEADLINE_S)
    assert len(lab.requests) == 150
    assert {code for _, _, code in lab.requests} == {"OK", "INVALID_ARGUMENT"}
