"""The parts between receivers and metrics page, built from settings. No sockets, no files, no clock."""

from __future__ import annotations

import gc

from genai_exporter.config import Settings
from genai_exporter.metrics.recorder import Recorder
from genai_exporter.metrics.store import Store
from genai_exporter.pipeline import Pipeline, PipelineSettings
from genai_exporter.price import PriceOverrides, Pricer
from genai_exporter.trace.evaluate import EvaluationRule


class Core:
    """Pricer, store, recorder and pipeline, wired. Belongs to one thread; times are Unix seconds.

    ``overrides`` are the prices of the user's own, read from the file that the settings name.
    """

    def __init__(self, settings: Settings, overrides: PriceOverrides | None = None) -> None:
        metrics = settings.metrics
        self.store = Store(
            max_label_values=metrics.max_label_values,
            max_series=metrics.max_series,
            idle_seconds=metrics.idle_seconds,
            label_limits=metrics.label_limits,
        )
        self.recorder = Recorder(
            self.store,
            metrics.dimensions,
            price=_pricer(settings, overrides).price,
            quotas=settings.quotas,
            evaluation_names=[entry.name for entry in settings.evaluations],
        )
        self.pipeline = Pipeline(pipeline_settings(settings), self.recorder)

    def configure(self, settings: Settings, overrides: PriceOverrides | None, now: float) -> None:
        """Take over new settings, except the dimensions; what was counted and what is pending stay."""
        metrics = settings.metrics
        self.store.configure(
            max_label_values=metrics.max_label_values,
            max_series=metrics.max_series,
            idle_seconds=metrics.idle_seconds,
            label_limits=metrics.label_limits,
        )
        self.recorder.configure(
            price=_pricer(settings, overrides).price,
            quotas=settings.quotas,
            evaluation_names=[entry.name for entry in settings.evaluations],
            now=now,
        )
        self.pipeline.configure(pipeline_settings(settings))

    @property
    def full(self) -> bool:
        """Whether no more spans are taken until some have settled."""
        stats = self.pipeline.stats
        return stats.pending_spans >= stats.capacity


def calm_collector() -> None:
    """Let Python's garbage collector run less often, for a process that does nothing but this.

    Spans wait by the ten thousand and hold no cycles: looking through them again and again costs a twentieth of the
    whole and finds nothing. What is loaded at start is never looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pipeline_settings(settings: Settings) -> PipelineSettings:
    """The part of the settings that the pipeline works by."""
    receiver, assembly, attributes = settings.receiver, settings.assembly, settings.attributes
    return PipelineSettings(
        settle_seconds=assembly.settle_seconds,
        late_seconds=assembly.late_seconds,
        max_trace_seconds=assembly.max_trace_seconds,
        max_spans_per_trace=assembly.max_spans_per_trace,
        max_pending_spans=assembly.max_pending_spans,
        response_id_memory=assembly.response_id_memory,
        max_spans_per_request=receiver.max_spans_per_request,
        max_attributes_per_span=receiver.max_attributes_per_span,
        evaluations={
            entry.name: EvaluationRule(entry.min_score, entry.max_score, entry.pass_threshold)
            for entry in settings.evaluations
        },
        segment_keys=attributes.segment,
        flow_keys=attributes.flow,
        prompt_name_keys=attributes.prompt_name,
        prompt_version_keys=attributes.prompt_version,
    )


def _pricer(settings: Settings, overrides: PriceOverrides | None) -> Pricer:
    return Pricer(overrides, use_reported=settings.prices.use_reported)
