"""``python -m genai_dashboards build``: writes the boards below ``provisioning/generated/grafana/dashboards``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .build import GENERATED, differences, files, portable, write
from .house import HouseError
from .house.links import DOCS


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when done, 1 when ``--check`` found a difference or a board breaks a rule of the house."""
    parser = argparse.ArgumentParser(prog="genai_dashboards", description="Builds the Grafana dashboards.")
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="write the dashboards as JSON")
    build.add_argument("--output", type=Path, default=GENERATED, metavar="DIR", help="where to (default: %(default)s)")
    build.add_argument("--check", action="store_true", help="write nothing; fail when a file is not as built")
    build.add_argument("--portable", type=Path, metavar="DIR", help="also write the variant for import on grafana.com")
    build.add_argument("--docs", default=DOCS, metavar="URL", help="where the documentation is (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        wanted = files(docs=chosen.docs)
    except HouseError as error:
        print(error, file=sys.stderr)
        return 1
    if chosen.check:
        faults = differences(chosen.output, wanted)
        for fault in faults:
            print(f"{chosen.output}: {fault}: run python -m genai_dashboards build", file=sys.stderr)
        return 1 if faults else 0
    changed = write(chosen.output, wanted)
    print(f"{len(wanted)} dashboards in {chosen.output}, {len(changed)} changed")
    if chosen.portable:
        write(chosen.portable, portable(docs=chosen.docs))
        print(f"{len(wanted)} dashboards for import in {chosen.portable}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
