"""Bytes that one trace holds while it waits to settle.

Two readings, each in a fresh process: what Python's allocator was asked for, and what the process grew by. The second
also sees what C extensions keep, such as a parsed message that a span still refers to.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
import tracemalloc
from pathlib import Path
from typing import NamedTuple

from bench import payload
from bench.in_process import SETTLED_AFTER, Ours

BODIES = 60
PAGE = os.sysconf("SC_PAGE_SIZE")


class Result(NamedTuple):
    """Bytes per pending trace of six spans; ``pending`` is how many were held, ``sent`` how many were given."""

    allocated: float
    resident: float
    pending: int
    sent: int


def measure(kind: str) -> Result:
    """Hold some thousand traces of the set ``kind`` and weigh them."""
    context = multiprocessing.get_context("spawn")
    readings = []
    for traced in (True, False):
        with context.Pool(1) as pool:
            readings.append(pool.apply(_hold, (kind, traced)))
    (allocated, pending, sent), (resident, _, _) = readings
    return Result(allocated / sent, resident / sent, pending, sent)


def _hold(kind: str, traced: bool) -> tuple[int, int, int]:
    """Bytes gained by holding the traces; traces held according to the pipeline; traces sent."""
    ours = Ours()
    originals = payload.bodies(kind, 2, now=time.time())
    stamps = iter(range(payload.FIRST_STAMP + 2, payload.FIRST_STAMP + 2 + 5 * BODIES))
    for _ in range(4):
        ours.pipeline.traces(originals[0].restamped(next(stamps)).raw, "protobuf", ours.now)
        ours.now += SETTLED_AFTER
        ours.pipeline.tick(ours.now)
    ours.recorder.kept.clear()
    gc.collect()
    if traced:
        tracemalloc.start()
    before = _allocated() if traced else _resident()
    sent = 0
    for i in range(BODIES):
        body = originals[i % 2].restamped(next(stamps))
        sent += body.traces
        ours.pipeline.traces(body.raw, "protobuf", ours.now)
    del body
    gc.collect()
    after = _allocated() if traced else _resident()
    return after - before, ours.pipeline.stats.pending_traces, sent


def _allocated() -> int:
    return tracemalloc.get_traced_memory()[0]


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
