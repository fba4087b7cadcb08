"""Sends request bodies to an OTLP/HTTP endpoint the way an SDK does: gzip, one connection, patient when told to wait.

Runs in a process of its own, so that what the service costs can be told from what sending costs.
"""

from __future__ import annotations

import http.client
import multiprocessing
import time
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from bench import payload

HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}


class Sent(NamedTuple):
    """What became of the bodies: ``spans`` of accepted bodies, and everything that did not go as it should."""

    bodies: int = 0
    spans: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    waits: int = 0
    rejected: int = 0
    failed: int = 0


def compress(raw: bytes, level: int = 6) -> bytes:
    """gzip; level 6 is what most SDKs use."""
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return packer.compress(raw) + packer.flush()


def send(port: int, bodies: Iterable[tuple[payload.Body, bytes]], *, patience_s: float = 60.0) -> Sent:
    """Post the compressed bodies one after the other.

    A 429 is retried after the time the server names, up to ``patience_s`` in all for one body; anything else that is
    not 200, and spans the answer says were rejected, are counted.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    sent = Sent()
    for body, packed in bodies:
        deadline = time.monotonic() + patience_s
        while True:
            connection.request("POST", "/v1/traces", packed, HEADERS)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 429 or time.monotonic() > deadline:
                break
            sent = sent._replace(waits=sent.waits + 1)
            time.sleep(min(5.0, float(answer.headers.get("Retry-After", "1"))))
        if answer.status != 200:
            sent = sent._replace(failed=sent.failed + 1)
            continue
        rejected = ExportTraceServiceResponse.FromString(content).partial_success.rejected_spans
        sent = Sent(
            sent.bodies + 1,
            sent.spans + body.spans,
            sent.calls + body.calls,
            sent.input_tokens + body.input_tokens,
            sent.output_tokens + body.output_tokens,
            sent.waits,
            sent.rejected + rejected,
            sent.failed,
        )
    connection.close()
    return sent


def send_apart(port: int, kind: str, count: int, first_stamp: int) -> Sent:
    """``count`` bodies of the set ``kind`` from another process, all packed before the first is sent."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_pack_and_send, (port, kind, count, first_stamp))


def _pack_and_send(port: int, kind: str, count: int, first_stamp: int) -> Sent:
    originals = payload.bodies(kind, min(count, 10), now=time.time())
    fresh = [originals[i % len(originals)].restamped(first_stamp + i) for i in range(count)]
    packed = [(body._replace(raw=b""), compress(body.raw)) for body in fresh]
    return send(port, packed)
