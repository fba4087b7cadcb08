"""Traces in a few words: spans as OTLP bytes, a pipeline whose clock the test turns, and what it told its recorder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from genai_exporter.pipeline import Pipeline, PipelineSettings
from genai_exporter.records import Call, Evaluation, Feedback, Resource, Settled, Step
from genai_exporter.trace.assemble import Assembler

#: The clock of every test starts here, in Unix seconds; spans start so many milliseconds after it.
EPOCH = 1_790_000_000
SERVER, CLIENT = 2, 3
OPERATIONS = {
    "chat": "chat", "embeddings": "embeddings", "agent": "invoke_agent", "tool": "execute_tool",
    "workflow": "invoke_workflow", "retrieval": "retrieval",
}  # fmt: skip

Value = str | bool | int | float | list[str]


@dataclass(frozen=True, repr=False)
class S:
    """One span. ``at`` and ``ms`` are its start and length in milliseconds; ``role`` is a key of ``OPERATIONS`` or
    ``""`` for a span that has nothing to do with GenAI; ``tokens`` are input and output."""

    id: int
    parent: int = 0
    at: float = 0
    ms: float = 100
    scope: str = "sdk"
    service: str = "app"
    trace: int = 1
    role: str = "chat"
    model: str = "gpt-4o"
    tokens: tuple[int, int] | None = None
    rid: str = ""
    error: str = ""
    kind: int = CLIENT
    name: str = ""
    attrs: Mapping[str, Value] = field(default_factory=dict)

    def __repr__(self) -> str:
        """What differs from the default, for reports of failures that are about many spans."""
        told = {one.name: getattr(self, one.name) for one in dataclasses.fields(self) if one.name != "id"}
        plain = {one.name: one.default for one in dataclasses.fields(self)}
        words = [f"{name}={value!r}" for name, value in told.items() if value not in (plain[name], {})]
        return f"S({', '.join([str(self.id), *words])})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def but(self, **changes: Any) -> S:
        return dataclasses.replace(self, **changes)

    @property
    def attributes(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        if self.role:
            found["gen_ai.operation.name"] = OPERATIONS[self.role]
        if self.role in ("chat", "embeddings"):
            found["gen_ai.provider.name"] = "openai"
            if self.model:
                found["gen_ai.request.model"] = self.model
        if self.tokens is not None:
            found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"] = self.tokens
        if self.rid:
            found["gen_ai.response.id"] = self.rid
        if self.error:
            found["error.type"] = self.error
        return {**found, **self.attrs}


def any_value(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, list):
        return AnyValue(array_value={"values": [any_value(one) for one in value]})
    return AnyValue(string_value=value)


def body(*spans: S, resource: Mapping[str, Value] | None = None) -> bytes:
    """An ExportTraceServiceRequest with the spans in this order."""
    request = ExportTraceServiceRequest()
    for one in spans:
        group = request.resource_spans.add()
        for key, value in {"service.name": one.service, **(resource or {})}.items():
            group.resource.attributes.append(KeyValue(key=key, value=any_value(value)))
        part = group.scope_spans.add()
        part.scope.name = one.scope
        span = part.spans.add(
            trace_id=one.trace.to_bytes(16, "big"),
            span_id=one.id.to_bytes(8, "big"),
            parent_span_id=one.parent.to_bytes(8, "big") if one.parent else b"",
            name=one.name or f"{one.role or 'work'} {one.id}",
            kind=one.kind,
            start_time_unix_nano=EPOCH * 10**9 + int(one.at * 1e6),
            end_time_unix_nano=EPOCH * 10**9 + int((one.at + one.ms) * 1e6),
        )
        span.attributes.extend(KeyValue(key=key, value=any_value(value)) for key, value in one.attributes.items())
        if one.error:
            span.status.code = 2
    return request.SerializeToString()


class Spy:
    """A recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.steps: list[Step] = []
        self.evaluations: list[Evaluation] = []
        self.feedback: list[Feedback] = []
        self.regenerations = 0

    def first_sight(self, resource: Resource, now: float) -> None:
        pass

    def tick(self, now: float) -> None:
        pass

    def record(self, settled: Settled, now: float) -> None:
        self.calls.extend(settled.calls)
        self.steps.extend(settled.steps)
        self.evaluations.extend(settled.evaluations)
        self.feedback.extend(settled.feedback)
        self.regenerations += settled.regenerations


class Bench:
    """A pipeline and its clock, in seconds after ``EPOCH``. The books are checked after every step."""

    def __init__(self, **settings: Any) -> None:
        self.spy = Spy()
        self.pipeline = Pipeline(PipelineSettings(**settings), self.spy)
        self.clock = 0.0

    @property
    def assembler(self) -> Assembler:
        return self.pipeline._assembler

    @property
    def calls(self) -> list[Call]:
        return sorted(self.spy.calls, key=lambda call: (call.start_ns, call.trace_id, call.span_id))

    @property
    def steps(self) -> list[Step]:
        return sorted(self.spy.steps, key=lambda step: (step.start_ns, step.trace_id, step.span_id, step.role))

    @property
    def ambiguous(self) -> dict[str, int]:
        return dict(self.pipeline.stats.ambiguous)

    @property
    def accounts(self) -> dict[tuple[str, str], int]:
        return dict(self.pipeline.stats.spans)

    def send(self, *spans: S, resource: Mapping[str, Value] | None = None) -> Bench:
        """All spans in one request."""
        if spans:
            self.pipeline.traces(body(*spans, resource=resource), "protobuf", EPOCH + self.clock)
        return self.check()

    def wait(self, seconds: float, step: float = 0) -> Bench:
        """Let time pass, with a tick at its end, or one every ``step`` seconds."""
        end = self.clock + seconds
        while step and self.clock + step < end:
            self.clock += step
            self.pipeline.tick(EPOCH + self.clock)
        self.clock = end
        self.pipeline.tick(EPOCH + self.clock)
        return self.check()

    def settle(self) -> Bench:
        """Until everything is counted and forgotten."""
        return self.wait(400).wait(400)

    def check(self) -> Bench:
        stats = self.pipeline.stats
        assert stats.balance() == 0
        assert stats.spans["dropped", "fault"] == 0
        assert stats.received >= sum(count for (result, _), count in stats.spans.items() if result == "recorded")
        return self


def settled(*spans: S, order: Iterable[int] = (), **settings: Any) -> Bench:
    """What becomes of spans that arrive one by one, in this order or in the ``order`` of positions."""
    bench = Bench(**settings)
    for number in order or range(len(spans)):
        bench.send(spans[number])
    return bench.settle()


def tokens(calls: Iterable[Call]) -> tuple[int, int]:
    """Input and output tokens of all calls."""
    together = [(call.input_tokens or 0, call.output_tokens or 0) for call in calls]
    return sum(one for one, _ in together), sum(two for _, two in together)
