"""Cost and tokens: what is spent on what, how it compares with yesterday, and whether the budget holds."""

from __future__ import annotations

from genai_exporter import catalogue as c
from genai_exporter import catalogue_ledger as ledger
from genai_exporter.catalogue import Label
from genai_exporter.promql import Expr, Where

from . import queries as q
from . import runbooks as doc
from . import thresholds as t
from .house import Board, Column, Panel, Row, bar_gauge, heatmap, prom, stat, table, timeseries, to_board

MODEL, FLOW, PROMPT_VERSION, SEGMENT = c.REQUEST_MODEL, c.FLOW, c.PROMPT_VERSION, c.SEGMENT
BUDGET_LABELS = (ledger.PERIOD, c.SERVICE_NAME, FLOW, MODEL, SEGMENT)
BUDGET_LEGEND = "{{period}} {{service_name}} {{llm_flow}} {{gen_ai_request_model}} {{llm_user_segment}}"
NO_BUDGET = "No budget is set, or no ledger is connected"
NO_LEDGER = "No ledger is connected"
WRITTEN = "{{gen_ai_token_type}}"


def spent() -> Expr:
    return q.value(ledger.BUDGET_SPENT, BUDGET_LABELS)


def budget_used() -> Expr:
    return spent() / q.value(ledger.BUDGET, BUDGET_LABELS)


def elapsed() -> Expr:
    """How much of the calendar month, in UTC, is over: at least a hundredth, so that a forecast of its first hours is
    not infinite."""
    return Expr("clamp_min((day_of_month() - 1 + (hour() + minute() / 60) / 24) / days_in_month(), 0.01)")


def forecast_use() -> Expr:
    """What the budgets of the month would be used to at its end if it went on like this."""
    where = {ledger.PERIOD: "month"}
    used = q.value(ledger.BUDGET_SPENT, BUDGET_LABELS, where) / q.value(ledger.BUDGET, BUDGET_LABELS, where)
    return q.formula("({0}) / scalar({1})", used, elapsed())


def against_day(by: list[Label]) -> Expr:
    return q.cost_per_call(by) / q.cost_per_call(by, "1d")


# fmt: off
# One option after the other on shared lines: a board is read as a list of panels.

def now() -> list[Panel]:
    return [
        stat(
            "Cost per hour now", "At the current pace, in US dollars (R48).", prom(q.hourly_cost()),
            unit="currencyUSD", width=3, links=[doc.DAILY_COST],
        ),
        stat(
            "Cost in this time range", "Everything that has a price (R52).",
            prom(q.increase(c.COST)), unit="currencyUSD", width=4,
            links=[doc.DAILY_COST],
        ),
        stat(
            "Cost of the last day against the day before",
            "What the last 24 hours cost, over what the 24 hours before them cost.",
            prom(q.increase(c.COST, window="1d") / day_before()),
            unit="x", decimals=2, limits=t.PACE, width=6, links=[doc.DAILY_COST], empty="No data from yesterday",
        ),
        stat(
            "Mean cost of a call", "In US dollars.", prom(q.cost_per_call()),
            unit="currencyUSD", limits=t.COST_PER_REQUEST, width=4, links=[doc.COST_PER_REQUEST],
        ),
        stat(
            "Calls above the ceiling", "The share of calls that cost more than $0.10, the ceiling of a single request.",
            prom(q.share_above(c.CALL_COST, 0.1)),
            unit="percentunit", limits=t.EXPENSIVE, width=4, links=[doc.EXPENSIVE_REQUESTS],
        ),
        stat(
            "Calls without a price", "Calls with tokens whose model has no known price, in this time range.",
            prom(q.increase(c.UNPRICED_CALLS)),
            unit="short", decimals=0, limits=t.UNPRICED, width=3, links=[doc.UNPRICED],
        ),
    ]


def day_before() -> Expr:
    """What the day before the last cost; an offset belongs right behind the range it moves."""
    last = q.increase(c.COST, window="1d")
    return Expr(last.text.replace("[1d]", "[1d] offset 1d"), last.metrics, last.labels)


def attribution() -> list[Panel]:
    def by(title: str, label: Label, board: str) -> Panel:
        return timeseries(
            title, f"US dollars per hour by {label.meaning[0].lower()}{label.meaning[1:]}",
            prom(q.top(12, q.hourly_cost([label])), f"{{{{{label.name}}}}}"),
            unit="currencyUSD", stack=True, links=[doc.DAILY_COST], follow=[to_board(board, "Look closer")],
        )

    labels = [c.SERVICE_NAME, MODEL, FLOW, c.PROMPT_NAME, PROMPT_VERSION]
    total = q.increase(c.COST)
    return [
        by("Cost per hour by model", MODEL, "genai-latency"),
        by("Cost per hour by flow", FLOW, "genai-latency"),
        by("Cost per hour by prompt version", PROMPT_VERSION, "genai-prompts"),
        by("Cost per hour by segment", SEGMENT, "genai-sessions"),
        table(
            "Breakdown", "Everything that cost money in this time range (R51, R52, R89), the most expensive first.",
            prom(q.increase(c.COST, labels), table=True),
            prom(q.formula("({0}) / scalar({1})", q.increase(c.COST, labels), total), table=True),
            prom(q.increase(c.CALL_DURATION, labels), table=True),
            prom(q.mean(c.CALL_COST, labels, window=q.RANGE), table=True),
            prom(q.mean(c.TOKEN_USAGE, labels, q.INPUT, q.RANGE), table=True),
            prom(q.mean(c.TOKEN_USAGE, labels, q.OUTPUT, q.RANGE), table=True),
            columns=[
                Column("service_name", "Service"), Column("gen_ai_request_model", "Model"),
                Column("llm_flow", "Flow"), Column("gen_ai_prompt_name", "Prompt"),
                Column("gen_ai_prompt_version", "Prompt version"),
                Column("Value #A", "Cost", unit="currencyUSD"),
                Column("Value #B", "Share", unit="percentunit", cell="gauge"),
                Column("Value #C", "Calls", unit="short"),
                Column("Value #D", "Cost per call", unit="currencyUSD", cell="color-text", limits=t.COST_PER_REQUEST),
                Column("Value #E", "Input tokens per call", unit="short"),
                Column("Value #F", "Output tokens per call", unit="short"),
            ],
            sort="Value #A", height=10, links=[doc.PRICES],
        ),
        timeseries(
            "Cost per hour by operation", "Embeddings and the models that judge answers are part of the bill (R54, "
            "R133).", prom(q.hourly_cost([c.OPERATION]), "{{gen_ai_operation_name}}"),
            unit="currencyUSD", stack=True, links=[doc.PRICES],
        ),
        timeseries(
            "Where the price came from", "Computed from the price table, or reported by the sender.",
            prom(q.hourly_cost([c.COST_SOURCE]), "{{cost_source}}"),
            unit="currencyUSD", stack=True, links=[doc.PRICES],
        ),
    ]


def per_request() -> list[Panel]:
    return [
        timeseries(
            "Cost of a call", "Mean, 95th and 99th percentile: the rare calls carry the cost.",
            prom(q.cost_per_call(), "mean"),
            *(prom(q.quantile(x, c.CALL_COST), f"p{x * 100:.0f}", exemplars=True) for x in (0.95, 0.99)),
            unit="currencyUSD", limits=t.COST_PER_REQUEST, width=8, links=[doc.EXPENSIVE_REQUESTS],
        ),
        timeseries(
            "Cost of a call against its day, by flow", "Mean cost now over the mean of the last 24 hours (R32, R61).",
            prom(q.top(12, against_day([FLOW])), "{{llm_flow}}"),
            unit="x", limits=t.AGAINST_DAY, width=8, links=[doc.COST_PER_REQUEST],
        ),
        heatmap(
            "How costs of calls are spread", "Each cell counts calls.",
            prom(q.buckets(c.CALL_COST), "{{le}}", exemplars=True), unit="currencyUSD", width=8,
            links=[doc.EXPENSIVE_REQUESTS],
        ),
        timeseries(
            "Cost per hour today", "Compare with the graph beside it, which is one day older (R73).",
            prom(q.hourly_cost(), "cost per hour"), unit="currencyUSD", since="24h", legend=False,
            links=[doc.DAILY_COST],
        ),
        timeseries(
            "Cost per hour yesterday", "The same 24 hours, one day before (R73).",
            prom(q.hourly_cost(), "cost per hour"), unit="currencyUSD", since="24h", shift="1d", legend=False,
            links=[doc.DAILY_COST], empty="No data from yesterday",
        ),
    ]


def tokens() -> list[Panel]:
    def spread(title: str, which: Where, words: str) -> Panel:
        return timeseries(
            title, f"{words} The largest percent carries the cost (R50).",
            *(prom(q.quantile(x, c.TOKEN_USAGE, (), which), f"p{x * 100:.0f}", exemplars=True)
              for x in (0.5, 0.95, 0.99)),
            unit="short", links=[doc.INPUT_TOKENS],
        )

    return [
        timeseries(
            "Tokens per minute by model", "Input includes cached tokens, output includes reasoning (R47).",
            prom(q.top(12, q.rate_of_sum(c.TOKEN_USAGE, [MODEL, c.TOKEN_TYPE]) * 60),
                 f"{{{{gen_ai_request_model}}}} {WRITTEN}"),
            unit="short", stack=True, links=[doc.INPUT_TOKENS],
        ),
        timeseries(
            "Tokens per minute by flow", "Input and output of each endpoint or pipeline (R45).",
            prom(q.top(12, q.rate_of_sum(c.TOKEN_USAGE, [FLOW, c.TOKEN_TYPE]) * 60), f"{{{{llm_flow}}}} {WRITTEN}"),
            unit="short", stack=True, links=[doc.INPUT_TOKENS],
        ),
        spread("Input tokens per call, P95 and P99", q.INPUT, "What a call reads (R14, R30)."),
        spread("Output tokens per call, P95 and P99", q.OUTPUT, "What a call writes (R15, R31)."),
        timeseries(
            "Input tokens per call by prompt version",
            "A version that reads much more than the one before it was changed by more than its words (R74, R143).",
            prom(q.top(12, q.mean(c.TOKEN_USAGE, [c.PROMPT_NAME, PROMPT_VERSION], q.INPUT)),
                 "{{gen_ai_prompt_name}} {{gen_ai_prompt_version}}"),
            unit="short", links=[doc.INPUT_TOKENS], follow=[to_board("genai-prompts", "Compare prompt versions")],
        ),
        timeseries(
            "Calls that read more than 8,000 tokens", "Long histories, whole documents, forgotten examples (R135).",
            prom(q.top(12, q.share_above(c.TOKEN_USAGE, 8000.0, [FLOW], q.INPUT)), "{{llm_flow}}"),
            unit="percentunit", limits=t.LARGE_INPUTS, links=[doc.INPUT_TOKENS],
        ),
    ]


def savings() -> list[Panel]:
    return [
        timeseries(
            "Input tokens from prompt caches", "Cached tokens cost a fraction. By model (R34).",
            prom(q.cached_share([MODEL]), "{{gen_ai_request_model}}"),
            unit="percentunit", width=8, links=[doc.CACHE],
        ),
        timeseries(
            "Response cache hits", "Answers that cost nothing because one was stored (R34, R92).",
            prom(q.cache_hits([FLOW]), "{{llm_flow}}"),
            unit="percentunit", limits=t.CACHE, width=8, links=[doc.CACHE], empty="No response cache is in use",
        ),
        timeseries(
            "Tokens that are special", "Per minute: read from and written to prompt caches, spent on reasoning.",
            prom(q.rate(c.CACHED_TOKENS) * 60, "cached input"),
            prom(q.rate(c.CACHE_WRITE_TOKENS) * 60, "written to cache"),
            prom(q.rate(c.REASONING_TOKENS) * 60, "reasoning output"),
            unit="short", width=8, links=[doc.METRICS],
        ),
        timeseries(
            "Calls without a price by model", "Per minute; set a price in the configuration (R134).",
            prom(q.top(12, q.rate(c.UNPRICED_CALLS, [c.PROVIDER, MODEL]) * 60),
                 "{{gen_ai_provider_name}} {{gen_ai_request_model}}"),
            unit="short", links=[doc.UNPRICED],
        ),
        bar_gauge(
            "Provider quota in use", "Tokens of the last minute by what the provider allows in a minute.",
            prom(q.quota_use(), "{{gen_ai_provider_name}} {{gen_ai_request_model}}"),
            unit="percentunit", limits=t.QUOTA, most=1, links=[doc.QUOTA], empty="No quota is configured",
        ),
    ]


def budgets() -> list[Panel]:
    return [
        bar_gauge(
            "Budget used", "Spent in the calendar period to date, by what may be spent.",
            prom(budget_used(), BUDGET_LEGEND),
            unit="percentunit", limits=t.BUDGET_USED, most=1.2, width=8, links=[doc.BUDGET], empty=NO_BUDGET,
        ),
        bar_gauge(
            "Forecast for the month", "Where each budget of the month ends if the month goes on as it began (R17).",
            prom(forecast_use(), BUDGET_LEGEND),
            unit="percentunit", limits=t.FORECAST, most=1.5, width=8, links=[doc.BUDGET], empty=NO_BUDGET,
        ),
        timeseries(
            "Budget and spending", "In US dollars, over the period (R71).",
            prom(spent(), f"spent {BUDGET_LEGEND}"),
            prom(q.value(ledger.BUDGET, BUDGET_LABELS), f"budget {BUDGET_LEGEND}"),
            unit="currencyUSD", since="30d", width=8, links=[doc.BUDGET], empty=NO_BUDGET,
        ),
        timeseries(
            "Cost of sessions", "Conversations that ended: mean, 95th and 99th percentile (R33, R68).",
            prom(q.mean(ledger.SESSION_COST), "mean"),
            *(prom(q.quantile(x, ledger.SESSION_COST), f"p{x * 100:.0f}") for x in (0.95, 0.99)),
            unit="currencyUSD", links=[doc.SESSION_COST], follow=[to_board("genai-sessions", "Sessions")],
            empty=NO_LEDGER,
        ),
        stat(
            "Runaway sessions", "Sessions that cost more than ten times the average, in this time range.",
            prom(q.increase(ledger.RUNAWAY_SESSIONS)),
            unit="short", decimals=0, limits=t.RUNAWAY, width=12, height=9,
            links=[doc.SESSION_COST], follow=[to_board("genai-sessions", "Sessions")], empty=NO_LEDGER,
        ),
    ]


BOARD = Board(
    uid="genai-cost",
    title="GenAI / Cost and tokens",
    about="What is spent on which model, flow, prompt version and segment, and whether the budget holds.",
    since="now-24h",
    rows=[
        Row("Now", now()),
        Row("Where the money goes", attribution()),
        Row("Cost of a request", per_request()),
        Row("Tokens", tokens()),
        Row("Caches, prices and quotas", savings()),
        Row("Budgets and sessions", budgets()),
    ],
)
