"""The benchmark measures what it says: bodies of the stated shape, counted alike by both implementations."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench import in_process, payload, report, scrape
from bench.plain import Plain
from genai_exporter.metrics.store import Store
from genai_exporter.records import Settled

NOW = 1_790_000_000.0


def spans_of(body: payload.Body) -> list[tuple[str, bytes, int, int]]:
    request = ExportTraceServiceRequest.FromString(body.raw)
    return [
        (span.name, span.trace_id, len(span.attributes), span.end_time_unix_nano)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def counts(store: Store) -> list[bytes]:
    """The lines that say how many observations each histogram had."""
    return [line for line in store.render(openmetrics=False).splitlines() if b"_count{" in line]


@pytest.mark.parametrize(("kind", "spans", "traces"), [("on", 306, 51), ("off", 306, 51), ("noise", 324, 18)])
def test_a_body_has_the_stated_shape(kind: str, spans: int, traces: int) -> None:
    [body] = payload.bodies(kind, 1, now=NOW)
    found = spans_of(body)
    assert (len(found), body.spans) == (spans, spans)
    assert (len({trace for _, trace, _, _ in found}), body.traces) == (traces, traces)
    assert body.calls == 3 * traces
    assert max(end for *_, end in found) <= NOW * 1e9


def test_content_is_what_sets_the_sets_apart() -> None:
    sizes = {kind: len(payload.bodies(kind, 1, now=NOW)[0].raw) for kind in payload.SETS}
    assert sizes["on"] > 4 * sizes["off"]


def test_the_same_seed_gives_the_same_bodies() -> None:
    assert payload.bodies("on", 2, now=NOW) == payload.bodies("on", 2, now=NOW)
    assert payload.bodies("on", 1, now=NOW, seed=8) != payload.bodies("on", 1, now=NOW)


def test_a_restamped_body_is_the_same_traffic_in_new_traces() -> None:
    [body] = payload.bodies("on", 1, now=NOW)
    again = body.restamped(0x20000000)
    assert len(again.raw) == len(body.raw)
    before, after = spans_of(body), spans_of(again)
    assert not {trace for _, trace, _, _ in before} & {trace for _, trace, _, _ in after}
    assert [name for name, *_ in before] == [name for name, *_ in after]
    assert body.stamp not in again.raw


@pytest.mark.parametrize("kind", payload.SETS)
def test_both_implementations_count_what_was_sent(kind: str) -> None:
    ours, plain = in_process.Ours(), Plain()
    bodies = payload.bodies(kind, 2, now=NOW)
    ours.run(bodies)
    for body in bodies:
        plain.traces(body.raw)
    assert in_process.compare(kind, bodies, ours.totals(), plain.totals()) == []
    assert ours.totals().cost_usd > 0


def test_a_lost_call_is_noticed() -> None:
    ours, plain = in_process.Ours(), Plain()
    [body] = payload.bodies("off", 1, now=NOW)
    ours.run([body])
    plain.traces(body.raw)
    problems = in_process.compare("off", [body, body], ours.totals(), plain.totals())
    assert len(problems) == 2


def test_recording_again_is_the_same_work() -> None:
    """The stage ``record`` is timed on what the pipeline had recorded."""
    ours = in_process.Ours()
    [body] = payload.bodies("off", 1, now=NOW)
    ours.run([body])
    assert sum(len(settled.calls) for settled in ours.recorder.kept) == body.calls
    assert all(isinstance(settled, Settled) for settled in ours.recorder.kept)
    assert counts(ours.again.store) == counts(ours.recorder.store) != []


def test_both_pages_have_the_same_lines() -> None:
    result = scrape.measure(rounds=1, series=2000)
    assert result.lines == result.client_lines
    assert abs(result.lines - 2000) < 40


def test_targets_are_ratios() -> None:
    reached = in_process.Result(3, {}, 10.0, 50.0, 5.0, [])
    page = scrape.Result(0.01, 0.01, 0.3, 20_000, 20_000)
    figures = report.Figures({report.HEADLINE: reached}, {}, page, None)  # type: ignore[arg-type]
    assert report.shortfalls(figures, 1.0) == []
    slow = figures._replace(in_process={report.HEADLINE: reached._replace(ratio=3.0)})
    assert report.shortfalls(slow, 0.7) == []
    assert report.shortfalls(slow, 1.0) == ["times the plain implementation (on): 3.0, which is below 1.0 of 3.5"]
