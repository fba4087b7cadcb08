"""Bounds on labels and series: whatever is sent, the page stays of a size that Prometheus can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .model import OVERFLOW, Label

MAX_VALUE_LENGTH = 256
"""Characters a label value may have; the rest is cut, so one stray prompt cannot fill the page."""


def clean(value: str) -> str:
    """Make ``value`` safe to expose: no NUL, which ends a line for Prometheus, no lone surrogate, no excess length."""
    if "\0" in value:
        value = value.replace("\0", "\ufffd")
    if not value.isascii():
        value = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return value if len(value) <= MAX_VALUE_LENGTH else value[: MAX_VALUE_LENGTH - 1] + "…"


class LabelLimits:
    """Counts the distinct values of every label and folds what exceeds the limit into ``__other__``.

    Values are counted per label name across all metrics, so a model is either known everywhere or folded everywhere,
    and series of different metrics keep matching. ``""`` and ``__other__`` are free. A value is forgotten when the last
    series that has it goes.
    """

    def __init__(self, max_label_values: int, label_limits: Mapping[str, int]) -> None:
        self._max_label_values = max_label_values
        self._label_limits = dict(label_limits)
        self._known: dict[str, dict[str, int]] = {}
        self.overflow: dict[str, int] = {}

    def configure(self, max_label_values: int, label_limits: Mapping[str, int]) -> None:
        """Set new limits. Values already in use stay until their series expire."""
        self._max_label_values = max_label_values
        self._label_limits = dict(label_limits)

    def limit(self, label: Label) -> int:
        """How many distinct values ``label`` may have."""
        return self._label_limits.get(label.name, min(label.limit, self._max_label_values))

    def fold(self, labels: Sequence[Label], values: tuple[str, ...]) -> tuple[str, ...]:
        """Return ``values`` as they may be exposed, the same object when nothing had to change.

        Every value that was replaced, cut or repaired adds one to ``overflow`` under its label.
        """
        folded: list[str] | None = None
        for index, (label, value) in enumerate(zip(labels, values, strict=True)):
            allowed = self.allowed(label, value)
            if allowed is not value:
                folded = folded if folded is not None else list(values)
                folded[index] = allowed
        return values if folded is None else tuple(folded)

    def allowed(self, label: Label, value: str) -> str:
        """Return ``value`` as it may be exposed under ``label``, the same object when nothing had to change."""
        if value == "" or value == OVERFLOW:
            return value
        if label.values is not None:
            return value if value in label.values else self._overflowed(label, OVERFLOW)
        known = self._known.get(label.name, {})
        if value in known:
            return value
        safe = clean(value)
        if safe not in known and len(known) >= self.limit(label):
            return self._overflowed(label, OVERFLOW)
        return value if safe == value else self._overflowed(label, safe)

    def _overflowed(self, label: Label, value: str) -> str:
        self.overflow[label.name] = self.overflow.get(label.name, 0) + 1
        return value

    def retain(self, labels: Sequence[Label], values: Sequence[str]) -> None:
        """Note that one more series has ``values``, which ``fold`` returned."""
        for label, value in zip(labels, values, strict=True):
            if label.values is None and value not in ("", OVERFLOW):
                known = self._known.setdefault(label.name, {})
                known[value] = known.get(value, 0) + 1

    def release(self, labels: Sequence[Label], values: Sequence[str]) -> None:
        """Note that a series with ``values`` is gone."""
        for label, value in zip(labels, values, strict=True):
            if label.values is None and value not in ("", OVERFLOW):
                known = self._known[label.name]
                known[value] -= 1
                if not known[value]:
                    del known[value]


class SeriesBudget:
    """Counts the lines of all families against ``max_series``, the way Prometheus counts series.

    Room for every family's overflow series is set aside within the limit, but never more than half of it. One family
    may hold half of the lines.
    """

    def __init__(self, max_series: int) -> None:
        self.max_series = max_series
        self.lines = 0
        self.overflow_lines = 0
        self.reserve = 0
        self.overflow: dict[str, int] = {}

    def room(self, lines: int) -> bool:
        """Whether ``lines`` more lines are within the limit."""
        return self.lines + lines <= self.max_series - min(self.reserve, self.max_series // 2)

    def fits(self, held: int, lines: int) -> bool:
        """Whether a family that holds ``held`` lines may have ``lines`` more."""
        return self.room(lines) and held + lines <= self.max_series // 2

    def count_overflow(self, metric_name: str) -> None:
        """Count one recording that went to the overflow series of a metric."""
        self.overflow[metric_name] = self.overflow.get(metric_name, 0) + 1
