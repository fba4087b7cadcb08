"""Replay: what is sent, how it can be changed, and what is done about answers."""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import requests
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from genai_exporter import captures, replay
from genai_exporter.captures import JSON, PROTOBUF, Capture, CaptureError

SECOND = 1_000_000_000
BASE = 1_700_000_000 * SECOND
ENDPOINT = "http://collector:4318"


def traces(spans: int = 3, base: int = BASE) -> Any:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add(schema_url="https://opentelemetry.io/schemas/1.37.0")
    group.resource.attributes.add(key="service.name").value.string_value = "chat"
    group.resource.attributes.add(key="service.version").value.string_value = "7"
    scope = group.scope_spans.add()
    scope.scope.name = "instrumentation"
    for number in range(spans):
        start = base + number * SECOND
        span = scope.spans.add(
            trace_id=b"t" * 16,
            span_id=bytes([number + 1]) * 8,
            name=f"span {number}",
            start_time_unix_nano=start,
            end_time_unix_nano=start + SECOND // 2,
        )
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 100 + number
        span.attributes.add(key="note").value.string_value = "2023 was a year"
        span.events.add(name="first token", time_unix_nano=start + SECOND // 4)
    return request


def written(tmp_path: Path, name: str, body: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(body)
    return path


def capture(request: Any, signal: str = "traces") -> Capture:
    return Capture("test", signal, PROTOBUF, request.SerializeToString(), request)


class FakeSession(requests.Session):
    """Records what is posted and answers from a list; the last answer repeats."""

    def __init__(self, *answers: requests.Response | Exception) -> None:
        super().__init__()
        self.answers = list(answers) or [answer()]
        self.posted: list[tuple[str, bytes, str]] = []

    def post(self, url: Any, data: Any = None, json: Any = None, **options: Any) -> requests.Response:
        self.posted.append((url, data, options["headers"]["Content-Type"]))
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, Exception):
            raise given
        return given


def answer(status: int = 200, body: bytes = b"", kind: str = PROTOBUF, **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.reason = "Reason"
    response._content = body
    response.headers.update({"Content-Type": kind} | {name.replace("_", "-"): text for name, text in headers.items()})
    return response


def sent(session: FakeSession, prepared: Iterable[Capture]) -> tuple[replay.Summary, list[float]]:
    summary, slept = replay.Summary(), list[float]()
    replay.send(prepared, ENDPOINT, session, summary, sleep=slept.append)
    return summary, slept


# Reading


def test_bodies_are_sent_as_they_were_captured(tmp_path: Path) -> None:
    span = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "x", "kind": 3}
    text = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}], "later": True}).encode()
    logs = ExportLogsServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=BASE)
    metrics = ExportMetricsServiceRequest()
    metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    files = [
        written(tmp_path, "chat.traces.0.pb", traces().SerializeToString()),
        written(tmp_path, "chat.traces.1.pb.gz", gzip.compress(traces(2).SerializeToString())),
        written(tmp_path, "chat.traces.2.json", text),
        written(tmp_path, "chat.logs.0.pb", logs.SerializeToString()),
        written(tmp_path, "chat.metrics.0.pb", metrics.SerializeToString()),
    ]
    session = FakeSession()
    summary, _ = sent(session, [one for path in files for one in captures.read(path)])
    assert session.posted == [
        (f"{ENDPOINT}/v1/traces", traces().SerializeToString(), PROTOBUF),
        (f"{ENDPOINT}/v1/traces", traces(2).SerializeToString(), PROTOBUF),
        (f"{ENDPOINT}/v1/traces", text, JSON),
        (f"{ENDPOINT}/v1/logs", logs.SerializeToString(), PROTOBUF),
        (f"{ENDPOINT}/v1/metrics", metrics.SerializeToString(), PROTOBUF),
    ]
    assert str(summary) == "5 requests taken (6 spans, 1 log records, 1 metrics), 0 failed, 0 repeated"


def test_json_ids_are_hexadecimal(tmp_path: Path) -> None:
    span = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "EEE19B7EC3C1B174", "startTimeUnixNano": str(BASE)}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    (found,) = captures.read(written(tmp_path, "x.traces.json", body))
    (read,) = found.request.resource_spans[0].scope_spans[0].spans
    assert read.trace_id.hex() == "5b8efff798038103d269b633813fc60c"
    assert read.span_id.hex() == "eee19b7ec3c1b174"


def test_a_file_of_json_lines_is_a_request_per_line(tmp_path: Path) -> None:
    body = b'{"resourceSpans": []}\n\n{"resourceSpans": []}\n'
    assert len(captures.read(written(tmp_path, "x.jsonl", body), "traces")) == 2


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("chat.pb", b"", "neither the name"),
        ("chat.traces.txt", b"", r"must end in \.pb"),
        ("chat.traces.pb", b"\xff\xff", "is no OTLP traces request"),
        ("chat.traces.json", b"[1]", "is no OTLP traces request in JSON"),
        ("chat.traces.json", b'{"resourceSpans": 5}', "is no OTLP traces request in JSON"),
        ("chat.traces.pb.gz", b"no gzip", "cannot be read"),
    ],
)
def test_what_is_no_capture_is_refused(tmp_path: Path, name: str, body: bytes, message: str) -> None:
    with pytest.raises(CaptureError, match=message) as refused:
        captures.read(written(tmp_path, name, body))
    assert name in str(refused.value)


# Changing


def test_times_are_shifted_together_so_that_the_newest_is_now() -> None:
    early, late = traces(2), traces(2, BASE + 60 * SECOND)
    now = time.time_ns()
    moved = replay.prepare([capture(early), capture(late)], now_ns=now)
    assert captures.newest_ns(moved) == now
    delta = now - captures.newest_ns([capture(early), capture(late)])
    for before, after in zip((early, late), moved, strict=True):
        expected = traces(2)
        expected.CopyFrom(before)
        for span in expected.resource_spans[0].scope_spans[0].spans:
            span.start_time_unix_nano += delta
            span.end_time_unix_nano += delta
            span.events[0].time_unix_nano += delta
        assert after.request == expected
        assert after.body == expected.SerializeToString()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2023-11-14T22:13:20.500Z", "2023-11-14T22:14:20.500000Z"),
        ('"2023-11-14T22:13:20Z"', '"2023-11-14T22:14:20.000000Z"'),
        ("2023-11-14T23:13:20+01:00", "2023-11-14T23:14:20.000000+01:00"),
        ("2023-11-14", "2023-11-14"),
        ("at 2023-11-14T22:13:20Z it rained", "at 2023-11-14T22:13:20Z it rained"),
        ("2023-99-14T22:13:20Z", "2023-99-14T22:13:20Z"),
    ],
)
def test_times_in_attributes_move_along(before: str, after: str) -> None:
    request = traces(1)
    (span,) = request.resource_spans[0].scope_spans[0].spans
    span.attributes.add(key="langfuse.observation.completion_start_time").value.string_value = before
    moved = captures.shifted(capture(request), 60 * SECOND)
    (changed,) = moved.request.resource_spans[0].scope_spans[0].spans
    assert changed.attributes[-1].value.string_value == after


def test_log_and_metric_times_are_shifted() -> None:
    logs = ExportLogsServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=BASE, observed_time_unix_nano=BASE + 5)
    metrics = ExportMetricsServiceRequest()
    metric = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    metric.sum.data_points.add(start_time_unix_nano=BASE, time_unix_nano=BASE + 9, as_int=1)
    moved = replay.prepare([capture(logs, "logs"), capture(metrics, "metrics")], now_ns=BASE + 109)
    record = moved[0].request.resource_logs[0].scope_logs[0].log_records[0]
    assert (record.time_unix_nano, record.observed_time_unix_nano) == (BASE + 100, BASE + 105)
    point = moved[1].request.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0]
    assert (point.start_time_unix_nano, point.time_unix_nano) == (BASE + 100, BASE + 109)


def test_a_capture_without_any_time_stays_as_it_is() -> None:
    empty = capture(ExportTraceServiceRequest())
    assert replay.prepare([empty], now_ns=BASE) == [empty]


def test_the_service_name_is_replaced_and_nothing_else() -> None:
    (moved,) = replay.prepare([capture(traces())], service="copy")
    attributes = {one.key: one.value.string_value for one in moved.request.resource_spans[0].resource.attributes}
    assert attributes == {"service.name": "copy", "service.version": "7"}
    assert moved.request.resource_spans[0].scope_spans == traces().resource_spans[0].scope_spans


def test_single_spans_together_are_the_request() -> None:
    singles = replay.prepare([capture(traces())], single_spans=True)
    assert [one.items for one in singles] == [1, 1, 1]
    joined = ExportTraceServiceRequest()
    joined.CopyFrom(singles[0].request)
    for single in singles[1:]:
        (group,) = single.request.resource_spans
        assert group.resource == traces().resource_spans[0].resource
        assert group.schema_url == traces().resource_spans[0].schema_url
        joined.resource_spans[0].scope_spans[0].spans.extend(group.scope_spans[0].spans)
    assert joined == traces()


def test_logs_and_metrics_stay_whole() -> None:
    logs = ExportLogsServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add()
    one = capture(logs, "logs")
    assert replay.prepare([one], single_spans=True) == [one]


def test_order() -> None:
    def order(**options: Any) -> list[bytes]:
        prepared = replay.prepare([capture(traces(12))], single_spans=True, **options)
        return [one.request.resource_spans[0].scope_spans[0].spans[0].span_id for one in prepared]

    forward = order()
    assert order(order="reverse") == forward[::-1]
    shuffled = order(order="shuffle", seed=5)
    assert shuffled == order(order="shuffle", seed=5)
    assert shuffled != order(order="shuffle", seed=6)
    assert shuffled != forward
    assert sorted(shuffled) == sorted(forward)


# Answers


def test_a_receiver_that_is_full_is_asked_again_when_it_says() -> None:
    session = FakeSession(answer(429, Retry_After="3"), answer(503), answer(503), answer())
    summary, slept = sent(session, [capture(traces())])
    assert len(session.posted) == 4
    assert slept == [3.0, 1.0, 2.0]
    assert (summary.sent, summary.retries, summary.failures) == (1, 3, [])


def test_a_receiver_that_stays_full_is_given_up() -> None:
    session = FakeSession(answer(429, Retry_After="9999"))
    summary, slept = sent(session, [capture(traces())])
    assert len(session.posted) == replay.MOST_ATTEMPTS
    assert set(slept) == {replay.LONGEST_WAIT_S}
    assert summary.sent == 0
    assert summary.failures == [f"test: {ENDPOINT}/v1/traces answered 429: Reason"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("7", 7.0),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, expected: float | None) -> None:
    assert replay.retry_after_s(header, 1445412480.0) == expected


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (PROTOBUF, Status(code=3, message="not a request").SerializeToString()),
        (JSON, b'{"code": 3, "message": "not a request"}'),
    ],
)
def test_a_refusal_is_told_with_its_reason_and_not_repeated(kind: str, body: bytes) -> None:
    session = FakeSession(answer(400, body, kind))
    summary, _ = sent(session, [capture(traces()), capture(traces())])
    assert len(session.posted) == 2
    assert summary.failures == [f"test: {ENDPOINT}/v1/traces answered 400: not a request"] * 2


def test_partial_success_is_told() -> None:
    partly = ExportTraceServiceResponse()
    partly.partial_success.rejected_spans = 2
    partly.partial_success.error_message = "2 spans: too large"
    as_json = b'{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "2 spans: too large"}}'
    session = FakeSession(answer(200, partly.SerializeToString()), answer(200, as_json, JSON), answer())
    summary, _ = sent(session, [capture(traces())] * 3)
    assert summary.rejections == ["test: 2 spans rejected: 2 spans: too large"] * 2
    assert str(summary) == "3 requests taken (9 spans), 0 failed, 0 repeated, 4 parts rejected"


@pytest.mark.parametrize(("kind", "body"), [(PROTOBUF, b"\xff"), (JSON, b"[]"), (JSON, b"<html>")])
def test_an_answer_that_cannot_be_read_is_told(kind: str, body: bytes) -> None:
    summary, _ = sent(FakeSession(answer(200, body, kind)), [capture(traces())])
    assert summary.rejections == ["test: 0 spans rejected: the answer cannot be read"]


def test_an_endpoint_that_is_not_there_is_not_asked_again() -> None:
    session = FakeSession(requests.ConnectionError("refused"))
    summary, _ = sent(session, [capture(traces())] * 3)
    assert len(session.posted) == 1
    assert summary.failures == [f"{ENDPOINT} cannot be reached: refused"]


def test_the_rate_is_kept_whatever_an_answer_takes() -> None:
    clock = [100.0]

    class SlowSession(FakeSession):
        def post(self, *args: Any, **options: Any) -> requests.Response:
            clock[0] += 0.125
            return super().post(*args, **options)

    started: list[float] = []

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        started.append(clock[0])

    prepared = [capture(traces())] * 4
    replay.send(prepared, ENDPOINT, SlowSession(), replay.Summary(), rate=2, sleep=sleep, clock=lambda: clock[0])
    assert started == [100.0, 100.5, 101.0, 101.5]


# The command


def parsed(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    replay.add_arguments(parser)
    return parser.parse_args(argv)


def test_a_failure_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "chat.traces.pb", traces().SerializeToString())
    assert replay.run(parsed(str(file), "--endpoint", "http://127.0.0.1:1")) == 1
    shown = capsys.readouterr()
    assert "http://127.0.0.1:1 cannot be reached" in shown.err
    assert shown.out == "0 requests taken (nothing), 1 failed, 0 repeated\n"


def test_a_bad_file_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.run(parsed(str(tmp_path / "none.traces.pb"))) == 1
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv", [["x.pb", "--endpoint", "collector:4318"], ["x.pb", "--rate", "0"], ["x.pb", "--rate", "nan"]]
)
def test_bad_arguments_are_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parsed(*argv)
    assert "argument --" in capsys.readouterr().err
