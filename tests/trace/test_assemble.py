"""When traces settle, what is held until then, and that all of it is bounded."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from genai_exporter.errors import Full, Unreadable
from genai_exporter.trace import assemble

from .build import EPOCH, SERVER, Bench, S, body, tokens
from .test_cluster import ID

ROOT = S(1, ms=5000, role="workflow")
CALL = S(2, 1, at=5, tokens=(10, 5))


NOTHING = (0,) * 9


def held(bench: Bench) -> tuple[int, ...]:
    """All that is held, but for the bounded memories that are meant to outlive traces."""
    assembler = bench.assembler
    kept = (assembler._traces, assembler._queue, assembler._remembered, assembler._seen_ids, assembler._neighbours)
    return (
        assembler.pending_spans, assembler.waiting_spans, assembler.remembered_spans, assembler.pending_traces,
        *map(len, kept),
    )  # fmt: skip


# -- when --------------------------------------------------------------------------------------------------------


def test_a_trace_settles_when_nothing_has_come_for_the_settle_time() -> None:
    bench = Bench(settle_seconds=10).send(CALL).wait(9).send(ROOT).wait(9)
    assert not bench.calls
    assert bench.pipeline.stats.pending_spans == 2
    bench.wait(1.01)
    assert len(bench.calls) == 1


def test_how_late_it_settled_is_measured_from_when_it_was_due() -> None:
    """Whatever the clocks of the applications say: theirs may be a day off."""
    bench = Bench(settle_seconds=10).send(CALL.but(at=-86_400_000)).wait(10.25)
    assert bench.pipeline.stats.settle_lag_s == pytest.approx(0.25)


def test_a_late_span_is_judged_beside_what_was_counted() -> None:
    bench = Bench(late_seconds=60).send(ROOT, CALL).wait(50).send(S(3, 1, at=4, ms=102, scope="fw", tokens=(10, 5)))
    bench.settle()
    assert (len(bench.calls), bench.accounts["duplicate", "sibling"]) == (1, 1)


def test_a_request_repeated_after_minutes_is_not_counted_again() -> None:
    spans = [ROOT, CALL, S(3, 1, role="tool"), S(4, 1, role="agent", at=500, ms=900, tokens=(7, 7))]
    bench = Bench(late_seconds=60).send(*spans).settle()
    before = bench.spy.calls[:], bench.spy.steps[:]
    for _ in range(3):
        bench.send(*spans).settle()
    assert (bench.spy.calls, bench.spy.steps) == before


def test_an_agent_that_ends_long_after_its_calls_is_not_billed() -> None:
    """A tool took minutes; by then the calls were counted and forgotten, but not that there were some."""
    agent = S(1, ms=600_000, role="agent", tokens=(10, 5), kind=1)
    bench = Bench().send(CALL).wait(300, step=5).send(agent).settle()
    assert tokens(bench.calls) == (10, 5)
    assert [step.duration_s for step in bench.steps] == [600]


def test_a_call_that_comes_after_its_agent_was_billed_is_not_counted_again() -> None:
    bench = Bench().send(S(1, ms=900, role="agent", tokens=(10, 5), kind=1)).wait(20).send(CALL).settle()
    assert tokens(bench.calls) == (10, 5)
    assert bench.ambiguous == {"usage_without_call": 1, "late_call": 1}


def test_late_layers_of_a_run_that_was_counted() -> None:
    """The inner of two spans that tell of one agent run, or of one tool, came first and was counted."""
    outer = S(2, 1, at=5, ms=500, role="agent", attrs={"gen_ai.agent.name": "planner"})
    tool = S(5, 1, at=600, role="tool", attrs={"gen_ai.tool.name": "search"})
    bench = Bench().send(outer.but(id=3, parent=2, at=6, ms=490), tool.but(at=601, ms=95)).wait(12)
    bench.send(ROOT, outer, tool.but(id=6, scope="framework")).settle()
    assert sorted((step.role, step.name) for step in bench.steps if step.name in ("planner", "search")) == [
        (3, "planner"),
        (4, "search"),
    ]


def test_spans_again_with_their_results() -> None:
    """Whichever copy comes first; also when the first was none of ours until the second said what it was."""
    poor = CALL.but(role="", tokens=None, ms=1)
    for copies in ([poor, CALL], [CALL, poor], [CALL, CALL, poor, CALL]):
        bench = Bench().send(ROOT)
        for one in copies:
            bench.send(one)
        [call] = bench.settle().calls
        assert (call.input_tokens, call.duration_s) == (10, 0.1)
        assert bench.accounts["duplicate", "resent"] == len(copies) - 1
        assert held(bench) == NOTHING


def test_a_retransmission_does_not_keep_a_settled_trace_open() -> None:
    bench = Bench(settle_seconds=10, late_seconds=30).send(ROOT, CALL).wait(11)
    for _ in range(10):
        bench.send(ROOT, CALL).wait(5)
        assert bench.pipeline.stats.pending_traces <= 1
    bench.wait(11).wait(31)
    assert len(bench.calls) == 1
    assert held(bench) == NOTHING


def test_results_that_come_after_a_call_was_counted_are_noted() -> None:
    bench = Bench().send(CALL.but(tokens=None)).wait(11).send(CALL).settle()
    assert ([call.input_tokens for call in bench.calls], bench.ambiguous) == ([None], {"late_usage": 1})


def test_settling_twice_at_one_moment() -> None:
    """A flush settles everything, and so may the next one, before the clock has moved."""
    bench = Bench().send(ROOT, CALL)
    for n in range(3, 9):
        bench.pipeline.drain(EPOCH + bench.clock)
        bench.send(CALL.but(id=n, at=n * 200))
    assert len(bench.settle().calls) == 7
    assert held(bench) == NOTHING


def test_traces_of_one_call_settle_together() -> None:
    """The root of the SDK waits for the framework's trace, which knows the flow."""
    bench = Bench().send(CALL.but(parent=0, trace=2, at=6, ms=98), CALL.but(scope="framework")).wait(8)
    bench.send(S(9, 1, at=300, role="tool")).wait(8).send(ROOT.but(attrs={"gen_ai.workflow.name": "answer"})).wait(11)
    assert [call.flow for call in bench.calls] == ["answer"]


# -- long ones ---------------------------------------------------------------------------------------------------


def test_a_trace_without_end_shows_while_it_runs() -> None:
    """A span every five seconds for an hour; the agent that reports the sum at the end adds nothing."""
    bench = Bench(settle_seconds=10, max_trace_seconds=300)
    shown = []
    for n in range(720):
        wrapper = S(2 * n + 2, 1, at=n * 5000, scope="framework", tokens=(10, 5))
        bench.send(wrapper, S(2 * n + 3, wrapper.id, at=n * 5000 + 1, ms=98, tokens=(10, 5), rid=f"chatcmpl-{n:024d}"))
        bench.wait(5, step=1)
        shown.append(len(bench.calls))
        assert n - shown[-1] < 61
    bench.send(S(1, ms=3_600_000, role="agent", tokens=(7200, 3600))).settle()
    assert (len(bench.calls), tokens(bench.calls)) == (720, (7200, 3600))
    assert not bench.ambiguous
    assert held(bench) == NOTHING


def test_a_very_long_trace_is_settled_in_parts() -> None:
    """Its spans come with what wraps them, so no call is counted twice for that, and only a part is ever held."""
    bench = Bench(max_spans_per_trace=1000)
    for n in range(500):
        batch = []
        for at in range(n * 20_000, (n + 1) * 20_000, 200):
            batch += [S(at + 2, 1, at=at, scope="framework", tokens=(10, 5)),
                      S(at + 3, at + 2, at=at + 1, ms=98, tokens=(10, 5))]  # fmt: skip
        bench.send(*batch).wait(0.1)
        assert bench.assembler.pending_spans + bench.assembler.remembered_spans <= 1000 + len(batch)
    bench.send(S(1, ms=10_000_000, role="agent", tokens=(7, 7))).settle()
    assert (len(bench.calls), tokens(bench.calls)) == (50_000, (500_000, 250_000))
    assert bench.ambiguous["trace_in_parts"] > 100
    assert held(bench) == NOTHING


def test_one_request_with_more_spans_of_a_trace_than_are_held() -> None:
    bench = Bench(max_spans_per_trace=100).send(ROOT, *(CALL.but(id=n, at=n * 200) for n in range(2, 1000)))
    assert bench.assembler.remembered_spans == 50
    assert len(bench.settle().calls) == 998


def test_more_traces_than_can_be_linked() -> None:
    """The same id in thousands of traces at once: some are joined later than others, none counts twice."""
    bench = Bench()
    for n in range(1, 3001):
        bench.send(CALL.but(trace=n, parent=0, rid=ID))
    bench.settle()
    assert len(bench.calls) == 1
    assert bench.ambiguous["too_many_links"] > 0
    assert held(bench) == NOTHING


# -- pressure ----------------------------------------------------------------------------------------------------


def test_complete_traces_make_room_first() -> None:
    bench = Bench(max_pending_spans=40)
    for n in range(1, 11):
        bench.send(CALL.but(trace=n))  # these miss their root
    for n in range(11, 21):
        bench.send(CALL.but(trace=n), ROOT.but(trace=n))
        bench.wait(0.01)
    bench.send(*(CALL.but(trace=n) for n in range(90, 101)))
    bench.send(CALL.but(trace=99), ROOT.but(trace=99))
    settled = {int.from_bytes(call.trace_id, "big") for call in bench.calls}
    assert settled
    assert settled <= set(range(11, 21))


def test_the_entry_of_a_request_into_the_application_completes_a_trace() -> None:
    """Its own parent is in a browser or a proxy that sends its spans elsewhere."""
    bench = Bench(max_pending_spans=20)
    for n in range(1, 40):
        bench.send(CALL.but(trace=n), ROOT.but(trace=n, role="", parent=999, kind=SERVER))
    assert len(bench.calls) >= 20


def test_nothing_of_a_refused_request_is_kept() -> None:
    bench = Bench(max_pending_spans=20)
    for n in range(1, 21):
        bench.send(CALL.but(trace=n))
    for _ in range(3):
        with pytest.raises(Full) as refusal:
            bench.send(*(CALL.but(trace=n) for n in range(100, 140)))
        bench.check()
        assert refusal.value.retry_after_s >= 1
    assert bench.pipeline.stats.received == 20
    bench.wait(11).send(*(CALL.but(trace=n) for n in range(100, 140))).settle()
    assert len(bench.calls) == 60


def test_a_request_of_too_many_spans_is_refused_whole() -> None:
    bench = Bench(max_spans_per_request=5)
    with pytest.raises(Unreadable):
        bench.send(*(CALL.but(id=n) for n in range(2, 9)))
    assert bench.check().pipeline.stats.received == 0


def test_what_was_settled_under_pressure_is_not_held() -> None:
    """Neither for the late window, nor for a place in the queue of what is due."""
    bench = Bench(max_pending_spans=100)
    for n in range(1, 2000):
        bench.send(CALL.but(trace=n), ROOT.but(trace=n))
    assembler = bench.assembler
    assert assembler.pending_spans + assembler.remembered_spans <= 102
    assert sum(len(trace.spans) for _, _, trace in assembler._queue) <= 102
    assert len(assembler._queue) + len(assembler._remembered) <= 200


@pytest.mark.parametrize("capacity", [0, 1, 100])
def test_the_memory_for_response_ids_is_bounded(capacity: int) -> None:
    bench = Bench(response_id_memory=capacity)
    for n in range(1, 400):
        bench.send(CALL.but(trace=n, parent=0, rid=f"chatcmpl-{n:024d}"))
    bench.settle()
    assert len(bench.calls) == 399
    assert len(bench.assembler._claims) <= capacity
    assert len(bench.assembler._departed) <= capacity
    assert held(bench) == NOTHING


def test_a_fault_over_one_trace_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = assemble.resolve

    def faulty(traces: list[Any], *rest: Any) -> None:
        if traces[0].trace_id[-1] == 2:
            raise ZeroDivisionError
        resolve(traces, *rest)

    monkeypatch.setattr(assemble, "resolve", faulty)
    bench = Bench()
    for n in range(1, 4):
        bench.send(CALL.but(trace=n))
    bench.pipeline.tick(EPOCH + 11)
    assert len(bench.calls) == 2
    assert bench.accounts["dropped", "fault"] == 1
    assert bench.pipeline.stats.balance() == 0


# -- any sequence ------------------------------------------------------------------------------------------------


class Assembly(RuleBasedStateMachine):
    """Spans of few traces with few ids come in any order while time passes, settings change, and room is short."""

    LIMIT, PER_TRACE, REQUEST = 30, 12, 6

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(
            max_pending_spans=self.LIMIT, max_spans_per_trace=self.PER_TRACE, settle_seconds=10, late_seconds=20,
            response_id_memory=8, max_trace_seconds=40,
        )  # fmt: skip
        self.refused = 0
        self.sent = 0

    @rule(seed=st.integers(0, 10**6))
    def send(self, seed: int) -> None:
        dice = random.Random(seed)
        spans = []
        for _ in range(dice.randint(1, self.REQUEST)):
            role = dice.choice(["chat", "chat", "chat", "agent", "tool", "workflow", ""])
            spans.append(
                S(dice.randint(1, 9), dice.choice([0, dice.randint(1, 9)]), at=dice.choice([0, 1, 90, 400]), role=role,
                  trace=dice.randint(1, 6), scope=dice.choice(["sdk", "framework", "logfire.openai"]),
                  tokens=dice.choice([None, (10, 5), (10, 6)]), kind=dice.choice([1, 2, 3]),
                  rid=dice.choice(["", "", ID, f"chatcmpl-{dice.randint(1, 20):024d}", "short"]),
                  error=dice.choice(["", "", "timeout"]),
                  attrs=dice.choice([{}, {"logfire.span_type": "log", "duration": 0.2}]))
            )  # fmt: skip
        try:
            self.bench.send(*spans)
            self.sent += len(spans)
        except Full:
            assert self.bench.assembler.pending_spans >= self.LIMIT

    @rule(seconds=st.sampled_from([0, 0.25, 5, 11, 70]))
    def wait(self, seconds: float) -> None:
        self.bench.wait(seconds)

    @rule()
    def drain(self) -> None:
        self.bench.pipeline.drain(EPOCH + self.bench.clock)
        assert self.bench.pipeline.stats.pending_spans == 0

    @invariant()
    def the_books_balance(self) -> None:
        self.bench.check()
        assert self.bench.pipeline.stats.received == self.sent

    @invariant()
    def what_is_held_is_bounded(self) -> None:
        assembler = self.bench.assembler
        pending = [trace for trace in assembler._traces.values() if not trace.settled]
        settled = [trace for trace in assembler._traces.values() if trace.settled]
        assert assembler.pending_traces == len(pending)
        assert assembler.pending_spans == sum(len(trace.spans) for trace in pending)
        assert assembler.remembered_spans == sum(len(trace.spans) for trace in settled)
        assert assembler.waiting_spans == sum(len(trace.spans) - trace.reported for trace in pending)
        assert assembler.pending_spans + assembler.remembered_spans <= self.LIMIT + self.REQUEST
        assert all(len(trace.spans) < self.PER_TRACE + self.REQUEST for trace in pending)
        assert max(len(assembler._claims), len(assembler._departed), len(assembler._seen_ids)) <= 8

    def teardown(self) -> None:
        self.bench.settle()
        assert held(self.bench) == NOTHING


TestAssembly = Assembly.TestCase
TestAssembly.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_the_request_itself_is_what_the_limit_may_be_exceeded_by() -> None:
    bench = Bench(max_pending_spans=20)
    bench.pipeline.traces(body(*(CALL.but(trace=n) for n in range(1, 51))), "protobuf", EPOCH)
    assert bench.assembler.pending_spans == 50
