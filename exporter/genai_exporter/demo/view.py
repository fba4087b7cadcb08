"""How the demonstration looks: a screen for a terminal, a line now and then for a log."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .figures import Buckets, Figures, quantile

WINDOW_S = 30.0
TOP = 6
QUANTILES = (0.5, 0.95, 0.99)
HOUR_S = 3600.0


class History:
    """The last pages, for rates over ``WINDOW_S`` seconds."""

    def __init__(self) -> None:
        self._pages: deque[Figures] = deque()

    def add(self, figures: Figures) -> None:
        """Take in a newer page."""
        self._pages.append(figures)
        while figures.at_s - self._pages[0].at_s > WINDOW_S:
            self._pages.popleft()

    @property
    def last(self) -> Figures:
        """The newest page. IndexError before the first."""
        return self._pages[-1]

    def rates(self) -> dict[str, float]:
        """Per second, over the window: requests, calls, failed_calls, input_tokens, output_tokens, cost_usd."""
        first, last = self._pages[0], self._pages[-1]
        seconds = last.at_s - first.at_s
        before, after = first.total, last.total
        rates = {"requests": (last.requests - first.requests) / seconds if seconds else 0.0}
        for name in ("calls", "failed_calls", "input_tokens", "output_tokens", "cost_usd"):
            rates[name] = (getattr(after, name) - getattr(before, name)) / seconds if seconds else 0.0
        return rates


def seconds(value: float | None) -> str:
    """A time for people."""
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def line(history: History, elapsed_s: float) -> str:
    """One line for a log."""
    figures, rates = history.last, history.rates()
    first, call = ([seconds(quantile(b, q)) for q in QUANTILES] for b in (figures.first_token, figures.call_latency))
    total = figures.total
    return (
        f"{elapsed_s:5.0f} s  {figures.requests} requests ({rates['requests']:.1f}/s)  {total.calls} calls, "
        f"{total.failed_calls} failed  TTFT p50/p95/p99 {'/'.join(first)}  latency {'/'.join(call)}  "
        f"tokens/s in {rates['input_tokens']:.0f} out {rates['output_tokens']:.0f}  "
        f"${rates['cost_usd'] * HOUR_S:.2f}/h"
    )


def screen(history: History, elapsed_s: float, urls: Mapping[str, str], delivery: str) -> RenderableType:
    """The whole picture."""
    figures, rates = history.last, history.rates()
    total = figures.total
    shown = {
        "requests/s": f"{rates['requests']:.1f}",
        "calls/s": f"{rates['calls']:.1f}",
        "tokens/s in": f"{rates['input_tokens']:,.0f}",
        "tokens/s out": f"{rates['output_tokens']:,.0f}",
        "cost/hour": f"${rates['cost_usd'] * HOUR_S:,.2f}",
    }
    head = Table.grid(padding=(0, 3))
    for _ in shown:
        head.add_column(justify="center")
    head.add_row(*(Text(name, style="dim") for name in shown))
    head.add_row(*(Text(value, style="bold cyan") for value in shown.values()))
    counted = f"{figures.requests:,} requests, {total.calls:,} provider calls, ${total.cost_usd:,.4f}"
    title = f"{counted} in {elapsed_s:,.0f} s"
    return Group(
        Panel(head, title=title, title_align="left"),
        *(Text(f"{name:<18}{url}") for name, url in urls.items()),
        Columns([_latency(figures), _counts("Errors by type", figures.errors)], padding=(0, 2)),
        Columns([_models(figures), _services(figures)], padding=(0, 2)),
        Columns(
            [_counts("Evaluations", figures.evaluations), _counts("Feedback", figures.feedback), _spans(figures)],
            padding=(0, 2),
        ),
        Text(delivery, style="dim"),
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        width = None if index else len(title)
        table.add_column(column, justify="right" if index else "left", style="" if index else "dim", min_width=width)
    return table


def _latency(figures: Figures) -> Table:
    table = _table("Over the run", "", "p50", "p95", "p99")
    rows: tuple[tuple[str, Buckets], ...] = (
        ("time to first token", figures.first_token),
        ("provider call", figures.call_latency),
        ("whole request", figures.request_latency),
    )
    for name, buckets in rows:
        table.add_row(name, *(seconds(quantile(buckets, share)) for share in QUANTILES))
    return table


def _counts(title: str, counts: Mapping[str, int]) -> Table:
    table = _table(title, "", "count")
    ranked = sorted(((name, count) for name, count in counts.items() if count), key=lambda item: -item[1])
    for name, count in ranked[:TOP] or [("none", 0)]:
        table.add_row(name, f"{count:,}")
    return table


def _models(figures: Figures) -> Table:
    table = _table("Top models by cost", "", "calls", "cost")
    ranked = sorted(figures.model_calls, key=lambda name: -figures.model_cost_usd.get(name, 0.0))
    for name in ranked[:TOP]:
        table.add_row(name, f"{figures.model_calls[name]:,}", f"${figures.model_cost_usd.get(name, 0.0):,.4f}")
    return table


def _services(figures: Figures) -> Table:
    table = _table("Services", "", "calls", "failed", "tokens in", "tokens out", "cost")
    for name, service in sorted(figures.services.items()):
        table.add_row(
            name,
            f"{service.calls:,}",
            f"{service.failed_calls:,}",
            f"{service.input_tokens:,}",
            f"{service.output_tokens:,}",
            f"${service.cost_usd:,.4f}",
        )
    return table


def _spans(figures: Figures) -> Table:
    table = _table("Spans in the exporter", "", "spans")
    table.add_row("received", f"{figures.spans_received:,}")
    for result, count in sorted(figures.spans.items(), key=lambda item: -item[1]):
        if count:
            table.add_row(f"  {result}", f"{count:,}")
    table.add_row("  pending", f"{figures.spans_pending:,}")
    return table
