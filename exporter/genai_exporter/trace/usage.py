"""One meaning for token counts: input includes cached tokens, output includes reasoning tokens."""

from __future__ import annotations

from typing import Any

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import BUCKETS
from genai_exporter.dialects.vocabulary import fold_provider, provider_of_model
from genai_exporter.trace.span import ScopeInfo


def has_usage(values: Any) -> bool:
    """Whether any billable figure above zero was reported."""
    return bool(values[f.INPUT] or values[f.OUTPUT])


def canonical_input(values: Any, scope: ScopeInfo) -> int | None:
    """Input tokens including cached ones, repaired where a library leaves them out.

    The evidence, strongest first: what the dialect is known to do; the reported total; a cached count that is larger
    than the input it should be part of.
    """
    reported: int | None = values[f.INPUT]
    if reported is None:
        return None
    cached = (values[f.CACHE_READ] or 0) + (values[f.CACHE_WRITE] or 0)
    if not cached:
        return reported
    exclusive = values[f.EXCLUSIVE]
    if exclusive is None and scope.exclusive_input:
        exclusive = True
    total, output = values[f.TOTAL], values[f.OUTPUT] or 0
    if exclusive == BUCKETS:
        # Other keys may tell the same input in full, and the total then is theirs.
        exclusive = cached > reported or total is None or total != reported + output
    elif exclusive is None:
        exclusive = cached > reported or (total is not None and total == reported + output + cached)
    return reported + cached if exclusive else reported


def canonical_output(values: Any, scope: ScopeInfo) -> int | None:
    """Output tokens including reasoning tokens, once.

    A library that leaves reasoning out says so by its keys, or by a total that only adds up with it.
    """
    reported: int | None = values[f.OUTPUT]
    reasoning: int | None = values[f.REASONING]
    if not reported or not reasoning:
        return reported
    total = values[f.TOTAL]
    whole = (canonical_input(values, scope) or 0) + reported
    if scope.reasoning_twice:
        twice = reported >= 2 * reasoning and total != whole and _not_google(values)
        return reported - reasoning if twice else reported
    if total == whole:
        return reported
    return reported + reasoning if values[f.EXCLUSIVE_OUTPUT] or total == whole + reasoning else reported


def _not_google(values: Any) -> bool:
    named: str = values[f.PROVIDER] or ""
    model: str = values[f.REQUEST_MODEL] or values[f.RESPONSE_MODEL] or ""
    provider = fold_provider(named) or provider_of_model(model)
    return provider != "" and not provider.startswith("gcp.")
