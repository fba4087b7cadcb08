"""Writes one batch in one transaction: COPY into staging tables, then what is new into the real ones.

Staging tables are temporary, so nothing of them is logged or seen by others. A row that is there already is passed
over, and the totals of sessions rise by the new rows alone: the same batch written twice changes nothing.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from .batch import TABLES, Batch
from .connect import Connection
from .rows import COLUMNS


class Session(NamedTuple):
    """A session that a batch touched, as it is afterwards."""

    service: str
    environment: str
    session: str
    flow: str
    cost_usd: float
    runaway: bool


class Loaded(NamedTuple):
    """How many rows were new, how many were there already, and the sessions that changed."""

    new: int
    known: int
    sessions: list[Session]


_COPY: Final = {table: f"COPY stage_{table} ({', '.join(columns)}) FROM STDIN" for table, columns in COLUMNS.items()}


def _insert(table: str) -> str:
    columns = ", ".join(COLUMNS[table])
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM stage_{table} ON CONFLICT DO NOTHING"


#: Rows are locked in one order, so that two writers wait for each other instead of blocking each other for ever.
_MERGE_CALLS: Final = f"""
WITH added AS (
    {_insert("calls")} RETURNING *
), touched AS (
    INSERT INTO sessions AS s (
        service, environment, session, flow, segment, user_id, calls, errors, priced_calls, input_tokens,
        output_tokens, cost_usd, first_at, last_at
    )
    SELECT
        service, environment, session,
        (array_agg(flow ORDER BY started_at, span_id))[1],
        max(segment), max(user_id),
        count(*), count(*) FILTER (WHERE error_type <> ''), count(cost_usd),
        coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), coalesce(sum(cost_usd), 0),
        min(started_at), max(started_at + duration_s * interval '1 second')
    FROM added
    WHERE session <> ''
    GROUP BY service, environment, session
    ORDER BY service, environment, session
    ON CONFLICT (service, environment, session) DO UPDATE SET
        flow = CASE WHEN excluded.first_at < s.first_at THEN excluded.flow ELSE s.flow END,
        segment = greatest(s.segment, excluded.segment),
        user_id = greatest(s.user_id, excluded.user_id),
        calls = s.calls + excluded.calls,
        errors = s.errors + excluded.errors,
        priced_calls = s.priced_calls + excluded.priced_calls,
        input_tokens = s.input_tokens + excluded.input_tokens,
        output_tokens = s.output_tokens + excluded.output_tokens,
        cost_usd = s.cost_usd + excluded.cost_usd,
        first_at = least(s.first_at, excluded.first_at),
        last_at = greatest(s.last_at, excluded.last_at),
        updated_at = now(),
        ended_at = NULL
    RETURNING s.service, s.environment, s.session, s.flow, s.cost_usd, s.runaway_at IS NOT NULL AS runaway
), live AS (
    INSERT INTO deployments AS d (
        service, service_version, prompt_name, prompt_version, model, environment, first_seen_at, last_seen_at
    )
    SELECT
        service, service_version, prompt_name, prompt_version, coalesce(nullif(response_model, ''), request_model),
        environment, min(started_at), max(started_at)
    FROM added
    WHERE error_type = '' OR response_model <> ''
    GROUP BY 1, 2, 3, 4, 5, 6
    ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (service, service_version, prompt_name, prompt_version, model, environment) DO UPDATE SET
        first_seen_at = least(d.first_seen_at, excluded.first_seen_at),
        last_seen_at = greatest(d.last_seen_at, excluded.last_seen_at)
    WHERE excluded.first_seen_at < d.first_seen_at OR excluded.last_seen_at > d.last_seen_at + interval '1 minute'
)
SELECT count(*), NULL, NULL, NULL, NULL, NULL, NULL FROM added
UNION ALL
SELECT NULL, service, environment, session, flow, cost_usd::double precision, runaway FROM touched
"""


def prepare(connection: Connection) -> None:
    """Make the staging tables of a new connection. Raises psycopg.Error."""
    with connection.transaction():
        for table, columns in COLUMNS.items():
            connection.execute(
                f"CREATE TEMPORARY TABLE stage_{table} ON COMMIT DELETE ROWS AS "
                f"SELECT {', '.join(columns)} FROM {table} WITH NO DATA"
            )


def load(connection: Connection, batch: Batch) -> Loaded:
    """Write ``batch``; the caller holds the transaction. Raises psycopg.Error."""
    new = 0
    sessions: list[Session] = []
    for table in TABLES:
        lines = batch.lines[table]
        if not lines:
            continue
        cursor = connection.cursor()
        with cursor.copy(_COPY[table]) as copy:
            copy.write("".join(lines))
        if table == "calls":
            rows = cursor.execute(_MERGE_CALLS).fetchall()
            new += next(row[0] for row in rows if row[0] is not None)
            sessions = [_session(row) for row in rows if row[0] is None]
        else:
            new += cursor.execute(_insert(table)).rowcount
    return Loaded(new, batch.rows - new, sessions)


def _session(row: tuple[Any, ...]) -> Session:
    return Session(*row[1:])
