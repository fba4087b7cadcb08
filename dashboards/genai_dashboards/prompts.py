"""Prompts and experiments: which version of a prompt is better, dearer, slower (R1, R4, R64, R67, R127, R128)."""

from __future__ import annotations

from genai_exporter import catalogue as c
from genai_exporter import catalogue_ledger as ledger
from genai_exporter.promql import Expr

from . import queries as q
from . import runbooks as doc
from . import thresholds as t
from .house import Board, Column, Limits, Link, Panel, Row, prom, stat, table, timeseries, to_board

PROMPT, VERSION = c.PROMPT_NAME, c.PROMPT_VERSION
BY = [PROMPT, VERSION]
LEGEND = "{{gen_ai_prompt_name}} {{gen_ai_prompt_version}}"
EXPERIMENT = [ledger.EXPERIMENT, c.SERVICE_NAME, c.EVALUATION_NAME, PROMPT]
NO_EXPERIMENT = "No experiment is running, or no ledger is connected"
NO_VERSION = "No prompt versions are reported"
SMOOTH = "5m"


def timeouts(window: str = q.WINDOW) -> Expr:
    """Calls that timed out, among all, by version: which template causes timeouts (R95)."""
    return q.share(
        q.rate(c.CALL_DURATION, BY, {c.ERROR_TYPE: "timeout"}, window), q.rate(c.CALL_DURATION, BY, None, window)
    )


# fmt: off
# One option after the other on shared lines: a board is read as a list of panels.

def comparison() -> list[Panel]:
    return [
        table(
            "Versions side by side",
            "Every prompt version that answered in this time range (R1, R128). Choose one under Prompt version above "
            "to see it alone. A version with few calls says little.",
            prom(q.increase(c.CALL_DURATION, BY), table=True),
            prom(q.score(q.CORRECTNESS, BY, q.RANGE), table=True),
            prom(q.failing(by=BY, window=q.RANGE), table=True),
            prom(q.rated("negative", BY, q.RANGE), table=True),
            prom(q.cost_per_call(BY, q.RANGE), table=True),
            prom(q.mean(c.TOKEN_USAGE, BY, q.INPUT, q.RANGE), table=True),
            prom(q.mean(c.TOKEN_USAGE, BY, q.OUTPUT, q.RANGE), table=True),
            prom(q.quantile(0.95, c.CALL_DURATION, BY, window=q.RANGE), table=True),
            prom(q.error_share(BY, q.RANGE), table=True),
            prom(timeouts(q.RANGE), table=True),
            prom(q.finished("length", BY, q.RANGE), table=True),
            columns=[
                Column("gen_ai_prompt_name", "Prompt"),
                Column("gen_ai_prompt_version", "Version",
                       link=to_board("genai-prompts", "Only this version", prompt_version="${__value.raw}")),
                Column("Value #A", "Calls", unit="short"),
                Column("Value #B", "Correctness and quality", unit="percentunit", cell="color-text", limits=t.QUALITY),
                Column("Value #C", "Evaluations failed", unit="percentunit", cell="color-text",
                       limits=t.HALLUCINATIONS),
                Column("Value #D", "Thumbs down", unit="percentunit", cell="color-text", limits=t.NEGATIVE),
                Column("Value #E", "Cost per call", unit="currencyUSD", cell="color-text", limits=t.COST_PER_REQUEST),
                Column("Value #F", "Input tokens", unit="short"),
                Column("Value #G", "Output tokens", unit="short"),
                Column("Value #H", "P95", unit="s", cell="color-text", limits=t.REQUEST_P95),
                Column("Value #I", "Errors", unit="percentunit", cell="color-text", limits=t.ERRORS),
                Column("Value #J", "Timeouts", unit="percentunit", cell="color-text", limits=t.ERRORS),
                Column("Value #K", "Cut off", unit="percentunit", cell="color-text", limits=t.TRUNCATED),
            ],
            sort="Value #A", height=9, links=[doc.PROMPT_REGRESSION], empty=NO_VERSION,
        ),
    ]


def trends() -> list[Panel]:
    def by_version(title: str, about: str, expr: Expr, unit: str, limits: Limits | None, link: Link) -> Panel:
        more = {"limits": limits} if limits else {}
        return timeseries(
            title, about, prom(q.top(12, expr), LEGEND), unit=unit, width=8, every=SMOOTH, links=[link],
            empty=NO_VERSION, **more,  # type: ignore[arg-type]
        )

    calls = q.rate(c.CALL_DURATION, BY)
    return [
        by_version("Share of calls", "How far a version is rolled out (R129).",
                   q.formula("({0}) / scalar({1})", calls, q.rate(c.CALL_DURATION)), "percentunit", None,
                   doc.PROMPT_REGRESSION),
        by_version("Correctness and quality", "Mean score by version (R64, R95).",
                   q.score(q.CORRECTNESS, BY), "percentunit", t.QUALITY, doc.PROMPT_REGRESSION),
        by_version("Evaluations failed", "The share of verdicts that are fail, all evaluations together.",
                   q.failing(by=BY), "percentunit", t.HALLUCINATIONS, doc.PROMPT_REGRESSION),
        by_version("Input tokens", "Mean of what a call reads: a template that grew shows here first (R74, R143).",
                   q.mean(c.TOKEN_USAGE, BY, q.INPUT), "short", None, doc.INPUT_TOKENS),
        by_version("Output tokens", "Mean of what a call writes: 300 more per answer is an incident (R8).",
                   q.mean(c.TOKEN_USAGE, BY, q.OUTPUT), "short", None, doc.INPUT_TOKENS),
        by_version("Cost of a call", "Mean, in US dollars.",
                   q.cost_per_call(BY), "currencyUSD", t.COST_PER_REQUEST, doc.COST_PER_REQUEST),
        by_version("P95 of calls", "95 of 100 calls took no longer.",
                   q.quantile(0.95, c.CALL_DURATION, BY), "s", t.REQUEST_TIME, doc.SLOW_REQUESTS),
        by_version("Timeouts", "Which template causes timeouts? (R95) Calls that timed out, among all.",
                   timeouts(), "percentunit", t.ERRORS, doc.ERROR_RATE),
        by_version("Thumbs down", "Negative verdicts of people, among all of theirs.",
                   q.rated("negative", BY), "percentunit", t.NEGATIVE, doc.NEGATIVE_FEEDBACK),
    ]


def experiments() -> list[Panel]:
    p_value = q.value(ledger.EXPERIMENT_P_VALUE, EXPERIMENT)
    effect = q.value(ledger.EXPERIMENT_EFFECT, EXPERIMENT)
    legend = "{{experiment}} {{gen_ai_evaluation_name}}"
    return [
        table(
            "Experiments", "Each running comparison: the difference of the mean score, and how likely a difference "
            "this large is by chance, corrected for looking early (R67, R128).",
            prom(effect, table=True), prom(p_value, table=True),
            columns=[
                Column("experiment", "Experiment"), Column("service_name", "Service"),
                Column("gen_ai_prompt_name", "Prompt"), Column("gen_ai_evaluation_name", "Evaluation"),
                Column("Value #A", "Difference", unit="percentunit"),
                Column("Value #B", "p", unit="none", cell="color-text", limits=t.P_VALUE),
            ],
            sort="Value #B", ascending=True, width=8, links=[doc.EXPERIMENT], empty=NO_EXPERIMENT,
        ),
        timeseries(
            "Probability of chance", "Decide once it stays below the line.",
            prom(p_value, legend), unit="none", limits=t.P_VALUE, most=1, width=8, since="7d",
            links=[doc.EXPERIMENT], empty=NO_EXPERIMENT,
        ),
        timeseries(
            "Difference of the mean score", "Above zero, the new version is better.",
            prom(effect, legend), unit="percentunit", least=-1, most=1, width=8, since="7d",
            links=[doc.EXPERIMENT], empty=NO_EXPERIMENT,
        ),
    ]


def versions() -> list[Panel]:
    labels = (c.SERVICE_NAME, PROMPT, VERSION, c.SERVICE_VERSION, c.RESPONSE_MODEL)
    first = q.value(c.DEPLOYMENT_FIRST_SEEN, labels, function="min")
    return [
        table(
            "When each version appeared", "Prompt versions seen live, the newest first (R127).",
            prom(first * 1000, table=True),
            columns=[
                Column("Value #A", "First seen", unit="dateTimeAsIso", width=190),
                Column("gen_ai_prompt_name", "Prompt"), Column("gen_ai_prompt_version", "Version"),
                Column("service_name", "Service"), Column("service_version", "Application version"),
                Column("gen_ai_response_model", "Model version"),
            ],
            sort="Value #A", width=16, links=[doc.PROMPT_REGRESSION], empty=NO_VERSION,
        ),
        stat(
            "Traces that lack a version", "Traces with a provider call that do not say which prompt, application or "
            "model version made it, in this time range: nothing here can be attributed to them (R103).",
            prom(q.increase(c.TRACES_WITHOUT_VERSION, [c.MISSING]), "{{missing}}"),
            unit="short", decimals=0, width=8, height=9, names=True, links=[doc.OPERATIONS],
        ),
    ]


BOARD = Board(
    uid="genai-prompts",
    title="GenAI / Prompts and experiments",
    about="Which version of a prompt is better, dearer, slower, and whether an experiment has decided.",
    since="now-7d",
    rows=[
        Row("Compare", comparison()),
        Row("By version", trends()),
        Row("Experiments", experiments()),
        Row("Versions", versions()),
    ],
)
