"""Turns settled traces into metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias

from genai_exporter import catalogue
from genai_exporter.records import Call, Resource, Settled

from .bundles import CallBundle, CallFamilies, Values
from .children import Activity
from .deployments import Deployments
from .quality import QualityRecorder
from .quota import Quota, QuotaBoard
from .steps import StepRecorder
from .store import Store

_SWEEP_SECONDS = 60.0
_REMEMBERED_SERVICES = 10_000
_REMEMBERED_SIGHTS = 10_000


class Priced(Protocol):
    """The price of a call: ``usd`` is None when it is not known; ``source`` is ``computed`` or ``reported``."""

    @property
    def usd(self) -> float | None: ...
    @property
    def source(self) -> str: ...


PriceFunction: TypeAlias = Callable[[Call], Priced]
OnSettled: TypeAlias = Callable[[Settled, Sequence[Priced], float], None]
"""Told what was recorded, with the price of each call in order, and when in Unix seconds."""


class Recorder:
    """Records calls, steps, evaluations and feedback into ``store``.

    A request that a user repeated is one regeneration however many calls it takes: it counts under the labels of the
    call that ended last, which gave the answer; under empty labels when the call is not known.

    ``dimensions`` are names from ``catalogue.VOCABULARY``; labels that define a metric are always there. Raises
    ValueError for another name. Times are Unix seconds.
    """

    def __init__(
        self,
        store: Store,
        dimensions: Sequence[str] = catalogue.DEFAULT_DIMENSIONS,
        *,
        price: PriceFunction,
        quotas: Iterable[Quota] = (),
        evaluation_names: Iterable[str] = (),
    ) -> None:
        known = [label.name for label in catalogue.VOCABULARY]
        unknown = [name for name in dimensions if name not in known]
        if unknown:
            raise ValueError(f"dimensions: {', '.join(unknown)} unknown; choose from {', '.join(known)}")
        self.store = store
        self.on_settled: OnSettled | None = None
        self._price = price
        self._families = CallFamilies(store, dimensions)
        self._steps = StepRecorder(store, dimensions)
        self._quality = QualityRecorder(store, dimensions, evaluation_names)
        self._deployments = Deployments(store, self._families.dimensions)
        self._quotas = QuotaBoard(store)
        self._quotas.configure(quotas, 0.0)
        self._bundles: dict[Values, CallBundle] = {}
        self._services: dict[str, Activity] = {}
        self._sights: dict[Resource, Activity] = {}
        self._next_sweep = 0.0

    def configure(
        self, *, price: PriceFunction, quotas: Iterable[Quota], evaluation_names: Iterable[str], now: float
    ) -> None:
        """Take over a reloaded configuration; the dimensions cannot change while running."""
        self._price = price
        self._quotas.configure(quotas, now)
        self._quality.evaluation_names = tuple(evaluation_names)
        self._sights.clear()

    def first_sight(self, resource: Resource, now: float) -> None:
        """Show what is known to come from an application at 0; cheap when it was seen before."""
        activity = self._sights.get(resource)
        if activity is None:
            activity = self._service(resource.service, now)
            self._quality.expect(resource, activity, now)
            if len(self._sights) >= _REMEMBERED_SIGHTS:
                self._sights.clear()
            self._sights[resource] = activity
        activity.last = now

    def record(self, settled: Settled, now: float) -> None:
        """Record everything in ``settled``."""
        costs = [self._call(call, now) for call in settled.calls]
        if settled.regenerations or any(call.regenerated for call in settled.calls):
            self._regenerations(settled, now)
        for step in settled.steps:
            self._steps.record(step, now)
        for evaluation in settled.evaluations:
            self._quality.evaluated(evaluation, now)
        for feedback in settled.feedback:
            self._quality.rated(feedback, now)
        if self.on_settled is not None:
            self.on_settled(settled, costs, now)

    def _call(self, call: Call, now: float) -> Priced:
        bundle = self._bundle_of(call, now)
        mark = (call.trace_id, call.span_id, now)
        bundle.record(call, mark)
        self._deployments.seen(bundle, call, now)
        if self._quotas:
            self._quotas.add(call, now)
        cost = self._price(call)
        if cost.usd is not None:
            bundle.record_cost(cost.usd, cost.source, mark)
        elif call.input_tokens or call.output_tokens:
            bundle.unpriced.inc(1, mark)
        return cost

    def _regenerations(self, settled: Settled, now: float) -> None:
        answers: dict[bytes, Call] = {}
        for call in sorted(settled.calls, key=_ends):
            if call.regenerated:
                answers[call.trace_id] = call
        for call in answers.values():
            self._bundle_of(call, now).regenerations.inc(1, (call.trace_id, call.span_id, now))
        # The others came as scores or log records. What settles together belongs together, so the answer is theirs.
        others = settled.regenerations - len(answers)
        if others > 0 and settled.calls:
            self._bundle_of(max(settled.calls, key=_ends), now).regenerations.inc(others)
        elif others > 0:
            nameless = ("",) * len(self._families.dimensions)
            self._families.regenerations.child(nameless, now).inc(others)

    def _bundle_of(self, call: Call, now: float) -> CallBundle:
        key = self._families.pick(call)
        bundle = self._bundles.get(key)
        if bundle is not None:
            return bundle
        admitted = self._families.admit(key)
        bundle = self._bundles.get(admitted)
        if bundle is None:
            bundle = CallBundle(self._families, admitted, self._service(call.service, now), now)
            self._bundles[admitted] = bundle
        return bundle

    def _service(self, name: str, now: float) -> Activity:
        if len(self._services) >= _REMEMBERED_SERVICES:
            self._services.clear()
        return self._services.setdefault(name, Activity(now))

    def tick(self, now: float) -> None:
        """Bring gauges up to ``now`` and, now and then, let idle series go."""
        self._quotas.tick(now)
        every = min(_SWEEP_SECONDS, self.store.idle_seconds / 4)
        if not self._next_sweep - every <= now < self._next_sweep:
            self._next_sweep = now + every
            if self.store.sweep(now):
                self._forget(now - self.store.idle_seconds)

    def _forget(self, before: float) -> None:
        """Let go of what holds series that the store has removed, which are those not used since ``before``."""
        self._bundles = {key: bundle for key, bundle in self._bundles.items() if bundle.activity.last >= before}
        for bundle in self._bundles.values():
            bundle.deployments.clear()
        self._services = {name: activity for name, activity in self._services.items() if activity.last >= before}
        self._sights = {resource: activity for resource, activity in self._sights.items() if activity.last >= before}


def _ends(call: Call) -> tuple[float, bytes]:
    """Orders calls by their end, whatever the order in which they arrived."""
    return call.start_ns + call.duration_s * 1e9, call.span_id
