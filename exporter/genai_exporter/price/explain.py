"""Show how a price came about: the rule that matched, every kind of token times its rate, and the total."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from genai_exporter.catalogue import UNPRICED_CALLS
from genai_exporter.price.book import Listed, PriceBook, Terms, to_datetime
from genai_exporter.price.overrides import Override
from genai_exporter.price.rates import Cost, Era, Rates, Tokens, split
from genai_exporter.records import Call

if TYPE_CHECKING:
    from genai_exporter.price.pricer import Pricer

_UNITS = {
    "input": "input",
    "cache_read": "cache read",
    "cache_write": "cache write (5 min)",
    "cache_write_1h": "cache write (1 h)",
    "output": "output",
    "reasoning": "reasoning",
}


class Line(msgspec.Struct, frozen=True):
    """One kind of token. ``usd_per_mtok`` and ``usd`` are None when the rate is unknown."""

    unit: str
    tokens: int
    usd_per_mtok: float | None
    usd: float | None


class Explanation(msgspec.Struct, frozen=True):
    """How one call is priced. ``usd`` is None when it is not; then ``fix`` is what to put in the price file.

    ``data`` names the price data and its date, ``rule`` what matched in it, ``notes`` what changes the price or keeps
    it from being exact. ``fee_usd`` is owed per request.
    """

    provider: str
    model: str
    at: dt.datetime
    data: str
    rule: str
    lines: tuple[Line, ...]
    fee_usd: float
    usd: float | None
    source: str
    notes: tuple[str, ...] = ()
    fix: str = ""


def explain(
    pricer: Pricer,
    *,
    provider: str,
    model: str,
    at: dt.datetime,
    input_tokens: int = 0,
    output_tokens: int = 0,
    cache_read_tokens: int = 0,
    cache_write_tokens: int = 0,
    cache_write_1h_tokens: int = 0,
    reasoning_tokens: int = 0,
    service_tier: str = "",
    batch: bool = False,
) -> Explanation:
    """Price an imagined call. ``input_tokens`` includes the cached ones, ``output_tokens`` the reasoning ones, and
    ``cache_write_tokens`` those written for one hour."""
    start_ns = (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1) * 1000
    call = Call(
        trace_id=b"",
        span_id=b"",
        start_ns=start_ns,
        duration_s=0.0,
        operation="",
        provider=provider,
        request_model=model,
        response_model="",
        service="",
        service_version="",
        environment="",
        flow="",
        segment="",
        agent="",
        prompt_name="",
        prompt_version="",
        error_type="",
        finish_reason="",
        streaming=False,
        ttft_s=None,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=cache_read_tokens,
        cache_write_tokens=cache_write_tokens,
        cache_write_1h_tokens=cache_write_1h_tokens,
        reasoning_tokens=reasoning_tokens,
        reported_cost_usd=None,
        service_tier=service_tier,
        batch=batch,
        refusal=False,
        regenerated=False,
        retries=0,
        response_cache_hit=None,
        response_id="",
        session="",
        user="",
        dialect="",
    )
    return pricer.explain(call)


def explain_call(call: Call, cost: Cost, era: Era, book: PriceBook, clock: Callable[[], float]) -> Explanation:
    """Put into words how ``cost`` was computed from ``era``."""
    at = to_datetime(call.start_ns if call.start_ns > 0 else int(clock() * 1e9))
    rule = era.rule
    tokens = split(call)
    rates = era.rates_for(tokens.total_input)
    if isinstance(rule, Override):
        data, matched = f"price file, {rule.place}", _override_rule(rule)
    else:
        today = to_datetime(int(clock() * 1e9)).date()
        newest = book.newest_change(today)
        data = f"genai-prices {book.version}, newest price in it from {newest or 'an unknown date'}"
        matched = f"{rule.provider_id}, model {rule.model_id}" if isinstance(rule, Listed) else "nothing"
    priced = rates is not None and cost.usd is not None
    return Explanation(
        provider=call.provider,
        model=call.response_model or call.request_model,
        at=at,
        data=data,
        rule=matched,
        lines=() if rates is None else _lines(rates, tokens),
        fee_usd=0.0 if rates is None else rates.request,
        usd=cost.usd,
        source=cost.source,
        notes=tuple(_notes(call, era, rates, tokens)),
        fix="" if priced or cost.source == "reported" else override_snippet(call),
    )


def override_snippet(call: Call) -> str:
    """An entry for the price file. Its prices are words, so that it is refused until they are filled in."""
    model = json.dumps(call.response_model or call.request_model, ensure_ascii=False)
    provider = f"    provider: {json.dumps(call.provider, ensure_ascii=False)}\n" if call.provider else ""
    return (
        f"prices:\n  - model: {model}\n{provider}"
        "    input_usd_per_mtok: FILL_IN   # US dollars per million tokens; 0 when you run the model yourself\n"
        "    output_usd_per_mtok: FILL_IN\n"
    )


def render_explanation(explanation: Explanation) -> str:
    """The explanation as text for a terminal, ending in a newline."""
    name = f"{explanation.provider or '(no provider)'} / {explanation.model}"
    rows = [
        ("call", f"{name}, made at {explanation.at:%Y-%m-%d %H:%M:%S} UTC"),
        ("matched", explanation.rule),
        ("prices", explanation.data),
        *(("note", note) for note in explanation.notes),
    ]
    text = [f"{label:<9}{value}" for label, value in rows]
    if explanation.lines:
        text += ["", f"{'':2}{'tokens':<21}{'count':>12}  {'USD per million':>16}  {'USD':>16}"]
        text += [
            f"{'':2}{line.unit:<21}{line.tokens:>12,}  {_usd(line.usd_per_mtok):>16}  {_usd(line.usd):>16}"
            for line in explanation.lines
        ]
        if explanation.fee_usd:
            text.append(f"{'':2}{'fee per request':<21}{1:>12}  {'':>16}  {_usd(explanation.fee_usd):>16}")
    if explanation.usd is not None:
        text += ["", f"  {'total (' + explanation.source + ')':<53}{_usd(explanation.usd):>16}"]
    else:
        text += ["", f"No price: calls like this count in {UNPRICED_CALLS.name} and add nothing to the cost."]
    if explanation.fix:
        text += ["To price them, put this in the price file:", "", explanation.fix.rstrip()]
    return "\n".join(text) + "\n"


def _lines(rates: Rates, tokens: Tokens) -> tuple[Line, ...]:
    lines = []
    for field, unit in _UNITS.items():
        count, rate = getattr(tokens, field), getattr(rates, field)
        known = rate == rate
        # Twelve digits: what the multiplication by a millionth added beyond them is no part of the price.
        shown = float(f"{rate * 1e6:.12g}") if known else None
        lines.append(Line(unit, count, shown, count * rate if known else None))
    return tuple(lines)


def _override_rule(override: Override) -> str:
    entry = override.entry
    extras = {"provider": entry.provider, "service_tier": entry.service_tier, "valid_from": entry.valid_from}
    return f"{entry.match} {entry.model!r}" + "".join(f", {key} {value}" for key, value in extras.items() if value)


def _notes(call: Call, era: Era, rates: Rates | None, tokens: Tokens) -> list[str]:
    notes = []
    terms = Terms.of(call.service_tier, call.batch)
    wanted = "batch" if terms.batch else f"service tier {terms.tier!r}" if terms.tier else ""
    rule = era.rule
    if isinstance(rule, Listed):
        if rates is None:
            notes.append("the price list has this model, but no price for it")
        elif wanted and not rule.has_variant(terms):
            notes.append(f"no {wanted} price is known for this model: standard prices apply")
        elif wanted and rule.bands(era.since_ns, terms) == rule.bands(era.since_ns, Terms("", False)):
            notes.append(f"no {wanted} price is known for this date: standard prices apply")
        elif wanted:
            notes.append(f"{wanted} prices apply")
    elif isinstance(rule, Override) and terms.batch:
        discount = rule.entry.batch_discount
        notes.append(f"batch discount of {discount:.0%} applied" if discount else "no batch discount given")
    total = tokens.total_input
    if total > era.next_band:
        above = max(start for start, _ in era.bands if total > start)
        notes.append(f"more than {above:,} input tokens: the higher rates hold for the whole request")
    elif len(era.bands) > 1:
        notes.append(f"other rates hold for requests of more than {era.next_band:,} input tokens")
    if rates is not None and any(line.tokens and line.usd is None for line in _lines(rates, tokens)):
        notes.append("this model has a price, but not per token of this kind")
    return notes


def _usd(value: float | None) -> str:
    """Dollars with as many decimals as they have, at least two, at most ten."""
    if value is None:
        return "unknown"
    text = f"{value:,.10f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"
