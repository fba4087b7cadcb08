"""Pieces of SQL that the boards share: how variables narrow the views of the ledger."""

from __future__ import annotations

from typing import Final

COLUMNS: Final = {
    "service": "service",
    "environment": "environment",
    "model": "request_model",
    "flow": "flow",
    "prompt_version": "prompt_version",
    "segment": "segment",
}
"""The column for each of the common variables."""

DAY: Final = "(now() AT TIME ZONE 'UTC')::date"


def chosen(*variables: str, table: str = "") -> str:
    """Conditions that keep the rows of what is chosen.

    All is the pattern ``.*`` and several values are ``(a|b)``, so a match by pattern is right for both; a list with
    IN is not.
    """
    dot = f"{table}." if table else ""
    return " AND ".join(f"{dot}{COLUMNS[name]} ~ '^(${{{name}:regex}})$'" for name in variables)


def typed(variable: str) -> str:
    """What was typed into a text box, quoted as SQL wants it."""
    return f"${{{variable}:sqlstring}}"
