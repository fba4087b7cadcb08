"""PromQL expressions that know which metrics and labels they use.

Dashboards and alerts build their queries here from the objects of the catalogue. A label that a metric does not have, a
rate of a gauge or a threshold between two buckets raises ``PromqlError`` when the module that says so is imported.

    errors = rate(catalogue.CALL_DURATION, by=[SERVICE_NAME], where={ERROR_TYPE: Not("")}, window="5m")
    errors / rate(catalogue.CALL_DURATION, by=[SERVICE_NAME], window="5m") > 0.05
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from genai_exporter.catalogue import Label, Metric


class PromqlError(ValueError):
    """The expression contradicts the catalogue."""


@dataclass(frozen=True)
class Matcher:
    """A value to match and how: ``=``, ``!=``, ``=~`` or ``!~``."""

    value: str
    operator: str = "="


def Not(value: str) -> Matcher:
    return Matcher(value, "!=")


def Matches(pattern: str) -> Matcher:
    """A regular expression over the whole value; also the form for a Grafana variable that allows several values."""
    return Matcher(pattern, "=~")


def NotMatches(pattern: str) -> Matcher:
    return Matcher(pattern, "!~")


Where = Mapping[Label, str | Matcher]
Number = int | float
_DURATION: Final = re.compile(r"(\d+(ms|[smhdwy]))+\Z|\$__\w+\Z|\$\{?\w+\}?\Z")


class Expr:
    """An immutable expression. ``metrics`` are the names it reads, ``labels`` those it matches or groups by."""

    __slots__ = ("labels", "metrics", "text")

    def __init__(self, text: str, metrics: Iterable[str] = (), labels: Iterable[str] = ()) -> None:
        self.text = text
        self.metrics = frozenset(metrics)
        self.labels = frozenset(labels)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Expr({self.text!r})"

    def to_json_data(self) -> str:
        """What grafanalib's encoder asks of any object."""
        return self.text

    def _with(self, text: str, *others: Expr) -> Expr:
        return Expr(
            text,
            self.metrics.union(*(other.metrics for other in others)),
            self.labels.union(*(other.labels for other in others)),
        )

    def _binary(self, operator: str, other: Expr | Number, tail: str = "") -> Expr:
        right = other if isinstance(other, Expr) else Expr(number(other))
        return self._with(f"{_operand(self)} {operator}{tail} {_operand(right)}", right)

    def __add__(self, other: Expr | Number) -> Expr:
        return self._binary("+", other)

    def __sub__(self, other: Expr | Number) -> Expr:
        return self._binary("-", other)

    def __mul__(self, other: Expr | Number) -> Expr:
        return self._binary("*", other)

    def __truediv__(self, other: Expr | Number) -> Expr:
        return self._binary("/", other)

    def __radd__(self, other: Number) -> Expr:
        return Expr(number(other))._binary("+", self)

    def __rmul__(self, other: Number) -> Expr:
        return Expr(number(other))._binary("*", self)

    def __rsub__(self, other: Number) -> Expr:
        return Expr(number(other))._binary("-", self)

    def __rtruediv__(self, other: Number) -> Expr:
        return Expr(number(other))._binary("/", self)

    def __gt__(self, other: Expr | Number) -> Expr:
        return self._binary(">", other)

    def __ge__(self, other: Expr | Number) -> Expr:
        return self._binary(">=", other)

    def __lt__(self, other: Expr | Number) -> Expr:
        return self._binary("<", other)

    def __le__(self, other: Expr | Number) -> Expr:
        return self._binary("<=", other)

    def equals(self, other: Expr | Number) -> Expr:
        return self._binary("==", other)

    def differs(self, other: Expr | Number) -> Expr:
        return self._binary("!=", other)

    def and_(self, other: Expr, on: Iterable[Label] | None = None) -> Expr:
        """Where both have a value; ``on`` names the labels to match, all of them when omitted."""
        return self._binary("and", other, _on(on))

    def or_(self, other: Expr, on: Iterable[Label] | None = None) -> Expr:
        return self._binary("or", other, _on(on))

    def unless(self, other: Expr, on: Iterable[Label] | None = None) -> Expr:
        return self._binary("unless", other, _on(on))

    def ratio(self, other: Expr, on: Iterable[Label], group_left: bool = False) -> Expr:
        """Division by labels: ``group_left`` when several of this side meet one of the other."""
        return self.combine("/", other, on, group_left)

    def combine(self, operator: str, other: Expr, on: Iterable[Label], group_left: bool = False) -> Expr:
        """Arithmetic or a comparison by labels, with ``group_left`` as in ``ratio``. Raises ``PromqlError``."""
        if operator not in _ON_LABELS:
            raise PromqlError(f"{operator!r} does not combine two sides; one of {', '.join(_ON_LABELS)} does")
        return self._binary(operator, other, _on(on) + (" group_left()" if group_left else ""))

    def call(self, function: str, *before: str) -> Expr:
        """``function(before..., this)``."""
        return self._with(f"{function}({', '.join((*before, self.text))})")

    def aggregate(self, function: str, by: Iterable[Label] = ()) -> Expr:
        labels = [label.name for label in by]
        clause = f" by ({', '.join(labels)})" if labels else ""
        return Expr(f"{function}{clause} ({self.text})", self.metrics, self.labels | set(labels))

    def offset(self, duration: str) -> Expr:
        """Only for a plain selector or recorded series: PromQL shifts what is read, not what is computed."""
        if not _SELECTOR.match(self.text):
            raise PromqlError(f"only a plain series can be offset, not {self.text!r}")
        return self._with(f"{self.text} offset {window_of(duration)}")

    def over(self, function: str, window: str, resolution: str = "", offset: str = "") -> Expr:
        """``function`` over a range of this: a subquery with ``resolution``, or a plain range of a selector."""
        text = self.text
        if resolution or not _SELECTOR.match(text):
            text = f"({text})[{window_of(window)}:{resolution}]"
        else:
            text = f"{text}[{window_of(window)}]"
        return self._with(f"{function}({text}{f' offset {window_of(offset)}' if offset else ''})")


_ON_LABELS: Final = ("+", "-", "*", "/", ">", ">=", "<", "<=", "==", "!=")
_SELECTOR: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^{}]*\})?\Z")
_SIMPLE: Final = re.compile(r"[\w:.]+(\{[^{}]*\})?\Z|[\w:]+\s?(by \([^()]*\) )?\([^()]*(\([^()]*\)[^()]*)*\)\Z")


def _operand(expression: Expr) -> str:
    return expression.text if _SIMPLE.match(expression.text) else f"({expression.text})"


def _on(labels: Iterable[Label] | None) -> str:
    return "" if labels is None else f" on ({', '.join(label.name for label in labels)})"


def number(value: Number) -> str:
    """A number as PromQL writes it."""
    return f"{value:.12g}"


def window_of(duration: str) -> str:
    """A duration such as ``5m``, or a Grafana variable. Raises ``PromqlError``."""
    if not _DURATION.match(duration):
        raise PromqlError(f"{duration!r} is not a duration such as 5m or 1h30m")
    return duration


def _matcher(label: Label, matcher: Matcher) -> str:
    escaped = matcher.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{label.name}{matcher.operator}"{escaped}"'


def _selector(metric: Metric, series: str, where: Where, by: Iterable[Label], extra: str = "") -> tuple[str, set[str]]:
    known = {label.name for label in (*metric.labels, *metric.optional)}
    used = {label.name for label in (*where, *by)}
    if strangers := sorted(used - known):
        raise PromqlError(f"{metric.name} has no label {', '.join(strangers)}; it has {', '.join(sorted(known))}")
    parts = []
    for label, wanted in where.items():
        matcher = wanted if isinstance(wanted, Matcher) else Matcher(wanted)
        if label.values is not None and matcher.operator in ("=", "!=") and matcher.value not in (*label.values, ""):
            raise PromqlError(f"{label.name} is never {matcher.value!r}; it is one of {', '.join(label.values)}")
        parts.append(_matcher(label, matcher))
    if extra:
        parts.append(extra)
    return (f"{series}{{{', '.join(parts)}}}" if parts else series), used


def select(metric: Metric, where: Where | None = None) -> Expr:
    """The series of a counter or gauge as they are stored."""
    if metric.kind == "histogram":
        raise PromqlError(f"{metric.name} is a histogram: ask for its rate, mean, quantile or share_above")
    text, used = _selector(metric, metric.name, where or {}, ())
    return Expr(text, [metric.name], used)


def value(metric: Metric, by: Iterable[Label] = (), where: Where | None = None, function: str = "max") -> Expr:
    """A gauge, folded over replicas."""
    if metric.kind != "gauge":
        raise PromqlError(f"{metric.name} is a {metric.kind}: only a gauge has a value of its own")
    by = tuple(by)
    text, used = _selector(metric, metric.name, where or {}, by)
    return Expr(text, [metric.name], used).aggregate(function, by)


def _change(
    function: str, metric: Metric, part: str, window: str, by: Iterable[Label], where: Where | None, offset: str
) -> Expr:
    if metric.kind == "gauge":
        raise PromqlError(f"{function}() of {metric.name} means nothing: it is a gauge")
    by = tuple(by)
    series = f"{metric.name}_{part}" if metric.kind == "histogram" else metric.name
    text, used = _selector(metric, series, where or {}, by)
    past = f" offset {window_of(offset)}" if offset else ""
    return Expr(f"{function}({text}[{window_of(window)}]{past})", [series], used).aggregate("sum", by)


def rate(
    metric: Metric, window: str = "5m", by: Iterable[Label] = (), where: Where | None = None, offset: str = ""
) -> Expr:
    """Events per second: increments of a counter, observations of a histogram; ``offset`` earlier when given."""
    return _change("rate", metric, "count", window, by, where, offset)


def increase(
    metric: Metric, window: str = "5m", by: Iterable[Label] = (), where: Where | None = None, offset: str = ""
) -> Expr:
    """Events in the window."""
    return _change("increase", metric, "count", window, by, where, offset)


def rate_of_sum(
    metric: Metric, window: str = "5m", by: Iterable[Label] = (), where: Where | None = None, offset: str = ""
) -> Expr:
    """What a histogram's observations add up to, per second: tokens per second from token usage."""
    _only_histogram(metric)
    return _change("rate", metric, "sum", window, by, where, offset)


def increase_of_sum(
    metric: Metric, window: str = "5m", by: Iterable[Label] = (), where: Where | None = None, offset: str = ""
) -> Expr:
    _only_histogram(metric)
    return _change("increase", metric, "sum", window, by, where, offset)


def mean(metric: Metric, window: str = "5m", by: Iterable[Label] = (), where: Where | None = None) -> Expr:
    """The average observation of a histogram."""
    by = tuple(by)
    return rate_of_sum(metric, window, by, where) / rate(metric, window, by, where)


def quantile(
    q: float, metric: Metric, window: str = "5m", by: Iterable[Label] = (), where: Where | None = None
) -> Expr:
    """``histogram_quantile``. It never exceeds the last finite bucket: alerts at a bucket's edge use share_above."""
    _only_histogram(metric)
    if not 0 <= q <= 1:
        raise PromqlError(f"{q} is not a quantile between 0 and 1")
    by = tuple(by)
    series = f"{metric.name}_bucket"
    text, used = _selector(metric, series, where or {}, by)
    grouping = ", ".join(("le", *(label.name for label in by)))
    return Expr(
        f"histogram_quantile({number(q)}, sum by ({grouping}) (rate({text}[{window_of(window)}])))", [series], used
    )


def share_above(
    metric: Metric, edge: float, window: str = "5m", by: Iterable[Label] = (), where: Where | None = None
) -> Expr:
    """The share of observations above ``edge``, exact because ``edge`` must be one of the metric's buckets."""
    _only_histogram(metric)
    if edge not in (metric.buckets or ()):
        raise PromqlError(f"{metric.name} has no bucket at {edge}; it has {metric.buckets}")
    by = tuple(by)
    series = f"{metric.name}_bucket"
    text, used = _selector(metric, series, where or {}, by, _edge(edge))
    below = Expr(f"rate({text}[{window_of(window)}])", [series], used).aggregate("sum", by)
    return 1 - below / rate(metric, window, by, where)


def _edge(edge: float) -> str:
    """Text exposition, OpenMetrics and Prometheus 3 spell one bound in two ways: 60 and 60.0."""
    short = number(edge)
    return f'le="{short}"' if "." in short or "e" in short else f'le=~"{short}(\\\\.0)?"'


def _only_histogram(metric: Metric) -> None:
    if metric.kind != "histogram":
        raise PromqlError(f"{metric.name} is a {metric.kind}, not a histogram")


class Named(Protocol):
    """Anything with a name, such as a recording rule."""

    @property
    def name(self) -> str: ...


def recorded(rule: Named, where: Where | None = None) -> Expr:
    """The series that a recording rule writes."""
    parts = [
        _matcher(label, wanted if isinstance(wanted, Matcher) else Matcher(wanted))
        for label, wanted in (where or {}).items()
    ]
    text = f"{rule.name}{{{', '.join(parts)}}}" if parts else rule.name
    return Expr(text, [rule.name], {label.name for label in (where or {})})


def raw(text: str, uses: Iterable[str] = (), labels: Iterable[Label] = ()) -> Expr:
    """Text that the functions here cannot build. ``uses`` names every metric in it, and every one must occur."""
    uses = tuple(uses)
    for name in uses:
        if not re.search(rf"(?<![\w:]){re.escape(name)}(?![\w:])", text):
            raise PromqlError(f"{name} does not occur in {text!r}")
    return Expr(text, uses, (label.name for label in labels))
