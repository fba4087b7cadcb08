"""The few figures that the demonstration shows, read from a metrics page."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from genai_exporter import catalogue
from genai_exporter.catalogue import Label, Metric

Buckets = tuple[tuple[float, float], ...]
"""A histogram's upper bounds with cumulative counts, ascending; the last bound is infinite."""


class ServiceFigures(msgspec.Struct):
    """What was measured of one service, since the exporter started."""

    calls: int = 0
    failed_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_output_tokens: int = 0
    tool_executions: int = 0
    agent_runs: int = 0
    cost_usd: float = 0.0


class Figures(msgspec.Struct, frozen=True):
    """What a page says, summed over all series. ``at_s`` is when it was read, on any steady clock."""

    at_s: float
    services: Mapping[str, ServiceFigures]
    errors: Mapping[str, int]
    model_calls: Mapping[str, int]
    model_cost_usd: Mapping[str, float]
    requests: int
    first_token: Buckets
    call_latency: Buckets
    request_latency: Buckets
    spans: Mapping[str, int]
    spans_received: int
    spans_pending: int
    evaluations: Mapping[str, int]
    feedback: Mapping[str, int]

    @property
    def total(self) -> ServiceFigures:
        """The sum over services."""
        added = ServiceFigures()
        for service in self.services.values():
            for name in ServiceFigures.__struct_fields__:
                setattr(added, name, getattr(added, name) + getattr(service, name))
        return added

    @property
    def books_balance(self) -> bool:
        """Whether every span received is accounted for."""
        return sum(self.spans.values()) + self.spans_pending == self.spans_received


_COUNTED = (catalogue.CALL_DURATION, catalogue.TOOL_DURATION, catalogue.AGENT_DURATION, catalogue.WORKFLOW_DURATION)
_QUANTILES = (catalogue.CALL_DURATION, catalogue.WORKFLOW_DURATION, catalogue.TIME_TO_FIRST_CHUNK)
_SAMPLES = (
    {metric.name + "_count" for metric in _COUNTED}
    | {catalogue.TOKEN_USAGE.name + "_sum"}
    | {metric.name for metric in catalogue.ALL if metric.kind != "histogram"}
)
_BUCKETS = {metric.name + "_bucket": metric.name for metric in _QUANTILES}
_BOUND = re.compile(r'[{,]le="([^"]+)"[^}]*} (\S+)')


class _Page:
    """Samples of a metrics page by name. What is of no interest here, most of the page, is not even parsed.

    Of a bucket only the bound matters, so the many lines of buckets are read without their labels.
    """

    def __init__(self, text: str) -> None:
        self._samples: dict[str, list[tuple[Mapping[str, str], float]]] = defaultdict(list)
        self._buckets: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
        lines = []
        for line in text.splitlines():
            name = line.partition("{")[0].partition(" ")[0]
            if name in _SAMPLES:
                lines.append(line)
            elif name in _BUCKETS and (found := _BOUND.search(line)):
                self._buckets[_BUCKETS[name]][float(found[1])] += float(found[2])
        for family in text_string_to_metric_families("\n".join(lines) + "\n"):
            for sample in family.samples:
                self._samples[sample.name].append((sample.labels, sample.value))

    def values(self, metric: Metric, suffix: str = "") -> Iterator[tuple[Mapping[str, str], float]]:
        return iter(self._samples.get(metric.name + suffix, ()))

    def sum(self, metric: Metric) -> int:
        return round(sum(value for _, value in self.values(metric)))

    def by(self, metric: Metric, label: Label, suffix: str = "") -> dict[str, float]:
        added: Counter[str] = Counter()
        for labels, value in self.values(metric, suffix):
            added[labels.get(label.name, "")] += value  # type: ignore[assignment]  # a counter of floats adds as well
        return dict(added)

    def buckets(self, metric: Metric) -> Buckets:
        return tuple(sorted(self._buckets[metric.name].items()))


def _whole(counts: Mapping[str, float]) -> dict[str, int]:
    return {name: round(value) for name, value in counts.items()}


def read(text: str, at_s: float) -> Figures:
    """The figures of a page in Prometheus text format. ValueError when it is not one."""
    page = _Page(text)
    services: defaultdict[str, ServiceFigures] = defaultdict(ServiceFigures)
    for labels, value in page.values(catalogue.CALL_DURATION, "_count"):
        service = services[labels.get(catalogue.SERVICE_NAME.name, "")]
        service.calls += round(value)
        if labels[catalogue.ERROR_TYPE.name]:
            service.failed_calls += round(value)
    for labels, value in page.values(catalogue.TOKEN_USAGE, "_sum"):
        service = services[labels.get(catalogue.SERVICE_NAME.name, "")]
        if labels[catalogue.TOKEN_TYPE.name] == "input":
            service.input_tokens += round(value)
        else:
            service.output_tokens += round(value)
    for field, metric, suffix in (
        ("cached_input_tokens", catalogue.CACHED_TOKENS, ""),
        ("reasoning_output_tokens", catalogue.REASONING_TOKENS, ""),
        ("tool_executions", catalogue.TOOL_DURATION, "_count"),
        ("agent_runs", catalogue.AGENT_DURATION, "_count"),
    ):
        for name, value in page.by(metric, catalogue.SERVICE_NAME, suffix).items():
            setattr(services[name], field, round(value))
    for name, value in page.by(catalogue.COST, catalogue.SERVICE_NAME).items():
        services[name].cost_usd = value
    errors = _whole(page.by(catalogue.CALL_DURATION, catalogue.ERROR_TYPE, "_count"))
    errors.pop("", None)
    evaluations: Counter[str] = Counter()
    for labels, value in page.values(catalogue.EVALUATIONS):
        evaluations[f"{labels[catalogue.EVALUATION_NAME.name]} {labels[catalogue.EVALUATION_RESULT.name]}"] += round(
            value
        )
    return Figures(
        at_s=at_s,
        services=dict(services),
        errors=errors,
        model_calls=_whole(page.by(catalogue.CALL_DURATION, catalogue.REQUEST_MODEL, "_count")),
        model_cost_usd=page.by(catalogue.COST, catalogue.REQUEST_MODEL),
        requests=round(sum(value for _, value in page.values(catalogue.WORKFLOW_DURATION, "_count"))),
        first_token=page.buckets(catalogue.TIME_TO_FIRST_CHUNK),
        call_latency=page.buckets(catalogue.CALL_DURATION),
        request_latency=page.buckets(catalogue.WORKFLOW_DURATION),
        spans=_whole(page.by(catalogue.SPANS, catalogue.SPAN_RESULT)),
        spans_received=page.sum(catalogue.SPANS_RECEIVED),
        spans_pending=page.sum(catalogue.PENDING_SPANS),
        evaluations=evaluations,
        feedback=_whole(page.by(catalogue.FEEDBACK, catalogue.RATING)),
    )


def quantile(buckets: Buckets, share: float) -> float | None:
    """The value below which ``share`` of the observations lie, interpolated as PromQL does; None without any.

    A quantile in the last, unbounded bucket is reported as that bucket's lower bound.
    """
    if not buckets or not buckets[-1][1]:
        return None
    rank = share * buckets[-1][1]
    below, lower = 0.0, 0.0
    for upper, count in buckets:
        if count >= rank:
            if upper == float("inf"):
                return lower
            return lower + (upper - lower) * (rank - below) / (count - below) if count > below else upper
        below, lower = count, upper
    return lower
