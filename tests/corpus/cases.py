"""The captured cases and the ways in which one export can arrive."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

CAPTURES = Path(__file__).parent / "captures"


class Case(NamedTuple):
    """One producer doing one thing. ``bodies`` are OTLP/protobuf trace requests in order of arrival."""

    producer: str
    name: str
    truth: dict[str, Any]
    bodies: tuple[bytes, ...]

    def __str__(self) -> str:
        return f"{self.producer}/{self.name}"


@cache
def cases() -> tuple[Case, ...]:
    found = []
    for line in (CAPTURES / "manifest.jsonl").read_text().splitlines():
        truth = json.loads(line)
        bodies = tuple((CAPTURES / file["file"]).read_bytes() for file in truth["files"] if file["signal"] == "traces")
        found.append(Case(truth["producer"], truth["case"], truth, bodies))
    return tuple(found)


def producers() -> list[str]:
    return sorted({case.producer for case in cases()})


def singles(bodies: tuple[bytes, ...]) -> list[bytes]:
    """Every span in a request of its own."""
    found = []
    for body in bodies:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    one = ExportTraceServiceRequest()
                    group = one.resource_spans.add()
                    group.resource.CopyFrom(resource.resource)
                    part = group.scope_spans.add()
                    part.scope.CopyFrom(scope.scope)
                    part.spans.add().CopyFrom(span)
                    found.append(one.SerializeToString())
    return found


def shuffled(bodies: tuple[bytes, ...]) -> list[bytes]:
    found = singles(bodies)
    random.Random(7).shuffle(found)
    return found


def merged(bodies: tuple[bytes, ...]) -> list[bytes]:
    """One request: concatenated protobuf messages are the message with all their fields."""
    return [b"".join(bodies)]


ORDERS: dict[str, Callable[[tuple[bytes, ...]], list[bytes]]] = {
    "as captured": list,
    "one request": merged,
    "single spans": singles,
    "single spans reversed": lambda bodies: singles(bodies)[::-1],
    "single spans shuffled": shuffled,
}
