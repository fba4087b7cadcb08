"""What the receiver tests stand on: an event loop in a thread, a neighbour for the receivers, and certificates."""

from __future__ import annotations

import asyncio
import http.client
import importlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from genai_exporter.errors import Receipt, Unreadable
from genai_exporter.server import (
    GrpcReceiver,
    HttpReceiver,
    ReceiverLimits,
    Running,
    WebConfig,
    start_otlp_grpc,
    start_otlp_http,
)

T = TypeVar("T")
NOW = 1_760_000_000.0
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
DEADLINE_S = 20.0


def eventually(what: str, condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; fail with ``what`` when it does not in time."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(0.01)


class Taken(NamedTuple):
    signal: str
    encoding: str
    now: float
    items: int
    bytes: int


class Neighbour:
    """Stands for the pipeline: reads every body with the official classes, and can be told how to answer."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.answer: Callable[[int], Receipt] = Receipt

    def traces(self, body: bytes, encoding: str, now: float) -> Receipt:
        request = self._parse(ExportTraceServiceRequest(), body, encoding)
        spans = sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
        return self._take("traces", encoding, now, spans, body)

    def logs(self, body: bytes, encoding: str, now: float) -> Receipt:
        request = self._parse(ExportLogsServiceRequest(), body, encoding)
        records = sum(len(scope.log_records) for resource in request.resource_logs for scope in resource.scope_logs)
        return self._take("logs", encoding, now, records, body)

    def metrics(self, body: bytes, encoding: str, now: float) -> Receipt:
        request = self._parse(ExportMetricsServiceRequest(), body, encoding)
        found = sum(len(scope.metrics) for resource in request.resource_metrics for scope in resource.scope_metrics)
        return self._take("metrics", encoding, now, found, body)

    def _take(self, signal: str, encoding: str, now: float, items: int, body: bytes) -> Receipt:
        receipt = self.answer(items)
        self.taken.append(Taken(signal, encoding, now, items, len(body)))
        return receipt

    @staticmethod
    def _parse(message: Any, body: bytes, encoding: str) -> Any:
        try:
            if encoding == "protobuf":
                message.ParseFromString(body)
            elif body:
                json_format.Parse(body.decode(), message)
        except (DecodeError, json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
            raise Unreadable(str(error)) from error
        return message


class Answer(NamedTuple):
    """One HTTP response. Header names are in lower case; repeated ones are joined by a comma."""

    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def status(self) -> status_pb2.Status:
        """The error body, decoded from the encoding that the response names."""
        made = status_pb2.Status()
        if self.headers["content-type"] == JSON:
            return json_format.Parse(self.body, made)
        assert self.headers["content-type"] == PROTOBUF
        made.ParseFromString(self.body)
        return made


def retry_seconds(status: status_pb2.Status) -> float:
    """The delay of the RetryInfo detail."""
    info = error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    return float(info.retry_delay.ToNanoseconds()) / 1e9


class Lab:
    """Servers on an event loop of their own, so that ordinary blocking clients can talk to them.

    ``loop`` is the module that makes the loop: ``uvloop``, as the service does where it is installed, or ``asyncio``.
    """

    def __init__(self, loop: str = "uvloop") -> None:
        self.neighbour = Neighbour()
        self.requests: list[tuple[str, str, str]] = []
        self._loop: asyncio.AbstractEventLoop = importlib.import_module(loop).new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._running: list[Running] = []

    def __enter__(self) -> Lab:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for running in self._running:
            self.run(running.stop(0))
        self.run(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the servers' loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_S)

    @staticmethod
    async def _end_tasks() -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def on_request(self, transport: str, signal: str, code: str) -> None:
        self.requests.append((transport, signal, code))

    def http(self, web_config: WebConfig | None = None, **more: Any) -> HttpReceiver:
        limits = more.pop("limits", ReceiverLimits())
        receiver = self.run(
            start_otlp_http(
                more.pop("pipeline", self.neighbour),
                listen="127.0.0.1:0",
                limits=limits,
                web_config=web_config,
                now=lambda: NOW,
                on_request=self.on_request,
                **more,
            )
        )
        self._running.append(receiver)
        return receiver

    def grpc(self, web_config: WebConfig | None = None, limits: ReceiverLimits | None = None) -> GrpcReceiver:
        receiver = self.run(
            start_otlp_grpc(
                self.neighbour,
                listen="127.0.0.1:0",
                limits=limits or ReceiverLimits(),
                web_config=web_config,
                now=lambda: NOW,
                on_request=self.on_request,
            )
        )
        self._running.append(receiver)
        return receiver

    def keep(self, start: Coroutine[Any, Any, Running]) -> Running:
        """Start another server, to be stopped at the end."""
        running = self.run(start)
        self._running.append(running)
        return running


def ask(
    port: int, method: str = "POST", path: str = "/v1/traces", body: Any = b"", context: Any = None, **headers: str
) -> Answer:
    """One request on a connection of its own. Underscores in header names stand for hyphens."""
    connection = (
        http.client.HTTPSConnection("localhost", port, timeout=DEADLINE_S, context=context)
        if context
        else http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    )
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        received: dict[str, str] = {}
        for name, value in response.getheaders():
            known = received.get(name.lower())
            received[name.lower()] = f"{known}, {value}" if known else value
        return Answer(response.status, received, response.read())
    finally:
        connection.close()


def send(port: int, body: bytes, path: str = "/v1/traces", content_type: str = PROTOBUF, **headers: str) -> Answer:
    """One OTLP request."""
    return ask(port, "POST", path, body, Content_Type=content_type, **headers)


def spans_body(count: int = 1, text: str = "chat") -> bytes:
    """A trace request with ``count`` spans."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for index in range(count):
        scope.spans.add(trace_id=bytes(15) + b"\1", span_id=index.to_bytes(8, "big"), name=text)
    return request.SerializeToString()


def spans_json(count: int = 1) -> bytes:
    spans = [{"traceId": "0" * 31 + "1", "spanId": f"{index:016x}", "name": "chat"} for index in range(count)]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


class Authority:
    """A certificate authority made with the ``openssl`` command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "ca.crt"
        self._openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
            *("-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test authority"),
        )

    @staticmethod
    def available() -> bool:
        return shutil.which("openssl") is not None

    def issue(self, name: str, common_name: str = "localhost") -> None:
        """Write ``name.crt`` and ``name.key``, valid for localhost; an existing pair is replaced."""
        self._openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", f"{name}.key.new", "-out", f"{name}.csr", "-subj", f"/CN={common_name}"),
        )
        extensions = self.folder / "extensions"
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-days", "2", "-extfile", "extensions", "-out", f"{name}.crt.new"),
        )
        for kind in ("crt", "key"):
            (self.folder / f"{name}.{kind}.new").replace(self.folder / f"{name}.{kind}")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)
