"""Overview: is everything all right now? Four rows: status, quality, cost and volume, what is deployed."""

from __future__ import annotations

from genai_exporter import catalogue as c
from genai_exporter import catalogue_ledger as ledger
from genai_exporter.promql import Expr

from . import queries as q
from . import runbooks as doc
from . import thresholds as t
from .house import Board, Column, Limits, Panel, Row, bar_gauge, prom, stat, state_timeline, table, timeseries, to_board

STATES = [
    {
        "type": "value",
        "options": {
            "0": {"color": "green", "index": 0, "text": "fine"},
            "1": {"color": "yellow", "index": 1, "text": "watch"},
            "2": {"color": "red", "index": 2, "text": "bad"},
        },
    }
]
STATE_LIMITS = Limits(
    "green", ((1, "yellow"), (2, "red")), "Yellow and red begin where they do in the panel of each signal."
)


def cost_against_day() -> Expr:
    """Mean cost of a call now, over its mean of the last day."""
    return q.cost_per_call() / q.cost_per_call(window="1d")


def status() -> list[Panel]:
    return [
        stat(
            "Error rate",
            "Provider calls that failed, among all.",
            prom(q.error_share()),
            unit="percentunit",
            limits=t.ERRORS,
            background=True,
            width=4,
            height=5,
            links=[doc.ERROR_RATE],
            follow=[to_board("genai-latency", "Errors by type")],
        ),
        stat(
            "P95 latency",
            "95 of 100 requests were answered within this time, from their first span to their last.",
            prom(q.request_quantile(0.95)),
            unit="s",
            limits=t.REQUEST_P95,
            background=True,
            width=4,
            height=5,
            links=[doc.SLOW_REQUESTS],
            follow=[to_board("genai-latency", "Where the time goes")],
        ),
        stat(
            "P99 time to first token",
            "99 of 100 streamed answers began within this time.",
            prom(q.quantile(0.99, c.TIME_TO_FIRST_CHUNK)),
            unit="s",
            limits=t.FIRST_TOKEN_P99,
            background=True,
            width=4,
            height=5,
            links=[doc.SLOW_FIRST_TOKEN],
            follow=[to_board("genai-latency", "Time to first token")],
            empty="No streamed answers",
        ),
        stat(
            "Cost per hour",
            "What an hour costs at the current pace, in US dollars (R48, R83). Its colour is that of the pace: how it "
            "compares with the same time one day before is on the cost board.",
            prom(q.hourly_cost()),
            unit="currencyUSD",
            width=4,
            height=5,
            links=[doc.DAILY_COST],
            follow=[to_board("genai-cost", "Where the money goes")],
        ),
        stat(
            "Cost per call against its day",
            "The mean cost of a provider call now, over the mean of the last 24 hours.",
            prom(cost_against_day()),
            unit="x",
            decimals=2,
            limits=t.AGAINST_DAY,
            background=True,
            width=4,
            height=5,
            links=[doc.COST_PER_REQUEST],
            follow=[to_board("genai-cost", "Where the money goes")],
        ),
        stat(
            "Safety failures",
            "Answers that failed a safety evaluation in this time range.",
            prom(q.failures(q.SAFETY)),
            unit="short",
            decimals=0,
            limits=t.SAFETY,
            background=True,
            width=4,
            height=5,
            links=[doc.SAFETY],
            follow=[to_board("genai-quality", "Evaluations")],
            empty="No safety evaluations",
        ),
        state_timeline(
            "What was wrong, and when",
            "One line per signal: green is fine, yellow is worth a look, red has an alert.",
            prom(q.graded(q.error_share(), t.ERRORS), "Errors"),
            prom(q.graded(q.request_quantile(0.95), t.REQUEST_P95), "Latency"),
            prom(q.graded(q.quantile(0.99, c.TIME_TO_FIRST_CHUNK), t.FIRST_TOKEN_P99), "First token"),
            prom(q.graded(cost_against_day(), t.AGAINST_DAY), "Cost per call"),
            prom(q.graded(q.score(q.GROUNDEDNESS), t.GROUNDEDNESS), "Groundedness"),
            prom(q.graded(q.failing(q.HALLUCINATION), t.HALLUCINATIONS), "Hallucinations"),
            prom(q.graded(q.finished("length"), t.TRUNCATED), "Truncation"),
            prom(q.graded(q.rated("negative"), t.NEGATIVE), "Negative feedback"),
            limits=STATE_LIMITS,
            mappings=STATES,
            every="2m",
            height=9,
            links=[doc.BOARDS],
        ),
    ]


def quality() -> list[Panel]:
    return [
        timeseries(
            "Evaluation scores by flow",
            "Mean score of all evaluations over 24 hours, from 0 to 1 (R84).",
            prom(q.score(by=[c.FLOW]), "{{llm_flow}}"),
            unit="percentunit",
            limits=t.QUALITY,
            most=1,
            since="24h",
            every="2m",
            width=6,
            links=[doc.QUALITY_BELOW_WEEK],
            follow=[to_board("genai-quality", "Evaluations")],
            empty="No evaluations",
        ),
        timeseries(
            "Negative feedback",
            "Thumbs down among all verdicts of people.",
            prom(q.rated("negative"), "negative"),
            every="2m",
            unit="percentunit",
            limits=t.NEGATIVE,
            width=6,
            legend=False,
            links=[doc.NEGATIVE_FEEDBACK],
            empty="No feedback",
        ),
        timeseries(
            "Refusals",
            "Answers in which the model refused, among all calls (R37, R84).",
            prom(q.per_call(c.REFUSALS), "refused"),
            unit="percentunit",
            width=6,
            legend=False,
            links=[doc.REFUSALS],
        ),
        timeseries(
            "Finish reasons",
            "Why answers ended, by share; length means cut off at the limit of tokens (R42).",
            prom(q.reasons(), "{{finish_reason}}"),
            unit="percentunit",
            stack=True,
            most=1,
            width=6,
            links=[doc.TRUNCATION],
            follow=[to_board("genai-quality", "By model")],
        ),
    ]


def volume() -> list[Panel]:
    per_minute = q.rate(c.CALL_DURATION) * 60
    usual = per_minute.over("avg_over_time", "1d", "5m")
    spread = per_minute.over("stddev_over_time", "1d", "5m")
    # Budgets of parts of the traffic lie below the one of the whole, so the largest is the one to compare with.
    daily = q.value(ledger.BUDGET, (), {ledger.PERIOD: "day"})
    return [
        timeseries(
            "Calls per minute",
            "Provider calls, and the band of three standard deviations around the last day's mean: outside it, traffic "
            "is not as usual (R27, R85).",
            prom(per_minute, "calls"),
            prom(usual + spread * 3, "usual, upper edge"),
            prom(q.formula("clamp_min({0}, 0)", usual - spread * 3), "usual, lower edge"),
            unit="short",
            width=8,
            links=[doc.TRAFFIC],
        ),
        timeseries(
            "Tokens per minute",
            "Tokens read and written; input includes cached ones (R85).",
            prom(q.rate_of_sum(c.TOKEN_USAGE, [c.TOKEN_TYPE]) * 60, "{{gen_ai_token_type}}"),
            unit="short",
            stack=True,
            width=8,
            links=[doc.INPUT_TOKENS],
        ),
        timeseries(
            "Cost per hour and what the budget allows",
            "The current pace, and a 24th of the daily budget where one is set (R48, R85).",
            prom(q.hourly_cost(), "cost per hour"),
            prom(daily / 24, "daily budget / 24"),
            unit="currencyUSD",
            width=8,
            links=[doc.DAILY_COST],
        ),
    ]


def deployments() -> list[Panel]:
    labels = (c.SERVICE_NAME, c.ENVIRONMENT, c.SERVICE_VERSION, c.PROMPT_NAME, c.PROMPT_VERSION, c.RESPONSE_MODEL)
    live = q.value(c.DEPLOYMENT_INFO, labels)
    first = q.value(c.DEPLOYMENT_FIRST_SEEN, labels, function="min")
    return [
        table(
            "What is live, and since when",
            "Every combination of application, prompt and model version that is running (R86). When something began at "
            "a certain time, look here first. The violet lines in the graphs are the same moments.",
            prom((first * 1000).and_(live), table=True),
            prom(q.age(first), table=True),
            columns=[
                Column("Value #A", "First seen", unit="dateTimeAsIso", width=190),
                Column("Value #B", "Age", unit="s", width=110),
                Column(
                    "service_name",
                    "Service",
                    link=to_board("genai-overview", "Only this service", service="${__value.raw}"),
                ),
                Column("service_version", "Application version"),
                Column("gen_ai_prompt_name", "Prompt"),
                Column(
                    "gen_ai_prompt_version",
                    "Prompt version",
                    link=to_board("genai-prompts", "Compare prompt versions", prompt_version="${__value.raw}"),
                ),
                Column("gen_ai_response_model", "Model version"),
                Column("deployment_environment_name", "Environment"),
            ],
            sort="Value #A",
            height=9,
            links=[doc.PROMPT_REGRESSION],
            empty="Nothing has been seen live",
        )
    ]


def by_service() -> list[Panel]:
    by = [c.SERVICE_NAME]
    return [
        bar_gauge(
            "Errors by service",
            "The share of failed calls.",
            prom(q.top(10, q.error_share(by)), "{{service_name}}"),
            unit="percentunit",
            limits=t.ERRORS,
            width=8,
            links=[doc.ERROR_RATE],
        ),
        bar_gauge(
            "P95 latency by service",
            "Duration of whole requests.",
            prom(q.top(10, q.request_quantile(0.95, by)), "{{service_name}}"),
            unit="s",
            limits=t.REQUEST_P95,
            width=8,
            links=[doc.SLOW_REQUESTS],
        ),
        bar_gauge(
            "Cost per hour by service",
            "US dollars at the current pace.",
            prom(q.top(10, q.hourly_cost(by)), "{{service_name}}"),
            unit="currencyUSD",
            width=8,
            links=[doc.DAILY_COST],
        ),
    ]


BOARD = Board(
    uid="genai-overview",
    title="GenAI / Overview",
    about="Is everything all right now? Status, quality, cost and volume, and what is deployed.",
    refresh="30s",
    rows=[
        Row("Status", status()),
        Row("Quality", quality()),
        Row("Cost and volume", volume()),
        Row("Services", by_service()),
        Row("Deployments", deployments()),
    ],
)
