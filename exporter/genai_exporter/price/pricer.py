"""What did this call cost? The answer for every call, from a cache of rates.

A model is looked up once per combination of provider, models, service tier and batch mode. What is found is kept with
the period in which its price holds, so a call is always priced at the time it was made, whatever the order in which
calls arrive, and prices that change within the day are right to the second.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from genai_exporter.catalogue import UNPRICED_CALLS
from genai_exporter.price.book import Listed, PriceBook, Terms, period
from genai_exporter.price.explain import Explanation, explain_call
from genai_exporter.price.overrides import Override, PriceOverrides
from genai_exporter.price.rates import FREE, UNPRICED, Cost, Era, Rates, amount, split
from genai_exporter.records import Call

logger = logging.getLogger(__name__)

_LONGEST_NAME = 256
_MOST_ERAS = 64
_MOST_WARNINGS = 1000

_Key = tuple[str, str, str, str, bool]


class _Model:
    """All that is known about the price of one cache key. ``era`` is the one used last."""

    __slots__ = ("_eras", "_listed", "_overrides", "_terms", "era")

    def __init__(self, overrides: tuple[Override, ...], listed: Listed | None, terms: Terms, ns: int) -> None:
        self._overrides = overrides
        self._listed = listed
        self._terms = terms
        self._eras: list[Era] = []
        self.era = self.at(ns)

    def at(self, ns: int) -> Era:
        """The era of an instant, remembered as the current one."""
        for era in self._eras:
            if era.since_ns <= ns < era.until_ns:
                break
        else:
            era = self._make(ns)
            if len(self._eras) >= _MOST_ERAS:
                del self._eras[0]
            self._eras.append(era)
        self.era = era
        return era

    def _make(self, ns: int) -> Era:
        changes = [override.valid_from_ns for override in self._overrides]
        if self._listed is not None:
            changes.extend(self._listed.changes(ns))
        since, until = period(iter(changes), ns)
        for override in self._overrides:
            if override.valid_from_ns <= ns:
                return Era.of(since, until, override.bands(self._terms), override)
        if self._listed is not None:
            return Era.of(since, until, self._listed.bands(ns, self._terms), self._listed)
        return Era.of(since, until, (), None)


class Pricer:
    """Prices calls. Not safe for several threads at once.

    ``use_reported`` takes the cost that the application or its gateway reported, where there is one. ``clock`` gives
    Unix seconds and stands in for the start of a call that has none. At most ``max_models`` priced and as many
    unpriced combinations are remembered; beyond that the oldest is forgotten and looked up again when it returns.
    A model without a price is logged once.
    """

    def __init__(
        self,
        overrides: PriceOverrides | None = None,
        *,
        use_reported: bool = False,
        clock: Callable[[], float] = time.time,
        max_models: int = 8192,
        log_unpriced: bool = True,
        book: PriceBook | None = None,
    ) -> None:
        self._overrides = PriceOverrides() if overrides is None else overrides
        self._use_reported = use_reported
        self._clock = clock
        self._max_models = max_models
        self._book = PriceBook() if book is None else book
        # Apart, so that a stream of invented model names cannot push out the models in use.
        self._priced: dict[_Key, _Model] = {}
        self._unpriced: dict[_Key, _Model] = {}
        self._log_unpriced = log_unpriced
        self._warned: set[tuple[str, str]] = set()

    @property
    def remembered(self) -> tuple[int, int]:
        """How many combinations are in memory: with a price, and without."""
        return len(self._priced), len(self._unpriced)

    def price(self, call: Call) -> Cost:
        """The cost of a call, at the prices of the time when it started. Never raises; never guesses."""
        if self._use_reported:
            reported = call.reported_cost_usd
            if reported is not None and 0.0 <= reported < float("inf"):
                return Cost(reported, "reported")
        if call.response_cache_hit:
            return FREE  # answered from a response cache: no provider was asked, whatever tokens the answer reports
        total, output = call.input_tokens, call.output_tokens
        if total is None and output is None:
            return self._price_without_usage(call)
        era = self._era(call)
        rates = era.rates
        if rates is None:
            self._warn(call)
            return UNPRICED
        if call.cache_read_tokens or call.cache_write_tokens or call.cache_write_1h_tokens or call.reasoning_tokens:
            return self._price_parts(call, era, rates)
        # Most calls: nothing to part.
        total = total or 0
        if total > era.next_band:
            rates = era.rates_for(total) or rates
        usd = rates.request + total * rates.input + (output or 0) * rates.output
        # Not so for NaN either, where a rate is unknown.
        return Cost(usd, "computed") if usd >= 0.0 else self._price_parts(call, era, rates)

    def explain(self, call: Call) -> Explanation:
        """Where the price of a call comes from. The total is that of :meth:`price`."""
        return explain_call(call, self.price(call), self._era(call), self._book, self._clock)

    def _price_parts(self, call: Call, era: Era, rates: Rates) -> Cost:
        """Price each part of the tokens at its own rate: cached, reasoning, or with a rate that is unknown."""
        tokens = split(call)
        if tokens.total_input > era.next_band:
            rates = era.rates_for(tokens.total_input) or rates
        usd = amount(rates, tokens)
        if usd is None or usd < 0.0:
            self._warn(call)
            return UNPRICED
        return Cost(usd, "computed")

    def _era(self, call: Call) -> Era:
        key = (call.provider, call.response_model, call.request_model, call.service_tier, call.batch)
        model = self._priced.get(key)
        start = call.start_ns
        if model is not None:
            era = model.era
            if era.since_ns <= start < era.until_ns:
                return era
        return self._find(key, call)

    def _find(self, key: _Key, call: Call) -> Era:
        """The slow way: a new key, an unpriced one, another period, or a call without a start."""
        ns = call.start_ns if call.start_ns > 0 else int(self._clock() * 1e9)
        model = self._priced.get(key)
        if model is not None:
            return model.at(ns)
        model = self._unpriced.get(key)
        if model is not None:
            era = model.era
            if not era.since_ns <= ns < era.until_ns:
                era = model.at(ns)
            return era
        if max(map(len, key[:4])) > _LONGEST_NAME:
            return Era.of(ns, ns + 1, (), None)
        terms = Terms.of(call.service_tier, call.batch)
        overrides = self._overrides.matching(call.provider, (call.response_model, call.request_model), terms)
        listed = self._book.find(call.provider, call.response_model, call.request_model)
        model = _Model(overrides, listed, terms, ns)
        memory = self._unpriced if model.era.rates is None else self._priced
        if len(memory) >= self._max_models:
            del memory[next(iter(memory))]
        memory[key] = model
        return model.era

    def _price_without_usage(self, call: Call) -> Cost:
        """A model billed by the request alone (images, reranking) has a price without tokens, if it answered."""
        if not self._overrides.has_fees or call.error_type:
            return UNPRICED
        era = self._era(call)
        if era.rates is not None and isinstance(era.rule, Override) and era.rule.is_fee:
            return Cost(era.rates.request, "computed")
        return UNPRICED

    def _warn(self, call: Call) -> None:
        """Say once per model that its calls have no price, as long as that does not flood the log."""
        if not self._log_unpriced:
            return
        name = (call.provider[:_LONGEST_NAME], (call.response_model or call.request_model)[:_LONGEST_NAME])
        if name in self._warned or len(self._warned) >= _MOST_WARNINGS:
            return
        self._warned.add(name)
        logger.warning(
            "No price for model %r of provider %r: its calls count in %s. Give it a price in the price file; "
            "`genai-exporter prices` prints the entry to fill in.",
            name[1],
            name[0],
            UNPRICED_CALLS.name,
        )
        if len(self._warned) == _MOST_WARNINGS:
            logger.warning("%d models without a price: further ones are not logged", _MOST_WARNINGS)
