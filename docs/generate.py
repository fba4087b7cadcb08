#!/usr/bin/env python3
"""Writes the generated parts of the documentation from catalogue, tables and settings; --check only compares.

docs/metrics.md, docs/dialects.md, docs/configuration.md, docs/genai-exporter.example.yml, and the table of metrics in
README.md.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from genai_exporter import catalogue
from genai_exporter.config import render
from genai_exporter.dialects import reference as dialects
from genai_exporter.metrics import reference

DOCS = Path(__file__).resolve().parent
README = DOCS.parent / "README.md"
MARKED = re.compile(r"(<!-- metrics: .*? -->\n).*?(<!-- /metrics -->)", re.DOTALL)


def outputs() -> dict[Path, str]:
    """Every generated file and what it should contain."""
    readme = README.read_text(encoding="utf-8")
    table, found = MARKED.subn(lambda match: f"{match[1]}\n{summary()}\n{match[2]}", readme)
    if found != 1:
        raise SystemExit(f"{README}: the markers of the metrics table are missing")
    return {
        README: table,
        DOCS / "metrics.md": reference.render(),
        DOCS / "dialects.md": dialects.render() + "\n",
        DOCS / render.REFERENCE: render.reference(),
        DOCS / render.EXAMPLE: render.example(),
    }


def summary() -> str:
    """The README's table: what operators look at, one line each."""
    rows = (
        f"| `{metric.name}` | {metric.kind} | {without_numbers(metric.help)} |"
        for metric in catalogue.ALL
        if metric.audience == "operator"
    )
    return "\n".join(("| metric | type | meaning |", "| --- | --- | --- |", *rows, ""))


def without_numbers(text: str) -> str:
    """A help text without the requirements it cites."""
    return re.sub(r" \(R\d[^)]*\)", "", text)


def main(arguments: list[str]) -> int:
    """Write, or with --check compare: 1 when something is not up to date."""
    if arguments not in ([], ["--check"]):
        print("usage: docs/generate.py [--check]", file=sys.stderr)
        return 2
    stale = {
        path: text for path, text in outputs().items() if not path.exists() or path.read_text(encoding="utf-8") != text
    }
    for path, text in stale.items():
        if arguments:
            print(f"{path.relative_to(DOCS.parent)} is not up to date: run make docs")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(DOCS.parent)}")
    return 1 if arguments and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
