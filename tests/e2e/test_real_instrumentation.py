"""Real provider SDKs under real instrumentation libraries, counted by a real exporter.

The provider's own record of what it served is the truth. Every library sees the same calls; what differs is how many
spans it makes of one call and what it writes on them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import genai_prices
import pytest

from e2e.fake_provider import FakeProvider, Served
from e2e.harness import Exporter, Page, run_app
from genai_exporter import catalogue

CALLS = "gen_ai_client_operation_duration_seconds"
TOKENS = "gen_ai_client_token_usage"
TTFT = "gen_ai_client_operation_time_to_first_chunk_seconds"
OPENAI_CASES = (
    "plain", "stream:plain", "tools", "stream:tools", "length", "cached", "reasoning", "embed:plain",
    "429", "500", "context", "slow", "retry",
)  # fmt: skip
ANTHROPIC_CASES = ("plain", "stream:plain", "tools", "length", "cached", "429", "500", "slow", "retry")
ERRORS = {"429", "500", "context", "slow"}


class Setup(NamedTuple):
    """``spans`` is how many spans the library makes of a call; ``extra_output`` how many output tokens it invents on
    each stream, which nothing on the wire can tell from real ones."""

    libraries: str
    cases: tuple[str, ...]
    spans: int = 1
    extra_output: int = 0


SETUPS = [
    Setup("otel-openai", OPENAI_CASES),
    Setup("openinference-openai", OPENAI_CASES),
    Setup("openllmetry-openai", OPENAI_CASES),
    Setup("otel-openai+openinference-openai", OPENAI_CASES, spans=2),
    Setup("native-anthropic", ANTHROPIC_CASES),
    Setup("otel-anthropic", ANTHROPIC_CASES, spans=2),
    Setup("openllmetry-anthropic", ANTHROPIC_CASES, spans=2, extra_output=1),
]


def arrived(exporter: Exporter) -> int:
    return int(exporter.page().total(catalogue.SPANS_RECEIVED.name))


def truth(provider: FakeProvider) -> list[Served]:
    """What the provider served, without the attempts that the SDK repeated by itself."""
    retried = [s for s in provider.served if s.scenario == "retry" and s.status != 200]
    return [s for s in provider.served if s not in retried]


def billed(served: list[Served]) -> list[Served]:
    return [one for one in served if one.status == 200]


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.libraries)
def test_every_call_is_counted_once_and_to_the_token(setup: Setup, exporter: Exporter, provider: FakeProvider) -> None:
    """R14, R15, R22, R42, R43, R100, R104: one library or two at once, the numbers are the provider's."""
    before = arrived(exporter)
    run = run_app(setup.libraries, provider.url, exporter.otlp_url, setup.libraries, setup.cases)
    check(setup, run.errors, exporter.settled(before + len(setup.cases) * (setup.spans + 1)), provider)


@pytest.mark.parametrize("setup", [SETUPS[0], SETUPS[-2]], ids=lambda setup: setup.libraries)
def test_the_same_inside_the_application(setup: Setup, provider: FakeProvider) -> None:
    """The span processor gives, on the application's own page, what the service would give."""
    run = run_app(setup.libraries, provider.url, "in-process", setup.libraries, setup.cases)
    assert run.page is not None
    assert run.page.total(catalogue.SPANS.name) == len(setup.cases) * (setup.spans + 1)
    check(setup, run.errors, run.page, provider)


def check(setup: Setup, errors: list[str | None], page: Page, provider: FakeProvider) -> None:
    service = setup.libraries
    served = truth(provider)
    good = billed(served)

    assert [bool(error) for error in errors] == [case in ERRORS for case in setup.cases]
    assert page.total(f"{CALLS}_count", service_name=service) == len(served) == len(setup.cases)
    assert page.total(f"{CALLS}_count", service_name=service, error_type="") == len(good)
    assert page.by("gen_ai_provider_name", f"{CALLS}_count", service_name=service) == {served[0].provider: len(served)}
    assert page.by("gen_ai_request_model", f"{CALLS}_count", service_name=service) == tally(
        one.request_model for one in served
    )
    assert page.by("gen_ai_operation_name", f"{CALLS}_count", service_name=service) == tally(
        one.operation for one in served
    )
    assert page.by("llm_flow", f"{CALLS}_count", service_name=service) == {"/ask": len(served)}

    streams = [one for one in good if one.streaming]
    invented = setup.extra_output * len(streams)
    wanted_output = sum(one.output_tokens for one in good)
    output = page.total(f"{TOKENS}_sum", service_name=service, gen_ai_token_type="output")
    assert wanted_output <= output <= wanted_output + invented
    assert page.total(f"{TOKENS}_sum", service_name=service, gen_ai_token_type="input") == sum(
        one.input_tokens for one in good
    )
    assert page.total(f"{TOKENS}_count", service_name=service, gen_ai_token_type="input") == len(good)
    cached = sum(one.cached_tokens for one in good)
    assert page.total("llm_cached_input_tokens_total", service_name=service) == cached > 0
    assert page.total("llm_reasoning_output_tokens_total", service_name=service) == sum(
        one.reasoning_tokens for one in good
    )
    reasons = page.by("finish_reason", "llm_finish_reasons_total", service_name=service)
    # A failed call ended for the reason "error"; embeddings have no reason.
    assert reasons == tally(one.finish if one in good else "error" for one in served if one.operation == "chat")

    check_time_to_first_chunk(page, service, streams)
    check_cost(page, service, good, invented)
    assert page.total("llm_unpriced_calls_total", service_name=service) == 0


def check_time_to_first_chunk(page: Page, service: str, streams: list[Served]) -> None:
    """R11, R25: streaming calls only; not before the provider sent something, not after the call ended."""
    reported = page.total(f"{TTFT}_count", service_name=service)
    assert reported == len(streams)
    seconds = page.total(f"{TTFT}_sum", service_name=service)
    assert seconds >= sum(one.first_chunk_s or math.inf for one in streams)
    assert seconds <= page.total(f"{CALLS}_sum", service_name=service)


def check_cost(page: Page, service: str, good: list[Served], invented: int) -> None:
    """R16, R32: the sum of what the price library says of each call the provider served."""
    prices = [
        genai_prices.calc_price(
            genai_prices.Usage(
                input_tokens=one.input_tokens,
                output_tokens=one.output_tokens,
                cache_read_tokens=one.cached_tokens,
            ),
            one.response_model,
            provider_id=one.provider,
        )
        for one in good
    ]
    wanted = float(sum(price.total_price for price in prices))
    cost = page.total("llm_cost_usd_total", service_name=service, cost_source="computed")
    dearest_output_token = 25e-6
    assert wanted * (1 - 1e-9) <= cost <= wanted * (1 + 1e-9) + invented * dearest_output_token


def tally(values: Iterable[str]) -> dict[str, float]:
    return {value: float(count) for value, count in Counter(values).items()}


@pytest.mark.parametrize("libraries", ["otel-openai", "openllmetry-openai", "native-anthropic", "otel-anthropic"])
def test_failures_keep_their_kind(libraries: str, exporter: Exporter, provider: FakeProvider) -> None:
    """R24, R43: rate limits, timeouts and overlong prompts can be told apart."""
    cases = ("429", "slow", "500", "context")
    before = arrived(exporter)
    service = f"{libraries} failures"
    run_app(libraries, provider.url, exporter.otlp_url, service, cases)
    spans = 2 if libraries == "otel-anthropic" else 1
    page = exporter.settled(before + len(cases) * (spans + 1))

    errors = page.by("error_type", f"{CALLS}_count", service_name=service)
    assert sum(errors.values()) == len(cases)
    assert errors["rate_limit"] == 1
    assert errors["timeout"] == 1
    assert "" not in errors
    assert page.total("llm_rate_limit_hits_total", service_name=service) == 1


def test_two_traces_that_share_a_response_id_are_one_call(exporter: Exporter, provider: FakeProvider) -> None:
    """Without a root span, OpenLLMetry's span and the Anthropic SDK's own span are two unrelated traces."""
    cases = ("plain", "stream:plain", "tools")
    before = arrived(exporter)
    service = "unrelated traces"
    run_app("bare+openllmetry-anthropic", provider.url, exporter.otlp_url, service, cases)
    page = exporter.settled(before + 2 * len(cases))

    assert page.total(f"{CALLS}_count", service_name=service) == len(cases) == len(truth(provider))
    assert page.total(f"{TOKENS}_sum", service_name=service, gen_ai_token_type="input") == sum(
        one.input_tokens for one in truth(provider)
    )


def test_visible_retries_are_counted(exporter: Exporter, provider: FakeProvider) -> None:
    """R23: the Anthropic SDK says on its span that it sent the request again; the call itself is still one."""
    before = arrived(exporter)
    run_app("native-anthropic", provider.url, exporter.otlp_url, "retries", ("retry",))
    page = exporter.settled(before + 2)

    assert [one.status for one in provider.served] == [429, 200]
    assert page.total(f"{CALLS}_count", service_name="retries") == 1
    assert page.total("llm_retries_total", service_name="retries") == 1


def test_resource_becomes_deployment(exporter: Exporter, provider: FakeProvider) -> None:
    """R86, R102: the application's version and environment are on the deployment metric."""
    before = arrived(exporter)
    run_app("otel-openai", provider.url, exporter.otlp_url, "deployed", ("plain",))
    page = exporter.settled(before + 2)

    (info,) = page.select("llm_deployment_info", service_name="deployed")
    assert info.value == 1
    assert info.labels["service_version"] == "1.4.2"
    assert page.by("deployment_environment_name", f"{CALLS}_count", service_name="deployed") == {"test": 1}
