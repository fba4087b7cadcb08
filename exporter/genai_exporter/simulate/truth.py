"""The truth about the traffic that was sent, against which whatever a receiver shows can be checked exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .model import Exchange, Kind, ModelCall, Request, Served, ToolUse


class Truth:
    """Totals of one service. Tokens and calls include every provider call; an agent's sums are not counted again.

    ``first_tokens`` counts the streamed answers whose time to first token the service's dialect reveals.
    """

    def __init__(self, first_token_from: frozenset[str] = frozenset()) -> None:
        self._first_token_from = first_token_from
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.tools: Counter[str] = Counter()
        self.agents: Counter[str] = Counter()
        self.workflows: Counter[str] = Counter()
        self.evaluations: Counter[str] = Counter()
        self.feedback: Counter[str] = Counter()
        self.finish_reasons: Counter[str] = Counter()
        self.models: dict[str, Counter[str]] = {}

    def add(self, request: Request, span_count: int) -> None:
        """Count a request that was handed to the sender as ``span_count`` OTLP spans."""
        self.counts["requests"] += 1
        self.counts["spans"] += span_count
        self.counts["regenerations"] += request.regenerated
        for span in request.spans:
            facts = span.facts
            if isinstance(facts, ModelCall):
                self._call(facts, span.failure.kind if span.failure else "")
            elif isinstance(facts, ToolUse):
                self.tools[facts.name] += 1
                self.counts["tool_errors"] += span.failure is not None
            elif isinstance(facts, Served):
                self.counts["failed_requests"] += span.failure is not None
            elif span.kind is Kind.AGENT:
                self.agents[span.name] += 1
            elif span.kind is Kind.WORKFLOW and isinstance(facts, Exchange):
                self.workflows[span.name] += 1
            elif span.kind is Kind.RETRIEVAL:
                self.counts["retrievals"] += 1
        for verdict in request.verdicts:
            self.evaluations[f"{verdict.name}:{verdict.label or 'scored'}"] += 1
        if request.liked is not None:
            self.feedback["positive" if request.liked else "negative"] += 1

    def _call(self, call: ModelCall, error: str) -> None:
        model = self.models.setdefault(call.request_model, Counter())
        for counts in (self.counts, model):
            counts["calls"] += 1
            if error:
                counts["failed_calls"] += 1
            if call.usage is not None:
                counts["input_tokens"] += call.usage.input
                counts["output_tokens"] += call.usage.output
        if error:
            self.errors[error] += 1
        if call.finish:
            self.finish_reasons[call.finish] += 1
        if call.usage is not None:
            self.counts["cached_input_tokens"] += call.usage.cache_read
            self.counts["cache_write_input_tokens"] += call.usage.cache_write
            self.counts["reasoning_output_tokens"] += call.usage.reasoning
        self.counts["retries"] += call.attempt > 0
        self.counts["refusals"] += call.refusal or call.finish == "content_filter"
        self.counts["streamed_calls"] += call.streaming
        self.counts["first_tokens"] += call.ttft_s is not None and call.provider in self._first_token_from
        if call.cache_hit is not None:
            self.counts["cache_hits" if call.cache_hit else "cache_misses"] += 1

    def as_dict(self) -> dict[str, object]:
        """Plain data, sorted by name."""
        named = {name: value for name, value in vars(self).items() if isinstance(value, Counter) and name != "counts"}
        return {
            **dict(sorted(self.counts.items())),
            **{name: dict(sorted(value.items())) for name, value in sorted(named.items())},
            "models": {name: dict(sorted(counts.items())) for name, counts in sorted(self.models.items())},
        }


def total(truths: Iterable[Truth]) -> Truth:
    """The sum over services."""
    added = Truth()
    for truth in truths:
        for name, value in vars(truth).items():
            if isinstance(value, Counter):
                getattr(added, name).update(value)
        for name, counts in truth.models.items():
            added.models.setdefault(name, Counter()).update(counts)
    return added
