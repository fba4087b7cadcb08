"""The same metrics inside an application, for those who want no extra service.

A ``SpanProcessor`` for opentelemetry-sdk takes the spans that the application's instrumentation ends and gives the
metrics of the service to a prometheus_client registry. That is by default the registry which
``prometheus_client.start_http_server`` serves and which opentelemetry-exporter-prometheus publishes to as well::

    processor = GenAISpanProcessor()
    tracer_provider.add_span_processor(processor)
    prometheus_client.start_http_server(9464)

The application pays for one append per span. Everything else happens on a thread of its own, which wakes four times a
second; when it cannot keep up, spans are dropped and counted, and the application is never slowed down (R56, R110).
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from typing import TypeAlias

import msgspec
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import Metric as PrometheusMetric
from prometheus_client.registry import Collector

from genai_exporter import catalogue
from genai_exporter.config import Settings
from genai_exporter.core import Core
from genai_exporter.errors import Full
from genai_exporter.metrics import bridge
from genai_exporter.metrics.model import Metric
from genai_exporter.price import load_overrides

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.25
BATCH_SPANS = 512

_Readings: TypeAlias = list[tuple[tuple[str, ...], float]]


class GenAISpanProcessor(SpanProcessor):
    """Turns ended spans into metrics within the process.

    ``settings`` are those of the service; receivers, listeners and log settings have no effect here. ``dimensions``
    replaces ``settings.metrics.dimensions``. ``registry`` receives ``collector``; ``None`` registers nowhere.
    ``max_queue`` is how many ended spans may wait for the thread; a span beyond it is dropped and counted in
    ``genai_exporter_spans_total{result="dropped"}``.

    Raises ValueError for an unknown dimension or a ``max_queue`` below 1, and when the registry has metrics of these
    names already, for instance those of another processor; PriceFileError when the price file cannot be used.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        registry: CollectorRegistry | None = REGISTRY,
        dimensions: Sequence[str] | None = None,
        max_queue: int = 4096,
    ) -> None:
        if max_queue < 1:
            raise ValueError(f"max_queue must be at least 1, not {max_queue}")
        settings = settings or Settings()
        if dimensions is not None:
            metrics = msgspec.structs.replace(settings.metrics, dimensions=tuple(dimensions))
            settings = msgspec.structs.replace(settings, metrics=metrics)
        self._settings = settings
        prices = settings.prices.file
        self._overrides = load_overrides(prices) if prices is not None else None
        self._max_queue = max_queue
        self._version = metadata.version("genai-exporter")
        # A batch that is larger than what the pipeline may hold would never be taken.
        self._batch_spans = min(
            BATCH_SPANS, settings.assembly.max_pending_spans, settings.receiver.max_spans_per_request
        )
        self._closed = False
        self._start_over()
        self.collector: Collector = _ProcessorCollector(self)
        if registry is not None:
            registry.register(self.collector)
        self._start_thread()
        if hasattr(os, "register_at_fork"):
            alive = weakref.WeakMethod(self._after_fork)

            def in_child() -> None:
                restart = alive()
                if restart:
                    restart()

            os.register_at_fork(after_in_child=in_child)

    def on_end(self, span: ReadableSpan) -> None:
        """Queues a span. Spans that are recorded but not sampled count too: metrics come from all that happened."""
        # Two threads may pass this test at once, so the queue may exceed its bound by as many spans as there are
        # threads. A lock would make the application wait, and could deadlock: libraries end spans in ``__del__``.
        if self._closed:
            self._late.add()
        elif len(self._queue) >= self._max_queue:
            self._overflow.add()
        else:
            self._queue.append(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Settles all that has ended so far, complete traces or not; False when there was no time for it."""
        deadline = time.monotonic() + timeout_millis / 1000
        return self._settle_everything(deadline)

    def shutdown(self) -> None:
        """Settles everything and ends the thread. The metrics stay where they are; spans that end later are dropped
        and counted."""
        self._closed = True
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._settle_everything(time.monotonic() + 30)

    def collect(self) -> list[PrometheusMetric]:
        """All families as they are now."""
        with self._lock:
            families = list(self._core.store.collect())
            for metric, readings in self._health():
                family = bridge.empty(metric)
                names = [label.name for label in metric.labels]
                for values, reading in readings:
                    family.add_sample(metric.name, dict(zip(names, values, strict=True)), reading)
                families.append(family)
            return families

    def describe(self) -> list[PrometheusMetric]:
        """All families without samples."""
        with self._lock:
            return [*self._core.store.describe(), *(bridge.empty(metric) for metric, _ in self._health())]

    def _start_over(self) -> None:
        """Empty state: at the beginning, and in a forked child, whose parent goes on counting what it has."""
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._queue: deque[ReadableSpan] = deque()
        self._overflow = _Tally()
        self._late = _Tally()
        self._failed = 0
        self._complained: set[str] = set()
        self._core = Core(self._settings, self._overrides)

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=self._work, name="genai-exporter", daemon=True)
        self._thread.start()

    def _after_fork(self) -> None:
        self._start_over()
        if not self._closed:
            self._start_thread()

    def _work(self) -> None:
        while not self._stop.wait(TICK_SECONDS):
            try:
                with self._lock:
                    self._take_queue(self._max_queue)
                    self._core.pipeline.tick(time.time())
            except Exception:
                self._complain("settling traces failed")

    def _settle_everything(self, deadline: float) -> bool:
        """Takes the spans queued until now and settles every trace. False when ``deadline`` passed first."""
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return False
        try:
            waiting = len(self._queue)
            while True:
                waiting -= self._take_queue(self._batch_spans)
                self._core.pipeline.drain(time.time())
                if waiting <= 0:
                    return True
                if time.monotonic() > deadline:
                    return False
        except Exception:
            self._complain("settling traces failed")
            return False
        finally:
            self._lock.release()

    def _take_queue(self, limit: int) -> int:
        """Hands up to ``limit`` queued spans to the pipeline; returns how many, fewer when the pipeline is full."""
        taken = 0
        while self._queue and taken < limit:
            size = min(len(self._queue), self._batch_spans, limit - taken)
            batch = [self._queue.popleft() for _ in range(size)]
            try:
                self._hand_over(batch)
            except Full:
                self._queue.extendleft(reversed(batch))
                break
            taken += size
        return taken

    def _hand_over(self, batch: list[ReadableSpan]) -> None:
        """Gives spans to the pipeline. Raises Full; any other fault costs only the spans that caused it."""
        stats = self._core.pipeline.stats
        before = stats.received
        try:
            body = encode_spans(batch).SerializeToString()
            self._core.pipeline.traces(body, "protobuf", time.time())
        except Full:
            raise
        except Exception:
            if len(batch) > 1 and stats.received == before:
                for span in batch:
                    self._hand_over([span])
                return
            # What the pipeline has counted as received, it accounts for itself.
            self._failed += len(batch) - (stats.received - before)
            self._complain("spans could not be read")

    def _health(self) -> Iterator[tuple[Metric, _Readings]]:
        """The metrics of the processor's own health: label values and value of each sample."""
        stats, store = self._core.pipeline.stats, self._core.store
        lost = {
            ("dropped", "queue_full"): self._overflow.read(),
            ("dropped", "shutdown"): self._late.read(),
            ("dropped", "failed"): self._failed,
        }
        yield catalogue.BUILD_INFO, [((self._version,), 1)]
        yield catalogue.SPANS_RECEIVED, [((), stats.received + sum(lost.values()))]
        yield catalogue.SPANS, list({("recorded", ""): 0, **lost, **stats.spans}.items())
        yield catalogue.DIALECT_SPANS, [((dialect,), count) for dialect, count in stats.dialects.items()]
        yield catalogue.PENDING_SPANS, [((), stats.pending_spans)]
        yield catalogue.PENDING_SPANS_LIMIT, [((), stats.capacity)]
        yield catalogue.PENDING_TRACES, [((), stats.pending_traces)]
        yield catalogue.SETTLE_LAG, [((), stats.settle_lag_s)]
        yield catalogue.CALLS_WITHOUT_USAGE, [((), stats.calls_without_usage)]
        yield catalogue.ACTIVE_SERIES, [((), store.active_series)]
        yield catalogue.SERIES_LIMIT, [((), store.max_series)]
        yield catalogue.SERIES_EXPIRED, [((), store.series_expired)]
        for metric, counts in (
            (catalogue.INVALID_ATTRIBUTES, {**stats.invalid_attributes, "unrecordable": store.rejected_values}),
            (catalogue.AMBIGUOUS_CALLS, stats.ambiguous),
            (catalogue.TRACES_WITHOUT_VERSION, stats.missing_versions),
            (catalogue.LABEL_OVERFLOW, store.label_overflow),
            (catalogue.SERIES_OVERFLOW, store.series_overflow),
        ):
            yield metric, [((reason,), count) for reason, count in counts.items()]

    def _complain(self, what: str) -> None:
        """Logs the current exception, each kind once: a fault that repeats must not fill the application's log."""
        if what not in self._complained:
            self._complained.add(what)
            logger.exception("genai_exporter: %s; further failures of this kind are not logged", what)


class _Tally:
    """Counts from any thread without a lock: a step of ``itertools.count`` cannot be interrupted.

    Reading takes a step as well, so the reader subtracts its own; only one thread may read at a time.
    """

    def __init__(self) -> None:
        self._steps = itertools.count()
        self._reads = 0

    def add(self) -> None:
        next(self._steps)

    def read(self) -> int:
        total = next(self._steps) - self._reads
        self._reads += 1
        return total


class _ProcessorCollector(Collector):
    """What a registry holds of a processor."""

    def __init__(self, processor: GenAISpanProcessor) -> None:
        self._processor = processor

    def collect(self) -> Iterable[PrometheusMetric]:
        return self._processor.collect()

    def describe(self) -> Iterable[PrometheusMetric]:
        return self._processor.describe()
