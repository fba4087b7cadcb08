"""Traces: questions to Tempo and to the ledger that people ask again and again (R9, R91, R93, R95)."""

from __future__ import annotations

from . import runbooks as doc
from . import thresholds as t
from .house import (
    Board,
    Column,
    Link,
    Panel,
    Row,
    evidence_link,
    explore_trace,
    node_graph,
    service_map,
    sql,
    table,
    textbox,
    traceql,
    traces,
)
from .ledger_sql import chosen

TRACE_ID = Column("traceID", "Trace", link=explore_trace(), more_links=(evidence_link(),), width=180)
NO_LEDGER = "No rows, or no ledger is connected"
NO_TEMPO = "No such trace, or no Tempo is connected"
SERVICE = 'resource.service.name =~ "${service:pipe}"'
MODEL = 'span.gen_ai.request.model =~ "${model:pipe}"'


def question(title: str, about: str, query: str, link: Link, *, spans: bool = False, width: int = 12) -> Panel:
    return table(
        title,
        about,
        traceql(query, rows="spans" if spans else "traces"),
        columns=[TRACE_ID, Column("traceIdHidden", "Trace", link=explore_trace())] if spans else [TRACE_ID],
        width=width,
        height=9,
        links=[link],
        empty=NO_TEMPO,
    )


# fmt: off
# One option after the other on shared lines: a board is read as a list of panels.

def newest() -> list[Panel]:
    return [
        question(
            "Newest errors", "Traces in which a model call failed (R91). The trace says at which step, and why.",
            f"{{ {SERVICE} && {MODEL} && status = error }}", doc.ERROR_RATE,
        ),
        question(
            "Slowest requests", "Whole requests above 10 s: sort by duration.",
            f"{{ {SERVICE} && traceDuration > 10s }}", doc.SLOW_REQUESTS,
        ),
        question(
            "Which template causes timeouts?", "Calls that timed out, with the version of their prompt (R95).",
            f"""
            {{ {SERVICE} && {MODEL} && span.error.type =~ "(?i).*timeout.*" }}
              | select(span.gen_ai.prompt.name, span.gen_ai.prompt.version, resource.app.prompt_template_version)
            """, doc.PROMPT_REGRESSION, spans=True,
        ),
        question(
            "Retrieval above 2 s", "Requests whose passages came late (R46, R95).",
            f"""
            {{ {SERVICE} && duration > 2s && (name =~ "(?i).*retriev.*" || span.openinference.span.kind = "RETRIEVER"
               || span.gen_ai.operation.name = "retrieval") }}
            """, doc.RETRIEVAL,
        ),
    ]


def unusual() -> list[Panel]:
    return [
        question(
            "Low scores after slow retrieval",
            "Answers that scored below 0.5 in a trace whose retrieval took more than 2 s (R95). The ledger's answer to "
            "the same question, which knows scores that arrived later, is on the board of sessions.",
            f"""
            {{ {SERVICE} && duration > 2s && name =~ "(?i).*retriev.*" }}
              && {{ event.gen_ai.evaluation.score.value < 0.5 || span.eval.quality_score < 0.5 }}
            """, doc.QUALITY_BELOW_WEEK,
        ),
        question(
            "Cut off at the limit of tokens", "Answers whose finish reason is length (R42).",
            f"""
            {{ {SERVICE} && {MODEL} && span.gen_ai.response.finish_reasons =~ "(?i).*length.*" }}
            """, doc.TRUNCATION,
        ),
        question(
            "More than 8,000 tokens read", "The expensive tail: long histories, whole documents (R30, R93, R135).",
            f"""
            {{ {SERVICE} && {MODEL} && span.gen_ai.usage.input_tokens > 8000 }}
              | select(span.gen_ai.request.model, span.gen_ai.usage.input_tokens, span.gen_ai.usage.output_tokens)
            """, doc.INPUT_TOKENS, spans=True,
        ),
        question(
            "First token after 5 s", "Streamed answers that kept people waiting (R25).",
            f"""
            {{ {SERVICE} && {MODEL} && span.gen_ai.response.time_to_first_chunk > 5 }}
              | select(span.gen_ai.request.model, span.gen_ai.response.time_to_first_chunk)
            """, doc.SLOW_FIRST_TOKEN, spans=True,
        ),
        question(
            "Agents that go in circles", "Traces with more than ten tool executions (R77, R106).",
            f"""
            {{ {SERVICE} && span.gen_ai.operation.name = "execute_tool" }} | count() > 10
            """, doc.SESSION_COST,
        ),
        question(
            "Failed tools", "Tool executions that ended in an error.",
            f"""
            {{ {SERVICE} && span.gen_ai.operation.name = "execute_tool" && status = error }}
              | select(span.gen_ai.tool.name, span.error.type)
            """, doc.ERROR_RATE, spans=True,
        ),
    ]


def ledger() -> list[Panel]:
    trace = Column("trace", link=explore_trace(), more_links=(evidence_link(),), width=280)
    within = chosen("service")
    version = ("prompt_name AS prompt", "prompt_version AS version")
    return [
        table(
            "Most expensive traces", "Requests of the last seven days by what they cost (R93).",
            sql(f"""
                SELECT trace_id AS trace, started_at AS "at", service, flow, {", ".join(version)}, calls, errors,
                       input_tokens AS "tokens read", output_tokens AS "tokens written", cost_usd::float8 AS cost,
                       lasted_s AS lasted
                FROM v_expensive_traces
                WHERE {within} AND cost_usd IS NOT NULL AND $__timeFilter(started_at)
                ORDER BY cost_usd DESC
                LIMIT 50
            """),
            columns=[trace, Column("cost", unit="currencyUSD"), Column("lasted", unit="s"),
                     Column("tokens read", unit="short"), Column("tokens written", unit="short")],
            height=9, links=[doc.EXPENSIVE_REQUESTS], empty=NO_LEDGER,
        ),
        table(
            "Low-quality answers where retrieval took more than 2 s",
            "Answers that failed an evaluation, or scored below 0.5, after a slow retrieval (R95).",
            sql(f"""
                SELECT trace_id AS trace, scored_at AS "at", service, flow, {", ".join(version)}, name AS evaluation,
                       score, result AS verdict, retrieval_s AS retrieval
                FROM v_low_scores_slow_retrieval
                WHERE {within} AND $__timeFilter(scored_at)
                ORDER BY scored_at DESC
                LIMIT 100
            """),
            columns=[trace, Column("retrieval", unit="s", cell="color-text", limits=t.RETRIEVAL),
                     Column("score", unit="percentunit", cell="color-text", limits=t.QUALITY)],
            width=12, height=9, links=[doc.RETRIEVAL], empty="No such answer, or no ledger is connected",
        ),
        table(
            "Which template version scores highest?", "Mean scores of each version, by evaluation, as long as scores "
            "are kept (R95).",
            sql(f"""
                SELECT {", ".join(version)}, name AS evaluation, score_mean AS score, score_deviation AS deviation,
                       evaluations, failed
                FROM v_prompt_scores
                WHERE {within} AND score_mean IS NOT NULL
                ORDER BY name, score_mean DESC
                LIMIT 200
            """),
            columns=[Column("score", unit="percentunit", cell="color-text", limits=t.QUALITY),
                     Column("deviation", unit="percentunit")],
            width=12, height=9, links=[doc.PROMPT_REGRESSION], empty=NO_LEDGER,
        ),
        table(
            "Did the last changes improve quality?", "Mean scores in the seven days before and after a version of a "
            "prompt was first seen, the newest change first (R95, R130).",
            sql(f"""
                SELECT first_seen_at AS "since", service, {", ".join(version)}, model, name AS evaluation,
                       score_before AS "score before", score_after AS "score after",
                       score_after - score_before AS difference,
                       evaluations_before AS "evaluations before", evaluations_after AS "evaluations after"
                FROM v_deployment_scores
                WHERE {within} AND score_after IS NOT NULL
                ORDER BY first_seen_at DESC, name
                LIMIT 100
            """),
            columns=[Column("score before", unit="percentunit"), Column("score after", unit="percentunit"),
                     Column("difference", unit="percentunit", cell="color-text", limits=t.DIFFERENCE)],
            height=9, links=[doc.PROMPT_REGRESSION], empty=NO_LEDGER,
        ),
        table(
            "Which template version causes timeouts?", "Calls that timed out, of all of a version (R95).",
            sql(f"""
                SELECT {", ".join(version)}, service, timeouts, calls, timeouts::float8 / calls AS share,
                       duration_p95_s AS p95, input_tokens_mean AS "tokens read"
                FROM v_prompt_versions
                WHERE {within}
                ORDER BY timeouts::float8 / calls DESC, calls DESC
                LIMIT 100
            """),
            columns=[Column("share", unit="percentunit", cell="color-text", limits=t.ERRORS), Column("p95", unit="s"),
                     Column("tokens read", unit="short")],
            width=12, height=9, links=[doc.PROMPT_REGRESSION], empty=NO_LEDGER,
        ),
        table(
            "Retrieval or model?", "Where the slowest requests of the last seven days spent their time (R95).",
            sql(f"""
                SELECT trace_id AS trace, flow, total_s AS total, model_s AS model, retrieval_s AS retrieval,
                       tool_s AS tools
                FROM v_latency_shares
                WHERE {within} AND $__timeFilter(started_at)
                ORDER BY total_s DESC NULLS LAST
                LIMIT 50
            """),
            columns=[trace, *(Column(name, unit="s") for name in ("total", "model", "retrieval", "tools"))],
            width=12, height=9, links=[doc.SLOW_REQUESTS], empty=NO_LEDGER,
        ),
    ]


def one_trace() -> list[Panel]:
    return [
        traces(
            "The trace", "The spans of the trace whose id is typed above; links from other boards fill it in.",
            traceql("$trace"), links=[doc.BOARDS], follow=[evidence_link("$trace")], empty="Type a trace id above",
        ),
    ]


def services() -> list[Panel]:
    return [
        node_graph(
            "Who calls whom", "Services, with rates, times and errors; from Tempo's metrics generator.",
            service_map('{client=~"$service"}'), links=[doc.BOARDS],
            empty="Tempo's metrics generator is off, or there is one service",
        ),
    ]


BOARD = Board(
    uid="genai-traces",
    title="GenAI / Traces",
    about="Questions that people ask again and again, to Tempo and to the ledger: newest errors, slowest and most "
    "expensive requests, which template fails.",
    since="now-1h",
    scope=("service", "model"),
    extra=[textbox("trace", "Trace", "A trace id in hexadecimal.")],
    rows=[
        Row("Newest and slowest", newest()),
        Row("Saved questions", unusual()),
        Row("Questions to the ledger", ledger()),
        Row("One trace", one_trace()),
        Row("Services", services()),
    ],
)
