"""Every captured export through the pipeline into the ledger: the ledger says what the metrics say (R48, R97, R133)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import pytest
from prometheus_client.parser import text_string_to_metric_families

from corpus.cases import ORDERS, cases
from genai_exporter import catalogue
from genai_exporter.metrics.recorder import Priced, Recorder
from genai_exporter.metrics.store import Store
from genai_exporter.pipeline import Pipeline, PipelineSettings
from genai_exporter.price import Pricer
from genai_exporter.records import Settled

from .samples import Book

NOW = time.time()
TOTALS = """
SELECT count(*), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(reasoning_tokens),
       sum(cost_usd)::double precision, count(*) FILTER (WHERE error_type <> '')
FROM calls
"""


def replayed(book: Book, order: str, *, every: int = 1) -> tuple[Counter[str], list[tuple[Settled, list[Priced]]]]:
    """Every ``every``-th case through a pipeline of its own into one ledger; what the metrics say, and what settled."""
    shown: Counter[str] = Counter()
    heard: list[tuple[Settled, list[Priced]]] = []

    def on_settled(settled: Settled, costs: Sequence[Priced], now: float) -> None:
        heard.append((settled, list(costs)))
        book.ledger.offer(settled, costs, now)

    for case in cases()[::every]:
        store = Store(max_label_values=500, max_series=200_000, idle_seconds=3600)
        recorder = Recorder(store, catalogue.DEFAULT_DIMENSIONS, price=Pricer(log_unpriced=False).price)
        recorder.on_settled = on_settled
        pipeline = Pipeline(PipelineSettings(), recorder)
        for body in ORDERS[order](case.bodies):
            pipeline.traces(body, "protobuf", NOW)
        pipeline.drain(NOW + 100)
        for family in text_string_to_metric_families(store.render(openmetrics=False).decode()):
            for sample in family.samples:
                shown[f"{sample.name} {sample.labels.get('gen_ai_token_type', '')}".strip()] += sample.value
    return shown, heard


@pytest.fixture
def book(dsn: str) -> Book:
    return Book(dsn, now=NOW, retention_days=36_500, batch_seconds=0.5, batch_rows=500)


def test_the_ledger_equals_the_metrics_to_the_token_and_to_the_dollar_however_often_it_is_replayed(book: Book) -> None:
    with book:
        shown, heard = replayed(book, "as captured")
        book.written()
        calls = [call for settled, _ in heard for call in settled.calls]
        assert len(calls) == shown["gen_ai_client_operation_duration_seconds_count"] > 300
        (totals,) = book.ask(TOTALS)
        count, input_tokens, output_tokens, cached, reasoning, cost, failed = totals
        assert count == len(calls) == len({(call.trace_id, call.span_id) for call in calls})
        assert input_tokens == shown["gen_ai_client_token_usage_sum input"]
        assert output_tokens == shown["gen_ai_client_token_usage_sum output"]
        assert cached == shown["llm_cached_input_tokens_total"]
        assert reasoning == shown["llm_reasoning_output_tokens_total"]
        assert cost == pytest.approx(shown["llm_cost_usd_total"], rel=1e-9, abs=1e-9)
        assert cost > 0
        assert failed == sum(call.error_type != "" for call in calls)
        steps = [step for settled, _ in heard for step in settled.steps]
        assert book.one("SELECT count(*) FROM steps") == len(steps) > 100

        before = book.ledger.stats.items()
        assert before["rejected"] == before["expired"] == before["dropped"] == 0
        replayed(book, "as captured")
        book.written()
        after = book.ledger.stats.items()
        assert after["delivered"] == before["delivered"]
        assert after["duplicate"] - before["duplicate"] == before["delivered"] + before["duplicate"]
        assert book.ask(TOTALS) == [totals]


def test_another_order_of_arrival_adds_nothing(book: Book) -> None:
    with book:
        replayed(book, "as captured", every=3)
        book.written()
        totals = book.ask(TOTALS)
        replayed(book, "single spans shuffled", every=3)
        book.written()
        assert book.ask(TOTALS) == totals


def test_sessions_add_up_to_their_calls(book: Book) -> None:
    with book:
        replayed(book, "as captured")
        book.written()
    question = """
        SELECT service, environment, session, count(*), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
               coalesce(sum(cost_usd), 0), min(started_at)
        FROM calls WHERE session <> '' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """
    expected = book.ask(question)
    assert len(expected) > 3
    columns = "service, environment, session, calls, input_tokens, output_tokens, cost_usd, first_at"
    assert book.ask(f"SELECT {columns} FROM sessions ORDER BY 1, 2, 3") == expected
