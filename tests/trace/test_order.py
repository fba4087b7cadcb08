"""What is counted does not depend on the order, the batches or the repetitions in which spans arrive (invariant 1)."""

from __future__ import annotations

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from .build import Bench, tokens
from .random_traces import Story, arrivals, stories

_LONG = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Evidence in parts can mislead in ways that nobody has met yet: those are for a search to find, not for every run.
_STEADY = settings(_LONG, derandomize=True)


def together(story: Story) -> Bench:
    return Bench().send(*story.spans).settle()


@_LONG
@given(stories(distinct=True))
def test_every_call_is_counted_once(story: Story) -> None:
    bench = together(story)
    assert (len(bench.calls), tokens(bench.calls)) == (story.calls, story.usage)


@_LONG
@given(stories(distinct=False), st.data())
def test_any_arrival_within_the_settle_time_gives_the_same_records(story: Story, data: st.DataObject) -> None:
    expected = together(story)
    bench = Bench()
    for batch in data.draw(arrivals(story.spans)):
        bench.send(*batch).wait(data.draw(st.sampled_from([0, 0.25, 1.2])))
    bench.settle()
    assert bench.calls == expected.calls
    assert bench.steps == expected.steps
    resent = bench.accounts.pop(("duplicate", "resent"), 0)
    assert {**bench.accounts, ("duplicate", "resent"): resent} == {**expected.accounts, ("duplicate", "resent"): resent}
    assert bench.ambiguous == expected.ambiguous


@_STEADY
@given(stories(distinct=True, apart=True), st.data())
def test_parts_that_settle_early_do_not_change_the_totals(story: Story, data: st.DataObject) -> None:
    """Whatever comes after its trace was settled: no call is counted twice, and none is lost, or it is said.

    What cannot be made good, because a counter never goes back, has a name each: a call counted under two spans before
    the one that joins them came; figures that came after their call; an agent billed before its calls came.
    """
    bench = Bench(late_seconds=3600)  # what comes later than that finds nothing it could be compared with
    for batch in data.draw(arrivals(story.spans)):
        bench.send(*batch).wait(data.draw(st.sampled_from([0, 1, 12, 40])))
    bench.settle()
    noted = bench.ambiguous
    note(str(noted))
    assert set(noted) <= {"counted_twice", "late_usage", "late_call", "usage_without_call", "remote_agent"}
    if not noted:
        assert (len(bench.calls), tokens(bench.calls)) == (story.calls, story.usage)
    if not noted.keys() - {"counted_twice"}:
        assert len(bench.calls) == story.calls + noted.get("counted_twice", 0)
    if not noted.keys() - {"late_usage"}:
        assert len(bench.calls) == story.calls
        assert tokens(bench.calls)[0] <= story.usage[0]
    if "late_usage" not in noted:
        assert tokens(bench.calls) >= story.usage
