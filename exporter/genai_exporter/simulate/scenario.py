"""How the simulated application behaves: one set of numbers for good days, and the changes that each fault makes to it.

A scenario holds no code. Whatever it can change is a field of ``Behaviour``, which the generator reads for every
request, so a fault can begin in the middle of a run.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

Weights = tuple[tuple[str, float], ...]


class Behaviour(msgspec.Struct, frozen=True):
    """Everything about a request that a fault may change. Rates are shares from 0 to 1, times are seconds."""

    answer_prompt_version: str = "v2.3"
    app_version: str = "1.8.0"
    few_shot_tokens: int = 0  # examples left in the answer prompt
    token_factor: float = 1.0  # how much more the answering call reads and writes than it should

    failure_rate: float = 0.006  # per attempt
    failure_kinds: Weights = (("rate_limit", 0.4), ("timeout", 0.25), ("server_error", 0.2), ("context_length", 0.15))
    tool_failure_rate: float = 0.01
    outage_provider: str = ""
    outage_failure_rate: float = 0.0
    outage_kinds: Weights = (("server_error", 0.6), ("timeout", 0.4))

    slow_first_token_rate: float = 0.0
    slow_first_token_s: tuple[float, float] = (60.0, 95.0)
    hang_rate: float = 0.0  # the answer is complete, and 30 s late
    hang_s: float = 30.0

    response_cache_rate: float = 0.12
    truncation_rate: float = 0.03
    content_filter_rate: float = 0.003
    refusal_rate: float = 0.006
    regeneration_rate: float = 0.03
    feedback_rate: float = 0.12
    judged_rate: float = 0.3

    quality_mean: float = 0.87
    groundedness_mean: float = 0.93
    heuristic_failure_rate: float = 0.012
    safety_failure_rate: float = 0.0
    hallucination_rate: float = 0.02
    hallucination_rate_by_language: Weights = ()  # where it differs from hallucination_rate


class Scenario(msgspec.Struct, frozen=True):
    """A named fault: ``behaviour`` is what the application does once the fault has begun."""

    name: str
    summary: str
    behaviour: Behaviour


STEADY = Behaviour()

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("steady", "normal traffic: low error rates, good answers", STEADY),
        Scenario(
            "cost_explosion",
            "a prompt is deployed with 20 few-shot examples left in: about 500 input tokens become about 8,000",
            replace(STEADY, answer_prompt_version="v2.4", app_version="1.8.1", few_shot_tokens=7_500),
        ),
        Scenario(
            "prompt_regression",
            "a prompt tested in English only: hallucinations in Japanese go from 2 % to 15 %",
            replace(
                STEADY,
                answer_prompt_version="v2.4",
                app_version="1.8.1",
                judged_rate=1.0,
                hallucination_rate_by_language=(("ja", 0.15),),
            ),
        ),
        Scenario(
            "provider_outage",
            "one provider answers most calls with 5xx or not at all; the application retries and falls back",
            replace(STEADY, outage_provider="openai", outage_failure_rate=0.7),
        ),
        Scenario(
            "slow_first_token",
            "a tenth of the streamed answers wait more than 60 seconds for their first token",
            replace(STEADY, slow_first_token_rate=0.1),
        ),
        Scenario(
            "safety_incident",
            "answers that fail the safety evaluation",
            replace(STEADY, judged_rate=1.0, safety_failure_rate=0.08, refusal_rate=0.03),
        ),
        Scenario(
            "two_am",
            "every call succeeds, yet answers are incoherent, cost has tripled and a share of requests hangs for 30 s",
            replace(
                STEADY,
                failure_rate=0.0,
                tool_failure_rate=0.0,
                token_factor=3.0,
                hang_rate=0.08,
                quality_mean=0.38,
                groundedness_mean=0.55,
                judged_rate=1.0,
                heuristic_failure_rate=0.15,
                regeneration_rate=0.15,
            ),
        ),
    )
}
