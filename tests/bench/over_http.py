"""The whole service over OTLP/HTTP with gzip: CPU time of its process, and whether it lost anything."""

from __future__ import annotations

from typing import NamedTuple

from bench import sender
from bench.service import Service

STAMPS = 0x20000000


class Result(NamedTuple):
    """One set sent to one service process; ``problems`` is empty when every span and token arrived."""

    spans: int
    cpu_seconds: float
    problems: list[str]

    @property
    def spans_per_core_second(self) -> float:
        return self.spans / self.cpu_seconds


def measure(kind: str, bodies: int) -> Result:
    """Send ``bodies`` bodies of the set ``kind`` and wait until all of them are settled."""
    with Service(flags=("--settle-seconds", "1")) as service:
        warm = sender.send_apart(service.http_port, kind, 3, STAMPS)
        service.settled(warm.spans)
        before = service.cpu_seconds()
        sent = sender.send_apart(service.http_port, kind, bodies, STAMPS + 1000)
        reading = service.settled(warm.spans + sent.spans)
        spent = service.cpu_seconds() - before
    expected = {
        "spans recorded": warm.spans + sent.spans,
        "calls": warm.calls + sent.calls,
        "input tokens": warm.input_tokens + sent.input_tokens,
        "output tokens": warm.output_tokens + sent.output_tokens,
    }
    spans, usage = "genai_exporter_spans_total", "gen_ai_client_token_usage_sum"
    counted = {
        "spans recorded": reading.total(spans, result="recorded") + reading.total(spans, result="not_genai"),
        "calls": reading.total("gen_ai_client_operation_duration_seconds_count"),
        "input tokens": reading.total(usage, gen_ai_token_type="input"),
        "output tokens": reading.total(usage, gen_ai_token_type="output"),
    }
    problems = [
        f"{kind}: {what}: {counted[what]:.0f} of {expected[what]} sent"
        for what in expected
        if counted[what] != expected[what]
    ]
    if sent.failed or sent.rejected:
        problems.append(f"{kind}: {sent.failed} requests failed, {sent.rejected} spans rejected")
    return Result(sent.spans, spent, problems)
