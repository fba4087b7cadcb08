"""Everything one provider call is recorded in, found with one look-up of its label values."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeAlias

from genai_exporter import catalogue
from genai_exporter.records import Call

from .children import Activity, CounterChild, HistogramChild, Mark
from .family import ChildT, CounterFamily, Family, HistogramFamily
from .model import OVERFLOW, Metric
from .picker import picker
from .store import Store

Values: TypeAlias = tuple[str, ...]

RATE_LIMIT = "rate_limit"
"""The error type of a call that a rate limit refused."""

CALL_FIELDS = {
    "gen_ai_operation_name": "operation",
    "gen_ai_provider_name": "provider",
    "gen_ai_request_model": "request_model",
    "gen_ai_response_model": "response_model",
    "gen_ai_prompt_name": "prompt_name",
    "gen_ai_prompt_version": "prompt_version",
    "gen_ai_agent_name": "agent",
    "service_name": "service",
    "service_version": "service_version",
    "deployment_environment_name": "environment",
    "llm_flow": "flow",
    "llm_user_segment": "segment",
}
"""Which field of a call fills a label."""


class CallFamilies:
    """The families of provider calls, under the same chosen labels.

    In every family its own labels come first and the dimensions follow in one order, so the values of the dimensions
    are built once per call. Raises ValueError when a metric is in ``store`` already.
    """

    def __init__(self, store: Store, dimensions: Sequence[str]) -> None:
        self.store = store
        self.dimensions = catalogue.REFUSALS.chosen(dimensions)
        self.pick = picker([CALL_FIELDS[name] for name in self.dimensions])
        self.overflow_key = (OVERFLOW,) * len(self.dimensions)

        def counter(metric: Metric) -> CounterFamily:
            return store.counter(metric, metric.chosen(dimensions))

        def histogram(metric: Metric) -> HistogramFamily:
            return store.histogram(metric, metric.chosen(dimensions))

        self.duration = histogram(catalogue.CALL_DURATION)
        self.tokens = histogram(catalogue.TOKEN_USAGE)
        self.first_chunk = histogram(catalogue.TIME_TO_FIRST_CHUNK)
        self.output_chunk = histogram(catalogue.TIME_PER_OUTPUT_CHUNK)
        self.cached = counter(catalogue.CACHED_TOKENS)
        self.cache_write = counter(catalogue.CACHE_WRITE_TOKENS)
        self.reasoning = counter(catalogue.REASONING_TOKENS)
        self.cost = counter(catalogue.COST)
        self.call_cost = histogram(catalogue.CALL_COST)
        self.unpriced = counter(catalogue.UNPRICED_CALLS)
        self.finish = counter(catalogue.CALL_FINISH_REASONS)
        self.refusals = counter(catalogue.REFUSALS)
        self.retries = counter(catalogue.RETRIES)
        self.regenerations = counter(catalogue.REGENERATIONS)
        self.rate_limits = counter(catalogue.RATE_LIMIT_HITS)
        self.response_cache = counter(catalogue.RESPONSE_CACHE)
        self._lines_at_birth = self.duration.lines_each + len(catalogue.FINISH_REASONS) + 5

    def admit(self, key: Values) -> Values:
        """The label values under which calls with ``key`` are recorded.

        A label beyond its limit is folded. When the store has no room for the first series of a new bundle, all labels
        are, so that a call's metrics stay together; bundles that exist have their room.
        """
        folded = self.store.limits.fold(self.refusals.labels, key)
        if folded in self.refusals.children or self.store.budget.room(self._lines_at_birth):
            return folded
        self.store.budget.count_overflow(self.duration.metric.name)
        return self.overflow_key


class CallBundle:
    """The accumulators of the calls with one set of label values.

    Counters of what may go wrong are born at 0 with the bundle, so that their first increment is seen. The others are
    born when first needed: a model that never streams has no series of first chunks. All share one activity, so the
    zeros stay as long as the calls go on.
    """

    __slots__ = (
        "activity", "cache_write", "cached", "costs", "deployments", "durations", "families", "finish", "first_chunk",
        "input_tokens", "key", "output_chunk", "output_tokens", "overflow", "rate_limits", "reasoning", "refusals",
        "regenerations", "response_cache", "retries", "service", "unpriced",
    )  # fmt: skip

    def __init__(self, families: CallFamilies, key: Values, service: Activity, now: float) -> None:
        self.families = families
        self.key = key
        self.overflow = families.overflow_key == key
        self.activity = activity = Activity(now)
        self.service = service
        self.deployments: dict[Hashable, Activity] = {}
        self.durations: dict[str, HistogramChild] = {}
        self.costs: dict[str, tuple[CounterChild, HistogramChild]] = {}
        self.response_cache: dict[bool, CounterChild] = {}
        self.finish = {
            reason: families.finish.child((reason, *key), now, activity) for reason in catalogue.FINISH_REASONS
        }
        self.refusals = families.refusals.child(key, now, activity)
        self.retries = families.retries.child(key, now, activity)
        self.regenerations = families.regenerations.child(key, now, activity)
        self.rate_limits = families.rate_limits.child(key, now, activity)
        self.unpriced = families.unpriced.child(key, now, activity)
        self.input_tokens: HistogramChild | None = None
        self.output_tokens: HistogramChild | None = None
        self.first_chunk: HistogramChild | None = None
        self.output_chunk: HistogramChild | None = None
        self.cached: CounterChild | None = None
        self.cache_write: CounterChild | None = None
        self.reasoning: CounterChild | None = None

    def record(self, call: Call, mark: Mark) -> None:
        """Record what ``call`` alone tells, but for its price. ``mark`` ends with the time of recording."""
        now = mark[2]
        self.activity.last = now
        self.service.last = now
        (self.durations.get(call.error_type) or self._duration(call.error_type, now)).observe(call.duration_s, mark)
        if call.input_tokens is not None:
            self._tokens("input", call.input_tokens, mark)
        if call.output_tokens is not None:
            self._tokens("output", call.output_tokens, mark)
        if call.streaming and call.ttft_s is not None:
            self._stream(call, call.ttft_s, mark)
        if call.finish_reason:
            self.finish.get(call.finish_reason, self.finish["other"]).inc(1, mark)
        if call.cache_read_tokens is not None:
            child = self.cached or self._kept("cached", self.families.cached, self.key, now)
            child.inc(call.cache_read_tokens, mark)
        if call.cache_write_tokens is not None:
            child = self.cache_write or self._kept("cache_write", self.families.cache_write, self.key, now)
            child.inc(call.cache_write_tokens, mark)
        if call.reasoning_tokens is not None:
            child = self.reasoning or self._kept("reasoning", self.families.reasoning, self.key, now)
            child.inc(call.reasoning_tokens, mark)
        if call.error_type == RATE_LIMIT:
            self.rate_limits.inc(1, mark)
        if call.refusal:
            self.refusals.inc(1, mark)
        if call.retries:
            self.retries.inc(call.retries, mark)
        if call.response_cache_hit is not None:
            self._response_cache(call.response_cache_hit, now).inc(1, mark)

    def record_cost(self, usd: float, source: str, mark: Mark) -> None:
        """Record what the call cost."""
        total, distribution = self.costs.get(source) or self._costs(source, mark[2])
        total.inc(usd)
        distribution.observe(usd, mark)

    def _tokens(self, kind: str, count: int, mark: Mark) -> None:
        child = self.input_tokens if kind == "input" else self.output_tokens
        if child is None:
            child = self._kept(f"{kind}_tokens", self.families.tokens, (kind, *self.key), mark[2])
        child.observe(count, mark)

    def _stream(self, call: Call, first_chunk_s: float, mark: Mark) -> None:
        families, now = self.families, mark[2]
        child = self.first_chunk or self._kept("first_chunk", families.first_chunk, self.key, now)
        child.observe(first_chunk_s, mark)
        if call.output_tokens is not None and call.output_tokens > 1:
            each = (call.duration_s - first_chunk_s) / (call.output_tokens - 1)
            if each > 0:
                child = self.output_chunk or self._kept("output_chunk", families.output_chunk, self.key, now)
                child.observe(each, mark)

    def _kept(self, name: str, family: Family[ChildT], values: Values, now: float) -> ChildT:
        """The child for ``values``, kept under ``name`` unless a limit put another in its place: those are counted."""
        child = family.child(values, now, self.activity)
        if child.values == values:
            setattr(self, name, child)
        return child

    def _duration(self, error_type: str, now: float) -> HistogramChild:
        values = (error_type, *self.key)
        child = self.families.duration.child(values, now, self.activity)
        if child.values == values:
            self.durations[error_type] = child
        return child

    def _costs(self, source: str, now: float) -> tuple[CounterChild, HistogramChild]:
        values = (source, *self.key)
        total = self.families.cost.child(values, now, self.activity)
        distribution = self.families.call_cost.child(values, now, self.activity)
        if total.values == distribution.values == values:
            self.costs[source] = (total, distribution)
        return total, distribution

    def _response_cache(self, hit: bool, now: float) -> CounterChild:
        if not self.response_cache:
            # Both are born with the first of either, for a ratio needs both.
            for known, result in ((True, "hit"), (False, "miss")):
                values = (result, *self.key)
                self.response_cache[known] = self.families.response_cache.child(values, now, self.activity)
        return self.response_cache[hit]
