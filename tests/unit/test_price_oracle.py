"""Our arithmetic against genai-prices' own, for real models of every provider."""

from __future__ import annotations

import datetime as dt
import functools
import math
import re
from typing import Any

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ModelInfo,
    PriceCalculation,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from price_samples import NOW, make_call, pricer

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SNAPSHOT = get_snapshot()


def reference(provider: Provider, model: ModelInfo) -> str | None:
    """A name under which the list finds a price: some of its ids are for people, and only their patterns match."""
    for name in (model.id, *re.findall(r"(?:equals|starts_with|contains)='([^']+)'", repr(model.match))):
        try:
            SNAPSHOT.find_provider_model(name, None, provider.id, None)
        except LookupError:
            continue
        return name
    return None


PAIRS = sorted(
    {
        (provider.id, name)
        for provider in SNAPSHOT.providers
        for model in provider.models
        if (name := reference(provider, model)) is not None
    }
)


@functools.cache
def pairs_with(*features: str) -> list[tuple[str, str]]:
    """The models that have any of these features."""
    found = set()
    for provider in SNAPSHOT.providers:
        for model in provider.models:
            conditional = model.prices if isinstance(model.prices, list) else []
            prices = [item.prices for item in conditional] or [model.prices]
            values = [value for price in prices for value in vars(price).values()]
            constraints = [item.constraint for item in conditional]
            has = {
                "tiered": any(isinstance(value, TieredPrices) for value in values),
                "dated": any(isinstance(constraint, StartDateConstraint) for constraint in constraints),
                "daily": any(isinstance(constraint, TimeOfDateConstraint) for constraint in constraints),
                "variants": bool(model.price_variants),
                "reasoning apart": any("output_reasoning_mtok" in vars(price) for price in prices),
                "hourly cache": any("cache_write_1h_mtok" in vars(price) for price in prices),
            }
            name = reference(provider, model)
            if name is not None and any(has[feature] for feature in features):
                found.add((provider.id, name))
    return sorted(found)


def theirs(provider: str, model: str, at: dt.datetime, usage: dict[str, int], context: dict[str, str]) -> Any:
    return calc_price(
        Usage(**usage),
        model,
        provider_id=provider,
        genai_request_timestamp=at,
        price_context=context or None,
    )


def has_no_honest_price(calculation: PriceCalculation, usage: dict[str, int]) -> bool:
    """Where genai-prices answers 0 for tokens that are not free, and we answer that there is no price."""
    prices = {key for key, value in vars(calculation.model_price).items() if value is not None}
    if not prices:
        return not calculation.model.id.endswith(":free")
    if "input_mtok" not in prices and "output_mtok" not in prices:
        return prices != {"requests_kcount"} and any(usage.values())
    sides = {"input": usage["input_tokens"], "output": usage["output_tokens"]}
    return any(
        tokens and f"{side}_mtok" not in prices and any(key.startswith(f"{side}_") for key in prices)
        for side, tokens in sides.items()
    )


def check(
    provider: str, model: str, at: dt.datetime, usage: dict[str, int], *, tier: str = "", batch: bool = False
) -> None:
    context = {"processing": "batch"} if batch else {"service_tier": tier} if tier else {}
    if tier == "fast":
        context["speed"] = "fast"
    calculation = theirs(provider, model, at, usage, context)
    call = make_call(provider, model, at=at, service_tier=tier, batch=batch, **ours(usage))
    cost = pricer().price(call)
    if has_no_honest_price(calculation, usage):
        assert cost.usd is None, (provider, model)
        return
    assert cost.source == "computed"
    assert cost.usd is not None, (provider, model)
    assert math.isclose(cost.usd, float(calculation.total_price), rel_tol=1e-9, abs_tol=1e-15), (provider, model, usage)
    explained = pricer().explain(call)
    parts = sum(line.usd or 0.0 for line in explained.lines) + explained.fee_usd
    assert math.isclose(parts, cost.usd, rel_tol=1e-9, abs_tol=1e-15)


def ours(usage: dict[str, int]) -> dict[str, int]:
    names = {"output_reasoning_tokens": "reasoning_tokens"}
    return {names.get(key, key): count for key, count in usage.items()}


COUNTS = st.one_of(
    st.integers(0, 5_000),
    st.sampled_from([128_000, 128_001, 199_999, 200_000, 200_001, 272_000, 272_001]),
    st.integers(0, 2_000_000),
)


@st.composite
def usages(draw: st.DrawFn) -> dict[str, int]:
    """Token counts that fit into each other, as genai-prices insists."""
    total = draw(COUNTS)
    read, write = 0, 0
    if draw(st.booleans()):
        read = draw(st.integers(0, total))
        write = draw(st.integers(0, total - read))
    output = draw(COUNTS)
    return {
        "input_tokens": total,
        "cache_read_tokens": read,
        "cache_write_tokens": write,
        "cache_write_1h_tokens": draw(st.integers(0, write)),
        "output_tokens": output,
        "output_reasoning_tokens": draw(st.integers(0, output)),
    }


def instants(first: dt.datetime, last: dt.datetime) -> st.SearchStrategy[dt.datetime]:
    seconds = st.integers(int(first.timestamp()), int(last.timestamp()))
    at_random = seconds.map(lambda second: EPOCH + dt.timedelta(seconds=second))
    # Around the edges of hours and days, where prices change.
    days = st.integers(int(first.timestamp()) // 86400, int(last.timestamp()) // 86400)
    edges = st.builds(
        lambda day, half_hours, microseconds: (
            EPOCH + dt.timedelta(days=day, minutes=30 * half_hours, microseconds=microseconds)
        ),
        days,
        st.integers(0, 47),
        st.sampled_from([-1, 0, 1]),
    )
    return st.one_of(at_random, edges)


LONG_AGO = dt.datetime(2023, 1, 1, tzinfo=dt.UTC)
LATER = dt.datetime(2027, 6, 1, tzinfo=dt.UTC)


@settings(max_examples=300, deadline=None)
@given(pair=st.sampled_from(PAIRS), usage=usages(), at=instants(LONG_AGO, LATER))
def test_any_model_costs_what_genai_prices_says(pair: tuple[str, str], usage: dict[str, int], at: dt.datetime) -> None:
    check(*pair, at, usage)


@pytest.mark.parametrize("feature", ["tiered", "dated", "daily", "hourly cache", "reasoning apart"])
def test_models_with_that_feature_cost_what_genai_prices_says(feature: str) -> None:
    models = pairs_with(feature)
    assert models, f"the price list no longer has a model that is {feature}"

    @settings(max_examples=150, deadline=None)
    @given(pair=st.sampled_from(models), usage=usages(), at=instants(LONG_AGO, LATER))
    def compare(pair: tuple[str, str], usage: dict[str, int], at: dt.datetime) -> None:
        check(*pair, at, usage)

    compare()


@settings(max_examples=300, deadline=None)
@given(
    pair=st.sampled_from(pairs_with("variants")),
    usage=usages(),
    at=instants(dt.datetime(2026, 10, 1, tzinfo=dt.UTC), dt.datetime(2027, 1, 5, tzinfo=dt.UTC)),
    terms=st.sampled_from(
        [{"batch": True}, {"tier": "flex"}, {"tier": "priority"}, {"tier": "fast"}, {"tier": "default"}, {"tier": "x"}]
    ),
)
def test_batch_and_service_tier_variants_cost_what_genai_prices_says(
    pair: tuple[str, str], usage: dict[str, int], at: dt.datetime, terms: dict[str, Any]
) -> None:
    check(*pair, at, usage, **terms)


def test_every_model_of_every_provider_is_found_and_costs_the_same() -> None:
    usage = {
        "input_tokens": 10_007,
        "cache_read_tokens": 3_001,
        "cache_write_tokens": 1_009,
        "cache_write_1h_tokens": 101,
        "output_tokens": 2_003,
        "output_reasoning_tokens": 503,
    }
    assert {provider for provider, _ in PAIRS} == {provider.id for provider in SNAPSHOT.providers}
    for provider, model in PAIRS:
        check(provider, model, NOW, usage)
