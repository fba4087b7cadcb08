"""``python -m bench``: measures everything in one run, prints it, writes build/bench.json."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import in_process, memory, over_http, payload, report, scrape

OUTPUT = Path(__file__).resolve().parents[2] / "build" / "bench.json"
BODIES_PER_SECOND = 12
SCRAPES_PER_SECOND = 3


def main(arguments: list[str] | None = None) -> int:
    """0 when nothing was lost and, with --check, the targets were met by that share; else 1."""
    parser = argparse.ArgumentParser(prog="bench", description="Speed and memory next to a plain implementation.")
    parser.add_argument("--seconds", type=float, default=8.0, help="time for each set of payloads (default 8)")
    parser.add_argument("--check", type=float, metavar="SHARE", help="fail below this share of the targets")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where to write the figures (build/bench.json)")
    options = parser.parse_args(arguments)
    stages, http = {}, {}
    for kind in payload.SETS:
        print(f"measuring: {kind}, in process, then over HTTP ...", flush=True)
        stages[kind] = in_process.measure(kind, options.seconds)
        http[kind] = over_http.measure(kind, max(20, int(options.seconds * BODIES_PER_SECOND)))
    print("measuring: the metrics page, and what a waiting trace holds ...", flush=True)
    figures = report.Figures(
        in_process=stages,
        http=http,
        scrape=scrape.measure(max(5, int(options.seconds * SCRAPES_PER_SECOND))),
        memory=memory.measure(report.HEADLINE),
    )
    report.write(figures, options.output)
    print()
    print("\n".join(report.lines(figures)))
    failures = figures.problems + (report.shortfalls(figures, options.check) if options.check else [])
    print(f"\nspans, calls and tokens lost or miscounted: {len(figures.problems) or 'none'}")
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
