"""The price file: what it may say, what it refuses, and which entry prices a call."""

from __future__ import annotations

import datetime as dt
import textwrap
from pathlib import Path

import pytest
from price_samples import book, make_call

from genai_exporter.price import UNPRICED, Cost, PriceFileError, Pricer, load_overrides, parse_overrides
from genai_exporter.price.overrides import Entry

TOKENS = {"input_tokens": 1_000_000, "output_tokens": 0}


def pricer_with(text: str, **options: bool) -> Pricer:
    return Pricer(parse_overrides(textwrap.dedent(text), "prices.yaml"), book=book(), **options)


def entries(*lines: str) -> Pricer:
    return pricer_with("prices:\n" + "".join(f"  - {{{line}}}\n" for line in lines))


def usd(pricer: Pricer, provider: str, model: str, **fields: object) -> float | None:
    return pricer.price(make_call(provider, model, **{**TOKENS, **fields})).usd


def test_an_override_comes_before_the_price_list() -> None:
    negotiated = entries("model: gpt-4o, provider: openai, input_usd_per_mtok: 2, output_usd_per_mtok: 8")
    assert usd(negotiated, "openai", "gpt-4o") == pytest.approx(2.0)
    assert usd(negotiated, "openai", "GPT-4o") == pytest.approx(2.0)
    assert usd(negotiated, "openai", "gpt-4o-mini") == pytest.approx(0.15)
    assert usd(negotiated, "azure.ai.openai", "gpt-4o") == pytest.approx(2.5)


def test_a_self_hosted_model_may_cost_nothing() -> None:
    hosted = entries("model: 'llama3*', match: glob, provider: ollama, input_usd_per_mtok: 0, output_usd_per_mtok: 0")
    call = make_call("ollama", "llama3:8b", input_tokens=5, output_tokens=5)
    assert hosted.price(call) == Cost(0.0, "computed")
    assert usd(hosted, "ollama", "mistral:7b") is None


def test_a_fine_tuned_model_has_the_price_given_for_its_prefix() -> None:
    tuned = entries("model: 'ft:gpt-99:', match: prefix, input_usd_per_mtok: 7, output_usd_per_mtok: 9")
    assert usd(tuned, "openai", "ft:gpt-99:acme::1") == pytest.approx(7.0)
    assert usd(tuned, "openai", "gpt-99") is None


@pytest.mark.parametrize("spelling", ["azure.ai.openai", "azure", "az.ai.openai", "Azure_OpenAI"])
def test_any_name_of_a_provider_will_do(spelling: str) -> None:
    pricer = entries(f"model: prod, provider: {spelling}, input_usd_per_mtok: 4, output_usd_per_mtok: 8")
    assert usd(pricer, "azure.ai.openai", "prod") == pytest.approx(4.0)
    assert usd(pricer, "openai", "prod") is None


def test_a_deployment_is_found_by_the_requested_name_too() -> None:
    pricer = entries("model: my-deployment, input_usd_per_mtok: 4, output_usd_per_mtok: 8")
    call = make_call("azure.ai.openai", "my-deployment", response_model="gpt-4o-2024-08-06", **TOKENS)
    assert pricer.price(call).usd == pytest.approx(4.0)


@pytest.mark.parametrize("backwards", [False, True])
def test_the_closest_entry_wins_wherever_it_stands(backwards: bool) -> None:
    lines = [
        "model: '*', match: glob, input_usd_per_mtok: 1, output_usd_per_mtok: 1",
        "model: acme, match: prefix, input_usd_per_mtok: 2, output_usd_per_mtok: 2",
        "model: acme-large, match: prefix, input_usd_per_mtok: 3, output_usd_per_mtok: 3",
        "model: acme-large-2, input_usd_per_mtok: 4, output_usd_per_mtok: 4",
        "model: acme-large-2, provider: house, input_usd_per_mtok: 5, output_usd_per_mtok: 5",
        "model: acme-large-2, service_tier: flex, input_usd_per_mtok: 6, output_usd_per_mtok: 6",
        "model: asked, input_usd_per_mtok: 7, output_usd_per_mtok: 7",
    ]
    pricer = entries(*(reversed(lines) if backwards else lines))
    assert usd(pricer, "", "other") == pytest.approx(1)
    assert usd(pricer, "", "acme-small") == pytest.approx(2)
    assert usd(pricer, "", "acme-large-1") == pytest.approx(3)
    assert usd(pricer, "", "acme-large-2") == pytest.approx(4)
    assert usd(pricer, "house", "acme-large-2") == pytest.approx(5)
    assert usd(pricer, "", "acme-large-2", service_tier="flex") == pytest.approx(6)
    assert usd(pricer, "", "asked", response_model="acme-large-2") == pytest.approx(4)


def test_an_entry_for_a_date_holds_from_that_day_on() -> None:
    pricer = entries(
        "model: m, input_usd_per_mtok: 1, output_usd_per_mtok: 1",
        "model: m, valid_from: 2026-03-01, input_usd_per_mtok: 2, output_usd_per_mtok: 2",
        "model: gpt-4o, valid_from: 2026-03-01, input_usd_per_mtok: 9, output_usd_per_mtok: 9",
    )
    day = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    before = day - dt.timedelta(microseconds=1)
    for _ in range(2):
        assert usd(pricer, "", "m", at=before) == pytest.approx(1)
        assert usd(pricer, "", "m", at=day) == pytest.approx(2)
        assert usd(pricer, "openai", "gpt-4o", at=before) == pytest.approx(2.5)
        assert usd(pricer, "openai", "gpt-4o", at=day) == pytest.approx(9)


def test_a_model_becomes_priced_on_the_day_its_entry_starts() -> None:
    pricer = entries("model: new, valid_from: '2026-03-01', input_usd_per_mtok: 2, output_usd_per_mtok: 2")
    day = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    for _ in range(2):
        assert usd(pricer, "", "new", at=day - dt.timedelta(days=1)) is None
        assert usd(pricer, "", "new", at=day) == pytest.approx(2)


def test_every_kind_of_token_has_its_rate_or_that_of_the_kind_it_belongs_to() -> None:
    call = make_call(
        "",
        "m",
        input_tokens=1000,
        output_tokens=100,
        cache_read_tokens=400,
        cache_write_tokens=300,
        cache_write_1h_tokens=100,
        reasoning_tokens=60,
    )
    full = entries(
        "model: m, input_usd_per_mtok: 1, cache_read_usd_per_mtok: 0.1, cache_write_usd_per_mtok: 2, "
        "cache_write_1h_usd_per_mtok: 3, output_usd_per_mtok: 10, reasoning_usd_per_mtok: 20, request_usd: 0.5"
    )
    assert full.price(call).usd == pytest.approx(0.5 + (300 + 40 + 400 + 300 + 400 + 1200) / 1e6, rel=1e-12)
    bare = entries("model: m, input_usd_per_mtok: 1, output_usd_per_mtok: 10")
    assert bare.price(call).usd == pytest.approx((1000 + 1000) / 1e6)
    written = entries("model: m, input_usd_per_mtok: 1, cache_write_usd_per_mtok: 2, output_usd_per_mtok: 10")
    assert written.price(call).usd == pytest.approx((700 + 600 + 1000) / 1e6)


def test_a_side_without_a_price_is_unknown_and_not_free() -> None:
    one_sided = entries("model: m, input_usd_per_mtok: 1")
    assert one_sided.price(make_call("", "m", input_tokens=1_000_000)).usd == pytest.approx(1.0)
    assert one_sided.price(make_call("", "m", input_tokens=5, output_tokens=5)) == UNPRICED


def test_a_fee_alone_prices_the_request_with_or_without_tokens() -> None:
    fee = entries("model: rerank, request_usd: 0.002")
    assert fee.price(make_call("", "rerank")) == Cost(0.002, "computed")
    assert fee.price(make_call("", "rerank", input_tokens=50, output_tokens=0)) == Cost(0.002, "computed")
    assert fee.price(make_call("", "rerank", error_type="timeout")) == UNPRICED
    assert fee.price(make_call("openai", "gpt-4o")) == UNPRICED


def test_missing_usage_is_not_priced_by_the_fee_when_tokens_cost_too() -> None:
    both = entries(
        "model: m, input_usd_per_mtok: 1, output_usd_per_mtok: 1, request_usd: 0.01", "model: f, request_usd: 1"
    )
    assert both.price(make_call("", "m")) == UNPRICED


def test_batch_discount() -> None:
    pricer = entries(
        "model: m, input_usd_per_mtok: 4, output_usd_per_mtok: 4, request_usd: 1, batch_discount: 0.25",
        "model: n, input_usd_per_mtok: 4, output_usd_per_mtok: 4",
    )
    assert usd(pricer, "", "m") == pytest.approx(5.0)
    assert usd(pricer, "", "m", batch=True) == pytest.approx(3.75)
    assert usd(pricer, "", "n", batch=True) == pytest.approx(4.0)


def test_an_entry_for_a_service_tier_is_for_that_tier_only() -> None:
    pricer = entries("model: gpt-4o, service_tier: priority, input_usd_per_mtok: 100, output_usd_per_mtok: 100")
    assert usd(pricer, "openai", "gpt-4o", service_tier="priority") == pytest.approx(100)
    assert usd(pricer, "openai", "gpt-4o") == pytest.approx(2.5)


def test_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("prices:\n  - model: m\n    input_usd_per_mtok: 3\n    output_usd_per_mtok: 3\n")
    assert len(load_overrides(path)) == 1
    assert usd(Pricer(load_overrides(str(path)), book=book()), "", "m") == pytest.approx(3.0)


def test_an_empty_list_is_fine() -> None:
    assert len(parse_overrides("prices: []", "prices.yaml")) == 0


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("prices: [{model: m, inptu_usd_per_mtok: 1}]", ["prices[0]", "inptu_usd_per_mtok", "input_usd_per_mtok"]),
        ("prices: []\nextra: 1", ["top level", "extra", "accepted: prices"]),
        ("", ["top level", "object"]),
        ("[]", ["top level", "object"]),
        ("other: 1", ["other"]),
        ("prices: {}", ["prices", "array"]),
        ("prices: [{input_usd_per_mtok: 1}]", ["prices[0]", "model"]),
        ("prices: [{model: '', request_usd: 1}]", ["prices[0].model"]),
        ("prices: [{model: m, input_usd_per_mtok: cheap}]", ["prices[0].input_usd_per_mtok", "float"]),
        ("prices: [{model: m, input_usd_per_mtok: true}]", ["prices[0].input_usd_per_mtok", "float"]),
        ("prices: [{model: m, input_usd_per_mtok: -1}]", ["prices[0].input_usd_per_mtok", ">= 0"]),
        ("prices: [{model: m, input_usd_per_mtok: .nan}]", ["prices[0].input_usd_per_mtok"]),
        ("prices: [{model: m, input_usd_per_mtok: .inf}]", ["prices[0].input_usd_per_mtok", "million tokens"]),
        ("prices: [{model: m, input_usd_per_mtok: 0.0000025}]", ["prices[0].input_usd_per_mtok", "million tokens"]),
        ("prices: [{model: m, request_usd: .inf}]", ["prices[0].request_usd", "finite"]),
        ("prices: [{model: m, request_usd: .nan}]", ["prices[0].request_usd"]),
        ("prices: [{model: m}]", ["prices[0]", "has no price"]),
        ("prices: [{model: m, cache_read_usd_per_mtok: 1}]", ["prices[0]", "cache_read_usd_per_mtok needs"]),
        ("prices: [{model: m, request_usd: 1, batch_discount: 50}]", ["prices[0].batch_discount", "<= 1"]),
        ("prices: [{model: m, request_usd: 1, match: regex}]", ["prices[0].match", "regex"]),
        ("prices: [{model: m, request_usd: 1, valid_from: soon}]", ["prices[0].valid_from"]),
        ("prices: [{model: m, request_usd: 1}, {model: M, request_usd: 2}]", ["prices[1]", "prices[0]", "valid_from"]),
        (
            "prices: [{model: m, provider: azure, request_usd: 1}, "
            "{model: m, provider: azure.ai.openai, request_usd: 2}]",
            ["prices[1]", "prices[0]"],
        ),
        ("prices: [{model: m, request_usd: 1, request_usd: 2}]", ["repeated key", "request_usd"]),
        ("prices: [", ["not valid YAML"]),
        ("prices: [{model: m, request_usd: 1, ? [a] : 1}]", ["not valid YAML"]),
        ("prices: !!python/object/apply:os.getcwd []", ["not valid YAML"]),
    ],
)
def test_a_bad_file_is_refused_with_the_place_and_the_fix(text: str, complaints: list[str]) -> None:
    with pytest.raises(PriceFileError) as caught:
        parse_overrides(text, "prices.yaml")
    message = str(caught.value)
    assert message.startswith("prices.yaml: ")
    for complaint in complaints:
        assert complaint in message, message


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match=r"missing\.yaml: cannot be read"):
        load_overrides(tmp_path / "missing.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PriceFileError, match=r"binary\.yaml: cannot be read"):
        load_overrides(tmp_path / "binary.yaml")


def test_the_documented_file_is_accepted_and_every_key_documented() -> None:
    document = (Path(__file__).parents[2] / "docs" / "prices.md").read_text(encoding="utf-8")
    example = document.partition("```yaml\n")[2].partition("```")[0]
    pricer = Pricer(parse_overrides(example, "docs/prices.md"), book=book())
    assert usd(pricer, "ollama", "llama3:70b") == 0.0
    assert usd(pricer, "openai", "ft:gpt-4.1-nano-2025-04-14:acme::id") == pytest.approx(0.20)
    assert usd(pricer, "azure.ai.openai", "chat-prod", batch=True) == pytest.approx(1.0)
    assert pricer.price(make_call("cohere", "rerank-v3.5")) == Cost(0.002, "computed")
    table = document.partition("| key | meaning |")[2].partition("\n\n")[0]
    assert all(f"`{key}`" in table for key in Entry.__struct_fields__)


def test_it_is_a_value_error() -> None:
    assert issubclass(PriceFileError, ValueError)
