"""The ledger's tables, views and functions as Markdown, from the catalogue of a live database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from .connect import Connection

_HEAD: Final = """\
<!-- Written by `genai-exporter store describe` from a migrated database; edit the migrations instead. -->

# Schema of the ledger

What is in it and who may read it is in [the ledger](store.md). Tables that grow with traffic are partitioned by `day`.
Text is never NULL: empty means not reported. A number that is NULL was not reported; 0 is zero.
"""

_RELATIONS: Final = """
SELECT c.oid, c.relname, c.relkind, coalesce(obj_description(c.oid, 'pg_class'), '')
FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND NOT c.relispartition AND c.relkind::text = ANY (%s)
ORDER BY c.relname
"""
_COLUMNS: Final = """
SELECT
    a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, coalesce(col_description(a.attrelid, a.attnum), '')
FROM pg_attribute a
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_INDEXES: Final = """
SELECT i.indisprimary, pg_get_indexdef(i.indexrelid)
FROM pg_index i
WHERE i.indrelid = %s
ORDER BY NOT i.indisprimary, i.indexrelid::regclass::text
"""
_FUNCTIONS: Final = """
SELECT p.proname, pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid), obj_description(p.oid)
FROM pg_proc p
WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE 'ledger%'
ORDER BY p.proname
"""


def describe(connection: Connection) -> str:
    """The whole schema. Raises psycopg.Error."""
    return "\n".join([_HEAD, *_lines(connection)]).rstrip() + "\n"


def _lines(connection: Connection) -> Iterator[str]:
    yield "## Views\n"
    yield "Dashboards read these.\n"
    for oid, name, _, comment in _all(connection, _RELATIONS, (["v"],)):
        yield f"### `{name}`\n\n{comment}\n"
        columns = [f"`{column}` {kind}" for column, kind, *_ in _all(connection, _COLUMNS, (oid,))]
        yield f"Columns: {', '.join(columns)}.\n"
    yield "## Tables\n"
    for oid, name, kind, comment in _all(connection, _RELATIONS, (["r", "p"],)):
        yield f"### `{name}`\n\n{comment}\n"
        yield "| column | type | meaning |\n| --- | --- | --- |"
        for column, type_, required, meaning in _all(connection, _COLUMNS, (oid,)):
            yield f"| `{column}` | {type_}{'' if required else ', may be NULL'} | {meaning} |"
        yield ""
        if kind == "p":
            yield "- Partitioned by day."
        for primary, definition in _all(connection, _INDEXES, (oid,)):
            yield f"- {'Primary key' if primary else 'Index'}: `{_keys(definition)}`"
        yield ""
    yield "## Functions\n"
    for name, arguments, result, comment in _all(connection, _FUNCTIONS, ()):
        yield f"- `{name}({arguments})` returns {result}. {comment}"


def _keys(definition: str) -> str:
    """The columns of an index, and its condition."""
    return definition.partition(" USING btree ")[2]


def _all(connection: Connection, query: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return connection.execute(query, parameters or None).fetchall()
