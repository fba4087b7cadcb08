"""One meaning for token counts: input includes cached tokens, output includes reasoning tokens."""

from __future__ import annotations

from typing import Any

from genai_exporter.dialects import fields as f
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
    if exclusive is None:
        total, output = values[f.TOTAL], values[f.OUTPUT] or 0
        if total is not None and total == reported + output:
            exclusive = cached > reported
        elif total is not None and total == reported + output + cached:
            exclusive = True
        else:
            exclusive = cached > reported
    return reported + cached if exclusive else reported
