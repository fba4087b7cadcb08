"""Is what the exporter shows the truth?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rich.table import Table

from genai_exporter.simulate.truth import Truth

from .figures import Figures, ServiceFigures


class Fact(NamedTuple):
    """One figure, as it was sent and as it was measured."""

    service: str
    name: str
    sent: int
    measured: int

    @property
    def right(self) -> bool:
        return self.sent == self.measured


COUNTED = ("calls", "failed_calls", "input_tokens", "output_tokens", "cached_input_tokens", "reasoning_output_tokens")


def facts(truths: Mapping[str, Truth], figures: Figures) -> Iterator[Fact]:
    """Every figure that can be compared, service by service; a service that no request reached has none."""
    for service, truth in truths.items():
        measured = figures.services.get(service, ServiceFigures())
        for name in COUNTED:
            yield Fact(service, name, truth.counts[name], getattr(measured, name))
        yield Fact(service, "tool_executions", truth.tools.total(), measured.tool_executions)
        yield Fact(service, "agent_runs", truth.agents.total(), measured.agent_runs)


def correct(truths: Mapping[str, Truth], figures: Figures) -> bool:
    """Whether every figure is exactly what was sent, and every span received is accounted for."""
    return all(fact.right for fact in facts(truths, figures)) and figures.books_balance


def table(truths: Mapping[str, Truth], figures: Figures) -> Table:
    """What was sent next to what was measured."""
    shown = Table(title="Sent by the simulator / measured by the exporter", title_justify="left", box=None)
    shown.add_column("")
    rows: dict[str, list[str]] = {}
    for service in truths:
        shown.add_column(service, justify="right")
    for fact in facts(truths, figures):
        mark = f"[green]{fact.measured:,}[/]" if fact.right else f"[bold red]{fact.sent:,} != {fact.measured:,}[/]"
        rows.setdefault(fact.name, []).append(mark)
    for name, cells in rows.items():
        shown.add_row(name.replace("_", " "), *cells)
    return shown
