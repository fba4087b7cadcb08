"""What the pipeline has done, in plain counters: the source of the service's self metrics."""

from __future__ import annotations

from collections import Counter

import msgspec


class PipelineStats(msgspec.Struct):
    """Spans by (result, reason) always add up to ``received`` minus those that still wait.

    ``result`` is recorded, duplicate, not_genai, invalid or dropped.
    """

    received: int = 0
    spans: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    dialects: Counter[str] = msgspec.field(default_factory=Counter)
    log_records: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    metric_points: int = 0
    ambiguous: Counter[str] = msgspec.field(default_factory=Counter)
    missing_versions: Counter[str] = msgspec.field(default_factory=Counter)
    calls_without_usage: int = 0
    settle_lag_s: float = 0.0
    pending_spans: int = 0
    pending_traces: int = 0
    remembered_spans: int = 0
    capacity: int = 0
    invalid_attributes: Counter[str] = msgspec.field(default_factory=Counter)

    def balance(self) -> int:
        """Spans without a result that are not waiting either: always 0."""
        return self.received - sum(self.spans.values()) - self.pending_spans
