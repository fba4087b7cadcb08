"""Span events that carry figures: the first token of a stream, an exception, an evaluation, a finish reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from genai_exporter.dialects import fields as f
from genai_exporter.otlp import convert
from genai_exporter.otlp.convert import Unusable
from genai_exporter.otlp.values import Malformed, read, split

if TYPE_CHECKING:
    from genai_exporter.normalise import Normaliser

#: Events that mark a token of a stream; the earliest one is the first. Each dialect has its own name for it.
FIRST_TOKEN: Final = frozenset(
    {
        b"First Token Stream Event",  # OpenInference
        b"gen_ai.content.completion.chunk",  # OpenLLMetry
        b"llm.content.completion.chunk",  # OpenLLMetry before 0.50
        b"mlflow.chunk.item.0",
        b"gen_ai.first_token",
        b"llm.first_token",
        b"first_token",
        b"ai.stream.firstChunk",  # Vercel AI SDK
        b"gen_ai.token",
    }
)
EVALUATION: Final = b"gen_ai.evaluation.result"
EXCEPTION: Final = b"exception"
CHOICE: Final = b"gen_ai.choice"
DETAILS: Final = b"gen_ai.client.inference.operation.details"

#: A first token that comes later than this after the end of its span was timed by another clock.
_MAX_LATENESS_NS: Final = 60_000_000_000
_EVENT_RANK: Final = 70
_MAX_FAILURES: Final = 6


def read_event(
    normaliser: Normaliser, event: Any, start_ns: int, values: list[Any], ranks: list[int], failures: tuple[str, ...]
) -> tuple[str, ...]:
    """Fold one event into the span's values. Returns the texts that describe a failure, with what this event adds."""
    name = event.name
    if name in FIRST_TOKEN:
        at = event.time_unix_nano
        if at > start_ns and (ranks[f.TTFT] > _EVENT_RANK or (ranks[f.TTFT] == _EVENT_RANK and _sooner(values, at))):
            values[f.COMPLETION_START] = at
            values[f.STREAMING] = True
            values[f.TTFT] = (at - start_ns) / 1e9
            ranks[f.TTFT] = _EVENT_RANK
            ranks[f.STREAMING] = 0
    elif name == EXCEPTION:
        if len(failures) < _MAX_FAILURES:
            failures = (*failures, *_texts(normaliser, event.attributes))
    elif name in (EVALUATION, DETAILS):
        found, found_ranks = normaliser.attributes(event.attributes)
        if name == EVALUATION:
            normaliser.close_group(found[f.RESPONSE_ID])
        else:
            for slot, rank in enumerate(found_ranks):
                if rank < _EVENT_RANK and ranks[slot] > _EVENT_RANK and slot != f.ROLE:
                    values[slot], ranks[slot] = found[slot], _EVENT_RANK
    elif name == CHOICE and ranks[f.FINISH] > _EVENT_RANK:
        for pair in event.attributes:
            try:
                key, raw = split(pair)
                reasons = convert.finish(read(raw)) if key == b"finish_reason" else None
            except Malformed:
                normaliser.invalid["malformed"] += 1
            except Unusable as unusable:
                normaliser.invalid[unusable.reason] += 1
            else:
                if reasons is not None:
                    values[f.FINISH], ranks[f.FINISH] = reasons, _EVENT_RANK
    return failures


def check_first_token(normaliser: Normaliser, values: list[Any], start_ns: int, end_ns: int) -> None:
    """Drop a time to first token that the span's own times rule out."""
    ttft, began = values[f.TTFT], values[f.COMPLETION_START]
    latest = end_ns + _MAX_LATENESS_NS
    if ttft is not None and start_ns + ttft * 1e9 > latest:
        values[f.TTFT] = None
        normaliser.invalid["bad_time"] += 1
    if began is not None and not start_ns - _MAX_LATENESS_NS <= began <= latest:
        values[f.COMPLETION_START] = None
        normaliser.invalid["bad_time"] += 1


def _sooner(values: list[Any], at: int) -> bool:
    known: int | None = values[f.COMPLETION_START]
    return known is None or at < known


def _texts(normaliser: Normaliser, pairs: Any) -> list[str]:
    """Type and message of an exception, shortened."""
    found: dict[bytes, str] = {}
    for pair in pairs:
        try:
            key, raw = split(pair)
            if key in (b"exception.type", b"exception.message"):
                found[key] = str(read(raw) or "")[:512]
        except Malformed:
            normaliser.invalid["malformed"] += 1
    return [found[key] for key in (b"exception.type", b"exception.message") if found.get(key)]
