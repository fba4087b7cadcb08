"""Limits, expiry and held counters of the series store."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_exporter.metrics.model import OVERFLOW, Label, Metric
from genai_exporter.metrics.store import Store

MODEL = Label("gen_ai_request_model", "A model.")
FLOW = Label("llm_flow", "A flow.", 3)
KIND = Label("gen_ai_token_type", "Which tokens.", 2, ("input", "output"))
CALLS = Metric("llm_calls_total", "counter", "", "Calls.", (MODEL, FLOW))
ERRORS = Metric("llm_errors_total", "counter", "", "Errors.", (MODEL,))
TOKENS = Metric("llm_size_tokens", "histogram", "tokens", "Tokens.", (KIND, MODEL), (10.0, 100.0))
LIVE = Metric("llm_live_info", "gauge", "", "What is live.", (MODEL,))
HELD = Metric("llm_alarms_total", "counter", "", "Alarms.", (MODEL,), hold_until_scraped=True)
PICKY = Metric("llm_picky_total", "counter", "", "Calls.", (MODEL,), essential=(MODEL,), optional=(FLOW,))


def store(
    *, max_label_values: int = 100, max_series: int = 10_000, idle_seconds: float = 60, **label_limits: int
) -> Store:
    return Store(
        max_label_values=max_label_values,
        max_series=max_series,
        idle_seconds=idle_seconds,
        label_limits=label_limits,
    )


def lines(subject: Store) -> dict[str, float]:
    page = subject.render(openmetrics=False).decode()
    pairs = (line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    return {series: float(value) for series, value in pairs}


def test_a_child_is_found_again_and_accumulates() -> None:
    subject = store()
    family = subject.counter(CALLS)
    family.child(("a", "f"), 0.0).inc()
    family.child(("a", "f"), 1.0).inc(2)
    assert lines(subject) == {'llm_calls_total{gen_ai_request_model="a",llm_flow="f"}': 3.0}


def test_a_boundary_value_falls_into_the_bucket_of_its_edge() -> None:
    subject = store()
    child = subject.histogram(TOKENS).child(("input", "a"), 0.0)
    for value in (0, 10, 10.5, 100, 101):
        child.observe(value)
    assert child.counts == [2, 2, 1]
    assert child.total == 221.5


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1])
def test_a_value_that_no_metric_can_hold_is_left_out_and_counted(value: float) -> None:
    subject = store()
    subject.counter(CALLS).child(("a", "f"), 0.0).inc(value)
    subject.counter(HELD).child(("a",), 0.0).inc(value)
    subject.histogram(TOKENS).child(("input", "a"), 0.0).observe(value)
    assert set(lines(subject).values()) == {0.0}
    assert set(lines(subject).values()) == {0.0}, "nor is it held back"
    assert subject.rejected_values == 3


# Limits on label values.


def test_values_beyond_a_labels_limit_are_folded_and_each_recording_is_counted() -> None:
    subject = store(max_label_values=2)
    family = subject.counter(ERRORS)
    for model in ("a", "b", "c", "d", "c", "a"):
        family.child((model,), 0.0).inc()
    assert lines(subject) == {
        'llm_errors_total{gen_ai_request_model="a"}': 2.0,
        'llm_errors_total{gen_ai_request_model="b"}': 1.0,
        f'llm_errors_total{{gen_ai_request_model="{OVERFLOW}"}}': 3.0,
    }
    assert subject.label_overflow == {"gen_ai_request_model": 3}


def test_a_value_is_known_to_all_metrics_or_to_none() -> None:
    subject = store(max_label_values=2)
    calls, errors = subject.counter(CALLS), subject.counter(ERRORS)
    calls.child(("a", "f"), 0.0)
    errors.child(("b",), 0.0)
    assert calls.child(("c", "f"), 0.0).values == (OVERFLOW, "f")
    assert errors.child(("a",), 0.0).values == ("a",)


def test_an_empty_value_takes_no_room() -> None:
    subject = store(max_label_values=1)
    family = subject.counter(ERRORS)
    assert family.child(("",), 0.0).values == ("",)
    assert family.child(("a",), 0.0).values == ("a",)
    assert subject.label_overflow == {}


def test_the_smaller_of_the_labels_own_and_the_general_limit_holds_unless_one_is_configured() -> None:
    flows = [f"f{index}" for index in range(10)]
    for limits, kept in (({}, 3), ({"llm_flow": 5}, 5)):
        subject = store(**limits)
        family = subject.counter(CALLS)
        assert [family.child(("a", flow), 0.0).values[1] for flow in flows].count(OVERFLOW) == 10 - kept


def test_a_closed_vocabulary_needs_no_limit_and_admits_nothing_else() -> None:
    subject = store(max_label_values=1)
    family = subject.histogram(TOKENS)
    assert [family.child((kind, "a"), 0.0).values[0] for kind in ("input", "output", "thinking")] == [
        "input", "output", OVERFLOW,
    ]  # fmt: skip
    assert subject.label_overflow == {"gen_ai_token_type": 1}


def test_a_value_makes_room_when_its_last_series_expires() -> None:
    subject = store(max_label_values=1, idle_seconds=10)
    calls, errors = subject.counter(CALLS), subject.counter(ERRORS)
    calls.child(("a", "f"), 0.0)
    errors.child(("a",), 5.0)
    subject.sweep(11.0)
    assert calls.child(("b", "f"), 12.0).values == (OVERFLOW, "f"), "errors still has it"
    subject.sweep(16.0)
    assert calls.child(("b", "f"), 17.0).values == ("b", "f")


def test_limits_can_be_changed_while_running() -> None:
    subject = store(max_label_values=1)
    family = subject.counter(ERRORS)
    family.child(("a",), 0.0)
    assert family.child(("b",), 0.0).values == (OVERFLOW,)
    subject.configure(max_label_values=2, max_series=5000, idle_seconds=60, label_limits={})
    assert family.child(("b",), 0.0).values == ("b",)
    assert subject.max_series == 5000


# Limits on series.


def test_series_beyond_the_limit_share_one_and_nothing_is_lost() -> None:
    subject = store(max_series=20)
    family = subject.counter(CALLS)
    for index in range(50):
        family.child((f"m{index}", "f"), 0.0).inc()
    found = lines(subject)
    overflow = f'llm_calls_total{{gen_ai_request_model="{OVERFLOW}",llm_flow="{OVERFLOW}"}}'
    assert len(found) == subject.active_series == 11, "one metric may hold half, and its overflow series"
    assert found[overflow] == 40.0
    assert sum(found.values()) == 50.0
    assert subject.series_overflow == {"llm_calls_total": 40}


def test_what_overflows_keeps_its_closed_labels_apart() -> None:
    subject = store(max_series=60)
    family = subject.histogram(TOKENS)
    for index in range(50):
        family.child(("input", f"m{index}"), 0.0).observe(10)
        family.child(("output", f"m{index}"), 0.0).observe(1)
    found = lines(subject)
    for kind, total in (("input", 500.0), ("output", 50.0)):
        sums = [v for k, v in found.items() if k.startswith("llm_size_tokens_sum") and f'"{kind}"' in k]
        assert sum(sums) == total
    assert f'llm_size_tokens_count{{gen_ai_token_type="input",gen_ai_request_model="{OVERFLOW}"}}' in found


def test_the_limit_holds_for_all_metrics_together_overflow_series_included() -> None:
    subject = store(max_series=100)
    families = (subject.counter(CALLS), subject.counter(ERRORS), subject.gauge(LIVE))
    tokens = subject.histogram(TOKENS)
    for index in range(200):
        families[0].child((f"m{index % 90}", "f"), 0.0)
        families[1].child((f"m{index % 90}",), 0.0)
        families[2].child((f"m{index % 90}",), 0.0)
        tokens.child(("input", f"m{index % 90}"), 0.0)
    assert len(lines(subject)) == subject.active_series
    assert 80 <= subject.active_series <= 100
    assert set(subject.series_overflow) == {"llm_calls_total", "llm_errors_total", "llm_live_info", "llm_size_tokens"}


@settings(max_examples=60, deadline=None)
@given(
    max_label_values=st.integers(1, 5),
    max_series=st.integers(30, 200),
    events=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 30)), max_size=80),
)
def test_whatever_happens_the_books_balance(
    max_label_values: int, max_series: int, events: list[tuple[int, int, int]]
) -> None:
    subject = store(max_label_values=max_label_values, max_series=max_series, idle_seconds=20)
    calls, tokens = subject.counter(CALLS), subject.histogram(TOKENS)
    now, gone, expired = 0.0, 0.0, 0
    for model, flow, passed in events:
        now += passed
        before = sum(v for k, v in lines(subject).items() if k.startswith("llm_calls"))
        expired += subject.sweep(now)
        gone += before - sum(v for k, v in lines(subject).items() if k.startswith("llm_calls"))
        calls.child((f"m{model}", f"f{flow}"), now).inc()
        tokens.child(("input", f"m{model}"), now).observe(flow)
    found = lines(subject)
    assert sum(v for k, v in found.items() if k.startswith("llm_calls")) + gone == len(events)
    assert len(found) == subject.active_series <= max_series
    assert expired == subject.series_expired
    models = {k.split('gen_ai_request_model="')[1].split('"')[0] for k in found}
    assert len(models - {OVERFLOW}) <= max_label_values
    subject.sweep(now + 21)
    assert set(lines(subject)) <= {k for k in found if OVERFLOW in k}


# Expiry.


def test_an_idle_series_expires_and_starts_at_zero_when_it_comes_back() -> None:
    subject = store(idle_seconds=60)
    family = subject.counter(ERRORS)
    family.child(("a",), 0.0).inc(5)
    family.child(("b",), 50.0).inc(7)
    assert subject.sweep(60.0) == 0, "used exactly idle_seconds ago is not idle"
    assert subject.sweep(61.0) == 1
    assert lines(subject) == {'llm_errors_total{gen_ai_request_model="b"}': 7.0}
    family.child(("a",), 62.0).inc()
    assert lines(subject)['llm_errors_total{gen_ai_request_model="a"}'] == 1.0
    assert subject.series_expired == 1
    assert subject.active_series == 2


def test_expired_lines_make_room_within_the_limit() -> None:
    subject = store(max_series=10, idle_seconds=10)
    family = subject.histogram(TOKENS)
    assert family.child(("input", "a"), 0.0).values == ("input", "a")
    assert family.child(("input", "b"), 0.0).values[1] == OVERFLOW
    assert subject.sweep(11.0) == 5
    assert family.child(("input", "b"), 12.0).values == ("input", "b")


def test_children_that_share_an_activity_expire_together() -> None:
    subject = store(idle_seconds=10)
    calls, errors = subject.counter(CALLS), subject.counter(ERRORS)
    first = calls.child(("a", "f"), 0.0)
    errors.child(("a",), 0.0, first.activity)
    first.activity.last = 8.0
    assert subject.sweep(18.0) == 0
    assert subject.sweep(18.1) == 2


def test_a_kept_child_never_expires() -> None:
    subject = store(idle_seconds=10)
    subject.gauge(LIVE).child(("a",), 0.0, keep=True).set(1)
    assert subject.sweep(1e9) == 0
    assert subject.active_series == 1


# Held counters.


def test_a_held_counter_is_seen_at_zero_before_it_rises() -> None:
    """R41, R59: even the very first failure is an increase between two scrapes."""
    subject = store()
    family = subject.counter(HELD)
    family.child(("a",), 0.0).inc(2)
    series = 'llm_alarms_total{gen_ai_request_model="a"}'
    assert lines(subject) == {series: 0.0}
    family.child(("a",), 1.0).inc()
    assert lines(subject) == {series: 3.0}
    family.child(("a",), 2.0).inc()
    assert lines(subject) == {series: 4.0}, "later increments are not held"


def test_a_held_counter_that_was_shown_before_its_first_event_rises_at_once() -> None:
    subject = store()
    child = subject.counter(HELD).child(("a",), 0.0)
    lines(subject)
    child.inc()
    assert set(lines(subject).values()) == {1.0}


def test_collecting_counts_as_exposure_and_describing_does_not() -> None:
    subject = store()
    subject.counter(HELD).child(("a",), 0.0).inc()
    list(subject.describe())
    assert [s.value for family in subject.collect() for s in family.samples] == [0]
    assert [s.value for family in subject.collect() for s in family.samples] == [1]


def test_a_held_counter_that_comes_back_is_held_again() -> None:
    subject = store(idle_seconds=10)
    family = subject.counter(HELD)
    family.child(("a",), 0.0).inc()
    lines(subject)
    subject.sweep(11.0)
    family.child(("a",), 12.0).inc()
    assert set(lines(subject).values()) == {0.0}
    assert set(lines(subject).values()) == {1.0}


# What a store refuses.


def test_a_metric_is_added_once_as_its_own_kind_with_labels_it_has() -> None:
    subject = store()
    with pytest.raises(ValueError, match="is a counter, not a gauge"):
        subject.gauge(CALLS)
    with pytest.raises(ValueError, match="cannot have the labels gen_ai_request_model, llm_flow"):
        subject.counter(ERRORS, ("gen_ai_request_model", "llm_flow"))
    with pytest.raises(ValueError, match="cannot have the labels llm_flow"):
        subject.counter(PICKY, ("llm_flow",))
    subject.counter(PICKY, ("llm_flow", "gen_ai_request_model"))
    with pytest.raises(ValueError, match="in the store already"):
        subject.counter(PICKY)
    assert subject.metrics == (PICKY,)


def test_a_wrong_number_of_values_is_an_error() -> None:
    family = store().counter(CALLS)
    with pytest.raises(ValueError, match="zip"):
        family.child(("a",), 0.0)
