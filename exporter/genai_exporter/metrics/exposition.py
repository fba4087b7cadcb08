"""Writes families in the two text formats: Prometheus 0.0.4 and OpenMetrics 1.0.0.

The text of labels is rendered once, when a series is born; a scrape only adds numbers to it. Bounds in ``le`` are
written the same way in both formats, as Prometheus itself would normalise them, so that a bucket keeps its identity
whichever format a scrape negotiates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import accumulate

from .children import CounterChild, GaugeChild, HistogramChild, Mark
from .model import Metric

_EXPONENT_FROM = 1e6


def escape_label(value: str) -> str:
    """Escape a label value for either format."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def label_text(names: Sequence[str], values: Sequence[str]) -> str:
    """Render label pairs without the braces: ``a="x",b="y"``."""
    return ",".join(f'{name}="{escape_label(value)}"' for name, value in zip(names, values, strict=True))


def bound_text(bound: float) -> str:
    """Render a bucket bound as Prometheus normalises it: ``0.5``, ``1.0``, ``1e+06``, ``+Inf``."""
    if bound == float("inf"):
        return "+Inf"
    text = repr(float(bound))
    if bound < _EXPONENT_FROM or "e" in text:
        return text
    mantissa, _, exponent = f"{Decimal(text).normalize():e}".partition("e")
    return f"{mantissa}e+{int(exponent):02d}"


def number(value: float) -> str:
    """Render a sample value; integers have no fraction, so token counts stay exact however large they grow."""
    if isinstance(value, int):
        return str(value)
    if value.is_integer() and abs(value) < _EXPONENT_FROM:
        return str(int(value))
    text = repr(value)
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(text, text)


def header(metric: Metric, *, openmetrics: bool) -> str:
    """The comment lines that open a family."""
    text = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    name = metric.name
    if openmetrics:
        name = metric.family
        text = text.replace('"', r"\"")
    lines = [f"# HELP {name} {text}\n", f"# TYPE {name} {metric.kind}\n"]
    if openmetrics and metric.unit and name.endswith(f"_{metric.unit}"):
        lines.append(f"# UNIT {name} {metric.unit}\n")
    return "".join(lines)


def exemplar(mark: Mark, value: float) -> str:
    """Render an exemplar as it follows a sample value in OpenMetrics."""
    trace_id, span_id, when = mark
    return f' # {{trace_id="{trace_id.hex()}",span_id="{span_id.hex()}"}} {number(value)} {when:.3f}'


def write_counters(out: list[str], name: str, children: Iterable[CounterChild], *, openmetrics: bool) -> None:
    """Append one line per child."""
    for child in children:
        tail = ""
        if openmetrics and child.mark is not None and child.value:
            tail = exemplar(child.mark, child.mark_value)
        braced = f"{{{child.text}}}" if child.text else ""
        out.append(f"{name}{braced} {number(child.value)}{tail}\n")


def write_gauges(out: list[str], name: str, children: Iterable[GaugeChild]) -> None:
    """Append one line per child."""
    for child in children:
        braced = f"{{{child.text}}}" if child.text else ""
        out.append(f"{name}{braced} {number(child.value)}\n")


def bucket_tails(bounds: Sequence[float]) -> tuple[str, ...]:
    """What follows the labels of each bucket line, ``+Inf`` included."""
    return tuple(f'le="{bound_text(bound)}"}} ' for bound in (*bounds, float("inf")))


def write_histograms(
    out: list[str], name: str, children: Iterable[HistogramChild], tails: Sequence[str], *, openmetrics: bool
) -> None:
    """Append the buckets, the sum and the count of each child."""
    for child in children:
        text = child.text
        head = f"{name}_bucket{{{text}," if text else f"{name}_bucket{{"
        counts = list(accumulate(child.counts))
        if openmetrics and any(child.marks):
            for tail, count, mark, value in zip(tails, counts, child.marks, child.marks_values, strict=True):
                out.append(f"{head}{tail}{count}{exemplar(mark, value) if mark is not None else ''}\n")
        else:
            out.extend([f"{head}{tail}{count}\n" for tail, count in zip(tails, counts, strict=True)])
        braced = f"{{{text}}}" if text else ""
        out.append(f"{name}_sum{braced} {number(child.total)}\n{name}_count{braced} {counts[-1]}\n")
