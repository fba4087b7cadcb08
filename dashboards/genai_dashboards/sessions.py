"""Sessions and users: whole conversations, from the ledger (R33, R66, R68, R77, R95)."""

from __future__ import annotations

from . import runbooks as doc
from . import thresholds as t
from .house import (
    Board,
    Column,
    Limits,
    Link,
    Panel,
    Row,
    evidence_link,
    explore_trace,
    sql,
    stat,
    table,
    textbox,
    timeseries,
    to_board,
)
from .ledger_sql import COLUMNS, chosen, typed

NO_LEDGER = "No rows, or no ledger is connected"
SESSIONS = f"{chosen('service', 'environment', 'flow', 'segment')} AND $__timeFilter(last_at)"
CALLS = (
    f"{chosen('service', 'environment', 'model', 'flow', 'prompt_version', 'segment')} AND $__timeFilter(started_at)"
)
# A trace belongs to a conversation, so typing either is enough.
CONVERSATION = f"""
    session <> '' AND session IN (
        SELECT {typed("session")}
        UNION
        SELECT session FROM v_calls WHERE trace_id = {typed("trace")}
    )
"""
OPEN_SESSION = to_board("genai-sessions", "This conversation", session="${__value.raw}")
TRACE = Column("trace", link=explore_trace(), more_links=(evidence_link(),), width=280)
COST = Column("cost", unit="currencyUSD")
RUNAWAY = Limits("green", ((3, "yellow"), (10, "red")), "Yellow from 3, red from 10 times the average (R33).")


# fmt: off
# One option after the other on shared lines: a board is read as a list of panels.

def number(title: str, about: str, query: str, unit: str, link: Link, limits: Limits | None = None) -> Panel:
    more = {"limits": limits} if limits else {}
    return stat(
        title, about, sql(query), unit=unit, width=4, links=[link], empty=NO_LEDGER,
        **more,  # type: ignore[arg-type]
    )


def now() -> list[Panel]:
    return [
        number("Sessions", "Conversations with a call in this time range.",
               f"SELECT count(*) AS sessions FROM v_sessions WHERE {SESSIONS}", "short", doc.SESSION_COST),
        number("Users", "Different users in this time range.",
               f"SELECT count(DISTINCT user_id) AS users FROM v_calls WHERE {CALLS} AND user_id <> ''", "short",
               doc.SEGMENTS),
        number("Mean cost of a session", "In US dollars, sessions whose cost is known.",
               f"SELECT avg(cost_usd)::float8 AS cost FROM v_sessions WHERE {SESSIONS}", "currencyUSD",
               doc.SESSION_COST),
        number("Calls per session", "Mean; a conversation of 20 turns can read 50 times what one question does (R135).",
               f"SELECT avg(calls)::float8 AS calls FROM v_sessions WHERE {SESSIONS}", "short", doc.SESSION_COST),
        number("Sessions that ran away", "Sessions that cost more than ten times the average of their application.",
               f"SELECT count(*) FILTER (WHERE runaway) AS runaway FROM v_sessions WHERE {SESSIONS}", "short",
               doc.SESSION_COST, t.RUNAWAY),
        number("Sessions with an error", "The share of sessions in which a call failed.",
               f"SELECT avg((errors > 0)::int)::float8 AS share FROM v_sessions WHERE {SESSIONS}", "percentunit",
               doc.ERROR_RATE),
    ]


def sessions() -> list[Panel]:
    return [
        table(
            "Most expensive sessions", "The average is that of the same application in this time range (R33, R77).",
            sql(f"""
                SELECT session, service, flow, segment, user_id AS "user", calls, errors, total_tokens AS tokens,
                       cost_usd::float8 AS cost,
                       (cost_usd / nullif(avg(cost_usd) OVER (PARTITION BY service), 0))::float8 AS "against average",
                       lasted_s AS lasted, last_at AS "last call", ended, runaway
                FROM v_sessions
                WHERE {SESSIONS}
                ORDER BY cost_usd DESC NULLS LAST
                LIMIT 100
            """),
            columns=[
                Column("session", link=OPEN_SESSION, width=220), Column("lasted", unit="s"), COST,
                Column("tokens", unit="short"),
                Column("against average", unit="x", cell="color-text", limits=RUNAWAY),
            ],
            height=10, links=[doc.SESSION_COST], empty=NO_LEDGER,
        ),
        timeseries(
            "Cost per session", "Mean cost of sessions whose last call was on that day, by application: a line "
            "that climbs is context that piles up (R68).",
            sql(f"""
                SELECT date_trunc('day', last_at) AS time, service AS metric, avg(cost_usd)::float8 AS value
                FROM v_sessions
                WHERE {SESSIONS}
                GROUP BY 1, 2
                ORDER BY 1
            """, time_series=True),
            unit="currencyUSD", width=8, bars=True, since="14d", links=[doc.SESSION_COST], empty=NO_LEDGER,
        ),
        timeseries(
            "Tokens per session", "Mean tokens of a session, by application (R68).",
            sql(f"""
                SELECT date_trunc('day', last_at) AS time, service AS metric, avg(total_tokens)::float8 AS value
                FROM v_sessions
                WHERE {SESSIONS}
                GROUP BY 1, 2
                ORDER BY 1
            """, time_series=True),
            unit="short", width=8, bars=True, since="14d", links=[doc.SESSION_COST], empty=NO_LEDGER,
        ),
        table(
            "Cost by length", "Sessions by number of calls: cost grows faster than length (R135).",
            sql(f"""
                SELECT CASE WHEN calls <= 2 THEN '1 to 2' WHEN calls <= 5 THEN '3 to 5' WHEN calls <= 10 THEN '6 to 10'
                            WHEN calls <= 20 THEN '11 to 20' ELSE 'more than 20' END AS "calls of a session",
                       count(*) AS sessions, avg(cost_usd)::float8 AS cost, avg(total_tokens)::float8 AS tokens
                FROM v_sessions
                WHERE {SESSIONS}
                GROUP BY 1
                ORDER BY min(calls)
            """),
            columns=[COST, Column("tokens", unit="short")], width=8, links=[doc.SESSION_COST], empty=NO_LEDGER,
        ),
    ]


def users() -> list[Panel]:
    return [
        table(
            "Users by cost", "Users as the ledger knows them: hashed unless configured otherwise (R51).",
            sql(f"""
                SELECT user_id AS "user", service, segment, count(*) AS calls,
                       count(DISTINCT nullif(session, '')) AS sessions,
                       count(*) FILTER (WHERE error_type <> '') AS errors,
                       sum(total_tokens)::float8 AS tokens, sum(cost_usd)::float8 AS cost,
                       max(started_at) AS "last call"
                FROM v_calls
                WHERE {CALLS} AND user_id <> ''
                GROUP BY 1, 2, 3
                ORDER BY sum(cost_usd) DESC NULLS LAST
                LIMIT 100
            """),
            columns=[Column("tokens", unit="short"), COST], width=14, height=9, links=[doc.SEGMENTS], empty=NO_LEDGER,
        ),
        table(
            "Cost by segment", "Segments that are new, or whose calls changed much since the week before (R66).",
            sql(f"""
                WITH seen AS (
                    SELECT segment, count(*) FILTER (WHERE $__timeFilter(started_at)) AS calls,
                           count(*) FILTER (WHERE started_at < $__timeFrom()) AS before,
                           avg(total_tokens) FILTER (WHERE $__timeFilter(started_at)) AS tokens,
                           sum(cost_usd) FILTER (WHERE $__timeFilter(started_at)) AS cost
                    FROM v_calls
                    WHERE {chosen(*COLUMNS)}
                      AND started_at BETWEEN $__timeFrom()::timestamptz - interval '7 days' AND $__timeTo()
                    GROUP BY segment
                )
                SELECT segment, calls, before AS "calls, 7 days before", before = 0 AS new,
                       tokens::float8 AS "tokens per call", cost::float8 AS cost
                FROM seen
                ORDER BY before = 0 DESC, calls DESC
                LIMIT 50
            """),
            columns=[Column("tokens per call", unit="short"), COST], width=10, height=9, links=[doc.SEGMENTS],
            empty=NO_LEDGER,
        ),
    ]


def conversation() -> list[Panel]:
    return [
        table(
            "The whole conversation", "Every call of the session typed above, or of the session to which the trace "
            "typed above belongs: the context of a failed request (R95).",
            sql(f"""
                SELECT started_at AS "at", operation, model, prompt_name AS prompt, prompt_version AS version,
                       input_tokens AS "tokens read", output_tokens AS "tokens written", cost_usd::float8 AS cost,
                       duration_s AS lasted, finish_reason AS ended, error_type AS error, retries, trace_id AS trace
                FROM v_calls
                WHERE {CONVERSATION}
                ORDER BY started_at
                LIMIT 500
            """),
            columns=[TRACE, COST, Column("lasted", unit="s")], height=9, links=[doc.BOARDS],
            empty="Type a session or a trace id above, or follow a link from another board",
        ),
        table(
            "Steps of the trace", "Calls, retrievals, tools and agents of the trace typed above, in order.",
            sql(f"""
                SELECT started_at AS "at", 'call' AS kind, operation || ' ' || model AS name, duration_s AS lasted,
                       error_type AS error, span_id AS span
                FROM v_calls
                WHERE trace_id = {typed("trace")}
                UNION ALL
                SELECT started_at, kind, name, duration_s, error_type, span_id
                FROM v_steps
                WHERE trace_id = {typed("trace")}
                ORDER BY 1
            """),
            columns=[Column("lasted", unit="s")], width=12, links=[doc.BOARDS], empty="Type a trace id above",
        ),
        table(
            "Scores and verdicts of the trace", "What evaluations and people said about it.",
            sql(f"""
                SELECT scored_at AS "at", name AS what, score, result AS verdict
                FROM v_scores
                WHERE trace_id = {typed("trace")}
                UNION ALL
                SELECT rated_at, 'a person', NULL, rating
                FROM v_feedback
                WHERE trace_id = {typed("trace")}
                ORDER BY 1
            """),
            columns=[Column("score", unit="percentunit", cell="color-text", limits=t.QUALITY)], width=12,
            links=[doc.QUALITY_BELOW_WEEK], empty="Type a trace id above",
        ),
    ]


BOARD = Board(
    uid="genai-sessions",
    title="GenAI / Sessions and users",
    about="Whole conversations: what they cost, who has them, which ran away, and what was said about one of them.",
    since="now-24h",
    refresh="5m",
    extra=[
        textbox("session", "Session", "A session or conversation id."),
        textbox("trace", "Trace", "A trace id in hexadecimal."),
    ],
    rows=[
        Row("Now", now()),
        Row("What sessions cost", sessions()),
        Row("Users and segments", users()),
        Row("One conversation", conversation()),
    ],
)
