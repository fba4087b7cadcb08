"""A recorder on a store of its own, and the records to feed it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from genai_exporter.metrics.recorder import Recorder
from genai_exporter.metrics.store import Store
from genai_exporter.records import Call, Evaluation, Role, Settled, Step

NOW = 1_700_000_000.0


class Cost(NamedTuple):
    usd: float | None
    source: str


class Quota(NamedTuple):
    provider: str
    model: str
    tokens_per_minute: int


def a_call(**changes: Any) -> Call:
    call = Call(
        trace_id=b"t" * 16, span_id=b"s" * 8, start_ns=1_699_999_990_000_000_000, duration_s=2.0, operation="chat",
        provider="openai", request_model="gpt-4o", response_model="gpt-4o-2024-11-20", service="bot",
        service_version="1.4.0", environment="prod", flow="/chat", segment="pro", agent="", prompt_name="answer",
        prompt_version="v2.3", error_type="", finish_reason="stop", streaming=False, ttft_s=None, input_tokens=None,
        output_tokens=None, cache_read_tokens=None, cache_write_tokens=None, cache_write_1h_tokens=None,
        reasoning_tokens=None, reported_cost_usd=None, service_tier="", batch=False, refusal=False, regenerated=False,
        retries=0, response_cache_hit=None, response_id="", session="", user="", dialect="otel",
    )  # fmt: skip
    return msgspec.structs.replace(call, **changes)


def a_step(role: Role, **changes: Any) -> Step:
    step = Step(
        role=role, name="search", trace_id=b"t" * 16, span_id=b"s" * 8, start_ns=0, duration_s=0.3, error_type="",
        service="bot", service_version="1.4.0", environment="prod", flow="/chat", segment="pro", agent="planner",
        prompt_name="answer", prompt_version="v2.3",
    )  # fmt: skip
    return msgspec.structs.replace(step, **changes)


def an_evaluation(name: str = "safety", score: float | None = None, result: str = "") -> Evaluation:
    return Evaluation(name, score, result, "bot", "prod", "/chat", "pro", "answer", "v2.3", b"t" * 16, b"s" * 8)


def no_price(_: Call) -> Cost:
    return Cost(None, "")


class Bench:
    """A recorder and its store, and the page as a person would ask about it."""

    def __init__(self, *, max_label_values: int = 50, max_series: int = 100_000, **options: Any) -> None:
        self.store = Store(max_label_values=max_label_values, max_series=max_series, idle_seconds=600)
        self.recorder = Recorder(self.store, **{"price": no_price, **options})

    def calls(self, *calls: Call, now: float = NOW) -> None:
        self.recorder.record(Settled(list(calls), [], [], []), now)

    def steps(self, *steps: Step, now: float = NOW) -> None:
        self.recorder.record(Settled([], list(steps), [], []), now)

    def evaluated(self, *evaluations: Evaluation, now: float = NOW) -> None:
        self.recorder.record(Settled([], [], list(evaluations), []), now)

    def samples(self) -> Iterator[Sample]:
        page = self.store.render(openmetrics=True).decode() + "# EOF\n"
        for family in text_string_to_metric_families(page):
            yield from family.samples

    def get(self, name: str, **labels: str) -> float | None:
        """The sum over the series of ``name`` that have ``labels``, None when there is none."""
        wanted = labels.items()
        values = [s.value for s in self.samples() if s.name == name and wanted <= s.labels.items()]
        return sum(values) if values else None


DURATION = "gen_ai_client_operation_duration_seconds"
TOKENS = "gen_ai_client_token_usage"
FIRST_CHUNK = "gen_ai_client_operation_time_to_first_chunk_seconds"
OUTPUT_CHUNK = "gen_ai_client_operation_time_per_output_chunk_seconds"


# Calls.
