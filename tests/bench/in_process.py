"""The stages in one process, without a network: CPU per span of ours and of the plain implementation.

Both get the same bodies in the same rounds, in turns of who goes first, and each round's ratio is taken by itself: the
clock of a shared machine changes between rounds by more than a real difference would show.
"""

from __future__ import annotations

import gc
import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from isal import igzip

from bench import payload, sender
from bench.plain import Plain, Totals
from genai_exporter.config import Settings
from genai_exporter.core import calm_collector, pipeline_settings
from genai_exporter.metrics.recorder import Recorder
from genai_exporter.metrics.store import Store
from genai_exporter.pipeline import Pipeline
from genai_exporter.price import Pricer
from genai_exporter.records import Settled

Item = TypeVar("Item")

BODIES = 8
SETTLED_AFTER = 60.0
MICRO = 1e6
STAGES = ("gunzip", "decode, normalise", "assemble, resolve", "price", "record")


class Round(NamedTuple):
    """CPU seconds of one round over ``spans`` spans."""

    spans: int
    stages: dict[str, float]
    pipeline: float
    plain: float


class Result(NamedTuple):
    """Medians over rounds for one set: CPU microseconds per span, and what was counted wrongly."""

    rounds: int
    stage_us: dict[str, float]
    pipeline_us: float
    plain_us: float
    ratio: float
    problems: list[str]

    @property
    def spans_per_core_second(self) -> float:
        return MICRO / self.pipeline_us

    @property
    def plain_spans_per_core_second(self) -> float:
        return MICRO / self.plain_us


class Tee(Recorder):
    """A recorder that also keeps what it was given, so that recording can be timed again by itself."""

    def __init__(self) -> None:
        self.pricer = Pricer()
        super().__init__(Store(max_label_values=200, max_series=100_000, idle_seconds=3600.0), price=self.pricer.price)
        self.kept: list[Settled] = []

    def record(self, settled: Settled, now: float) -> None:
        self.kept.append(settled)
        super().record(settled, now)


class Ours:
    """Our pipeline with its default settings, its clock in our hand."""

    def __init__(self) -> None:
        self.recorder = Tee()
        self.pipeline = Pipeline(pipeline_settings(Settings()), self.recorder)
        self.again = Tee()
        self.now = time.time()

    def run(self, bodies: list[payload.Body]) -> dict[str, float]:
        """CPU seconds by stage. The pipeline's own total is the sum of all but ``gunzip``."""
        packed = [sender.compress(body.raw, 1) for body in bodies]
        gunzip = _spent(igzip.decompress, packed)
        self.recorder.kept.clear()
        taken = _spent(lambda body: self.pipeline.traces(body.raw, "protobuf", self.now), bodies)
        self.now += SETTLED_AFTER
        settled = _spent(self.pipeline.tick, [self.now])
        calls = [call for each in self.recorder.kept for call in each.calls]
        price = _spent(self.again.pricer.price, calls)
        record = _spent(lambda settled: Recorder.record(self.again, settled, self.now), self.recorder.kept)
        parts = (gunzip, taken, settled - record, price, record - price)
        return dict(zip(STAGES, parts, strict=True))

    def totals(self) -> Totals:
        """What the metrics say was counted."""
        sums: dict[tuple[str, str], float] = {}
        for metric in self.recorder.store.collect():
            for sample in metric.samples:
                key = (sample.name, sample.labels.get("gen_ai_token_type", ""))
                sums[key] = sums.get(key, 0.0) + sample.value
        return Totals(
            int(sums.get(("gen_ai_client_operation_duration_seconds_count", ""), 0)),
            int(sums.get(("gen_ai_client_token_usage_sum", "input"), 0)),
            int(sums.get(("gen_ai_client_token_usage_sum", "output"), 0)),
            sums.get(("llm_cost_usd_total", ""), 0.0),
        )


def measure(kind: str, seconds: float, least: int = 3) -> Result:
    """Run rounds over the set ``kind`` for about ``seconds`` of wall time, at least ``least`` of them."""
    ours, plain = Ours(), Plain()
    calm_collector()  # as the service does, for both alike
    rounds: list[Round] = []
    sent: list[payload.Body] = []
    deadline = time.monotonic() + seconds
    for number, bodies in enumerate(_fresh(kind)):
        stages: dict[str, float] = {}
        spent = 0.0
        for who in ("ours", "plain") if number % 2 else ("plain", "ours"):
            gc.collect()
            if who == "ours":
                stages = ours.run(bodies)
            else:
                spent = _spent(lambda body: plain.traces(body.raw), bodies)
        sent += (body._replace(raw=b"") for body in bodies)
        if number == 0:
            continue  # warming up
        spans = sum(body.spans for body in bodies)
        rounds.append(Round(spans, stages, sum(stages.values()) - stages["gunzip"], spent))
        if len(rounds) >= least and time.monotonic() > deadline:
            break
    return Result(
        rounds=len(rounds),
        stage_us={stage: _median(each.stages[stage] / each.spans * MICRO for each in rounds) for stage in STAGES},
        pipeline_us=_median(each.pipeline / each.spans * MICRO for each in rounds),
        plain_us=_median(each.plain / each.spans * MICRO for each in rounds),
        ratio=_median(each.plain / each.pipeline for each in rounds),
        problems=compare(kind, sent, ours.totals(), plain.totals()),
    )


def _fresh(kind: str) -> Iterator[list[payload.Body]]:
    """The same bodies again and again, each time as traces nobody has seen."""
    originals = payload.bodies(kind, BODIES, now=time.time())
    numbers = itertools.count(payload.FIRST_STAMP + BODIES)
    while True:
        yield [body.restamped(next(numbers)) for body in originals]


def compare(kind: str, sent: list[payload.Body], ours: Totals, plain: Totals) -> list[str]:
    """Both must have counted what was sent, and the same dollars."""
    expected = (
        sum(body.calls for body in sent),
        sum(body.input_tokens for body in sent),
        sum(body.output_tokens for body in sent),
    )
    problems = [
        f"{kind}: {name} counted {totals[:3]} calls and tokens of {expected} sent"
        for name, totals in (("the exporter", ours), ("the plain implementation", plain))
        if totals[:3] != expected
    ]
    if abs(ours.cost_usd - plain.cost_usd) > 1e-6 * plain.cost_usd:
        problems.append(f"{kind}: cost {ours.cost_usd} USD, by the plain implementation {plain.cost_usd}")
    return problems


def _spent(work: Callable[[Item], object], items: Iterable[Item]) -> float:
    """CPU seconds for ``work`` on every item."""
    start = time.process_time()
    for item in items:
        work(item)
    return time.process_time() - start


def _median(values: Iterator[float]) -> float:
    return statistics.median(values)
