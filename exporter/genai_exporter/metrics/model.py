"""What a metric and a label are, and the rules for naming them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Audience = Literal["operator", "internal"]

OVERFLOW = "__other__"
"""The value a label takes when its limit, or the limit on series, is reached."""

NO_CEILING = 1_000_000
"""The limit of a label that has none of its own: the configuration's ``max_label_values`` decides."""

_LABEL_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_METRIC_NAME = re.compile(r"(gen_ai|llm|genai_exporter)(_[a-z0-9]+)+\Z")
_RESERVED_LABELS = frozenset({"le", "quantile", "job", "instance"})
_SUFFIX_UNITS = ("seconds", "bytes", "usd", "tokens")
_FOREIGN_UNITS = frozenset({"milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "percent", "cents"})
_KIND_WORDS = frozenset({"counter", "gauge", "histogram", "summary", "bucket", "count", "sum"})


@dataclass(frozen=True, slots=True)
class Label:
    """One label name and what its values are.

    ``limit`` is the number of distinct values that the label keeps at most; ``max_label_values`` of the configuration
    may lower it. ``values`` lists a closed vocabulary, which is its own limit. Raises ValueError for a name that
    Prometheus reserves, and for a vocabulary that is empty or repeats itself.
    """

    name: str
    meaning: str
    limit: int = NO_CEILING
    values: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not _LABEL_NAME.match(self.name) or self.name in _RESERVED_LABELS:
            raise ValueError(f"{self.name!r} is not a usable label name")
        if not self.meaning:
            raise ValueError(f"label {self.name} has no meaning")
        if self.limit < 1:
            raise ValueError(f"label {self.name} must allow at least one value")
        if self.values is not None and (not self.values or len(set(self.values)) != len(self.values)):
            raise ValueError(f"label {self.name} needs distinct values")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family.

    ``labels`` is the default set, in the order in which a series is written. ``essential`` labels define the metric and
    stay whatever the configuration asks for; ``optional`` labels appear only when configured. ``unit`` is
    ``""`` for plain counts. ``buckets`` are finite upper bounds, rising; ``+Inf`` is implied. A metric that is
    ``hold_until_scraped`` shows each new series as 0 once before its first increments, so that the first one is an
    increase. Raises ValueError, naming the metric, when a rule of naming or shape is broken.
    """

    name: str
    kind: Kind
    unit: str
    help: str
    labels: tuple[Label, ...]
    buckets: tuple[float, ...] | None = None
    audience: Audience = "operator"
    essential: tuple[Label, ...] = ()
    optional: tuple[Label, ...] = ()
    hold_until_scraped: bool = False

    def __post_init__(self) -> None:
        problem = _naming_problem(self.name, self.kind, self.unit) or self._shape_problem()
        if problem:
            raise ValueError(f"metric {self.name}: {problem}")

    def _shape_problem(self) -> str:
        names = [label.name for label in (*self.labels, *self.optional)]
        if len(set(names)) != len(names):
            return "a label appears twice"
        if not set(self.essential) <= set(self.labels):
            return "an essential label is not among its labels"
        if not self.help.endswith("."):
            return "its help must be a sentence"
        if (self.kind == "histogram") != (self.buckets is not None):
            return "histograms, and only they, have buckets"
        if self.buckets is not None and (not self.buckets or list(self.buckets) != sorted(set(self.buckets))):
            return "buckets must rise"
        if self.buckets is not None and self.buckets[-1] == float("inf"):
            return "the +Inf bucket is implied"
        if self.hold_until_scraped and self.kind != "counter":
            return "only a counter can be held"
        return ""

    @property
    def family(self) -> str:
        """The name of the family in OpenMetrics: a counter's without ``_total``."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which its samples are stored in Prometheus."""
        if self.kind == "histogram":
            return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
        return (self.name,)

    def chosen(self, dimensions: Iterable[str]) -> tuple[str, ...]:
        """The label names it has when ``dimensions`` are configured: essential ones always, others when asked for."""
        wanted = set(dimensions) | {label.name for label in self.essential}
        return tuple(label.name for label in (*self.labels, *self.optional) if label.name in wanted)


def _naming_problem(name: str, kind: Kind, unit: str) -> str:
    if not _METRIC_NAME.match(name):
        return "names start with gen_ai_, llm_ or genai_exporter_ and are lower case"
    if (kind == "counter") != name.endswith("_total"):
        return "counters, and only they, end in _total"
    words = name.removesuffix("_total").split("_")
    if _FOREIGN_UNITS & set(words):
        return "only base units are used"
    if _KIND_WORDS & set(words):
        return "the kind, or a suffix of a histogram's samples, is part of the name"
    if "info" in words and (kind != "gauge" or words[-1] != "info"):
        return "only a gauge may be an _info"
    if any(word in _SUFFIX_UNITS for word in words[:-1]):
        return "a unit stands anywhere but at the end"
    if words[-1] in _SUFFIX_UNITS and unit != words[-1]:
        return f"it ends in {words[-1]} but its unit is {unit or 'none'}"
    # OpenTelemetry drops its {token} annotation from names, so its own token metrics have no suffix.
    if unit in _SUFFIX_UNITS and words[-1] != unit and not (unit == "tokens" and words[0] == "gen"):
        return f"it must end in the unit, {unit}"
    return ""
