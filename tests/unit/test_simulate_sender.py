"""The simulator's exporter: batches, retries, and an application that never waits for it."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from genai_exporter.simulate.conversation import Chatbot
from genai_exporter.simulate.dialects import DIALECTS
from genai_exporter.simulate.encode import Scoped, resource_of
from genai_exporter.simulate.model import Deployment
from genai_exporter.simulate.scenario import STEADY
from genai_exporter.simulate.sender import MAX_BATCH_SPANS, Sender

RESOURCE = resource_of(Deployment("chat", "1.8.0", "gpt-4o-2024-11-20", "v2.3", "demo", "chat-0"))
NOW_NS = 1_760_000_000_000_000_000
WAIT_S = 20.0


def answer(status: int = 200, *, content: bytes = b"", retry_after: str = "0") -> Any:
    return SimpleNamespace(
        status_code=status,
        ok=status < 400,
        content=content,
        headers={"Retry-After": retry_after} if status == 429 else {},
    )


class FakeSession:
    """Answers posts from a script, then with 200, and keeps what it was sent."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.posts: list[tuple[str, bytes, dict[str, str]]] = []
        self.trust_env = True

    def post(self, url: str, data: bytes, headers: dict[str, str], timeout: float) -> Any:
        self.posts.append((url, data, headers))
        step = self.script.pop(0) if self.script else answer()
        if isinstance(step, Exception):
            raise step
        return step() if isinstance(step, Callable) else step  # type: ignore[arg-type]

    def close(self) -> None:
        pass

    def exports(self) -> list[ExportTraceServiceRequest]:
        bodies = [gzip.decompress(data) for url, data, _ in self.posts if url.endswith("/v1/traces")]
        return [ExportTraceServiceRequest.FromString(body) for body in bodies]


def sender(session: FakeSession, *, max_queued: int = 8_192) -> Sender:
    return Sender("http://receiver.test:4318/", delay_s=0.01, max_queued=max_queued, session=session)  # type: ignore[arg-type]


def spans(requests_count: int) -> list[Scoped]:
    chatbot = Chatbot(1)
    return [
        item
        for _ in range(requests_count)
        for item in DIALECTS["otel"].spans(chatbot.next(STEADY), NOW_NS, content=True)
    ]


def names(export: ExportTraceServiceRequest) -> int:
    return sum(len(scope.spans) for resource in export.resource_spans for scope in resource.scope_spans)


def test_everything_offered_is_sent_in_bounded_gzip_batches() -> None:
    """R105: flushed before exit."""
    session = FakeSession()
    sending = sender(session)
    offered = spans(150)
    assert len(offered) > MAX_BATCH_SPANS
    assert sending.offer(RESOURCE, offered)
    delivery = sending.close(WAIT_S)
    exports = session.exports()
    assert [names(export) for export in exports[:1]] == [MAX_BATCH_SPANS]
    assert sum(map(names, exports)) == len(offered) == delivery.sent
    assert delivery.lost == 0
    assert {url for url, _, _ in session.posts} == {"http://receiver.test:4318/v1/traces"}
    assert {headers["Content-Encoding"] for _, _, headers in session.posts} == {"gzip"}
    sent = [span.span_id for e in exports for r in e.resource_spans for scope in r.scope_spans for span in scope.spans]
    assert sorted(sent) == sorted(item.span.span_id for item in offered)


def test_spans_are_grouped_by_resource_and_scope() -> None:
    session = FakeSession()
    sending = sender(session)
    other = resource_of(Deployment("chat", "1.8.1", "gpt-4o-2024-11-20", "v2.4", "demo", "chat-1"))
    sending.offer(RESOURCE, spans(5))
    sending.offer(other, spans(5))
    sending.close(WAIT_S)
    for export in session.exports():
        for resource in export.resource_spans:
            scopes = [scope.scope.name for scope in resource.scope_spans]
            assert len(scopes) == len(set(scopes))
    assert len({r.resource.SerializeToString() for e in session.exports() for r in e.resource_spans}) == 2


@pytest.mark.parametrize(
    "trouble", [answer(429), requests.ConnectionError("refused")], ids=["too many requests", "no receiver"]
)
def test_a_batch_is_sent_again_after_trouble(trouble: Any) -> None:
    session = FakeSession(trouble)
    sending = sender(session)
    offered = spans(3)
    sending.offer(RESOURCE, offered)
    delivery = sending.close(WAIT_S)
    assert delivery.retries == 1
    assert delivery.sent == len(offered)
    first, second = session.exports()
    assert first == second


def test_a_refusal_is_final() -> None:
    session = FakeSession(answer(400))
    sending = sender(session)
    offered = spans(3)
    sending.offer(RESOURCE, offered)
    delivery = sending.close(WAIT_S)
    assert (delivery.failed, delivery.sent, delivery.retries) == (len(offered), 0, 0)
    assert delivery.last_error == "HTTP 400 from /v1/traces"


def test_what_the_receiver_rejects_is_counted() -> None:
    rejection = ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=2, error_message="2 spans have no id")
    )
    session = FakeSession(answer(content=rejection.SerializeToString()))
    sending = sender(session)
    offered = spans(3)
    sending.offer(RESOURCE, offered)
    delivery = sending.close(WAIT_S)
    assert (delivery.rejected, delivery.sent) == (2, len(offered) - 2)
    assert delivery.last_error == "2 spans have no id"


def test_a_full_queue_drops_whole_requests_at_once_and_counts_them() -> None:
    held = threading.Event()
    entered = threading.Event()

    def hold() -> Any:
        entered.set()
        assert held.wait(WAIT_S)
        return answer()

    session = FakeSession(hold)
    sending = sender(session, max_queued=60)
    first = spans(2)
    assert sending.offer(RESOURCE, first)
    assert entered.wait(WAIT_S)  # the receiver has the first batch and does not answer
    accepted = dropped = 0
    for _ in range(30):
        batch = spans(1)
        if sending.offer(RESOURCE, batch):
            accepted += len(batch)
        else:
            dropped += len(batch)
    assert accepted <= 60
    assert sending.queued == accepted
    assert sending.delivery.dropped == dropped > 0
    held.set()
    delivery = sending.close(WAIT_S)
    assert delivery.sent == len(first) + accepted
    assert delivery.lost == dropped


def test_log_records_go_to_the_logs_path() -> None:
    chatbot = Chatbot(1)
    request = next(request for request in iter(lambda: chatbot.next(STEADY), None) if request.verdicts)
    session = FakeSession()
    sending = sender(session)
    sending.offer(RESOURCE, (), DIALECTS["otel"].evaluations(request, NOW_NS))
    sending.close(WAIT_S)
    [(url, data, _)] = session.posts
    assert url.endswith("/v1/logs")
    export = ExportLogsServiceRequest.FromString(gzip.decompress(data))
    records = export.resource_logs[0].scope_logs[0].log_records
    assert [record.event_name for record in records] == ["gen_ai.evaluation.result"] * len(request.verdicts)


@pytest.mark.parametrize(("host", "proxied"), [("127.0.0.1", False), ("localhost", False), ("otel.example", True)])
def test_a_proxy_is_not_asked_for_this_machine(host: str, proxied: bool) -> None:
    session = FakeSession()
    Sender(f"http://{host}:4318", session=session).close(WAIT_S)  # type: ignore[arg-type]
    assert session.trust_env is proxied
