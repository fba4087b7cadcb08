#!/usr/bin/env python3
"""Writes the generated parts of the documentation from the catalogue and the settings; --check only compares.

docs/metrics.md, docs/configuration.md, docs/genai-exporter.example.yml, and the table of metrics in README.md.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from genai_exporter import catalogue
from genai_exporter.config import render
from genai_exporter.metrics.model import Label, Metric

DOCS = Path(__file__).resolve().parent
README = DOCS.parent / "README.md"
MARKED = re.compile(r"(<!-- metrics: .*? -->\n).*?(<!-- /metrics -->)", re.DOTALL)

INTRODUCTION = """\
<!-- Written by `make docs` from exporter/genai_exporter/catalogue.py; edit that instead. -->

# Metrics

Names that OpenTelemetry defines are kept as Prometheus spells them; `llm_*` is what it leaves open; `genai_exporter_*`
is the health of the exporter itself, explained in [operations](operations.md#what-its-own-metrics-mean).

**Labels.** A metric's own labels, in bold, are always there. Of the others those are there that the setting
`metrics.dimensions` lists; those in brackets are left out unless it lists them. A value beyond a label's limit becomes
`__other__`, and is counted.

**Units** are base units: seconds, US dollars, tokens. Input tokens include cached ones, output tokens include
reasoning.

**Histograms** have an edge on every threshold one might want to alert on: the share of observations above an edge is
exact, a quantile between edges is an estimate.
"""


def outputs() -> dict[Path, str]:
    """Every generated file and what it should contain."""
    readme = README.read_text(encoding="utf-8")
    table, found = MARKED.subn(lambda match: f"{match[1]}\n{summary()}\n{match[2]}", readme)
    if found != 1:
        raise SystemExit(f"{README}: the markers of the metrics table are missing")
    return {
        README: table,
        DOCS / "metrics.md": reference(),
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


def reference() -> str:
    """docs/metrics.md."""
    parts = [INTRODUCTION]
    for title, audience in (("The application", "operator"), ("The exporter itself", "internal")):
        parts.append(f"## {title}\n")
        parts += [entry(metric) for metric in catalogue.ALL if metric.audience == audience]
    parts.append("## Labels\n")
    parts.append("\n".join(("| label | meaning | limit | values |", "| --- | --- | --- | --- |", *label_rows(), "")))
    return "\n".join(parts)


def entry(metric: Metric) -> str:
    """One metric: heading, meaning, type, labels, buckets."""
    lines = [f"### `{metric.name}`\n", f"{without_numbers(metric.help)}\n", f"- Type: {metric.kind}"]
    if metric.unit:
        lines.append(f"- Unit: {metric.unit}")
    own = [f"**`{label.name}`**" for label in metric.labels if label in metric.essential]
    others = [f"`{label.name}`" for label in metric.labels if label not in metric.essential]
    asked = [f"(`{label.name}`)" for label in metric.optional]
    if own or others or asked:
        lines.append(f"- Labels: {', '.join((*own, *others, *asked))}")
    if metric.buckets:
        lines.append(f"- Buckets: {', '.join(f'{edge:.12g}' for edge in metric.buckets)}")
    return "\n".join(lines) + "\n"


def label_rows() -> Iterable[str]:
    """Every label once, in the order in which metrics use them; labels that share a name have a row each."""
    labels: dict[tuple[str, str], Label] = {}
    for metric in catalogue.ALL:
        for label in (*metric.labels, *metric.optional):
            labels.setdefault((label.name, label.meaning), label)
    for label in labels.values():
        values = ", ".join(f"`{value}`" for value in label.values or ())
        yield f"| `{label.name}` | {without_numbers(label.meaning)} | {label.limit} | {values} |"


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
