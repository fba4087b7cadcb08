"""Command line arguments that more than one command takes."""

from __future__ import annotations

import argparse
import math

from .scenario import SCENARIOS


def positive(text: str) -> float:
    """A finite number above 0. ArgumentTypeError otherwise."""
    value = _number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def not_negative(text: str) -> float:
    """A finite number, 0 or more. ArgumentTypeError otherwise."""
    value = _number(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """The flags that choose a fault and its beginning."""
    summaries = "; ".join(f"{scenario.name}: {scenario.summary}" for scenario in SCENARIOS.values())
    parser.add_argument("--scenario", choices=list(SCENARIOS), default="steady", help=summaries.replace("%", "%%"))
    parser.add_argument(
        "--scenario-after",
        type=not_negative,
        default=0.0,
        metavar="SECONDS",
        help="steady traffic first, then the fault (default: 0, the fault at once)",
    )
