"""Quality: what evaluations, people and the models themselves say about the answers."""

from __future__ import annotations

from genai_exporter import catalogue as c
from genai_exporter.catalogue import Label
from genai_exporter.promql import Expr, Matches

from . import queries as q
from . import runbooks as doc
from . import thresholds as t
from .house import Board, Column, Limits, Link, Panel, Row, heatmap, prom, stat, table, timeseries, to_board

NAME, FLOW, PROMPT_VERSION, SEGMENT = c.EVALUATION_NAME, c.FLOW, c.PROMPT_VERSION, c.SEGMENT
NAMED = "{{gen_ai_evaluation_name}}"
NO_EVALUATIONS = "No evaluations of this kind"
SMOOTH = "2m"


def against_week(by: list[Label]) -> Expr:
    """Mean score now over that of the last seven days."""
    return q.score(by=by) / q.score(by=by, window="7d")


def refusals_against_day() -> Expr:
    return q.per_call(c.REFUSALS) / q.per_call(c.REFUSALS, window="1d")


# fmt: off
# One option after the other on shared lines: a board is read as a list of panels.

def now() -> list[Panel]:
    def number(title: str, about: str, expr: Expr, limits: Limits, link: Link) -> Panel:
        return stat(
            title, about, prom(expr), unit="percentunit", limits=limits, width=4, every="10m",
            links=[link], empty=NO_EVALUATIONS,
        )

    return [
        number("Relevance and quality", "Mean score of evaluations of relevance and overall quality.",
               q.score(q.RELEVANCE), t.QUALITY, doc.QUALITY_BELOW_WEEK),
        number("Groundedness", "Mean score: do the answers say what the retrieved passages say?",
               q.score(q.GROUNDEDNESS), t.GROUNDEDNESS, doc.GROUNDEDNESS),
        number("Hallucination rate", "Answers that state what no passage contains, among those evaluated (R90).",
               q.failing(q.HALLUCINATION), t.HALLUCINATIONS, doc.HALLUCINATIONS),
        number("Heuristic pass rate", "Cheap checks of form on every answer.",
               q.passing(q.HEURISTIC), t.HEURISTICS, doc.HEURISTICS),
        number("Positive feedback", "Thumbs up among all verdicts of people.",
               q.rated("positive"), t.POSITIVE, doc.NEGATIVE_FEEDBACK),
        stat(
            "Safety failures in this range", "Answers that failed a safety evaluation.",
            prom(q.failures(q.SAFETY)),
            unit="short", decimals=0, limits=t.SAFETY, width=4, links=[doc.SAFETY],
            empty=NO_EVALUATIONS,
        ),
    ]


def evaluations() -> list[Panel]:
    def scores(title: str, label: Label, limits: Limits, link: Link) -> Panel:
        return timeseries(
            title, f"Mean score of all evaluations by {label.meaning[0].lower()}{label.meaning[1:]} A mean over "
            "everything hides a group that got worse (R4).",
            prom(q.top(12, q.score(by=[label])), f"{{{{{label.name}}}}}"),
            unit="percentunit", limits=limits, most=1, width=8, every=SMOOTH, links=[link], empty=NO_EVALUATIONS,
        )

    return [
        timeseries(
            "Evaluation scores", "Mean score from 0 to 1.",
            prom(q.score(by=[NAME]), NAMED),
            unit="percentunit", limits=t.QUALITY, most=1, every=SMOOTH, links=[doc.QUALITY_BELOW_WEEK],
            empty=NO_EVALUATIONS,
        ),
        timeseries(
            "Scores against the last seven days", "Mean score now over that of seven days, by evaluation (R39, R62).",
            prom(against_week([NAME]), NAMED),
            unit="percentunit", limits=t.AGAINST_WEEK, every=SMOOTH, links=[doc.QUALITY_COLLAPSED],
            empty=NO_EVALUATIONS,
        ),
        scores("Scores by flow", FLOW, t.QUALITY, doc.QUALITY_BELOW_WEEK),
        scores("Scores by prompt version", PROMPT_VERSION, t.QUALITY, doc.PROMPT_REGRESSION),
        scores("Scores by segment", SEGMENT, t.QUALITY, doc.QUALITY_BELOW_WEEK),
        timeseries(
            "Pass rate by evaluation", "Evaluations with a verdict: passed, among passed and failed (R38, R41).",
            prom(q.passing(by=[NAME]), NAMED),
            unit="percentunit", limits=t.HEURISTICS, most=1, width=8, every=SMOOTH, links=[doc.HEURISTICS],
            empty=NO_EVALUATIONS,
        ),
        timeseries(
            "Failures per minute", "Which evaluations failed (R41, R90).",
            prom(q.verdicts("fail", by=[NAME]) * 60, NAMED),
            unit="short", stack=True, width=8, links=[doc.SAFETY], follow=[to_board("genai-traces", "Traces")],
            empty=NO_EVALUATIONS,
        ),
        timeseries(
            "Evaluations in error", "Per minute. A judge that cannot be reached gives no score, and "
            "must not look like good quality.",
            prom(q.verdicts("error", by=[NAME]) * 60, NAMED),
            unit="short", stack=True, width=8, links=[doc.EVALUATIONS_FAILING], empty="Every evaluation gave a verdict",
        ),
        heatmap(
            "How groundedness is spread", "Each cell counts scores; a mean of 0.9 can hide answers at 0.2.",
            prom(q.buckets(c.EVALUATION_SCORE, {NAME: Matches(q.GROUNDEDNESS)}), "{{le}}", exemplars=True),
            unit="percentunit", links=[doc.GROUNDEDNESS], empty=NO_EVALUATIONS,
        ),
        heatmap(
            "How scores are spread", "All evaluations together. Each cell counts scores.",
            prom(q.buckets(c.EVALUATION_SCORE), "{{le}}", exemplars=True),
            unit="percentunit", links=[doc.QUALITY_BELOW_WEEK], empty=NO_EVALUATIONS,
        ),
        table(
            "Evaluations by flow and prompt version", "In this time range: scores, and the share that failed.",
            prom(q.score(by=[NAME, FLOW, c.PROMPT_NAME, PROMPT_VERSION], window=q.RANGE), table=True),
            prom(q.failing(by=[NAME, FLOW, c.PROMPT_NAME, PROMPT_VERSION], window=q.RANGE), table=True),
            prom(q.increase(c.EVALUATION_SCORE, [NAME, FLOW, c.PROMPT_NAME, PROMPT_VERSION]), table=True),
            columns=[
                Column("gen_ai_evaluation_name", "Evaluation"), Column("llm_flow", "Flow"),
                Column("gen_ai_prompt_name", "Prompt"), Column("gen_ai_prompt_version", "Prompt version"),
                Column("Value #A", "Mean score", unit="percentunit", cell="color-text", limits=t.QUALITY),
                Column("Value #B", "Failed", unit="percentunit", cell="color-text", limits=t.HALLUCINATIONS),
                Column("Value #C", "Scores", unit="short"),
            ],
            sort="Value #A", ascending=True, height=9, links=[doc.PROMPT_REGRESSION], empty=NO_EVALUATIONS,
        ),
    ]


def people() -> list[Panel]:
    return [
        timeseries(
            "Negative feedback by flow", "Thumbs down among all verdicts of people.",
            prom(q.top(12, q.rated("negative", [FLOW])), "{{llm_flow}}"),
            unit="percentunit", limits=t.NEGATIVE, width=8, every=SMOOTH, links=[doc.NEGATIVE_FEEDBACK],
            empty="No feedback",
        ),
        timeseries(
            "Verdicts of people", "Per minute; a share of few verdicts means little.",
            prom(q.rate(c.FEEDBACK, [c.RATING]) * 60, "{{rating}}"),
            unit="short", stack=True, width=8, links=[doc.NEGATIVE_FEEDBACK], empty="No feedback",
        ),
        timeseries(
            "Regenerations per request", "Requests for another answer to the same question, by calls.",
            prom(q.top(12, q.share(q.rate(c.REGENERATIONS, [FLOW]), q.rate(c.CALL_DURATION, [FLOW]))), "{{llm_flow}}"),
            unit="percentunit", limits=t.REGENERATIONS, width=8, every=SMOOTH, links=[doc.REGENERATIONS],
        ),
    ]


def models() -> list[Panel]:
    return [
        timeseries(
            "Why answers ended", "The share of each reason; length means cut off (R42).",
            prom(q.reasons(), "{{finish_reason}}"),
            unit="percentunit", stack=True, most=1, links=[doc.TRUNCATION],
        ),
        timeseries(
            "Cut off", "Answers that ended at the limit of tokens, by model.",
            prom(q.top(12, q.finished("length", [c.REQUEST_MODEL])), "{{gen_ai_request_model}}"),
            unit="percentunit", limits=t.TRUNCATED, every=SMOOTH, links=[doc.TRUNCATION],
        ),
        timeseries(
            "Refusals by model", "Answers in which the model refused, by calls (R37).",
            prom(q.top(12, q.per_call(c.REFUSALS, [c.REQUEST_MODEL])), "{{gen_ai_request_model}}"),
            unit="percentunit", width=8, every=SMOOTH, links=[doc.REFUSALS],
        ),
        timeseries(
            "Refusals against the last day", "The share of refusals now over that of the last 24 hours.",
            prom(refusals_against_day(), "against its day"),
            unit="x", limits=t.AGAINST_USUAL, width=8, every=SMOOTH, legend=False, links=[doc.REFUSALS],
        ),
        timeseries(
            "Stopped by a content filter", "The provider withheld the answer or part of it, by calls.",
            prom(q.top(12, q.finished("content_filter", [c.REQUEST_MODEL])), "{{gen_ai_request_model}}"),
            unit="percentunit", width=8, every=SMOOTH, links=[doc.SAFETY],
        ),
    ]


BOARD = Board(
    uid="genai-quality",
    title="GenAI / Quality and evaluations",
    about="What evaluations, people and the models themselves say about the answers, and for whom it got worse.",
    since="now-24h",
    rows=[
        Row("Now", now()),
        Row("Evaluations", evaluations()),
        Row("People", people()),
        Row("Models", models()),
    ],
)
