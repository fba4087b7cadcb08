"""``genai-exporter prices``: what a call costs, and why."""

from __future__ import annotations

import argparse
import datetime as dt
import sys

from genai_exporter.price.explain import explain, render_explanation
from genai_exporter.price.overrides import PriceFileError, load_overrides
from genai_exporter.price.pricer import Pricer

DESCRIPTION = "Explain the price of a call. Exits with 1 when the call has no price, with 2 when the price file is bad."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--provider", default="", help="provider as telemetry names it (openai, azure.ai.openai, ...)")
    parser.add_argument("--model", required=True, help="model as the request or the response names it")
    for option, meaning in (
        ("input", "input tokens, cached ones included"),
        ("output", "output tokens, reasoning included"),
        ("cache-read", "input tokens read from the prompt cache"),
        ("cache-write", "input tokens written to the prompt cache, for one hour included"),
        ("cache-write-1h", "input tokens written to the prompt cache for one hour"),
        ("reasoning", "output tokens spent on reasoning"),
    ):
        parser.add_argument(f"--{option}", type=_count, default=0, metavar="N", help=meaning)
    parser.add_argument("--at", type=_moment, metavar="TIME", help="time of the call, ISO 8601, UTC (default: now)")
    parser.add_argument("--service-tier", default="", help="service tier of the response, such as flex or priority")
    parser.add_argument("--batch", action="store_true", help="the call is part of a batch")
    parser.add_argument("--prices", metavar="FILE", help="price file with your own prices")


def run(args: argparse.Namespace) -> int:
    """Print the explanation. Returns the exit status."""
    try:
        overrides = load_overrides(args.prices) if args.prices else None
    except PriceFileError as error:
        print(error, file=sys.stderr)
        return 2
    explanation = explain(
        Pricer(overrides, log_unpriced=False),
        provider=args.provider,
        model=args.model,
        at=args.at or dt.datetime.now(dt.UTC),
        input_tokens=args.input,
        output_tokens=args.output,
        cache_read_tokens=args.cache_read,
        cache_write_tokens=args.cache_write,
        cache_write_1h_tokens=args.cache_write_1h,
        reasoning_tokens=args.reasoning,
        service_tier=args.service_tier,
        batch=args.batch,
    )
    sys.stdout.write(render_explanation(explanation))
    return 0 if explanation.usd is not None else 1


def _count(text: str) -> int:
    count = int(text.replace("_", "").replace(",", ""))
    if count < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return count


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an ISO 8601 time such as 2026-03-01T12:00:00") from None
    if moment.year < 1971:
        raise argparse.ArgumentTypeError("no call was made before 1971")
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
