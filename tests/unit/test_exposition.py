"""The page: what the official parsers read from it is what was recorded."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as PrometheusMetric
from prometheus_client.openmetrics import exposition as openmetrics_exposition
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from genai_exporter import catalogue
from genai_exporter.metrics.exposition import bound_text, label_text, number
from genai_exporter.metrics.limits import MAX_VALUE_LENGTH
from genai_exporter.metrics.model import Label, Metric
from genai_exporter.metrics.store import Store

A = Label("a", "First.")
B = Label("b", "Second.")
COUNTER = Metric("llm_things_total", "counter", "", 'Things, "quoted" and \\ escaped.', (A, B))
TOKENS = Metric("llm_odd_tokens_total", "counter", "tokens", "Tokens.", ())
GAUGE = Metric("llm_state", "gauge", "", "A state.", (A,))
HISTOGRAM = Metric("llm_wait_seconds", "histogram", "seconds", "Waits.", (A, B), (0.5, 1.0, 60.0))
MARK = (bytes(range(16)), bytes(range(8)), 1_700_000_000.25)


def store() -> Store:
    return Store(max_label_values=100, max_series=10_000, idle_seconds=60)


def samples(families: Iterable[PrometheusMetric]) -> dict[tuple[str, tuple[tuple[str, str], ...]], Sample]:
    found = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} appears twice"
            found[key] = sample
    return found


def read(subject: Store, openmetrics: bool) -> dict[tuple[str, tuple[tuple[str, str], ...]], Sample]:
    page = subject.render(openmetrics=openmetrics).decode()
    return samples(parse_openmetrics(page + "# EOF\n") if openmetrics else parse_text(page))


@pytest.mark.parametrize("openmetrics", [False, True])
def test_every_kind_survives_the_round_trip(openmetrics: bool) -> None:
    subject = store()
    subject.counter(COUNTER).child(("x", "y"), 0.0).inc(3)
    subject.counter(TOKENS).child((), 0.0).inc(2**60)
    subject.gauge(GAUGE).child(("x",), 0.0).set(-1.5)
    waits = subject.histogram(HISTOGRAM).child(("x", "y"), 0.0)
    for value in (0.5, 0.7, 61, 1.0):
        waits.observe(value)
    found = {(name, dict(labels).get("le")): s.value for (name, labels), s in read(subject, openmetrics).items()}
    assert found == {
        ("llm_things_total", None): 3.0,
        ("llm_odd_tokens_total", None): float(2**60),
        ("llm_state", None): -1.5,
        ("llm_wait_seconds_bucket", "0.5"): 1.0,
        ("llm_wait_seconds_bucket", "1.0"): 3.0,
        ("llm_wait_seconds_bucket", "60.0"): 3.0,
        ("llm_wait_seconds_bucket", "+Inf"): 4.0,
        ("llm_wait_seconds_sum", None): 63.2,
        ("llm_wait_seconds_count", None): 4.0,
    }


def test_large_token_counts_are_rendered_exactly() -> None:
    subject = store()
    child = subject.counter(TOKENS).child((), 0.0)
    child.inc(2**53)
    child.inc(1)
    assert b"llm_odd_tokens_total 9007199254740993\n" in subject.render(openmetrics=False)


def test_openmetrics_names_counters_without_total_and_states_units() -> None:
    subject = store()
    subject.counter(TOKENS).child((), 0.0).inc()
    page = subject.render(openmetrics=True).decode()
    assert "# TYPE llm_odd_tokens counter\n# UNIT llm_odd_tokens tokens\nllm_odd_tokens_total 1\n" in page
    text = subject.render(openmetrics=False).decode()
    assert "# TYPE llm_odd_tokens_total counter\nllm_odd_tokens_total 1\n" in text
    assert "UNIT" not in text


@pytest.mark.parametrize("openmetrics", [False, True])
def test_there_are_no_created_lines_and_no_end_marker(openmetrics: bool) -> None:
    subject = store()
    subject.counter(COUNTER).child(("x", "y"), 0.0).inc()
    subject.histogram(HISTOGRAM).child(("x", "y"), 0.0).observe(1)
    page = subject.render(openmetrics=openmetrics)
    assert b"_created" not in page
    assert b"# EOF" not in page


@pytest.mark.parametrize("openmetrics", [False, True])
def test_the_whole_catalogue_parses_with_and_without_series(openmetrics: bool) -> None:
    subject = store()
    for with_series in (False, True):
        subject = store()
        for metric in catalogue.ALL:
            family: Any = getattr(subject, metric.kind)(metric)
            if with_series:
                family.child(tuple((label.values or ("v",))[0] for label in metric.labels), 0.0)
        page = subject.render(openmetrics=openmetrics).decode()
        parsed = list(parse_openmetrics(page + "# EOF\n") if openmetrics else parse_text(page))
        assert len(parsed) == len(catalogue.ALL)
        expected = {metric.name: (metric.kind, metric.help) for metric in catalogue.ALL}
        seen = {f.name + ("_total" if f.type == "counter" else ""): (f.type, f.documentation) for f in parsed}
        assert seen == expected
        assert sum(len(f.samples) for f in parsed) == subject.active_series


def test_exemplars_are_read_back_from_buckets_and_counters() -> None:
    subject = store()
    waits = subject.histogram(HISTOGRAM).child(("x", "y"), 0.0)
    waits.observe(0.75, MARK)
    waits.observe(0.8, (b"\xff" * 16, b"\xee" * 8, 1_700_000_001.0))
    waits.observe(100.0, MARK)
    subject.counter(COUNTER).child(("x", "y"), 0.0).inc(1, MARK)
    found = {
        (name, dict(labels).get("le")): s.exemplar for (name, labels), s in read(subject, True).items() if s.exemplar
    }
    assert {key: (e.labels["trace_id"], e.labels["span_id"], e.value) for key, e in found.items()} == {
        ("llm_wait_seconds_bucket", "1.0"): ("ff" * 16, "ee" * 8, 0.8),
        ("llm_wait_seconds_bucket", "+Inf"): (MARK[0].hex(), MARK[1].hex(), 100.0),
        ("llm_things_total", None): (MARK[0].hex(), MARK[1].hex(), 1.0),
    }
    assert {float(e.timestamp or 0) for e in found.values()} == {MARK[2], 1_700_000_001.0}


def test_the_plain_format_has_no_exemplars() -> None:
    subject = store()
    subject.histogram(HISTOGRAM).child(("x", "y"), 0.0).observe(0.75, MARK)
    assert MARK[0].hex().encode() not in subject.render(openmetrics=False)


def usable(text: str) -> str:
    return text.replace("\0", "\ufffd")


label_values = st.text(max_size=40).filter(lambda text: text != "__other__")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(label_values, label_values), min_size=1, max_size=6, unique_by=lambda v: tuple(map(usable, v)))
)
def test_any_label_text_survives_the_round_trip(values: list[tuple[str, str]]) -> None:
    subject = store()
    counters, waits = subject.counter(COUNTER), subject.histogram(HISTOGRAM)
    for index, pair in enumerate(values):
        counters.child(pair, 0.0).inc(index)
        waits.child(pair, 0.0).observe(index, MARK)
    expected = {(usable(a), usable(b)): float(index) for index, (a, b) in enumerate(values)}
    for openmetrics in (False, True):
        found = read(subject, openmetrics)
        assert {(s.labels["a"], s.labels["b"]): s.value for (n, _), s in found.items() if n == COUNTER.name} == expected
        sums = {(s.labels["a"], s.labels["b"]): s.value for (n, _), s in found.items() if n == "llm_wait_seconds_sum"}
        assert sums == expected


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("nul\0byte", "nul\ufffdbyte"),
        ("lone \ud800 surrogate", "lone \ufffd\ufffd\ufffd surrogate"),
        ("x" * 10_000_000, "x" * (MAX_VALUE_LENGTH - 1) + "…"),
    ],
    ids=["NUL ends a line for Prometheus", "a lone surrogate cannot be encoded", "a prompt as a tool name"],
)
def test_text_that_cannot_be_exposed_is_repaired_and_counted(value: str, shown: str) -> None:
    subject = store()
    family = subject.gauge(GAUGE)
    for _ in range(2):
        family.child((value,), 0.0).set(1)
    assert [s.labels["a"] for s in read(subject, True).values()] == [shown]
    assert subject.label_overflow == {"a": 2}


@given(st.floats(min_value=1e-9, max_value=1e15, allow_nan=False))
def test_bounds_are_written_as_prometheus_normalises_them(bound: float) -> None:
    written = bound_text(bound)
    assert float(written) == bound
    if written.startswith(("1e", "0.")) or bound < 1e6:
        assert written == floatToGoString(bound)


@pytest.mark.parametrize(
    ("bound", "text"),
    [
        (0.5, "0.5"), (1, "1.0"), (262144, "262144.0"), (1e6, "1e+06"), (1048576, "1.048576e+06"), (1e-5, "1e-05"),
        (float("inf"), "+Inf"), (0, "0.0"), (12345678901234567890, "1.2345678901234567e+19"),
    ],
)  # fmt: skip
def test_known_bounds(bound: float, text: str) -> None:
    assert bound_text(bound) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"), (5.0, "5"), (0.1, "0.1"), (2**70, str(2**70)), (1e300, "1e+300"),
        (float("inf"), "+Inf"), (float("-inf"), "-Inf"), (float("nan"), "NaN"),
    ],
)  # fmt: skip
def test_values_are_rendered_as_short_as_they_are_exact(value: float, text: str) -> None:
    assert number(value) == text


def test_label_text_escapes_what_the_formats_escape() -> None:
    assert label_text(("a", "b"), ('x"y', "line\nback\\slash")) == 'a="x\\"y",b="line\\nback\\\\slash"'


def test_a_prometheus_client_registry_serves_the_same_samples_and_exemplars() -> None:
    subject = store()
    subject.counter(COUNTER).child(("x", 'y"\n\\'), 0.0).inc(3, MARK)
    subject.gauge(GAUGE).child(("x",), 0.0).set(2)
    subject.histogram(HISTOGRAM).child(("x", "y"), 0.0).observe(0.75, MARK)
    registry = CollectorRegistry()
    registry.register(subject)
    page = openmetrics_exposition.generate_latest(registry).decode()
    assert samples(parse_openmetrics(page)) == read(subject, True)


def test_a_registry_refuses_a_second_store_with_the_same_names() -> None:
    registry = CollectorRegistry(auto_describe=True)
    for expected in (None, ValueError):
        subject = store()
        subject.counter(COUNTER)
        if expected is None:
            registry.register(subject)
        else:
            with pytest.raises(expected, match="llm_things"):
                registry.register(subject)
