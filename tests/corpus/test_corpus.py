"""Every capture, in every order of arrival, against what the provider served (R97, R100-R102, R106, R111)."""

from __future__ import annotations

from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from genai_exporter import catalogue
from genai_exporter.metrics.recorder import Recorder
from genai_exporter.metrics.store import Store
from genai_exporter.pipeline import Pipeline, PipelineSettings
from genai_exporter.price import Pricer
from genai_exporter.records import Call, Settled, Step

from .cases import ORDERS, Case, cases, producers
from .truth import UNSETTLED, facts

NOW = 1_790_000_000.0
PRICER = Pricer(log_unpriced=False)


class Spy(Recorder):
    """The real recorder, with a copy of what it was told."""

    def __init__(self) -> None:
        self.series = Store(max_label_values=500, max_series=200_000, idle_seconds=3600)
        super().__init__(self.series, catalogue.DEFAULT_DIMENSIONS, price=PRICER.price)
        self.calls: list[Call] = []
        self.steps: list[Step] = []

    def record(self, settled: Settled, now: float) -> None:
        self.calls.extend(settled.calls)
        self.steps.extend(settled.steps)
        super().record(settled, now)


def run(case: Case, order: str) -> tuple[Spy, Pipeline]:
    spy = Spy()
    pipeline = Pipeline(PipelineSettings(), spy)
    for body in ORDERS[order](case.bodies):
        receipt = pipeline.traces(body, "protobuf", NOW)
        assert not receipt.rejected, (str(case), receipt)
        pipeline.tick(NOW)
    for later in (11.0, 72.0):
        pipeline.tick(NOW + later)
    return spy, pipeline


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("producer", producers())
def test_every_case_equals_the_ground_truth(producer: str, order: str) -> None:
    wrong = []
    for case in cases():
        if case.producer == producer:
            spy, pipeline = run(case, order)
            wrong += [(str(case), *fact[:3]) for fact in facts(case, spy.calls, spy.steps) if not fact.right]
            assert pipeline.stats.balance() == 0, str(case)
            assert pipeline.stats.pending_spans == 0, str(case)
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("producer", producers())
def test_the_order_of_arrival_changes_nothing(producer: str) -> None:
    """Not even a label or a duration: the calls are the same records, whatever came first (invariant 1)."""
    for case in cases():
        if case.producer == producer:
            results = {
                order: (sorted(map(repr, spy.calls)), sorted(map(repr, spy.steps)))
                for order in ORDERS
                for spy in (run(case, order)[0],)
            }
            first = results["as captured"]
            assert all(result == first for result in results.values()), str(case)


@pytest.mark.parametrize("producer", producers())
def test_the_metrics_say_what_the_records_say(producer: str) -> None:
    """The page that Prometheus reads has the calls and tokens of the records, to the token."""
    for case in cases():
        if case.producer != producer:
            continue
        spy, _ = run(case, "as captured")
        shown: Counter[str] = Counter()
        for family in text_string_to_metric_families(spy.series.render(openmetrics=False).decode()):
            for sample in family.samples:
                kind = sample.labels.get("gen_ai_token_type", "")
                shown[f"{sample.name}{kind}"] += sample.value
        assert shown["gen_ai_client_operation_duration_seconds_count"] == len(spy.calls)
        for name, field in (
            ("gen_ai_client_token_usage_suminput", "input_tokens"),
            ("gen_ai_client_token_usage_sumoutput", "output_tokens"),
            ("llm_cached_input_tokens_total", "cache_read_tokens"),
            ("llm_reasoning_output_tokens_total", "reasoning_tokens"),
        ):
            assert shown[name] == sum(getattr(call, field) or 0 for call in spy.calls), (str(case), name)


def test_what_is_called_unsettled_exists() -> None:
    names = {str(case) for case in cases()}
    assert {case for case, _ in UNSETTLED} <= names
    assert len(names) == 463


def test_all_cases_through_one_exporter_at_once() -> None:
    """Other applications' spans in between change nothing; every case is told apart by its own calls."""
    spy = Spy()
    pipeline = Pipeline(PipelineSettings(), spy)
    alone = sum(len(run(case, "as captured")[0].calls) for case in cases())
    for case in cases():
        for body in case.bodies:
            pipeline.traces(body, "protobuf", NOW)
    pipeline.tick(NOW + 11)
    pipeline.tick(NOW + 72)
    # Stand-in providers of different cases reuse a few response ids: those joins are right by the rules.
    ids = Counter(call.response_id for call in spy.calls if call.response_id)
    assert max(ids.values()) == 1
    assert pipeline.stats.balance() == 0
    assert len(spy.calls) <= alone
    assert alone - len(spy.calls) <= 60
