"""Prices of calls: known figures, missing and impossible counts, time, tiers, unknown models, memory."""

from __future__ import annotations

import datetime as dt
import logging
import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from price_samples import NOW, book, make_call, pricer

from genai_exporter.price import UNPRICED, Cost, Pricer
from genai_exporter.price.rates import Rates, amount, rates_from, split

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("provider", "model", "input_usd", "output_usd"),
    [
        ("openai", "gpt-4o", 2.50, 10.00),
        ("openai", "gpt-4o-mini", 0.15, 0.60),
        ("openai", "gpt-4-turbo", 10.00, 30.00),
        ("anthropic", "claude-3-5-sonnet", 3.00, 15.00),
        ("anthropic", "claude-3-5-haiku", 0.80, 4.00),
    ],
)
def test_r132_the_five_known_pairs(provider: str, model: str, input_usd: float, output_usd: float) -> None:
    at = dt.datetime(2026, 3, 15, tzinfo=dt.UTC)
    given_input = pricer().price(make_call(provider, model, at=at, input_tokens=MILLION, output_tokens=0))
    given_output = pricer().price(make_call(provider, model, at=at, input_tokens=0, output_tokens=MILLION))
    assert given_input.usd == pytest.approx(input_usd, rel=1e-12)
    assert given_output.usd == pytest.approx(output_usd, rel=1e-12)


def test_a_call_is_priced_at_the_time_it_was_made_in_whatever_order_calls_arrive() -> None:
    tokens = {"input_tokens": 1000, "output_tokens": 100}
    before = make_call("openai", "o3", at=dt.datetime(2025, 5, 1, tzinfo=dt.UTC), **tokens)
    after = make_call("openai", "o3", **tokens)
    fresh = Pricer(book=book())
    for _ in range(3):
        assert fresh.price(before).usd == pytest.approx(0.014)
        assert fresh.price(after).usd == pytest.approx(0.0028)
    change = dt.datetime(2025, 6, 10, tzinfo=dt.UTC)
    last = make_call("openai", "o3", at=change - dt.timedelta(microseconds=1), **tokens)
    assert fresh.price(last).usd == pytest.approx(0.014)
    assert fresh.price(make_call("openai", "o3", at=change, **tokens)).usd == pytest.approx(0.0028)


def test_prices_that_change_within_the_day_change_to_the_second() -> None:
    # DeepSeek was cheaper from 16:30 to 00:30 UTC in the spring of 2025.
    day = dt.datetime(2025, 4, 2, tzinfo=dt.UTC)
    fresh = Pricer(book=book())

    def usd(hour: int, minute: int, second: int = 0) -> float:
        at = day + dt.timedelta(hours=hour, minutes=minute, seconds=second)
        cost = fresh.price(make_call("deepseek", "deepseek-chat", at=at, input_tokens=1000, output_tokens=1000))
        assert cost.usd is not None
        return cost.usd

    by_day, by_night = usd(12, 0), usd(20, 0)
    assert by_day == pytest.approx(2 * by_night)
    assert [usd(0, 29, 59), usd(0, 30), usd(16, 29, 59), usd(16, 30)] == [by_night, by_day, by_day, by_night]
    assert usd(20, 0) == by_night


def test_a_long_request_is_billed_at_the_higher_tier_as_a_whole() -> None:
    def usd(tokens: int, **parts: int) -> float | None:
        return pricer().price(make_call("anthropic", "claude-sonnet-4-5", input_tokens=tokens, **parts)).usd

    assert usd(300_000, output_tokens=0) == pytest.approx(300_000 * 6e-6)
    assert usd(200_000, output_tokens=0) == pytest.approx(200_000 * 3e-6)
    assert usd(200_001, output_tokens=1000) == pytest.approx(200_001 * 6e-6 + 1000 * 22.5e-6)
    # Cached tokens count towards the threshold.
    assert usd(200_001, cache_read_tokens=200_000) == pytest.approx(6e-6 + 200_000 * 0.6e-6)


def test_cached_tokens_are_part_of_the_input_and_have_their_own_rates() -> None:
    call = make_call(
        "anthropic",
        "claude-sonnet-4-5",
        input_tokens=10_000,
        output_tokens=0,
        cache_read_tokens=6_000,
        cache_write_tokens=3_000,
        cache_write_1h_tokens=1_000,
    )
    assert pricer().price(call).usd == pytest.approx((1_000 * 3 + 6_000 * 0.3 + 2_000 * 3.75 + 1_000 * 6) / MILLION)


def test_missing_usage_is_no_price_and_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    fresh = Pricer(book=book())
    assert fresh.price(make_call("openai", "gpt-4o")) == Cost(None, "")
    assert fresh.price(make_call("openai", "no-such-model")) == Cost(None, "")
    assert not caplog.records


def test_one_missing_side_is_priced_by_the_other() -> None:
    assert pricer().price(make_call("openai", "gpt-4o", output_tokens=1000)).usd == pytest.approx(0.01)
    assert pricer().price(make_call("openai", "gpt-4o", input_tokens=1000)).usd == pytest.approx(0.0025)
    embedding = make_call("openai", "text-embedding-3-small", input_tokens=MILLION)
    assert pricer().price(embedding).usd == pytest.approx(0.02)


def test_reported_zero_tokens_cost_nothing() -> None:
    assert pricer().price(make_call("openai", "gpt-4o", input_tokens=0, output_tokens=0)) == Cost(0.0, "computed")


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "gpt-99"), ("", "some-model"), ("", ""), ("ollama", "llama3"), ("openai", "x" * 100_000)],
)
def test_an_unknown_model_has_no_price_and_never_costs_zero(provider: str, model: str) -> None:
    call = make_call(provider, model, input_tokens=1000, output_tokens=1000)
    assert pricer().price(call) == UNPRICED
    assert pricer().price(call).usd is None


@pytest.mark.parametrize(
    ("provider", "model", "why"),
    [
        ("openai", "whisper-1", "billed by the hour of audio"),
        ("openai", "tts-1", "billed by the character"),
        ("google", "gemma-3", "listed without any price"),
    ],
)
def test_a_listed_model_without_a_price_per_token_is_unpriced(provider: str, model: str, why: str) -> None:
    call = make_call(provider, model, input_tokens=1000, output_tokens=1000)
    assert pricer().price(call) == UNPRICED, why
    assert book().find(provider, "", model) is not None, "the case is about a listed model"


def test_a_model_that_is_free_by_name_costs_zero() -> None:
    call = make_call("openrouter", "deepseek/deepseek-r1:free", input_tokens=1000, output_tokens=1000)
    assert book().find("openrouter", "", call.request_model) is not None
    assert pricer().price(call) == Cost(0.0, "computed")


def test_an_answer_from_a_response_cache_costs_nothing() -> None:
    # R34: the provider was not asked, although the answer repeats the tokens of the first time.
    tokens = {"input_tokens": 1000, "output_tokens": 100}
    assert pricer().price(make_call("openai", "gpt-4o", response_cache_hit=True, **tokens)) == Cost(0.0, "computed")
    missed = pricer().price(make_call("openai", "gpt-4o", response_cache_hit=False, **tokens))
    assert missed.usd is not None
    assert missed.usd > 0


def test_an_unknown_model_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    fresh = Pricer(book=book())
    for tokens in (1, 2, 3):
        fresh.price(make_call("acme", "secret-1", input_tokens=tokens, output_tokens=0))
    fresh.price(make_call("acme", "secret-2", input_tokens=1, output_tokens=0))
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "secret-1" in caplog.text
    assert "acme" in caplog.text


def test_the_log_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    fresh = Pricer(book=book(), max_models=8)
    for number in range(1100):
        fresh.price(make_call("ollama", f"m{number}", input_tokens=1, output_tokens=1))
    assert len(caplog.records) == 1001
    assert "further ones are not logged" in caplog.records[-1].getMessage()


def test_memory_is_bounded_and_unknown_names_do_not_push_out_known_models() -> None:
    fresh = Pricer(book=book(), max_models=50, log_unpriced=False)
    fresh.price(make_call("openai", "gpt-4o", input_tokens=1, output_tokens=1))
    for number in range(200):
        fresh.price(make_call("ollama", f"m{number}", input_tokens=1, output_tokens=1))
    assert fresh.remembered == (1, 50)
    for number in range(200):
        fresh.price(make_call("openai", "gpt-4o", service_tier=f"t{number}", input_tokens=1, output_tokens=1))
    assert fresh.remembered == (50, 50)
    assert fresh.price(make_call("openai", "gpt-4o", input_tokens=MILLION, output_tokens=0)).usd == pytest.approx(2.5)


def test_a_known_model_is_looked_up_once() -> None:
    lookups = 0

    class Counting(type(book())):  # type: ignore[misc]
        def find(self, *names: str) -> object:
            nonlocal lookups
            lookups += 1
            return super().find(*names)

    fresh = Pricer(book=Counting(), log_unpriced=False)
    for model in ("gpt-4o", "unknown-model"):
        for tokens in range(20):
            fresh.price(make_call("openai", model, input_tokens=tokens, output_tokens=1))
    assert lookups == 2


def test_a_call_without_a_start_is_priced_now_and_not_in_1970() -> None:
    then = dt.datetime(2025, 5, 1, tzinfo=dt.UTC).timestamp()
    tokens = {"input_tokens": 1000, "output_tokens": 100, "start_ns": 0}
    assert Pricer(book=book(), clock=lambda: then).price(make_call("openai", "o3", **tokens)).usd == pytest.approx(
        0.014
    )
    late = Pricer(book=book(), clock=NOW.timestamp)
    late.price(make_call("openai", "o3", at=dt.datetime(2025, 5, 1, tzinfo=dt.UTC), input_tokens=1, output_tokens=1))
    assert late.price(make_call("openai", "o3", **tokens)).usd == pytest.approx(0.0028)


@pytest.mark.parametrize("start_ns", [1, 2**63 - 1, 2**64 - 1, -5])
def test_an_absurd_start_still_gets_a_price(start_ns: int) -> None:
    cost = pricer().price(make_call("openai", "gpt-4o", input_tokens=MILLION, output_tokens=0, start_ns=start_ns))
    assert cost.usd == pytest.approx(2.5)
    assert (
        pricer().price(make_call("deepseek", "deepseek-chat", input_tokens=1, output_tokens=0, start_ns=start_ns)).usd
    )


class TestReportedCost:
    CALL = make_call("openai", "gpt-4o", input_tokens=1000, output_tokens=100, reported_cost_usd=0.5)

    def test_is_taken_when_configured(self) -> None:
        assert Pricer(book=book(), use_reported=True).price(self.CALL) == Cost(0.5, "reported")

    def test_is_taken_for_a_model_without_a_price_and_without_usage(self) -> None:
        trusting = Pricer(book=book(), use_reported=True)
        assert trusting.price(make_call("acme", "m", reported_cost_usd=0.25)) == Cost(0.25, "reported")

    def test_is_ignored_otherwise(self) -> None:
        assert pricer().price(self.CALL) == Cost(pytest.approx(0.0035), "computed")

    @pytest.mark.parametrize("reported", [None, math.nan, math.inf, -0.5])
    def test_is_computed_where_it_is_no_amount(self, reported: float | None) -> None:
        call = make_call("openai", "gpt-4o", input_tokens=1000, output_tokens=100, reported_cost_usd=reported)
        assert Pricer(book=book(), use_reported=True).price(call) == Cost(pytest.approx(0.0035), "computed")


class TestServiceTierAndBatch:
    def usd(self, provider: str, model: str, **terms: object) -> float | None:
        return pricer().price(make_call(provider, model, input_tokens=MILLION, output_tokens=0, **terms)).usd

    def test_flex_priority_and_batch_have_their_own_rates(self) -> None:
        assert self.usd("openai", "o3") == pytest.approx(2.0)
        assert self.usd("openai", "o3", service_tier="flex") == pytest.approx(1.0)
        assert self.usd("openai", "o3", service_tier="priority") == pytest.approx(3.5)
        assert self.usd("openai", "o3", batch=True) == pytest.approx(1.0)

    @pytest.mark.parametrize("tier", ["default", "standard", "auto", "on_demand", "never-heard-of-it"])
    def test_a_tier_without_a_variant_has_the_standard_price(self, tier: str) -> None:
        assert self.usd("openai", "gpt-4o", service_tier=tier) == pytest.approx(2.5)

    def test_a_batch_is_a_batch_whatever_tier_the_response_names(self) -> None:
        assert self.usd("openai", "o3", batch=True, service_tier="default") == pytest.approx(1.0)
        assert self.usd("anthropic", "claude-sonnet-4-5", service_tier="batch") == self.usd(
            "anthropic", "claude-sonnet-4-5", batch=True
        )

    def test_tiers_do_not_carry_over_to_a_provider_that_resells_the_model(self) -> None:
        assert self.usd("openai", "gpt-4o", service_tier="priority") == pytest.approx(4.25)
        assert self.usd("azure.ai.openai", "gpt-4o", service_tier="priority") == pytest.approx(2.5)
        assert self.usd("azure.ai.openai", "gpt-4o", batch=True) == pytest.approx(2.5)

    def test_spelling_of_the_tier_does_not_matter(self) -> None:
        assert self.usd("openai", "o3", service_tier="SERVICE_TIER_FLEX") == pytest.approx(1.0)


class TestArithmetic:
    RATES = rates_from({"input": 3.0, "cache_read": 0.3, "cache_write": 3.75, "cache_write_1h": 6.0, "output": 15.0})

    @settings(max_examples=200)
    @given(
        counts=st.fixed_dictionaries(
            {
                name: st.none() | st.integers(0, 10**7)
                for name in (
                    "input_tokens",
                    "output_tokens",
                    "cache_read_tokens",
                    "cache_write_tokens",
                    "cache_write_1h_tokens",
                    "reasoning_tokens",
                )
            }
        )
    )
    def test_impossible_counts_are_cut_and_no_token_is_billed_twice(self, counts: dict[str, int | None]) -> None:
        tokens = split(make_call(**counts))  # type: ignore[arg-type]
        parts = [tokens.input, tokens.cache_read, tokens.cache_write, tokens.cache_write_1h]
        assert all(part >= 0 for part in [*parts, tokens.output, tokens.reasoning])
        assert sum(parts) == tokens.total_input
        if counts["input_tokens"] is not None:
            assert tokens.total_input == counts["input_tokens"]
        if counts["output_tokens"] is not None:
            assert tokens.output + tokens.reasoning == counts["output_tokens"]
        usd = amount(self.RATES, tokens)
        assert usd is not None
        assert 0 <= usd <= (tokens.total_input * 6 + (tokens.output + tokens.reasoning) * 15) / MILLION + 1e-9

    def test_cache_larger_than_input_is_cut_to_the_input(self) -> None:
        tokens = split(make_call(input_tokens=100, output_tokens=1, cache_read_tokens=80, cache_write_tokens=50))
        assert (tokens.input, tokens.cache_read, tokens.cache_write) == (0, 80, 20)

    def test_one_hour_writes_are_writes_even_when_only_they_are_reported(self) -> None:
        tokens = split(make_call(input_tokens=100, output_tokens=1, cache_write_1h_tokens=40))
        assert (tokens.input, tokens.cache_write, tokens.cache_write_1h) == (60, 0, 40)

    def test_an_unknown_rate_matters_only_with_tokens(self) -> None:
        rates = Rates(1e-6, 1e-6, 1e-6, 1e-6, math.nan, math.nan, 0.0)
        assert amount(rates, split(make_call(input_tokens=10, output_tokens=0))) == pytest.approx(1e-5)
        assert amount(rates, split(make_call(input_tokens=10, output_tokens=1))) is None

    def test_negative_counts_never_become_a_negative_price(self) -> None:
        assert pricer().price(make_call("openai", "gpt-4o", input_tokens=-10, output_tokens=0)).usd is None


def test_importing_the_package_does_not_load_the_price_list() -> None:
    script = "import sys, genai_exporter.price; sys.exit('genai_prices' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
