"""receive -> decode -> normalise -> assemble -> resolve -> price and record, in one readable place.

Everything here is synchronous and belongs to one thread. Time comes in as an argument.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, Protocol

import msgspec
from google.protobuf.message import DecodeError

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Kind, Row
from genai_exporter.dialects.plan import Plan
from genai_exporter.dialects.registry import DIALECTS
from genai_exporter.errors import Full, Receipt, Unreadable
from genai_exporter.logs import LogReader
from genai_exporter.normalise import Normaliser
from genai_exporter.otlp import json_body, lean
from genai_exporter.otlp.points import count_points
from genai_exporter.records import Resource, Settled
from genai_exporter.stats import PipelineStats
from genai_exporter.trace.assemble import MAX_SPANS_PER_TRACE, MAX_TRACE_SECONDS, Assembler
from genai_exporter.trace.evaluate import EvaluationRule
from genai_exporter.trace.outcome import Outcome
from genai_exporter.trace.span import Span

Encoding = Literal["protobuf", "json"]
_USER_RANK: Final = 1
#: Under pressure, settle early until this share of the capacity is free again.
_RELIEF: Final = 0.5


class PipelineSettings(msgspec.Struct, frozen=True):
    """Limits in counts and seconds; ``segment_keys`` and the like are attribute keys of the user's own."""

    settle_seconds: float = 10.0
    late_seconds: float = 60.0
    max_pending_spans: int = 200_000
    max_trace_seconds: float = MAX_TRACE_SECONDS
    max_spans_per_trace: int = MAX_SPANS_PER_TRACE
    response_id_memory: int = 100_000
    max_spans_per_request: int = 50_000
    max_attributes_per_span: int = 1_024
    evaluations: Mapping[str, EvaluationRule] = msgspec.field(default_factory=dict)
    segment_keys: tuple[str, ...] = ()
    flow_keys: tuple[str, ...] = ()
    prompt_name_keys: tuple[str, ...] = ()
    prompt_version_keys: tuple[str, ...] = ()


class RecorderLike(Protocol):
    """Where settled traces go."""

    def first_sight(self, resource: Resource, now: float) -> None: ...
    def record(self, settled: Settled, now: float) -> None: ...
    def tick(self, now: float) -> None: ...


class Pipeline:
    """Takes OTLP request bodies, hands settled traces to the recorder. Not for use by several threads."""

    def __init__(self, settings: PipelineSettings, recorder: RecorderLike) -> None:
        self._recorder = recorder
        self.stats = PipelineStats(capacity=settings.max_pending_spans)
        self._assembler = Assembler(
            settle_seconds=settings.settle_seconds,
            late_seconds=settings.late_seconds,
            max_pending_spans=settings.max_pending_spans,
            max_trace_seconds=settings.max_trace_seconds,
            max_spans_per_trace=settings.max_spans_per_trace,
            response_id_memory=settings.response_id_memory,
            rules=settings.evaluations,
        )
        self.configure(settings)

    def configure(self, settings: PipelineSettings) -> None:
        """Take new settings while running. Traces in assembly stay."""
        self._settings = settings
        self._normaliser = Normaliser(
            Plan(DIALECTS, _user_rows(settings)), max_attributes=settings.max_attributes_per_span
        )
        self._normaliser.invalid = self.stats.invalid_attributes
        self._logs = LogReader(self._normaliser, settings.evaluations)
        self.stats.capacity = settings.max_pending_spans
        assembler = self._assembler
        assembler.settle_seconds = settings.settle_seconds
        assembler.late_seconds = settings.late_seconds
        assembler.max_pending_spans = settings.max_pending_spans
        assembler.max_trace_seconds = settings.max_trace_seconds
        assembler.max_spans_per_trace = settings.max_spans_per_trace
        assembler.rules = settings.evaluations

    # -- signals -------------------------------------------------------------------------------------------------

    def traces(self, body: bytes, encoding: Encoding, now: float) -> Receipt:
        """Take an ExportTraceServiceRequest. Raises ``Unreadable`` or ``Full``; then nothing of it was kept."""
        self._make_room(now)
        batches = list(_traces(body, encoding))
        size = sum(len(spans) for _, _, spans in batches)
        if size > self._settings.max_spans_per_request:
            raise Unreadable(
                f"{size} spans in one request, {self._settings.max_spans_per_request} are allowed: "
                "send smaller batches or raise receiver.max_spans_per_request"
            )
        self.stats.received += size
        refused: dict[str, int] = {}
        try:
            for raw_resource, raw_scope, spans in batches:
                self._take(raw_resource, raw_scope, spans, refused, now)
        finally:
            for reason, count in refused.items():
                self.stats.spans["invalid", reason] += count
            self._update_gauges()
            if unread := self.stats.balance():
                self.stats.spans["dropped", "fault"] += unread  # only while an exception passes through
        if self._assembler.overfull:
            self._record(self._assembler.due(now), now)
            self._update_gauges()
        rejected = sum(refused.values())
        return Receipt(size - rejected, rejected, _explain(refused))

    def _take(self, raw_resource: bytes, raw_scope: bytes, spans: Any, refused: dict[str, int], now: float) -> None:
        """Normalise the spans of one instrumentation and put them into assembly; count the ``refused`` by reason."""
        normaliser = self._normaliser
        resource = normaliser.resource(raw_resource)
        scope = normaliser.scope(raw_scope)
        normalise, add = normaliser.span, self._assembler.add
        genai = resent = 0
        for wire in spans:
            span = normalise(wire, resource, scope) if not isinstance(wire, str) else wire
            if isinstance(span, str):
                refused[span] = refused.get(span, 0) + 1
                continue
            if span.role:
                genai += 1
            if not add(span, now):
                resent += 1
        if resent:
            self.stats.spans["duplicate", "resent"] += resent
        if genai:
            self.stats.dialects[scope.dialect] += genai
            self._recorder.first_sight(resource, now)

    def logs(self, body: bytes, encoding: Encoding, now: float) -> Receipt:
        """Take an ExportLogsServiceRequest: evaluations and feedback are counted, content is not."""
        accepted = rejected = 0
        settled = Settled([], [], [], [])
        results = self.stats.log_records
        for raw_resource, raw_scope, records in list(_logs(body, encoding)):
            resource = self._normaliser.resource(raw_resource)
            self._normaliser.scope(raw_scope)
            before = len(settled.evaluations) + len(settled.feedback)
            for record in records:
                if isinstance(record, str):
                    rejected += 1
                    results["invalid", record] += 1
                    continue
                accepted += 1
                reason = self._logs.read(record, resource, settled)
                results["recorded" if reason else "ignored", reason] += 1
            if len(settled.evaluations) + len(settled.feedback) > before:
                self._recorder.first_sight(resource, now)
        if settled.evaluations or settled.feedback or self._logs.regenerations:
            regenerations, self._logs.regenerations = self._logs.regenerations, 0
            self._recorder.record(msgspec.structs.replace(settled, regenerations=regenerations), now)
        return Receipt(accepted, rejected, f"{rejected} log records: {_BAD_MEMBER}" if rejected else "")

    def metrics(self, body: bytes, encoding: Encoding, now: float) -> Receipt:
        """Take an ExportMetricsServiceRequest: counted, never merged, because spans are the one truth here."""
        points = count_points(body, encoding)
        self.stats.metric_points += points
        return Receipt(points)

    # -- time ----------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Settle what is due and let idle series expire; the service calls this a few times a second."""
        self._record(self._assembler.due(now), now)
        self._recorder.tick(now)
        self._update_gauges()

    def drain(self, now: float) -> None:
        """Settle everything that waits."""
        self._record(self._assembler.drain(now), now)
        self._recorder.tick(now)
        self._update_gauges()

    def _record(self, outcome: Outcome, now: float) -> None:
        stats, calls = self.stats, outcome.settled.calls
        stats.spans.update(outcome.accounts)
        stats.ambiguous.update(outcome.ambiguous)
        stats.missing_versions.update(outcome.missing_versions)
        settled = outcome.settled
        if outcome.regenerations:
            settled = msgspec.structs.replace(settled, regenerations=outcome.regenerations)
        self._recorder.record(settled, now)
        if outcome.lag_s is not None:
            stats.settle_lag_s = outcome.lag_s
        if calls:
            stats.calls_without_usage += sum(
                call.input_tokens is None and call.output_tokens is None and not call.error_type for call in calls
            )

    def _make_room(self, now: float) -> None:
        assembler = self._assembler
        limit = self._settings.max_pending_spans
        if assembler.pending_spans < limit:
            assembler.expect(now)
            return
        self._record(assembler.due(now), now)
        if assembler.pending_spans >= limit:
            self._record(assembler.relieve(now, int(limit * _RELIEF)), now)
        self._update_gauges()
        if assembler.pending_spans >= limit:
            raise Full(
                max(1.0, math.ceil(self._settings.settle_seconds / 2)),
                f"{assembler.pending_spans} spans wait for their traces to be complete, the limit is {limit}: "
                "lower assembly.settle_seconds or raise assembly.max_pending_spans",
            )

    def _update_gauges(self) -> None:
        stats, assembler = self.stats, self._assembler
        stats.pending_spans = assembler.waiting_spans
        stats.pending_traces = assembler.pending_traces
        stats.remembered_spans = assembler.remembered_spans


_BAD_MEMBER: Final = "a member has a wrong type"
_REFUSALS: Final = {
    "bad_trace_id": "trace_id must be 16 bytes and not all zero",
    "bad_span_id": "span_id must be 8 bytes and not all zero",
    "no_time": "start_time_unix_nano is missing",
    "too_many_attributes": "too many attributes, see receiver.max_attributes_per_span",
    "bad_json": _BAD_MEMBER,
}


def _explain(refused: dict[str, int]) -> str:
    return "; ".join(f"{count} spans: {_REFUSALS[reason]}" for reason, count in sorted(refused.items()))


def _user_rows(settings: PipelineSettings) -> Iterator[Row]:
    for keys, field in (
        (settings.segment_keys, f.SEGMENT),
        (settings.flow_keys, f.FLOW),
        (settings.prompt_name_keys, f.PROMPT_NAME),
        (settings.prompt_version_keys, f.PROMPT_VERSION),
    ):
        for order, key in enumerate(keys):
            yield Row(key, field, _USER_RANK + order, Kind.TEXT)


def _traces(body: bytes, encoding: Encoding) -> Iterator[tuple[bytes, bytes, Any]]:
    if encoding == "json":
        yield from _json(body, "resourceSpans", "scopeSpans", "spans", json_body.span)
        return
    try:
        request = lean.Traces.FromString(body)
    except DecodeError as error:
        raise Unreadable(f"not an ExportTraceServiceRequest: {error}") from error
    for group in request.resource_spans:
        resource = b"".join(group.resource)
        for part in group.scope_spans:
            yield resource, b"".join(part.scope), part.spans


def _logs(body: bytes, encoding: Encoding) -> Iterator[tuple[bytes, bytes, Any]]:
    if encoding == "json":
        yield from _json(body, "resourceLogs", "scopeLogs", "logRecords", json_body.log)
        return
    try:
        request = lean.Logs.FromString(body)
    except DecodeError as error:
        raise Unreadable(f"not an ExportLogsServiceRequest: {error}") from error
    for group in request.resource_logs:
        resource = b"".join(group.resource)
        for part in group.scope_logs:
            yield resource, b"".join(part.scope), part.log_records


def _json(body: bytes, outer: str, inner: str, leaf: str, read: Any) -> Iterator[tuple[bytes, bytes, list[Any]]]:
    """JSON has a shape to check member by member: a bad item is refused alone, a bad envelope refuses the request."""

    def one(item: dict[str, Any]) -> Any:
        try:
            return read(item)
        except json_body.BadJson:
            return "bad_json"

    try:
        for resource, scope, items in json_body.batches(json_body.decode(body), outer, inner, leaf):
            yield resource, scope, [one(item) for item in items]
    except json_body.BadJson as error:
        raise Unreadable(f"not an OTLP/JSON request: {error}") from error


__all__ = ["Full", "Pipeline", "PipelineSettings", "Receipt", "Span", "Unreadable"]
