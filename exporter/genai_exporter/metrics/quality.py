"""Records evaluations and people's feedback."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from genai_exporter import catalogue
from genai_exporter.records import Evaluation, Feedback, Resource

from .children import Activity
from .picker import picker
from .steps import shared_fields
from .store import Store

_RESULTS = catalogue.EVALUATION_RESULT.values or ()
_RATINGS = catalogue.RATING.values or ()


class QualityRecorder:
    """Scores, verdicts of evaluators and verdicts of people.

    ``evaluation_names`` are the evaluations to show at 0 for every application, before the first arrives.
    """

    def __init__(self, store: Store, dimensions: Sequence[str], evaluation_names: Iterable[str]) -> None:
        self.evaluation_names = tuple(evaluation_names)
        scores, verdicts, ratings = catalogue.EVALUATION_SCORE, catalogue.EVALUATIONS, catalogue.FEEDBACK
        self._scores = store.histogram(scores, scores.chosen(dimensions))
        self._verdicts = store.counter(verdicts, verdicts.chosen(dimensions))
        self._feedback = store.counter(ratings, ratings.chosen(dimensions))
        self._shared = picker(shared_fields(ratings, (catalogue.RATING,), dimensions))

    def expect(self, resource: Resource, activity: Activity, now: float) -> None:
        """Show the known evaluations and verdicts of an application at 0, to live as long as ``activity``."""
        shared = self._shared(resource)
        for name in self.evaluation_names:
            for result in _RESULTS:
                self._verdicts.child((name, result, *shared), now, activity)
        for rating in _RATINGS:
            self._feedback.child((rating, *shared), now, activity)

    def evaluated(self, evaluation: Evaluation, now: float) -> None:
        """Record an evaluation: its score unless it failed, its verdict unless it gave none."""
        shared = self._shared(evaluation)
        mark = (evaluation.trace_id, evaluation.span_id, now)
        if evaluation.score is not None and evaluation.result != "error":
            # A score off the scale is no score: the observation rejects it as it rejects NaN.
            on_scale = evaluation.score if evaluation.score <= 1 else float("nan")
            self._scores.child((evaluation.name, *shared), now).observe(on_scale, mark)
        if evaluation.result:
            self._verdicts.child((evaluation.name, evaluation.result, *shared), now).inc(1, mark)

    def rated(self, feedback: Feedback, now: float) -> None:
        """Record a person's verdict."""
        child = self._feedback.child((feedback.rating, *self._shared(feedback)), now)
        child.inc(1, (feedback.trace_id, feedback.span_id, now))
