"""Spans without a family relation that tell of one call: twins, and streams in two parts."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest

from .build import Bench, S, settled, tokens
from .test_cluster import ID, everywhere

ROOT = S(1, ms=5000, role="workflow")
LOGFIRE = "logfire.openai"


def pair(
    n: int, *, at: float, ms: float = 100, roots: bool = False, usage: tuple[int, int] | None = (10, 5)
) -> list[S]:
    """One call as a framework and an SDK's instrumentation report it, side by side in one trace or as two roots."""
    outer = S(10 * n, 1, at=at, ms=ms, scope="framework", tokens=usage)
    inner = S(10 * n + 1, 1, at=at + 2, ms=ms - 4, scope="sdk", tokens=usage)
    if roots:
        return [outer.but(parent=0, trace=10 * n), inner.but(parent=0, trace=10 * n + 1)]
    return [outer, inner]


# -- twins -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("usage", [(10, 5), None])
def test_siblings_of_two_instrumentations_are_one_call(usage: tuple[int, int] | None) -> None:
    bench = everywhere(ROOT, *pair(1, at=10, usage=usage))
    assert len(bench.calls) == 1
    assert bench.accounts["duplicate", "sibling"] == 1


@pytest.mark.parametrize("usage", [(10, 5), None])
def test_two_roots_of_two_instrumentations_are_one_call(usage: tuple[int, int] | None) -> None:
    assert len(everywhere(*pair(1, at=10, usage=usage, roots=True)).calls) == 1


def test_the_sdks_span_as_a_root_belongs_to_the_flow_of_the_frameworks() -> None:
    outer, inner = pair(1, at=10)
    [call] = everywhere(ROOT.but(attrs={"gen_ai.workflow.name": "answer"}), outer, inner.but(parent=0, trace=2)).calls
    assert call.flow == "answer"


def test_a_long_run_has_as_many_roots_of_the_sdk_as_calls() -> None:
    """An agent that asks a model a hundred times, each time outside of its own context."""
    spans = [ROOT.but(ms=60_000, role="agent")]
    for n in range(1, 101):
        outer, inner = pair(n, at=n * 500)
        spans += [outer, inner.but(parent=0, trace=n + 1)]
    assert len(settled(*spans).calls) == 100


def test_spans_that_have_parents_in_two_traces_are_two_calls() -> None:
    """Two users asked the same at the same time, and each instrumentation reported one of the requests."""
    outer, inner = pair(1, at=10)
    bench = everywhere(ROOT, outer, ROOT.but(id=2, trace=2), inner.but(parent=2, trace=2))
    assert len(bench.calls) == 2


def test_three_instrumentations_are_one_call() -> None:
    outer, inner = pair(1, at=10)
    assert (
        len(everywhere(ROOT, outer, inner, S(99, 1, at=13, ms=94, scope="native", tokens=(10, 5), rid=ID)).calls) == 1
    )


def test_a_wrapper_with_one_attempt_has_a_twin_beside_it() -> None:
    outer, inner = pair(1, at=10)
    below = S(99, inner.id, at=15, ms=80, scope="proxy", service="gateway", tokens=(10, 5), rid=ID)
    assert len(everywhere(ROOT, outer, inner, below).calls) == 1


def test_one_failure_reported_twice_is_one_call() -> None:
    outer, inner = (span.but(error="rate_limit") for span in pair(1, at=10, usage=None))
    [call] = everywhere(outer, inner.but(parent=0, trace=2)).calls
    assert call.error_type == "rate_limit"


@pytest.mark.parametrize(
    "difference",
    [
        {"tokens": (11, 5)},
        {"tokens": (10, 6)},
        {"model": "gpt-4o-mini"},
        {"role": "embeddings"},
        {"service": "another"},
        {"at": 60.0},  # overlaps, without one being inside the other
        {"at": 400.0},
        {"scope": "framework"},
    ],
)
def test_what_differs_is_another_call(difference: dict[str, object]) -> None:
    outer, inner = pair(1, at=10)
    assert len(everywhere(ROOT, outer, inner.but(**difference)).calls) == 2


@pytest.mark.parametrize("difference", [{"error": "timeout"}, {"at": 900.0}])
def test_without_figures_the_end_and_the_start_must_agree(difference: dict[str, object]) -> None:
    outer, inner = pair(1, at=10, ms=2000, usage=None)
    assert len(everywhere(ROOT, outer, inner.but(**difference)).calls) == 2


def test_a_dated_snapshot_is_the_model_it_is_a_snapshot_of() -> None:
    outer, inner = pair(1, at=10)
    assert len(everywhere(ROOT, outer, inner.but(model="openai/gpt-4o-2024-08-06")).calls) == 1


def _starts(number: int) -> Iterator[tuple[str, list[float]]]:
    yield "all at once", [10.0] * number
    yield "one after the other", [10.0 + 0.01 * n for n in range(number)]
    yield "now and then", sorted(random.Random(number).uniform(10, 300) for _ in range(number))


@pytest.mark.parametrize("roots", [False, True])
@pytest.mark.parametrize("usage", [(10, 5), None])
@pytest.mark.parametrize(
    ("number", "starts"), [(n, starts) for n in (2, 7, 60) for _, starts in _starts(n)],
    ids=[f"{n} {how}" for n in (2, 7, 60) for how, _ in _starts(n)],
)  # fmt: skip
def test_equal_calls_at_the_same_time_stay_as_many(
    number: int, starts: list[float], usage: tuple[int, int] | None, roots: bool
) -> None:
    """Matched one to one: no pair takes the partner of another and leaves it alone."""
    lengths = random.Random(7)
    spans = [
        span
        for n in range(number)
        for span in pair(n + 1, at=starts[n], ms=lengths.choice([80, 100, 300]), roots=roots, usage=usage)
    ]
    if not roots:
        spans.append(ROOT)
    lengths.shuffle(spans)
    bench = Bench().send(*spans).settle()
    assert len(bench.calls) == number


def test_calls_that_wait_for_a_free_connection() -> None:
    """A thousand start at once in the framework, the SDK works them off: their ends tell which is which."""
    spans = [ROOT.but(ms=200_000)]
    for n in range(1, 1001):
        begin = 10.0 + 100 * n
        spans.append(S(10 * n, 1, at=10, ms=begin + 90, scope="framework", tokens=(10, 5)))
        spans.append(S(10 * n + 1, 1, at=begin, ms=98, scope="sdk", tokens=(10, 5)))
    random.Random(3).shuffle(spans)
    assert len(Bench().send(*spans).settle().calls) == 1000


def test_different_calls_in_parallel_do_not_merge() -> None:
    """Parallel tools, each of which asks a model: other figures, or other models, at the same time."""
    spans = [ROOT]
    for n, (model, usage) in enumerate(itertools.product(["gpt-4o", "gpt-4o-mini"], [(10, 5), (20, 6), (30, 7)]), 1):
        tool = S(100 + n, 1, at=10, ms=300, role="tool", attrs={"gen_ai.tool.name": f"tool{n}"})
        outer, inner = (span.but(parent=tool.id, model=model) for span in pair(n, at=20 + n, usage=usage))
        spans += [tool, outer, inner]
    random.Random(5).shuffle(spans)
    bench = Bench().send(*spans).settle()
    assert tokens(bench.calls) == (120, 36)
    assert len(bench.calls) == 6


def test_parallel_calls_of_one_instrumentation_never_merge() -> None:
    spans = [S(n, 1, at=10, ms=100, tokens=(10, 5)) for n in range(2, 7)]
    assert len(everywhere(ROOT, *spans).calls) == 5


# -- streams in two parts ----------------------------------------------------------------------------------------


def stream(n: int, *, at: float, lasts: float, usage: tuple[int, int] = (10, 5), roots: bool = False) -> list[S]:
    """A call as Logfire reports it: a request that ends with the headers, and a log of the end of the stream."""
    head = S(10 * n, 1, at=at, ms=20, scope=LOGFIRE)
    tail = S(10 * n + 1, 1, at=at + 21 + lasts, ms=0, scope=LOGFIRE, tokens=usage,
             attrs={"logfire.span_type": "log", "duration": lasts / 1000})  # fmt: skip
    if roots:
        return [head.but(parent=0, trace=10 * n), tail.but(parent=0, trace=10 * n + 1)]
    return [head, tail]


@pytest.mark.parametrize("roots", [False, True])
def test_both_parts_of_a_stream_are_one_call(roots: bool) -> None:
    [call] = everywhere(ROOT, *stream(1, at=10, lasts=900, roots=roots)).calls
    assert (call.input_tokens, call.streaming) == (10, True)
    assert call.duration_s == pytest.approx(0.921)


@pytest.mark.parametrize("roots", [False, True])
@pytest.mark.parametrize("number", [3, 40])
def test_streams_at_the_same_time(number: int, roots: bool) -> None:
    spans = [
        s for n in range(1, number + 1) for s in stream(n, at=10 + 7 * n, lasts=300 + 13 * n, usage=(n, 5), roots=roots)
    ]
    bench = Bench()
    random.Random(number).shuffle(spans)
    bench.send(ROOT, *spans).settle()
    assert tokens(bench.calls) == (number * (number + 1) // 2, 5 * number)
    assert len(bench.calls) == number


def test_a_stream_that_lasts_longer_than_traces_wait() -> None:
    head, tail = stream(1, at=10, lasts=45_000, roots=True)
    bench = Bench().send(head).wait(45, step=1)
    assert not bench.calls
    bench.send(tail).settle()
    assert [call.input_tokens for call in bench.calls] == [10]


def test_the_end_of_a_stream_that_comes_too_late_is_noted() -> None:
    """The call was counted without figures by then; it is not counted again, and what was lost shows."""
    head, tail = stream(1, at=10, lasts=90_000)
    bench = Bench().send(ROOT, head).wait(90, step=1).send(tail).settle()
    assert [call.input_tokens for call in bench.calls] == [None]
    assert bench.ambiguous == {"late_usage": 1}


def test_the_end_of_a_stream_releases_a_trace_that_waits_for_it() -> None:
    head, tail = stream(1, at=10, lasts=2_000, roots=True)
    bench = Bench().send(head).wait(2).send(tail).wait(11)
    assert len(bench.calls) == 1


def test_the_vendors_own_span_and_a_stream_in_two_parts() -> None:
    """Logfire around the Anthropic SDK, which traces as well: a child of the head, beside the tail."""
    head, tail = (
        span.but(scope="logfire.anthropic", model="claude-sonnet-4-0") for span in stream(1, at=10, lasts=900)
    )
    native = S(99, head.id, at=11, ms=900, scope="com.anthropic.sdk.python", model="claude-sonnet-4-0", tokens=(10, 5),
               rid="msg_014ba018d16251136db48b43", attrs={"gen_ai.response.time_to_first_chunk": 0.4})  # fmt: skip
    [call] = everywhere(ROOT, head, tail, native).calls
    assert (call.input_tokens, call.ttft_s, call.response_id) == (10, 0.4, "msg_014ba018d16251136db48b43")
