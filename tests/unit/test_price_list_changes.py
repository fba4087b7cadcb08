"""What a future price list may contain, and today's does not: it must not be mispriced."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot
from genai_prices.types import (
    ClauseContains,
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TimeOfDateConstraint,
)
from price_samples import make_call

from genai_exporter.price import UNPRICED, Pricer


@pytest.fixture(autouse=True)
def _bundled_prices_afterwards() -> Iterator[None]:
    yield
    set_custom_snapshot(None)


def pricer_on(*models: ModelInfo) -> Pricer:
    provider = Provider(id="openai", name="", api_pattern="", models=list(models))
    set_custom_snapshot(DataSnapshot(providers=[provider], from_auto_update=False))
    return Pricer(log_unpriced=False)


def usd(pricer: Pricer, model: str, **fields: object) -> float | None:
    return pricer.price(make_call("openai", model, **{"input_tokens": 1_000_000, "output_tokens": 0, **fields})).usd


def test_a_loose_pattern_does_not_give_a_fine_tuned_model_the_price_of_its_base() -> None:
    loose = ModelInfo("gpt-4o", ClauseContains("gpt-4o"), prices=ModelPrice(input_mtok=Decimal(2)))
    pricer = pricer_on(loose)
    assert usd(pricer, "gpt-4o-2030") == pytest.approx(2.0)
    assert usd(pricer, "ft:gpt-4o:acme::1") is None
    assert usd(pricer, "gpt-4o.ft-1") is None


def test_a_model_whose_output_is_only_priced_as_audio_has_no_price_for_plain_output() -> None:
    speech = ModelInfo(
        "speech", ClauseEquals("speech"), prices=ModelPrice(input_mtok=Decimal(1), output_audio_mtok=Decimal(9))
    )
    pricer = pricer_on(speech)
    assert usd(pricer, "speech") == pytest.approx(1.0)
    assert pricer.price(make_call("openai", "speech", input_tokens=1, output_tokens=1)) == UNPRICED


def test_a_model_with_a_fee_alone_costs_the_fee() -> None:
    search = ModelInfo("search", ClauseEquals("search"), prices=ModelPrice(requests_kcount=Decimal(5)))
    assert usd(pricer_on(search), "search") == pytest.approx(0.005)


def test_five_minute_cache_writes_may_have_a_price_of_their_own() -> None:
    prices = ModelPrice(
        input_mtok=Decimal(1), cache_write_mtok=Decimal(2), cache_write_5m_mtok=Decimal(3), output_mtok=Decimal(0)
    )
    pricer = pricer_on(ModelInfo("m", ClauseEquals("m"), prices=prices))
    assert usd(pricer, "m", cache_write_tokens=1_000_000) == pytest.approx(3.0)
    assert usd(pricer, "m", cache_write_1h_tokens=1_000_000) == pytest.approx(2.0)


def test_daily_times_may_be_given_with_an_offset_and_span_midnight() -> None:
    east = dt.timezone(dt.timedelta(hours=10))
    night = TimeOfDateConstraint(dt.time(8, 0, tzinfo=east), dt.time(11, 0, tzinfo=east))  # 22:00 to 01:00 UTC
    model = ModelInfo(
        "m",
        ClauseEquals("m"),
        prices=[
            ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(2))),
            ConditionalPrice(night, prices=ModelPrice(input_mtok=Decimal(1))),
            ConditionalPrice(StartDateConstraint(dt.date(2026, 6, 2)), prices=ModelPrice(input_mtok=Decimal(5))),
        ],
    )
    pricer = pricer_on(model)
    for _ in range(2):
        for day, hour, minute, expected in (
            (1, 0, 59, 1),
            (1, 1, 0, 2),
            (1, 21, 59, 2),
            (1, 22, 0, 1),
            (1, 23, 59, 1),
            (2, 0, 0, 5),
            (2, 22, 30, 5),
        ):
            at = dt.datetime(2026, 6, day, hour, minute, tzinfo=dt.UTC)
            assert usd(pricer, "m", at=at) == pytest.approx(expected), at


def test_a_new_kind_of_condition_is_asked_every_time() -> None:
    class Odd:
        """Active in odd seconds."""

        def active(self, moment: dt.datetime) -> bool:
            return moment.second % 2 == 1

    model = ModelInfo(
        "m",
        ClauseEquals("m"),
        prices=[
            ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(2))),
            ConditionalPrice(Odd(), prices=ModelPrice(input_mtok=Decimal(1))),  # type: ignore[arg-type]
        ],
    )
    pricer = pricer_on(model)
    start = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    charged = [usd(pricer, "m", at=start + dt.timedelta(seconds=second)) for second in (0, 1, 2, 3, 3, 2)]
    assert charged == [pytest.approx(price) for price in (2, 1, 2, 1, 1, 2)]
