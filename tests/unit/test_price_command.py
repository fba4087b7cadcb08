"""The command that explains a price."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

import pytest
from price_samples import NOW, book, make_call, pricer

from genai_exporter.price import PriceFileError, Pricer, explain, parse_overrides, render_explanation
from genai_exporter.price.command import add_arguments, run


def command(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def squeezed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_it_prints_the_rule_each_rate_and_the_total(capsys: pytest.CaptureFixture[str]) -> None:
    status = command(
        *("--provider", "openai", "--model", "gpt-4o", "--input", "1000", "--output", "200", "--cache-read", "400"),
        *("--at", "2026-03-01T12:00:00"),
    )
    lines = squeezed(capsys.readouterr().out)
    assert status == 0
    assert "call openai / gpt-4o, made at 2026-03-01 12:00:00 UTC" in lines
    assert "matched openai, model gpt-4o" in lines
    assert "input 600 2.50 0.0015" in lines
    assert "cache read 400 1.25 0.0005" in lines
    assert "output 200 10.00 0.002" in lines
    assert "total (computed) 0.004" in lines
    assert any(line.startswith(f"prices genai-prices {book().version}, newest price in it from 20") for line in lines)


def test_every_option_reaches_the_price(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text(
        "prices:\n"
        "  - model: m\n"
        "    provider: house\n"
        "    service_tier: flex\n"
        "    input_usd_per_mtok: 1\n"
        "    cache_read_usd_per_mtok: 2\n"
        "    cache_write_usd_per_mtok: 3\n"
        "    cache_write_1h_usd_per_mtok: 4\n"
        "    output_usd_per_mtok: 5\n"
        "    reasoning_usd_per_mtok: 6\n"
    )
    status = command(
        *("--provider", "house", "--model", "m", "--prices", str(prices), "--service-tier", "flex"),
        *("--input", "1_000_000", "--output", "100,000", "--cache-read", "200000", "--cache-write", "300000"),
        *("--cache-write-1h", "50000", "--reasoning", "40000"),
    )
    lines = squeezed(capsys.readouterr().out)
    assert status == 0
    assert lines[1] == "matched exact 'm', provider house, service_tier flex"
    assert lines[2].endswith("prices.yaml: prices[0]")
    assert "input 500,000 1.00 0.50" in lines
    assert "cache read 200,000 2.00 0.40" in lines
    assert "cache write (5 min) 250,000 3.00 0.75" in lines
    assert "cache write (1 h) 50,000 4.00 0.20" in lines
    assert "output 60,000 5.00 0.30" in lines
    assert "reasoning 40,000 6.00 0.24" in lines
    assert "total (computed) 2.39" in lines


def test_batch_and_time_reach_the_price(capsys: pytest.CaptureFixture[str]) -> None:
    o3 = ("--provider", "openai", "--model", "o3", "--input", "1000000")
    totals = []
    for more in (["--at", "2025-05-01"], ["--at", "2026-11-01"], ["--at", "2026-11-01T00:00:00+02:00", "--batch"]):
        assert command(*o3, *more) == 0
        totals.append(squeezed(capsys.readouterr().out)[-1])
    assert totals == ["total (computed) 10.00", "total (computed) 2.00", "total (computed) 1.00"]


def test_an_unknown_model_says_so_gives_the_fix_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    status = command("--provider", "acme", "--model", "secret: 1", "--input", "1")
    out = capsys.readouterr().out
    assert status == 1
    assert "matched  nothing" in out
    assert "No price" in out
    assert "total (" not in out
    snippet = out[out.index("prices:\n") :]
    # As printed it is refused, because a person has to fill in the prices; filled in, it works.
    with pytest.raises(PriceFileError, match=r"input_usd_per_mtok"):
        parse_overrides(snippet, "snippet")
    fixed = Pricer(parse_overrides(snippet.replace("FILL_IN", "2"), "snippet"), book=book())
    cost = fixed.price(make_call("acme", "secret: 1", input_tokens=1_000_000, output_tokens=0))
    assert cost.usd == pytest.approx(2.0)


def test_a_listed_model_without_a_usable_price_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--provider", "openai", "--model", "whisper-1", "--input", "10") == 1
    assert "not per token of this kind" in capsys.readouterr().out
    assert command("--provider", "google", "--model", "gemma-3", "--input", "10") == 1
    assert "has this model, but no price for it" in capsys.readouterr().out


def test_a_bad_price_file_is_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("prices: [{model: m, price: 1}]")
    assert command("--model", "m", "--prices", str(prices)) == 2
    captured = capsys.readouterr()
    assert "unknown field `price`" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    "arguments", [["--input", "-1"], ["--input", "many"], ["--at", "yesterday"], ["--at", "1066-10-14"]]
)
def test_bad_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command("--model", "gpt-4o", *arguments)
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


class TestNotes:
    def notes(self, provider: str, model: str, at: dt.datetime = NOW, **fields: object) -> str:
        call = make_call(provider, model, at=at, **{"input_tokens": 10, "output_tokens": 1, **fields})
        explanation = pricer().explain(call)
        assert render_explanation(explanation).count("note ") == len(explanation.notes)
        return "; ".join(explanation.notes)

    def test_a_tier_of_size(self) -> None:
        assert "more than 200,000 input tokens: the higher rates hold for the whole request" in self.notes(
            "anthropic", "claude-sonnet-4-5", input_tokens=200_001
        )
        assert "other rates hold for requests of more than 200,000" in self.notes("anthropic", "claude-sonnet-4-5")

    def test_a_service_tier_with_and_without_its_own_price(self) -> None:
        assert "service tier 'flex' prices apply" in self.notes("openai", "o3", service_tier="flex")
        assert "no service tier 'flex' price is known for this model" in self.notes(
            "openai", "gpt-4-turbo", service_tier="flex"
        )

    def test_a_variant_before_it_was_recorded(self) -> None:
        long_ago = dt.datetime(2025, 7, 1, tzinfo=dt.UTC)
        assert "no batch price is known for this date" in self.notes("openai", "o3", at=long_ago, batch=True)
        assert "batch prices apply" in self.notes("openai", "o3", batch=True)

    def test_the_standard_price_needs_no_note(self) -> None:
        assert self.notes("openai", "gpt-4o") == ""


def test_the_explanation_of_an_imagined_call_is_that_of_a_real_one() -> None:
    imagined = explain(
        pricer(), provider="openai", model="gpt-4o", at=NOW, input_tokens=1000, output_tokens=10, cache_read_tokens=300
    )
    real = make_call("openai", "gpt-4o", input_tokens=1000, output_tokens=10, cache_read_tokens=300)
    assert imagined == pricer().explain(real)
    assert imagined.usd == pricer().price(real).usd


def test_a_reported_cost_is_shown_as_such() -> None:
    trusting = Pricer(book=book(), use_reported=True)
    explanation = trusting.explain(make_call("acme", "m", reported_cost_usd=0.25))
    assert (explanation.usd, explanation.source, explanation.fix) == (0.25, "reported", "")
    assert "total (reported)" in render_explanation(explanation)
