"""Sessions that ended and sessions that run away, found in the ledger and told to the metrics.

The ledger decides, not the process: of several exporters exactly one reports a session, and a restart forgets nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple

from genai_exporter.catalogue import ENVIRONMENT, FLOW, SERVICE_NAME
from genai_exporter.catalogue_ledger import RUNAWAY_SESSIONS, SESSION_COST
from genai_exporter.config import SessionSettings
from genai_exporter.metrics.store import Store

from .connect import Connection
from .load import Session

_AVERAGE_DAYS: Final = 7
_MOST_ENDED: Final = 1000
_MOST_EVENTS: Final = 100_000
#: Where an event has the value of a label.
_POSITIONS: Final = {SERVICE_NAME.name: 1, ENVIRONMENT.name: 2, FLOW.name: 3}

_AVERAGES: Final = """
SELECT service, environment, count(*), avg(cost_usd)::double precision
FROM sessions
WHERE last_at > now() - make_interval(days => %s) AND runaway_at IS NULL AND priced_calls > 0
GROUP BY service, environment
"""
_RUNAWAY: Final = """
UPDATE sessions SET runaway_at = now()
WHERE service = %s AND environment = %s AND session = %s AND runaway_at IS NULL
RETURNING flow
"""
_ENDED: Final = """
WITH idle AS (
    SELECT service, environment, session, cost_usd - reported_usd AS cost_usd
    FROM sessions
    WHERE ended_at IS NULL AND updated_at < now() - make_interval(secs => %s)
    ORDER BY updated_at
    LIMIT %s
    FOR UPDATE SKIP LOCKED
)
UPDATE sessions AS s SET ended_at = now(), reported_usd = s.cost_usd
FROM idle AS i
WHERE s.service = i.service AND s.environment = i.environment AND s.session = i.session
RETURNING s.service, s.environment, s.flow, i.cost_usd::double precision, s.priced_calls > 0
"""


class Event(NamedTuple):
    """Something about a session: it was ``seen``, has ``ended`` at a cost in US dollars, or is a ``runaway``."""

    what: Literal["seen", "ended", "runaway"]
    service: str
    environment: str
    flow: str
    cost_usd: float = 0.0


class SessionWatch:
    """The questions that the writer asks the ledger. Belongs to the writer's thread; raises psycopg.Error."""

    def __init__(self, settings: SessionSettings) -> None:
        self._settings = settings
        self._averages: dict[tuple[str, str], tuple[int, float]] = {}

    def refresh(self, connection: Connection) -> None:
        """Learn anew what sessions cost on average; those that ran away are left out, or they would raise the bar."""
        with connection.transaction():
            rows = connection.execute(_AVERAGES, (_AVERAGE_DAYS,)).fetchall()
        self._averages = {(service, environment): (count, cost) for service, environment, count, cost in rows}

    def runaways(self, connection: Connection, sessions: Iterable[Session]) -> list[Event]:
        """Mark and return those of ``sessions`` that have come to cost too much; the caller holds the transaction."""
        events = []
        for one in sessions:
            if not one.runaway and self._too_much(one):
                marked = connection.execute(_RUNAWAY, (one.service, one.environment, one.session)).fetchall()
                events += [Event("runaway", one.service, one.environment, flow) for (flow,) in marked]
        return events

    def _too_much(self, one: Session) -> bool:
        settings = self._settings
        count, average = self._averages.get((one.service, one.environment), (0, 0.0))
        return (
            count >= settings.runaway_min_sessions
            and one.cost_usd > settings.runaway_factor * average
            and one.cost_usd > settings.runaway_floor_usd
        )

    def ended(self, connection: Connection) -> list[Event]:
        """Mark and return the sessions that have been idle for long enough.

        A session that goes on afterwards ends again some time, and then it is what it cost since that is returned: the
        sum over all events is what sessions cost. One without a price is not returned.
        """
        with connection.transaction():
            rows: Sequence[Any] = connection.execute(_ENDED, (self._settings.idle_seconds, _MOST_ENDED)).fetchall()
        return [
            Event("ended", service, environment, flow, max(0.0, cost))
            for service, environment, flow, cost, priced in rows
            if priced
        ]


def seen(sessions: Iterable[Session]) -> list[Event]:
    """That these sessions exist: their counters are shown at 0 before one of them can run away."""
    return [Event("seen", *labels) for labels in dict.fromkeys((s.service, s.environment, s.flow) for s in sessions)]


class SessionBoard:
    """The metrics of sessions. ``post`` may be called from the writer's thread, ``tick`` from that of the metrics."""

    def __init__(self, store: Store, dimensions: Sequence[str]) -> None:
        names = SESSION_COST.chosen(dimensions)
        self._positions = [_POSITIONS[name] for name in names]
        self._cost = store.histogram(SESSION_COST, names)
        self._runaways = store.counter(RUNAWAY_SESSIONS, names)
        self._events: deque[Event] = deque(maxlen=_MOST_EVENTS)

    def post(self, events: Iterable[Event]) -> None:
        """Note events, to be counted at the next tick."""
        self._events.extend(events)

    def tick(self, now: float) -> None:
        """Count what was posted."""
        events = self._events
        while events:
            event = events.popleft()
            labels = tuple(str(event[position]) for position in self._positions)
            runaways = self._runaways.child(labels, now)
            if event.what == "runaway":
                runaways.inc(1)
            elif event.what == "ended":
                self._cost.child(labels, now).observe(event.cost_usd)
