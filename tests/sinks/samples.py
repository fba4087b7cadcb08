"""Records to be stored, and small helpers that wait."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import psycopg

from genai_exporter.config import StoreSettings
from genai_exporter.metrics.recorder import Priced
from genai_exporter.metrics.store import Store
from genai_exporter.price.rates import Cost
from genai_exporter.records import Call, Evaluation, Feedback, Role, Settled, Step
from genai_exporter.sinks.breaker import Breaker
from genai_exporter.sinks.postgres.sessions import SessionBoard
from genai_exporter.sinks.postgres.writer import Ledger

Answer = TypeVar("Answer")

#: The clock of these tests: noon of this day, so that no test comes near midnight by itself.
NOW = time.time() // 86_400 * 86_400 + 43_200
DIMENSIONS = ("service_name", "deployment_environment_name", "llm_flow")
_numbers = itertools.count(1)


def wait_until(what: str, ask: Callable[[], Answer | None], seconds: float = 30.0) -> Answer:
    """Asks until the answer is true and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}; last answer: {answer!r}"
        time.sleep(0.01)


def call(**changes: Any) -> Call:
    """A successful call with ids of its own."""
    number = next(_numbers)
    plain = Call(
        trace_id=number.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        start_ns=int((NOW - 60) * 1e9),
        duration_s=1.5,
        operation="chat",
        provider="openai",
        request_model="gpt-4o",
        response_model="gpt-4o-2024-11-20",
        service="bot",
        service_version="1.2",
        environment="prod",
        flow="/chat",
        segment="pro",
        agent="",
        prompt_name="answer",
        prompt_version="v2",
        error_type="",
        finish_reason="stop",
        streaming=True,
        ttft_s=0.25,
        input_tokens=100,
        output_tokens=20,
        cache_read_tokens=10,
        cache_write_tokens=None,
        cache_write_1h_tokens=None,
        reasoning_tokens=0,
        reported_cost_usd=None,
        service_tier="",
        batch=False,
        refusal=False,
        regenerated=False,
        retries=0,
        response_cache_hit=None,
        response_id=f"resp-{number}",
        session="s-1",
        user="ada",
        dialect="opentelemetry",
    )
    return msgspec.structs.replace(plain, **changes)


def step(**changes: Any) -> Step:
    """A retrieval with ids of its own."""
    number = next(_numbers)
    plain = Step(
        role=int(Role.RETRIEVAL),
        name="search",
        trace_id=number.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        start_ns=int((NOW - 60) * 1e9),
        duration_s=0.5,
        error_type="",
        service="bot",
        service_version="1.2",
        environment="prod",
        flow="/chat",
        segment="pro",
        agent="",
        prompt_name="answer",
        prompt_version="v2",
    )
    return msgspec.structs.replace(plain, **changes)


def score(of: Call | None, **changes: Any) -> Evaluation:
    """An evaluation of a call."""
    plain = Evaluation(
        name="correctness",
        score=0.9,
        result="pass",
        service="bot",
        environment="prod",
        flow="/chat",
        segment="pro",
        prompt_name="answer",
        prompt_version="v2",
        trace_id=of.trace_id if of else b"",
        span_id=of.span_id if of else b"",
    )
    return msgspec.structs.replace(plain, **changes)


def thumb(of: Call | None, rating: str = "positive") -> Feedback:
    """A person's verdict on a call."""
    trace_id, span_id = (of.trace_id, of.span_id) if of else (b"", b"")
    return Feedback(rating, "bot", "prod", "/chat", "pro", "answer", "v2", trace_id, span_id)


def settled(*records: Call | Step | Evaluation | Feedback) -> Settled:
    """Records as they settle together."""
    result = Settled([], [], [], [])
    places: dict[type, list[Any]] = {
        Call: result.calls,
        Step: result.steps,
        Evaluation: result.evaluations,
        Feedback: result.feedback,
    }
    for record in records:
        places[type(record)].append(record)
    return result


class Book:
    """A ledger on a database, with the metrics that it feeds, and questions to the database."""

    def __init__(self, dsn: str, now: float = NOW, **settings: Any) -> None:
        sessions = settings.pop("sessions", None)
        given = {"batch_seconds": 0.0, **settings, **({"sessions": sessions} if sessions else {})}
        self.settings = StoreSettings(**given)
        self.store = Store(max_label_values=100, max_series=10_000, idle_seconds=3600)
        self.board = SessionBoard(self.store, DIMENSIONS)
        self.dsn = dsn
        self.now = now
        self.ledger = Ledger(
            self.settings,
            lambda: self.dsn,
            self.board,
            breaker=Breaker(first=0.01, longest=0.1),
            clock=lambda: self.now,
        )

    def __enter__(self) -> Book:
        self.ledger.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.ledger.stop(10.0)

    @property
    def items(self) -> dict[str, int]:
        """What became of the rows, without zeros."""
        return {result: count for result, count in self.ledger.stats.items().items() if count}

    def take(self, *records: Call | Step | Evaluation | Feedback, usd: float | None = 0.01) -> None:
        """Hand over records that settled together."""
        batch = settled(*records)
        costs: Sequence[Priced] = [Cost(usd, "computed" if usd is not None else "")] * len(batch.calls)
        self.ledger.offer(batch, costs, self.now)

    def written(self) -> None:
        """Wait until nothing waits any more."""
        wait_until("everything is written", lambda: self.ledger.stats.waiting() == 0)

    def ask(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query, parameters or None).fetchall()

    def one(self, query: str, *parameters: Any) -> Any:
        """The only value of a query."""
        ((value,),) = self.ask(query, *parameters)
        return value

    def page(self) -> str:
        """The metrics of sessions, as they are scraped."""
        self.board.tick(self.now)
        return self.store.render(openmetrics=False).decode()
