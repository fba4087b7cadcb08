"""Latency: how long users wait, next to how many tokens they waited for (R8)."""

from __future__ import annotations

from genai_exporter import catalogue as c
from genai_exporter.catalogue import Label, Metric
from genai_exporter.promql import Where

from . import queries as q
from . import runbooks as doc
from . import thresholds as t
from .house import Board, Column, Limits, Link, Panel, Row, heatmap, prom, stat, table, timeseries, to_board
from .house.targets import Prom

QUANTILES = (0.5, 0.95, 0.99)
MODEL, FLOW = c.REQUEST_MODEL, c.FLOW
TO_TRACES = to_board("genai-traces", "Traces of this time")


def spread(metric: Metric, prefix: str = "", where: Where | None = None) -> list[Prom]:
    """Median, 95th and 99th percentile, with exemplars."""
    return [prom(q.quantile(x, metric, (), where), f"{prefix}p{x * 100:.0f}", exemplars=True) for x in QUANTILES]


# fmt: off
# One option after the other on shared lines: a board is read as a list of panels.

def by_label(title: str, metric: Metric, label: Label, limits: Limits, link: Link, x: float = 0.95) -> Panel:
    return timeseries(
        title, f"The {x * 100:.0f}th percentile by {label.meaning[0].lower()}{label.meaning[1:]}",
        prom(q.top(12, q.quantile(x, metric, [label])), f"{{{{{label.name}}}}}"),
        unit="s", limits=limits, links=[link], follow=[TO_TRACES],
    )


def first_token() -> list[Panel]:
    ttft = c.TIME_TO_FIRST_CHUNK
    return [
        stat(
            "Median time to first token", "Half of the streamed answers began within this time.",
            prom(q.quantile(0.5, ttft)),
            unit="s", limits=t.FIRST_TOKEN_P50, width=8, links=[doc.SLOW_FIRST_TOKEN], empty="No streamed answers",
        ),
        stat(
            "First token later than 5 s", "Longer than even the slowest percent of streamed answers should take (R25).",
            prom(q.share_above(ttft, 5.0)),
            unit="percentunit", limits=t.FIRST_TOKEN_LATE, width=8, links=[doc.SLOW_FIRST_TOKEN],
            empty="No streamed answers",
        ),
        stat(
            "Answers that began after 60 s", "The share that the page of tier 1 is about (R58).",
            prom(q.share_above(ttft, 60.0)),
            unit="percentunit", width=8, links=[doc.SLOW_FIRST_TOKEN], empty="No streamed answers",
            limits=Limits("green", ((0.001, "yellow"), (0.01, "red")), "Red from 1 %, where P99 passes 60 s (R58)."),
        ),
        timeseries(
            "Time to first token", "Streamed answers only. Dots are single requests: click one to open its trace.",
            *spread(ttft), unit="s", limits=t.FIRST_TOKEN, links=[doc.SLOW_FIRST_TOKEN], follow=[TO_TRACES],
        ),
        heatmap(
            "How times to first token are spread",
            "One request in two may be fast while one in fifty waits a minute: two bands here, a flat line elsewhere.",
            prom(q.buckets(ttft), "{{le}}", exemplars=True), unit="s", links=[doc.SLOW_FIRST_TOKEN],
        ),
        by_label("P95 time to first token by model", ttft, MODEL, t.FIRST_TOKEN, doc.SLOW_FIRST_TOKEN),
        by_label("P95 time to first token by flow", ttft, FLOW, t.FIRST_TOKEN, doc.SLOW_FIRST_TOKEN),
    ]


def whole() -> list[Panel]:
    return [
        timeseries(
            "Request latency", "From the first to the last span of a request, every step of the pipeline included.",
            *spread(c.WORKFLOW_DURATION), unit="s", limits=t.REQUEST_TIME, links=[doc.SLOW_REQUESTS],
            follow=[TO_TRACES], empty="No application reports whole requests",
        ),
        timeseries(
            "Provider calls", "Each call of a model, embeddings included.",
            *spread(c.CALL_DURATION), unit="s", limits=t.REQUEST_TIME, links=[doc.SLOW_REQUESTS], follow=[TO_TRACES],
        ),
        by_label("Call latency by model", c.CALL_DURATION, MODEL, t.REQUEST_TIME, doc.SLOW_REQUESTS),
        by_label("P95 of whole requests by flow", c.WORKFLOW_DURATION, FLOW, t.REQUEST_TIME, doc.SLOW_REQUESTS),
        heatmap(
            "How durations of whole requests are spread", "Each cell counts requests.",
            prom(q.buckets(c.WORKFLOW_DURATION), "{{le}}", exemplars=True), unit="s", links=[doc.SLOW_REQUESTS],
        ),
        heatmap(
            "How durations of provider calls are spread", "Each cell counts calls.",
            prom(q.buckets(c.CALL_DURATION), "{{le}}", exemplars=True), unit="s", links=[doc.SLOW_REQUESTS],
        ),
    ]


def beside_tokens() -> list[Panel]:
    about = (
        "The same model takes 0.8 s or 28 s depending on how much it reads and writes. When this rises together "
        "with the durations beside it, the answers grew; when it stays flat, the provider got slower (R8)."
    )
    return [
        timeseries(
            "Duration of calls", "Compare with the two graphs beside it (R8).",
            *spread(c.CALL_DURATION), unit="s", limits=t.REQUEST_TIME, width=8, links=[doc.SLOW_REQUESTS],
        ),
        timeseries(
            "Output tokens of calls", about, *spread(c.TOKEN_USAGE, "", q.OUTPUT), unit="short", width=8,
            links=[doc.SLOW_REQUESTS],
        ),
        timeseries(
            "Input tokens of calls", about, *spread(c.TOKEN_USAGE, "", q.INPUT), unit="short", width=8,
            links=[doc.INPUT_TOKENS],
        ),
        heatmap(
            "How output tokens are spread", "Each cell counts calls by what they wrote.",
            prom(q.buckets(c.TOKEN_USAGE, q.OUTPUT), "{{le}}", exemplars=True), unit="short",
            links=[doc.SLOW_REQUESTS],
        ),
        heatmap(
            "How input tokens are spread", "Each cell counts calls by what they read.",
            prom(q.buckets(c.TOKEN_USAGE, q.INPUT), "{{le}}", exemplars=True), unit="short",
            links=[doc.INPUT_TOKENS],
        ),
    ]


def speed() -> list[Panel]:
    per_token = c.TIME_PER_OUTPUT_CHUNK
    written = q.rate_of_sum(c.TOKEN_USAGE, [MODEL], q.OUTPUT)
    return [
        timeseries(
            "Time per output token", "Streamed answers: time after the first token, by tokens after the first.",
            *spread(per_token), unit="s", limits=t.TIME_PER_TOKEN, width=8, links=[doc.SLOW_REQUESTS],
            empty="No streamed answers",
        ),
        timeseries(
            "Tokens per second", "How fast text appears, by model.",
            prom(q.top(12, 1 / q.mean(per_token, [MODEL])), "{{gen_ai_request_model}}"),
            unit="short", limits=t.TOKENS_PER_SECOND, width=8, links=[doc.SLOW_REQUESTS], empty="No streamed answers",
        ),
        timeseries(
            "Output tokens per second of waiting", "Tokens written by the time calls took: streamed or not (R29).",
            prom(q.top(12, written / q.rate_of_sum(c.CALL_DURATION, [MODEL])), "{{gen_ai_request_model}}"),
            unit="short", limits=t.TOKENS_PER_SECOND, width=8, links=[doc.SLOW_REQUESTS],
        ),
    ]


def where_time_goes() -> list[Panel]:
    by = [MODEL, FLOW]
    steps = (
        (c.CALL_DURATION, "model calls"), (c.RETRIEVAL_DURATION, "retrieval"), (c.TOOL_DURATION, "tools"),
    )
    return [
        timeseries(
            "Seconds of waiting per second, by kind of step",
            "Is it retrieval or the model? (R95) Time spent in each kind of step, over all requests at once.",
            *(prom(q.rate_of_sum(metric), name) for metric, name in steps),
            unit="s", stack=True, width=12, links=[doc.RETRIEVAL],
        ),
        timeseries(
            "Failed calls by error type", "Per minute: timeouts, rate limits, contexts that are too long (R43).",
            prom(q.rate(c.CALL_DURATION, [c.ERROR_TYPE], q.FAILED) * 60, "{{error_type}}"),
            unit="short", stack=True, width=12, links=[doc.ERROR_RATE], empty="No call failed",
            follow=[to_board("genai-traces", "Traces with errors")],
        ),
        timeseries(
            "Error rate by model", "The share of failed calls.",
            prom(q.top(12, q.error_share([MODEL])), "{{gen_ai_request_model}}"),
            unit="percentunit", limits=t.ERRORS, width=8, links=[doc.ERROR_RATE],
        ),
        timeseries(
            "Retries per call", "Attempts that were tried again, by calls.",
            prom(q.per_call(c.RETRIES, [MODEL]), "{{gen_ai_request_model}}"),
            unit="percentunit", limits=t.RETRIES, width=8, links=[doc.RETRIES],
        ),
        timeseries(
            "Rate limit hits per call", "Calls that a rate limit refused, by calls.",
            prom(q.per_call(c.RATE_LIMIT_HITS, [MODEL]), "{{gen_ai_request_model}}"),
            unit="percentunit", limits=t.RATE_LIMITS, width=8, links=[doc.RATE_LIMITS],
        ),
        table(
            "Models and flows", "Calls in this time range, and how long they took (R44, R87).",
            prom(q.increase(c.CALL_DURATION, by), table=True),
            prom(q.error_share(by, q.RANGE), table=True),
            prom(q.quantile(0.5, c.CALL_DURATION, by, window=q.RANGE), table=True),
            prom(q.quantile(0.95, c.CALL_DURATION, by, window=q.RANGE), table=True),
            prom(q.quantile(0.99, c.CALL_DURATION, by, window=q.RANGE), table=True),
            prom(q.quantile(0.95, c.TIME_TO_FIRST_CHUNK, by, window=q.RANGE), table=True),
            columns=[
                Column("gen_ai_request_model", "Model",
                       link=to_board("genai-latency", "Only this model", model="${__value.raw}")),
                Column("llm_flow", "Flow", link=to_board("genai-latency", "Only this flow", flow="${__value.raw}")),
                Column("Value #A", "Calls", unit="short"),
                Column("Value #B", "Errors", unit="percentunit", cell="color-text", limits=t.ERRORS),
                Column("Value #C", "P50", unit="s"),
                Column("Value #D", "P95", unit="s", cell="color-text", limits=t.REQUEST_P95),
                Column("Value #E", "P99", unit="s", cell="color-text", limits=t.REQUEST_P95),
                Column("Value #F", "P95 first token", unit="s", cell="color-text", limits=t.FIRST_TOKEN_P99),
            ],
            sort="Value #A", height=10, links=[doc.SLOW_REQUESTS],
        ),
    ]


BOARD = Board(
    uid="genai-latency",
    title="GenAI / Latency",
    about="How long users wait for the first token and for the whole answer, next to how many tokens they waited for.",
    rows=[
        Row("Time to first token", first_token()),
        Row("Whole answers", whole()),
        Row("Next to the tokens", beside_tokens()),
        Row("Speed of generation", speed()),
        Row("Where the time goes", where_time_goes()),
    ],
)
