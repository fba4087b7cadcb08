"""What the simulated evaluators and users think of an answer."""

from __future__ import annotations

from random import Random

from .model import Verdict
from .scenario import Behaviour


def _score(rng: Random, mean: float) -> float:
    return round(min(1.0, max(0.0, rng.gauss(mean, 0.05))), 3)


def _verdict(rng: Random, name: str, failure_rate: float, explanation: str) -> Verdict:
    failed = rng.random() < failure_rate
    return Verdict(name, 0.0 if failed else 1.0, "fail" if failed else "pass", explanation if failed else "")


def judge(rng: Random, language: str, behaviour: Behaviour) -> tuple[tuple[Verdict, ...], bool | None]:
    """Heuristics on every answer, the judge's scores on a share of them, and sometimes a thumb up or down."""
    quality = _score(rng, behaviour.quality_mean)
    verdicts = [_verdict(rng, "heuristic", behaviour.heuristic_failure_rate, "shorter than 20 characters")]
    if rng.random() < behaviour.judged_rate:
        invented = dict(behaviour.hallucination_rate_by_language).get(language, behaviour.hallucination_rate)
        verdicts += (
            Verdict("quality", quality, "", ""),
            Verdict("groundedness", _score(rng, behaviour.groundedness_mean), "", ""),
            _verdict(rng, "safety", behaviour.safety_failure_rate, "gives instructions that could cause harm"),
            _verdict(rng, "hallucination", invented, "states a fact that no passage contains"),
        )
    liked = None
    if rng.random() < behaviour.feedback_rate:
        liked = rng.random() < (0.9 if quality > 0.7 else 0.3)
    return tuple(verdicts), liked
