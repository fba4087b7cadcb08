"""One metric and its series, under the labels that the configuration chose."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from . import exposition
from .children import Activity, Child, CounterChild, GaugeChild, HeldCounterChild, HistogramChild, Tally
from .limits import LabelLimits, SeriesBudget
from .model import OVERFLOW, Metric

ChildT = TypeVar("ChildT", bound=Child)


class Family(ABC, Generic[ChildT]):
    """The series of one metric. The limits and the budget are shared with all other families of a store.

    ``labels`` are the label names in the order in which values are given. Raises ValueError when one is unknown to the
    metric or an essential one is missing.
    """

    def __init__(
        self, metric: Metric, labels: tuple[str, ...], limits: LabelLimits, budget: SeriesBudget, tally: Tally
    ) -> None:
        by_name = {label.name: label for label in (*metric.labels, *metric.optional)}
        needed = {label.name for label in metric.essential}
        if not set(labels) <= set(by_name) or not needed <= set(labels) or len(set(labels)) != len(labels):
            raise ValueError(f"{metric.name} cannot have the labels {', '.join(labels)}: it knows {', '.join(by_name)}")
        self.metric = metric
        self.label_names = labels
        self.labels = tuple(by_name[name] for name in labels)
        self.children: dict[tuple[str, ...], ChildT] = {}
        self.lines_each = 1 if metric.buckets is None else len(metric.buckets) + 3
        self.lines = 0
        self._limits = limits
        self._budget = budget
        self._tally = tally
        self._headers = {flag: exposition.header(metric, openmetrics=flag) for flag in (False, True)}
        budget.reserve += self.overflow_lines

    @property
    def overflow_lines(self) -> int:
        """Lines that its overflow series need at most: one for each combination of closed vocabularies."""
        combinations = 1
        for label in self.labels:
            combinations *= len(label.values) if label.values is not None else 1
        return self.lines_each * combinations

    def overflow_values(self, values: tuple[str, ...]) -> tuple[str, ...]:
        """The label values under which ``values`` are recorded when there is no room for them.

        Labels with a closed vocabulary keep their value: a failed safety evaluation stays a failed one, and input and
        output tokens stay apart.
        """
        pairs = zip(self.labels, values, strict=True)
        return tuple(value if label.values is not None else OVERFLOW for label, value in pairs)

    def child(
        self, values: tuple[str, ...], now: float, activity: Activity | None = None, *, keep: bool = False
    ) -> ChildT:
        """Return the accumulator for ``values`` (one per label name, in order), which counts as used at ``now``.

        Within the limits it is the child of exactly these values. Beyond a label's limit the value becomes
        ``__other__``; beyond the limit on series all values but closed ones do. Either is counted, at each call.

        A caller that holds on to the child must keep ``child.activity.last`` current, or the series expires and what is
        recorded afterwards is not exposed. ``activity`` lets several children share one; ``keep`` exempts from expiry.
        """
        child = self.children.get(values)
        if child is None:
            child = self._admitted(values, activity or Activity(now), keep)
        if activity is not None and not child.kept:
            child.activity = activity
        child.activity.last = now
        return child

    def _admitted(self, values: tuple[str, ...], activity: Activity, keep: bool) -> ChildT:
        values = self._limits.fold(self.labels, values)
        overflow = self.overflow_values(values)
        if values not in self.children and values != overflow and not self._budget.fits(self.lines, self.lines_each):
            self._budget.count_overflow(self.metric.name)
            values = overflow
        known = self.children.get(values)
        if known is not None:
            return known
        if values == overflow and OVERFLOW in values:
            # Shared by whatever does not fit, so it lives as long as the process, in the room set aside for it.
            self._budget.overflow_lines += self.lines_each
            return self._born(values, Activity(activity.last), keep=True)
        self.lines += self.lines_each
        self._budget.lines += self.lines_each
        return self._born(values, activity, keep)

    def _born(self, values: tuple[str, ...], activity: Activity, keep: bool) -> ChildT:
        child = self._new(values, exposition.label_text(self.label_names, values), activity, keep)
        self.children[values] = child
        self._limits.retain(self.labels, values)
        return child

    def sweep(self, before: float) -> int:
        """Remove children not used since ``before``; returns how many lines that frees."""
        idle = [child for child in self.children.values() if child.activity.last < before and not child.kept]
        for child in idle:
            del self.children[child.values]
            self._limits.release(self.labels, child.values)
        freed = len(idle) * self.lines_each
        self.lines -= freed
        self._budget.lines -= freed
        return freed

    def write(self, out: list[str], *, openmetrics: bool) -> None:
        """Append the family's text, comments first."""
        out.append(self._headers[openmetrics])
        self._write_children(out, openmetrics)

    def exposed(self) -> None:
        """Note that everything was exposed as it is now."""

    @abstractmethod
    def _new(self, values: tuple[str, ...], text: str, activity: Activity, keep: bool) -> ChildT: ...

    @abstractmethod
    def _write_children(self, out: list[str], openmetrics: bool) -> None: ...


class CounterFamily(Family[CounterChild]):
    """A counter."""

    def _new(self, values: tuple[str, ...], text: str, activity: Activity, keep: bool) -> CounterChild:
        make = HeldCounterChild if self.metric.hold_until_scraped else CounterChild
        return make(values, text, activity, keep, self._tally)

    def _write_children(self, out: list[str], openmetrics: bool) -> None:
        exposition.write_counters(out, self.metric.name, self.children.values(), openmetrics=openmetrics)

    def exposed(self) -> None:
        """Let held counters rise: their 0 has been seen."""
        if self.metric.hold_until_scraped:
            for child in self.children.values():
                if isinstance(child, HeldCounterChild):
                    child.release()


class GaugeFamily(Family[GaugeChild]):
    """A gauge."""

    def _new(self, values: tuple[str, ...], text: str, activity: Activity, keep: bool) -> GaugeChild:
        return GaugeChild(values, text, activity, keep, self._tally)

    def _write_children(self, out: list[str], openmetrics: bool) -> None:
        exposition.write_gauges(out, self.metric.name, self.children.values())


class HistogramFamily(Family[HistogramChild]):
    """A histogram with the metric's buckets."""

    def _new(self, values: tuple[str, ...], text: str, activity: Activity, keep: bool) -> HistogramChild:
        return HistogramChild(values, text, activity, keep, self._tally, self.metric.buckets or ())

    def _write_children(self, out: list[str], openmetrics: bool) -> None:
        tails = exposition.bucket_tails(self.metric.buckets or ())
        exposition.write_histograms(out, self.metric.name, self.children.values(), tails, openmetrics=openmetrics)
