"""A running simulation: one service per dialect, requests at a steady rate, the truth about what was sent."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Sequence
from random import Random

import msgspec
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from .conversation import Chatbot
from .dialects import Dialect
from .encode import resource_of
from .fixtures import MAIN_MODEL
from .model import Deployment
from .scenario import STEADY, Behaviour, Scenario
from .sender import Delivery, Sender
from .truth import Truth, total

FEEDBACK_DELAY_S = (2.0, 20.0)
FLUSH_TIMEOUT_S = 10.0


class Plan(msgspec.Struct, frozen=True):
    """What to simulate. ``services`` pairs a service name with its dialect; ``rate`` is requests/s over all of them.

    ``duration_s`` 0 means until stopped. The fault of ``scenario`` begins ``fault_after_s`` seconds into the run.
    """

    endpoint: str
    services: tuple[tuple[str, Dialect], ...]
    scenario: Scenario
    rate: float = 5.0
    duration_s: float = 0.0
    seed: int = 1
    content: bool = True
    fault_after_s: float = 0.0
    once: bool = False
    environment: str = "demo"


class Service:
    """One simulated service: its requests, its spelling of them, its exporter and the truth about it."""

    def __init__(self, name: str, dialect: Dialect, plan: Plan) -> None:
        self.name = name
        self.dialect = dialect
        self.truth = Truth(dialect.first_token_from)
        self.dropped_requests = 0
        self._plan = plan
        self._chatbot = Chatbot(f"{plan.seed}/{name}")
        self._rng = Random(f"genai-exporter/{plan.seed}/{name}/feedback")
        self._resources: dict[tuple[str, str], Resource] = {}
        self._late: list[tuple[float, int, Resource, list[LogRecord]]] = []
        self._sender = Sender(plan.endpoint)

    def request(self, behaviour: Behaviour, now: float) -> None:
        """Simulate one request that ends at ``now``, in Unix seconds, and queue what the service reports about it."""
        request = self._chatbot.next(behaviour)
        start_ns = round((now - request.duration_s) * 1e9)
        resource = self._resource(behaviour)
        spans = self.dialect.spans(request, start_ns, content=self._plan.content)
        if not self._sender.offer(resource, spans, self.dialect.evaluations(request, start_ns)):
            self.dropped_requests += 1
            return
        self.truth.add(request, len(spans))
        due = now + self._rng.uniform(*FEEDBACK_DELAY_S)
        if thumb := self.dialect.feedback(request, round(due * 1e9)):
            heapq.heappush(self._late, (due, self.truth.counts["requests"], resource, thumb))

    def tick(self, now: float) -> None:
        """Send the feedback that is due."""
        while self._late and self._late[0][0] <= now:
            _, _, resource, records = heapq.heappop(self._late)
            self._sender.offer(resource, (), records)

    def finish(self) -> None:
        """Send what is left, feedback that is not due yet included, in the background."""
        self.tick(float("inf"))
        self._sender.finish()

    def close(self, timeout_s: float) -> None:
        """Wait until all is sent, at most ``timeout_s``. What ``delivery`` says afterwards is final."""
        self._sender.close(timeout_s)

    @property
    def delivery(self) -> Delivery:
        """How delivery stands."""
        return self._sender.delivery

    @property
    def queued(self) -> int:
        """Spans that wait to be sent."""
        return self._sender.queued

    def _resource(self, behaviour: Behaviour) -> Resource:
        """The process that serves now: a deployment replaces it, with a new instance id."""
        key = (behaviour.app_version, behaviour.answer_prompt_version)
        if key not in self._resources:
            self._resources[key] = resource_of(
                Deployment(
                    service=self.name,
                    app_version=behaviour.app_version,
                    model_version=MAIN_MODEL.snapshot,
                    prompt_version=behaviour.answer_prompt_version,
                    environment=self._plan.environment,
                    instance=f"{self.name}-{len(self._resources)}-{self._rng.randbytes(3).hex()}",
                )
            )
        return self._resources[key]


class Simulation:
    """Runs a plan. ``run`` blocks until it is over; ``stop`` may be called from any thread or signal handler.

    ``clock`` gives steady seconds, ``pause`` lets some pass, or fewer once stopped.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._plan = plan
        self._stop = threading.Event()
        self._clock = clock
        self._pause = pause or self._stop.wait
        self.services = [Service(name, dialect, plan) for name, dialect in plan.services]

    def run(self) -> None:
        """Send requests to the services in turn, at the rate planned, then flush."""
        plan = self._plan
        began = self._clock()
        sent = 0
        wanted = len(self.services) if plan.once else None
        while not self._stop.is_set() and sent != wanted:
            elapsed = self._clock() - began
            if plan.duration_s and elapsed >= plan.duration_s:
                break
            due = sent / plan.rate
            if due > elapsed and not plan.once:
                self._pause(min(due - elapsed, 0.25))
            else:
                behaviour = plan.scenario.behaviour if due >= plan.fault_after_s else STEADY
                self.services[sent % len(self.services)].request(behaviour, time.time())
                sent += 1
            for service in self.services:
                service.tick(time.time())
        for service in self.services:
            service.finish()
        deadline = time.monotonic() + FLUSH_TIMEOUT_S
        for service in self.services:
            service.close(max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """End the run soon; what is queued is still sent."""
        self._stop.set()

    @property
    def truth(self) -> Truth:
        """Totals over all services."""
        return total(service.truth for service in self.services)

    @property
    def lost_spans(self) -> int:
        """Spans that no receiver will count."""
        return sum(service.delivery.lost for service in self.services)

    def summary(self) -> dict[str, object]:
        """Truth and delivery as plain data: in total and by service."""
        return {
            "scenario": self._plan.scenario.name,
            "seed": self._plan.seed,
            "total": self.truth.as_dict(),
            "services": {service.name: _service_summary(service) for service in self.services},
        }


def _service_summary(service: Service) -> dict[str, object]:
    delivery = service.delivery
    return {
        "dialect": service.dialect.name,
        "truth": service.truth.as_dict(),
        "delivery": {name: getattr(delivery, name) for name in delivery.__slots__},
        "dropped_requests": service.dropped_requests,
    }


def services_of(dialects: Sequence[Dialect], names: Sequence[str] = ()) -> tuple[tuple[str, Dialect], ...]:
    """Service names for dialects, made up where none are given. ValueError when the numbers differ or names repeat."""
    chosen = list(names) or [f"chat-{dialect.name}" for dialect in dialects]
    if len(chosen) != len(dialects):
        raise ValueError(f"{len(chosen)} service names for {len(dialects)} dialects: give one name for each")
    if len(set(chosen)) != len(chosen):
        raise ValueError("service names must differ from each other")
    return tuple(zip(chosen, dialects, strict=True))
