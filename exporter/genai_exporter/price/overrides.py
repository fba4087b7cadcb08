"""The user's own prices: a YAML file for custom, fine-tuned, self-hosted and negotiated models.

The file is strict. An unknown key, a negative price or two entries for the same calls are refused with the place in
the file, because a price that is silently not used is worse than none.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import math
import re
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

from genai_exporter.price.aliases import NO_LIST_PRICE, Aliases
from genai_exporter.price.book import Terms, to_ns
from genai_exporter.price.rates import NEVER_NS, UNKNOWN, Bands, rates_from

_SMALLEST_USD_PER_MTOK = 1e-4  # the cheapest list price is ten times that; a price per token is far below
_LARGEST_USD_PER_MTOK = 1e5
_TOKEN_RATES = {
    "input_usd_per_mtok": "input",
    "cache_read_usd_per_mtok": "cache_read",
    "cache_write_usd_per_mtok": "cache_write",
    "cache_write_1h_usd_per_mtok": "cache_write_1h",
    "output_usd_per_mtok": "output",
    "reasoning_usd_per_mtok": "reasoning",
}

Usd = Annotated[float, msgspec.Meta(ge=0)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class PriceFileError(ValueError):
    """A price file that cannot be used. The message names the file, the place in it and what would be accepted."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One entry of the file, as written. Prices are US dollars per million tokens; ``request_usd`` per call."""

    model: Name
    match: Literal["exact", "prefix", "glob"] = "exact"
    provider: Name | None = None
    service_tier: Name | None = None
    valid_from: dt.date | None = None
    input_usd_per_mtok: Usd | None = None
    cache_read_usd_per_mtok: Usd | None = None
    cache_write_usd_per_mtok: Usd | None = None
    cache_write_1h_usd_per_mtok: Usd | None = None
    output_usd_per_mtok: Usd | None = None
    reasoning_usd_per_mtok: Usd | None = None
    request_usd: Usd | None = None
    batch_discount: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None


class PriceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    prices: list[Entry]


class Override:
    """An entry, ready to match calls and to give rates."""

    def __init__(self, entry: Entry, place: str) -> None:
        self.entry = entry
        self.place = place
        start = entry.valid_from
        self.valid_from_ns = -NEVER_NS if start is None else to_ns(dt.datetime.combine(start, dt.time(), dt.UTC))
        self.tier = None if entry.service_tier is None else Terms.of(entry.service_tier, False)
        # Billed by the request and by nothing else.
        self.is_fee = entry.input_usd_per_mtok is None and entry.output_usd_per_mtok is None
        self._provider = "" if entry.provider is None else identity(entry.provider)
        self._model = entry.model.strip().lower()
        self._glob = re.compile(fnmatch.translate(self._model)) if entry.match == "glob" else None

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Two entries with the same key would price the same calls at the same time."""
        return (self._provider, self.entry.match, self._model, self.tier, self.valid_from_ns)

    def rank(self, provider: str, models: tuple[str, ...], terms: Terms) -> tuple[int, ...] | None:
        """How closely the entry fits a call: greater is closer, None when it does not fit.

        ``provider`` is an :func:`identity`, ``models`` the lower-case names, the response's before the request's.
        """
        if self._provider and self._provider != provider:
            return None
        if self.tier is not None and self.tier != terms:
            return None
        for position, model in enumerate(models):
            if self._fits(model):
                kind = ("glob", "prefix", "exact").index(self.entry.match)
                return (kind, -position, len(self._model), bool(self._provider), self.tier is not None)
        return None

    def bands(self, terms: Terms) -> Bands:
        """The rates, less the discount when the call was part of a batch."""
        entry = self.entry
        share = 1.0 - (entry.batch_discount or 0.0) if terms.batch else 1.0
        rates = {unit: getattr(entry, field) for field, unit in _TOKEN_RATES.items()}
        tokens = {unit: usd * share for unit, usd in rates.items() if usd is not None}
        # With one side alone, the other side is unknown and must not look free.
        missing = 0.0 if self.is_fee else UNKNOWN
        tokens.setdefault("input", missing)
        tokens.setdefault("output", missing)
        return ((-1, rates_from(tokens, (entry.request_usd or 0.0) * share)),)

    def _fits(self, model: str) -> bool:
        if self._glob is not None:
            return self._glob.match(model) is not None
        return model.startswith(self._model) if self.entry.match == "prefix" else model == self._model


class PriceOverrides:
    """The entries of a price file, in the order of the file."""

    def __init__(self, overrides: Iterable[Override] = ()) -> None:
        self._overrides = tuple(overrides)
        self.has_fees = any(override.is_fee for override in self._overrides)

    def __len__(self) -> int:
        return len(self._overrides)

    def matching(self, provider_name: str, models: Iterable[str], terms: Terms) -> tuple[Override, ...]:
        """The entries that fit a call, the closest first, and among equals the one that came into force last."""
        provider = identity(provider_name)
        names = tuple(model.strip().lower() for model in models if model)
        ranked = [(override.rank(provider, names, terms), override) for override in self._overrides]
        fitting = [(rank, override.valid_from_ns, override) for rank, override in ranked if rank is not None]
        fitting.sort(key=lambda item: item[:2], reverse=True)
        return tuple(override for _, _, override in fitting)


_ALIASES = Aliases(frozenset())


def identity(provider_name: str) -> str:
    """One spelling for all names of a provider, known to the price list or not, so that entries may use any."""
    provider = _ALIASES.provider(provider_name)
    return provider if provider not in ("", NO_LIST_PRICE) else provider_name.strip().lower().replace("-", "_")


def load_overrides(path: str | Path) -> PriceOverrides:
    """Read a price file.

    Raises PriceFileError (a ValueError) that names the file, the place and the fix.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PriceFileError(f"{path}: cannot be read: {error}") from None
    return parse_overrides(text, str(path))


def parse_overrides(text: str, source: str) -> PriceOverrides:
    """The overrides in the text of a price file. ``source`` stands for the file in messages."""
    try:
        document = yaml.load(text, Loader=_UniqueKeys)
    except yaml.YAMLError as error:
        raise PriceFileError(f"{source}: not valid YAML: {error}") from None
    try:
        file = msgspec.convert(document, PriceFile)
    except msgspec.ValidationError as error:
        raise PriceFileError(f"{source}: {_explained(str(error))}") from None
    overrides: dict[tuple[Hashable, ...], Override] = {}
    for index, entry in enumerate(file.prices):
        where = f"{source}: prices[{index}]"
        _check(entry, where)
        override = Override(entry, where)
        other = overrides.setdefault(override.key, override)
        if other is not override:
            raise PriceFileError(
                f"{where}: prices the same calls as {other.place.removeprefix(f'{source}: ')}; "
                "remove one, or give them different valid_from dates"
            )
    return PriceOverrides(overrides.values())


def _check(entry: Entry, where: str) -> None:
    given = {field: getattr(entry, field) for field in _TOKEN_RATES if getattr(entry, field) is not None}
    for field, usd in given.items():
        if not math.isfinite(usd) or usd > _LARGEST_USD_PER_MTOK or 0 < usd < _SMALLEST_USD_PER_MTOK:
            raise PriceFileError(
                f"{where}.{field}: {usd!r} is not plausible; give US dollars per million tokens, "
                f"0 or {_SMALLEST_USD_PER_MTOK} to {_LARGEST_USD_PER_MTOK:.0f}"
            )
    if entry.request_usd is not None and not math.isfinite(entry.request_usd):
        raise PriceFileError(f"{where}.request_usd: must be a finite number of US dollars per call")
    if entry.input_usd_per_mtok is None and entry.output_usd_per_mtok is None:
        if given:
            raise PriceFileError(f"{where}: {next(iter(given))} needs input_usd_per_mtok or output_usd_per_mtok too")
        if entry.request_usd is None:
            raise PriceFileError(f"{where}: has no price; give input_usd_per_mtok, output_usd_per_mtok or request_usd")


def _explained(message: str) -> str:
    """msgspec's message, the place first, and with the accepted keys where a key is the trouble."""
    text, _, place = message.partition(" - at `$")
    place = place.rstrip("`").lstrip(".") or "the top level"
    if "unknown field" in text:
        kind: type[msgspec.Struct] = Entry if place.startswith("prices[") else PriceFile
        text += f"; accepted: {', '.join(kind.__struct_fields__)}"
    return f"{place}: {text}"


class _UniqueKeys(yaml.SafeLoader):
    """A safe loader that refuses a repeated key, of which YAML's own would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else id(key_node)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"repeated key {key!r}", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)
