"""Sends spans the way an SDK's batch processor does: from a bounded queue, in the background, with retries.

The application never waits: what does not fit in the queue is dropped and counted, as a whole request, so that the
totals of what was sent stay comparable with what a receiver counts.
"""

from __future__ import annotations

import gzip
import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from .encode import Scope, Scoped

MAX_QUEUED_SPANS = 8_192
MAX_BATCH_SPANS = 512
RETRIED = frozenset({429, 502, 503, 504})
FIRST_BACKOFF_S = 0.5
MAX_BACKOFF_S = 10.0
MAX_ATTEMPTS = 6
REQUEST_TIMEOUT_S = 10.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Queued(NamedTuple):
    """A finished span and the resource that sent it."""

    resource: Resource
    scoped: Scoped


class Delivery:
    """What became of the spans of one sender. All numbers are spans, except ``batches`` and ``retries``."""

    __slots__ = ("batches", "dropped", "failed", "last_error", "rejected", "retries", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.dropped = 0  # no room in the queue
        self.failed = 0  # given up after retries
        self.rejected = 0  # accepted by the receiver, which said it could not read them
        self.batches = 0
        self.retries = 0
        self.last_error = ""

    @property
    def lost(self) -> int:
        """Spans that no receiver will count."""
        return self.dropped + self.failed + self.rejected


class Sender:
    """One service's exporter: a queue and a thread. ``delay_s`` is how long a batch waits to fill."""

    def __init__(
        self,
        endpoint: str,
        *,
        delay_s: float = 1.0,
        max_queued: int = MAX_QUEUED_SPANS,
        session: requests.Session | None = None,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._delay_s = delay_s
        self._max_queued = max_queued
        self._spans: deque[Queued] = deque()
        self._records: deque[tuple[Resource, LogRecord]] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._abandon = threading.Event()
        self._session = session or requests.Session()
        # A proxy is for the outside: it could not reach a receiver that listens on this machine only.
        self._session.trust_env = urlsplit(endpoint).hostname not in LOOPBACK
        self.delivery = Delivery()
        self._thread = threading.Thread(target=self._run, name="simulate-sender", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        """Spans that wait to be sent."""
        return len(self._spans)

    def offer(self, resource: Resource, spans: Sequence[Scoped], records: Sequence[LogRecord] = ()) -> bool:
        """Queue all spans and records, or none: False, and counted, when there is no room. Never blocks."""
        with self._wake:
            if (
                self._closing
                or len(self._spans) + len(spans) > self._max_queued
                or len(self._records) > self._max_queued
            ):
                self.delivery.dropped += len(spans)
                return False
            self._spans.extend(Queued(resource, scoped) for scoped in spans)
            self._records.extend((resource, record) for record in records)
            if len(self._spans) >= MAX_BATCH_SPANS:
                self._wake.notify()
        return True

    def finish(self) -> None:
        """Take no more spans, and send what is queued without waiting for batches to fill."""
        with self._wake:
            self._closing = True
            self._wake.notify()

    def close(self, timeout_s: float) -> Delivery:
        """Finish, for at most ``timeout_s``, then stop; what is left counts as failed."""
        self.finish()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._abandon.set()
            self._thread.join(REQUEST_TIMEOUT_S + 1)
        with self._wake:
            self.delivery.failed += len(self._spans)
            self._spans.clear()
        self._session.close()
        return self.delivery

    def _run(self) -> None:
        while not self._abandon.is_set():
            with self._wake:
                if not self._closing and len(self._spans) < MAX_BATCH_SPANS:
                    self._wake.wait(self._delay_s)
                spans = [self._spans.popleft() for _ in range(min(MAX_BATCH_SPANS, len(self._spans)))]
                records = [self._records.popleft() for _ in range(min(MAX_BATCH_SPANS, len(self._records)))]
                if not spans and not records and self._closing:
                    return
            if spans:
                self._send_spans(spans)
            if records:
                self._post("/v1/logs", logs_body(records))

    def _send_spans(self, spans: list[Queued]) -> None:
        response = self._post("/v1/traces", traces_body(spans))
        if response is None:
            self.delivery.failed += len(spans)
            return
        rejected = 0
        try:
            answer = ExportTraceServiceResponse.FromString(response.content)
            rejected = answer.partial_success.rejected_spans
            if rejected:
                self.delivery.last_error = answer.partial_success.error_message
        except DecodeError:
            self.delivery.last_error = "the response to an export is not an ExportTraceServiceResponse"
        self.delivery.rejected += rejected
        self.delivery.sent += len(spans) - rejected
        self.delivery.batches += 1

    def _post(self, path: str, body: bytes) -> requests.Response | None:
        """The response that accepted the body; None when no attempt succeeded."""
        payload = gzip.compress(body, 5)
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
        backoff_s = FIRST_BACKOFF_S
        for attempt in range(MAX_ATTEMPTS):
            if attempt:
                self.delivery.retries += 1
            wait_s = backoff_s
            try:
                response = self._session.post(
                    self._endpoint + path, data=payload, headers=headers, timeout=REQUEST_TIMEOUT_S
                )
            except requests.RequestException as error:
                self.delivery.last_error = f"no answer from {self._endpoint}: {type(error).__name__}"
            else:
                if response.ok:
                    return response
                self.delivery.last_error = f"HTTP {response.status_code} from {path}"
                if response.status_code not in RETRIED:
                    return None
                wait_s = _retry_after(response.headers.get("Retry-After", ""), backoff_s)
            if attempt + 1 == MAX_ATTEMPTS or self._abandon.wait(wait_s):
                return None
            backoff_s = min(backoff_s * 2, MAX_BACKOFF_S)
        return None


def _retry_after(header: str, default_s: float) -> float:
    try:
        return min(max(float(header), 0.0), MAX_BACKOFF_S)
    except ValueError:
        return default_s


def traces_body(spans: Sequence[Queued]) -> bytes:
    """A trace export request; spans are grouped by resource and scope, in the order of the queue within each."""
    grouped: dict[int, tuple[Resource, dict[Scope, list[Scoped]]]] = {}
    for resource, scoped in spans:
        scopes = grouped.setdefault(id(resource), (resource, {}))[1]
        scopes.setdefault(scoped.scope, []).append(scoped)
    request = ExportTraceServiceRequest()
    for resource, scopes in grouped.values():
        resource_spans = request.resource_spans.add(resource=resource)
        for scope, group in scopes.items():
            resource_spans.scope_spans.add(
                scope=InstrumentationScope(name=scope.name, version=scope.version), spans=[item.span for item in group]
            )
    return request.SerializeToString()


def logs_body(records: Sequence[tuple[Resource, LogRecord]]) -> bytes:
    """A logs export request, records grouped by resource."""
    grouped: dict[int, tuple[Resource, list[LogRecord]]] = {}
    for resource, record in records:
        grouped.setdefault(id(resource), (resource, []))[1].append(record)
    request = ExportLogsServiceRequest()
    for resource, group in grouped.values():
        request.resource_logs.add(resource=resource).scope_logs.add(
            scope=InstrumentationScope(name="app.evaluation", version="1.0"), log_records=group
        )
    return request.SerializeToString()
