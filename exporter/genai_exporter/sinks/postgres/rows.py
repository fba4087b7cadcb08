"""Records as lines in the text format of COPY, which is several times cheaper than adapting value by value."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final, Protocol

from genai_exporter.records import Call, Evaluation, Feedback, Role, Step

DAY_NS: Final = 86_400_000_000_000
NULL: Final = "\\N"
#: Text beyond this many characters is cut: it is an id or a name, and an index has to hold it.
LONGEST_TEXT: Final = 512

KINDS: Final = {
    int(Role.AGENT): "agent",
    int(Role.TOOL): "tool",
    int(Role.WORKFLOW): "workflow",
    int(Role.RETRIEVAL): "retrieval",
}

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "calls": (
        "day", "trace_id", "span_id", "started_at", "duration_s", "operation", "provider", "request_model",
        "response_model", "service", "service_version", "environment", "flow", "segment", "agent", "prompt_name",
        "prompt_version", "error_type", "finish_reason", "streaming", "ttft_s", "input_tokens", "output_tokens",
        "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "reasoning_tokens", "reported_cost_usd",
        "cost_usd", "cost_source", "service_tier", "batch", "refusal", "regenerated", "retries", "response_cache_hit",
        "response_id", "session", "user_id", "dialect",
    ),
    "steps": (
        "day", "trace_id", "span_id", "kind", "name", "started_at", "duration_s", "error_type", "service",
        "service_version", "environment", "flow", "segment", "agent", "prompt_name", "prompt_version",
    ),
    "scores": (
        "day", "id", "scored_at", "trace_id", "span_id", "response_id", "name", "score", "result", "service",
        "environment", "flow", "segment", "prompt_name", "prompt_version",
    ),
    "feedback": (
        "day", "id", "rated_at", "trace_id", "span_id", "rating", "service", "environment", "flow", "segment",
        "prompt_name", "prompt_version",
    ),
}  # fmt: skip
"""The columns of each table in the order of the lines made here."""

_SPECIAL = re.compile("[\\\\\t\n\r\b\f\v\0\ud800-\udfff]")
_ESCAPES: Final = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v"}
#: What PostgreSQL has no text for.
_UNSTORABLE: Final = "�"
_REMEMBERED_TEXTS: Final = 20_000
_REMEMBERED_DAYS: Final = 10_000
_EPOCH: Final = date(1970, 1, 1)


class Priced(Protocol):
    """The price that the recorder found for a call."""

    @property
    def usd(self) -> float | None: ...
    @property
    def source(self) -> str: ...


def escaped(text: str) -> str:
    """A text as a field of a line: cut to length, what PostgreSQL cannot store replaced, delimiters escaped."""
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT]
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda found: _ESCAPES.get(found[0], _UNSTORABLE), text)


class Texts(dict[str, str]):
    """Names that come again and again, escaped once. Use: ``texts[name]``."""

    def __missing__(self, text: str) -> str:
        if len(self) >= _REMEMBERED_TEXTS:
            self.clear()
        found = self[text] = escaped(text)
        return found


class Days(dict[int, str]):
    """Days since 1970 as dates. Use: ``days[number]``. Raises OverflowError for a day that no date can tell."""

    def __missing__(self, number: int) -> str:
        if len(self) >= _REMEMBERED_DAYS:
            self.clear()
        found = self[number] = (_EPOCH + timedelta(number)).isoformat()
        return found


def today(now: float) -> int:
    """The day in UTC of ``now``, in days since 1970."""
    return (datetime.fromtimestamp(now, UTC).date() - _EPOCH).days


class Formatter:
    """Makes the lines. ``users`` turns a user id into what is stored of it. Belongs to one thread."""

    def __init__(self, users: Callable[[str], str]) -> None:
        self._users = users
        self._texts = Texts()
        self._days = Days()

    def day(self, number: int) -> str:
        """A day since 1970 as a date in text."""
        return self._days[number]

    def call(self, call: Call, cost: Priced) -> str:
        """The line of a call and its price."""
        t = self._texts
        day = self._days[call.start_ns // DAY_NS]
        return (
            f"{day}\t\\\\x{call.trace_id.hex()}\t\\\\x{call.span_id.hex()}\t{_moment(day, call.start_ns)}\t"
            f"{call.duration_s!r}\t{t[call.operation]}\t{t[call.provider]}\t{t[call.request_model]}\t"
            f"{t[call.response_model]}\t{t[call.service]}\t{t[call.service_version]}\t{t[call.environment]}\t"
            f"{t[call.flow]}\t{t[call.segment]}\t{t[call.agent]}\t{t[call.prompt_name]}\t{t[call.prompt_version]}\t"
            f"{t[call.error_type]}\t{t[call.finish_reason]}\t{'t' if call.streaming else 'f'}\t"
            f"{_number(call.ttft_s)}\t{_number(call.input_tokens)}\t{_number(call.output_tokens)}\t"
            f"{_number(call.cache_read_tokens)}\t{_number(call.cache_write_tokens)}\t"
            f"{_number(call.cache_write_1h_tokens)}\t{_number(call.reasoning_tokens)}\t"
            f"{_number(call.reported_cost_usd)}\t{_number(cost.usd)}\t{cost.source}\t{t[call.service_tier]}\t"
            f"{'t' if call.batch else 'f'}\t{'t' if call.refusal else 'f'}\t{'t' if call.regenerated else 'f'}\t"
            f"{call.retries}\t{_flag(call.response_cache_hit)}\t{escaped(call.response_id)}\t{escaped(call.session)}\t"
            f"{escaped(self._users(call.user))}\t{t[call.dialect]}\n"
        )

    def step(self, step: Step) -> str:
        """The line of a step."""
        t = self._texts
        day = self._days[step.start_ns // DAY_NS]
        return (
            f"{day}\t\\\\x{step.trace_id.hex()}\t\\\\x{step.span_id.hex()}\t{KINDS[step.role]}\t{t[step.name]}\t"
            f"{_moment(day, step.start_ns)}\t{step.duration_s!r}\t{t[step.error_type]}\t{t[step.service]}\t"
            f"{t[step.service_version]}\t{t[step.environment]}\t{t[step.flow]}\t{t[step.segment]}\t{t[step.agent]}\t"
            f"{t[step.prompt_name]}\t{t[step.prompt_version]}\n"
        )

    def score(self, score: Evaluation, at_ns: int) -> str:
        """The line of an evaluation of an answer that was given at ``at_ns``."""
        day = self._days[at_ns // DAY_NS]
        known = bool(score.span_id or score.response_id)
        key = _identity(
            known, score.trace_id, score.span_id, score.response_id, score.name, score.score, score.result
        )  # fmt: skip
        return (
            f"{day}\t\\\\x{key}\t{_moment(day, at_ns)}\t\\\\x{score.trace_id.hex()}\t\\\\x{score.span_id.hex()}\t"
            f"{escaped(score.response_id or '')}\t{self._texts[score.name]}\t{_number(score.score)}\t{score.result}\t"
            f"{self._where(score)}\n"
        )

    def feedback(self, feedback: Feedback, at_ns: int) -> str:
        """The line of a verdict on an answer that was given at ``at_ns``."""
        day = self._days[at_ns // DAY_NS]
        key = _identity(bool(feedback.span_id), feedback.trace_id, feedback.span_id, feedback.rating)
        return (
            f"{day}\t\\\\x{key}\t{_moment(day, at_ns)}\t\\\\x{feedback.trace_id.hex()}\t"
            f"\\\\x{feedback.span_id.hex()}\t{feedback.rating}\t{self._where(feedback)}\n"
        )

    def _where(self, one: Evaluation | Feedback) -> str:
        t = self._texts
        return (
            f"{t[one.service]}\t{t[one.environment]}\t{t[one.flow]}\t{t[one.segment]}\t{t[one.prompt_name]}\t"
            f"{t[one.prompt_version]}"
        )


def _moment(day: str, ns: int) -> str:
    """A timestamp in UTC, to the microsecond."""
    seconds, micros = divmod(ns % DAY_NS // 1000, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{day} {hour:02}:{minute:02}:{second:02}.{micros:06}+00"


def _number(value: float | None) -> str:
    return NULL if value is None else repr(value)


def _flag(value: bool | None) -> str:
    return NULL if value is None else "t" if value else "f"


def _identity(known: bool, *parts: object) -> str:
    """A digest of ``parts``; random when nothing in them tells one event from the next."""
    if not known:
        return os.urandom(16).hex()
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
