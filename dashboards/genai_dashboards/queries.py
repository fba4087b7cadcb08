"""Expressions that several boards use. Each takes the labels to group by and applies the board's variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from genai_exporter import catalogue as c
from genai_exporter import promql
from genai_exporter.catalogue import Label, Metric
from genai_exporter.promql import Expr, Matches, Not, Where

from .house.limits import RED, YELLOW, Limits
from .house.variables import scope

WINDOW: Final = "$__rate_interval"
RANGE: Final = "$__range"
By = Sequence[Label]

# Evaluations are named by whoever wrote them: each of these finds the usual spellings.
RELEVANCE: Final = "(?i).*(relevance|quality).*"
CORRECTNESS: Final = "(?i).*(correctness|quality).*"
GROUNDEDNESS: Final = "(?i).*(grounded|faithful).*"
HALLUCINATION: Final = "(?i).*hallucinat.*"
HEURISTIC: Final = "(?i).*heuristic.*"
SAFETY: Final = "(?i).*(safety|toxic|harm).*"

FAILED: Final[Where] = {c.ERROR_TYPE: Not("")}
INPUT: Final[Where] = {c.TOKEN_TYPE: "input"}
OUTPUT: Final[Where] = {c.TOKEN_TYPE: "output"}


def rate(metric: Metric, by: By = (), where: Where | None = None, window: str = WINDOW) -> Expr:
    """Events per second within the board's scope."""
    return promql.rate(metric, window, by, scope(metric, where))


def rate_of_sum(metric: Metric, by: By = (), where: Where | None = None, window: str = WINDOW) -> Expr:
    return promql.rate_of_sum(metric, window, by, scope(metric, where))


def increase(metric: Metric, by: By = (), where: Where | None = None, window: str = RANGE) -> Expr:
    """Events in the time range of the board."""
    return promql.increase(metric, window, by, scope(metric, where))


def increase_of_sum(metric: Metric, by: By = (), where: Where | None = None, window: str = RANGE) -> Expr:
    return promql.increase_of_sum(metric, window, by, scope(metric, where))


def quantile(q: float, metric: Metric, by: By = (), where: Where | None = None, window: str = WINDOW) -> Expr:
    """A quantile, where there were observations: of none it would be NaN, which is shown as if it were a value."""
    return promql.quantile(q, metric, window, by, scope(metric, where)) >= 0


def mean(metric: Metric, by: By = (), where: Where | None = None, window: str = WINDOW) -> Expr:
    """The average observation, where there were any."""
    return rate_of_sum(metric, by, where, window) / (rate(metric, by, where, window) > 0)


def share_above(metric: Metric, edge: float, by: By = (), where: Where | None = None, window: str = WINDOW) -> Expr:
    """The share of observations above a bucket's edge, where there were any: NaN is above nothing."""
    return promql.share_above(metric, edge, window, by, scope(metric, where)) > -1


def buckets(metric: Metric, where: Where | None = None) -> Expr:
    """The observations per bucket, for a heatmap."""
    inner = promql.quantile(0.5, metric, WINDOW, (), scope(metric, where)).text
    text = inner.removeprefix("histogram_quantile(0.5, ").removesuffix(")")
    return Expr(text, [f"{metric.name}_bucket"], [label.name for label in scope(metric, where)])


def value(metric: Metric, by: By = (), where: Where | None = None, function: str = "max") -> Expr:
    return promql.value(metric, by, scope(metric, where), function)


def share(part: Expr, whole: Expr) -> Expr:
    """``part / whole``: 0 where there is a whole and never was a part, nothing where there is no whole."""
    return part.or_(whole * 0) / (whole > 0)


def error_share(by: By = (), window: str = WINDOW, metric: Metric = c.CALL_DURATION) -> Expr:
    """Failed calls, or steps, among all."""
    return share(rate(metric, by, FAILED, window), rate(metric, by, None, window))


def request_quantile(q: float, by: By = (), window: str = WINDOW) -> Expr:
    """Duration of whole requests; of provider calls where an application reports no request around them."""
    whole, call = quantile(q, c.WORKFLOW_DURATION, by, None, window), quantile(q, c.CALL_DURATION, by, None, window)
    return whole.or_(call)


def hourly_cost(by: By = (), window: str = WINDOW) -> Expr:
    """US dollars per hour at the current pace."""
    return rate(c.COST, by, None, window) * 3600


def cost_per_call(by: By = (), window: str = WINDOW) -> Expr:
    return mean(c.CALL_COST, by, None, window)


def score(name: str = ".+", by: By = (), window: str = WINDOW) -> Expr:
    """Mean evaluation score from 0 to 1 of the evaluations whose name matches."""
    return mean(c.EVALUATION_SCORE, by, {c.EVALUATION_NAME: Matches(name)}, window)


def verdicts(result: str, name: str = ".+", by: By = (), window: str = WINDOW) -> Expr:
    """Evaluations per second with a verdict."""
    where: Where = {c.EVALUATION_NAME: Matches(name), c.EVALUATION_RESULT: result}
    return rate(c.EVALUATIONS, by, where, window)


def failing(name: str = ".+", by: By = (), window: str = WINDOW) -> Expr:
    """The share of verdicts that are fail; evaluations that failed themselves are no verdict."""
    bad, good = verdicts("fail", name, by, window), verdicts("pass", name, by, window)
    return bad / ((bad + good) > 0)


def passing(name: str = ".+", by: By = (), window: str = WINDOW) -> Expr:
    bad, good = verdicts("fail", name, by, window), verdicts("pass", name, by, window)
    return good / ((bad + good) > 0)


def failures(name: str) -> Expr:
    """Failed evaluations in the time range; 0, rather than nothing, where there were only others."""
    everything: Where = {c.EVALUATION_NAME: Matches(name)}
    failed = increase(c.EVALUATIONS, (), {**everything, c.EVALUATION_RESULT: "fail"})
    return failed.or_(increase(c.EVALUATIONS, (), everything) * 0)


def rated(rating: str, by: By = (), window: str = WINDOW) -> Expr:
    """The share of people's verdicts that are ``rating``."""
    return share(rate(c.FEEDBACK, by, {c.RATING: rating}, window), rate(c.FEEDBACK, by, None, window))


def finished(reason: str, by: By = (), window: str = WINDOW) -> Expr:
    """The share of answers that ended for ``reason``."""
    metric = c.CALL_FINISH_REASONS
    return share(rate(metric, by, {c.FINISH_REASON: reason}, window), rate(metric, by, None, window))


def reasons() -> Expr:
    """The share of each finish reason."""
    metric = c.CALL_FINISH_REASONS
    return formula("({0}) / scalar({1})", rate(metric, [c.FINISH_REASON]), rate(metric))


def per_call(metric: Metric, by: By = (), window: str = WINDOW) -> Expr:
    """Events of a counter of calls, per call."""
    return share(rate(metric, by, None, window), rate(c.CALL_DURATION, by, None, window))


def cached_share(by: By = ()) -> Expr:
    """Input tokens read from a prompt cache among all input tokens."""
    return share(rate(c.CACHED_TOKENS, by), rate_of_sum(c.TOKEN_USAGE, by, INPUT))


def cache_hits(by: By = ()) -> Expr:
    """The share of look-ups in a response cache that found an answer."""
    return share(rate(c.RESPONSE_CACHE, by, {c.CACHE_RESULT: "hit"}), rate(c.RESPONSE_CACHE, by))


def top(count: int, expr: Expr) -> Expr:
    """The largest, and of those no more than ``count``: a graph with a hundred lines says nothing."""
    return expr.call("topk", str(count))


def graded(expr: Expr, limits: Limits) -> Expr:
    """0 where ``limits`` are green, 1 where they are yellow, 2 where they are red."""
    weight = {colour: grade for grade, colour in enumerate(("green", YELLOW, RED))}
    before = weight[limits.base]
    parts = [f"({expr.text}) * 0 + {before}"] if before else []
    for edge, colour in limits.steps:
        step = weight[colour] - before
        factor = "" if abs(step) == 1 else f" * {abs(step)}"
        sign = "-" if step < 0 else "+" if parts else ""
        parts.append(f"{sign} (({expr.text}) >= bool {promql.number(edge)}){factor}".strip())
        before = weight[colour]
    return Expr(" ".join(parts), expr.metrics, expr.labels)


def formula(template: str, *parts: Expr) -> Expr:
    """``template`` with ``{0}`` and so on replaced by expressions, for functions with more than one argument."""
    text = template.format(*(part.text for part in parts))
    return Expr(
        text,
        frozenset().union(*(part.metrics for part in parts)),
        frozenset().union(*(part.labels for part in parts)),
    )


def age(moment: Expr) -> Expr:
    """Seconds since a gauge that holds a time."""
    return formula("time() - {0}", moment)


def quota_use() -> Expr:
    """Tokens of the last minute by what the provider allows; both gauges have the same labels."""
    by = (c.PROVIDER, c.REQUEST_MODEL)
    return value(c.QUOTA_USED_TOKENS, by, function="sum") / value(c.QUOTA_TOKENS, by)
