"""What the benchmark prints, writes and demands."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from bench import in_process, memory, over_http, scrape

HEADLINE = "on"

# What the exporter reaches, as ratios within one run: speeds as such belong to a machine. Six times the plain way is
# the aim; reading attributes from Python stands between, and a compiled scanner would be the next step.
LEAST_TIMES_PLAIN = 3.5
LEAST_TIMES_CLIENT = 20.0


class Figures(NamedTuple):
    """Everything one run measured; the dictionaries are keyed by set."""

    in_process: dict[str, in_process.Result]
    http: dict[str, over_http.Result]
    scrape: scrape.Result
    memory: memory.Result

    @property
    def problems(self) -> list[str]:
        """Everything that was counted wrongly or lost on the way."""
        found = [problem for result in self.in_process.values() for problem in result.problems]
        found += [problem for result in self.http.values() for problem in result.problems]
        if self.memory.pending != self.memory.sent:
            found.append(f"memory: {self.memory.pending} traces pending of {self.memory.sent} sent")
        return found


def document(figures: Figures) -> dict[str, Any]:
    """The content of build/bench.json: speeds in spans per second of one core's CPU time, times in seconds."""
    headline = figures.in_process[HEADLINE]
    return {
        "pipeline_spans_per_core_second": headline.spans_per_core_second,
        "plain_spans_per_core_second": headline.plain_spans_per_core_second,
        "http_spans_per_core_second": figures.http[HEADLINE].spans_per_core_second,
        "scrape_20k_series_seconds": figures.scrape.seconds,
        "pending_trace_bytes": figures.memory.allocated,
        "pending_trace_resident_bytes": figures.memory.resident,
        "times_plain": headline.ratio,
        "times_generate_latest": figures.scrape.ratio,
        "scrape_openmetrics_20k_series_seconds": figures.scrape.openmetrics_seconds,
        "generate_latest_20k_series_seconds": figures.scrape.client_seconds,
        "sets": {
            kind: {
                "rounds": result.rounds,
                "pipeline_spans_per_core_second": result.spans_per_core_second,
                "plain_spans_per_core_second": result.plain_spans_per_core_second,
                "times_plain": result.ratio,
                "http_spans_per_core_second": figures.http[kind].spans_per_core_second,
                "stage_cpu_us_per_span": result.stage_us,
            }
            for kind, result in figures.in_process.items()
        },
        "problems": figures.problems,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def lines(figures: Figures) -> Iterable[str]:
    """The report for people."""
    sets = list(figures.in_process)
    yield "CPU microseconds per span"
    yield _row("", *sets)
    for stage in in_process.STAGES:
        yield _row(f"  {stage}", *(f"{figures.in_process[kind].stage_us[stage]:.2f}" for kind in sets))
    yield _row("pipeline (without gunzip)", *(f"{figures.in_process[kind].pipeline_us:.2f}" for kind in sets))
    yield _row("plain implementation", *(f"{figures.in_process[kind].plain_us:.2f}" for kind in sets))
    yield _row(
        "whole service, HTTP and gzip", *(f"{1e6 / figures.http[kind].spans_per_core_second:.2f}" for kind in sets)
    )
    yield ""
    yield "spans per second of one core"
    yield _row("", *sets)
    yield _row("pipeline", *(f"{figures.in_process[kind].spans_per_core_second:,.0f}" for kind in sets))
    yield _row("plain implementation", *(f"{figures.in_process[k].plain_spans_per_core_second:,.0f}" for k in sets))
    yield _row("whole service, HTTP and gzip", *(f"{figures.http[kind].spans_per_core_second:,.0f}" for kind in sets))
    yield _row("times the plain implementation", *(f"{figures.in_process[kind].ratio:.1f}" for kind in sets))
    yield ""
    page, weight = figures.scrape, figures.memory
    yield f"metrics page, {page.lines:,} series"
    yield _row("  text", f"{page.seconds * 1000:.1f} ms")
    yield _row("  OpenMetrics, with exemplars", f"{page.openmetrics_seconds * 1000:.1f} ms")
    yield _row("  generate_latest", f"{page.client_seconds * 1000:.1f} ms")
    yield _row("  times cheaper a line", f"{page.ratio:.1f}")
    yield ""
    yield f"a trace of six spans that waits to settle ({HEADLINE})"
    yield _row("  allocated", f"{weight.allocated:,.0f} B")
    yield _row("  resident", f"{weight.resident:,.0f} B")


def _row(name: str, *cells: str) -> str:
    return f"{name:32}" + "".join(f"{cell:>12}" for cell in cells)


def shortfalls(figures: Figures, share: float) -> list[str]:
    """Ratios below ``share`` of their targets, for the headline set and the page."""
    found = []
    for what, reached, least in (
        (f"times the plain implementation ({HEADLINE})", figures.in_process[HEADLINE].ratio, LEAST_TIMES_PLAIN),
        ("times cheaper a line than generate_latest", figures.scrape.ratio, LEAST_TIMES_CLIENT),
    ):
        if reached < share * least:
            found.append(f"{what}: {reached:.1f}, which is below {share} of {least}")
    return found


def write(figures: Figures, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(figures), indent=2) + "\n", encoding="utf-8")
