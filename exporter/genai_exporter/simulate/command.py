"""The ``simulate`` command."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.table import Table

from .arguments import add_scenario, not_negative, positive
from .dialects import DEFAULT, DIALECTS, Dialect
from .scenario import SCENARIOS
from .traffic import Plan, Simulation, services_of

STATUS_EVERY_S = 10.0
OK, LOST, USAGE = 0, 1, 2


def _dialects(text: str) -> tuple[Dialect, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in DIALECTS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"unknown dialect {', '.join(unknown)!r}: choose from {', '.join(DIALECTS)}")
    return tuple(DIALECTS[name] for name in names)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of ``simulate``."""
    parser.add_argument("--endpoint", default="http://127.0.0.1:4318", help="OTLP/HTTP base URL (default: %(default)s)")
    add_scenario(parser)
    parser.add_argument("--rate", type=positive, default=5.0, help="requests per second over all services (default: 5)")
    parser.add_argument(
        "--duration", type=not_negative, default=60.0, metavar="SECONDS", help="0: until stopped (default: 60)"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same requests (default: 1)")
    parser.add_argument(
        "--dialect",
        type=_dialects,
        default=",".join(DEFAULT),
        help=f"comma-separated, each a service of its own: {', '.join(DIALECTS)} (default: %(default)s)",
    )
    parser.add_argument("--services", type=_names, default=(), help="comma-separated service names, one per dialect")
    parser.add_argument(
        "--content",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="put messages on the spans (default: yes)",
    )
    parser.add_argument("--once", action="store_true", help="one request per service, then stop")
    parser.add_argument("--summary-json", type=Path, metavar="FILE", help="write what was sent as JSON")


def run(args: argparse.Namespace) -> int:
    """Simulate until done or interrupted, print what was sent: 0, or 1 when spans were lost, 2 for bad arguments."""
    try:
        services = services_of(args.dialect, args.services)
    except ValueError as error:
        print(f"simulate: {error}", file=sys.stderr)
        return USAGE
    simulation = Simulation(
        Plan(
            endpoint=args.endpoint,
            services=services,
            scenario=SCENARIOS[args.scenario],
            rate=args.rate,
            duration_s=args.duration,
            seed=args.seed,
            content=args.content,
            fault_after_s=args.scenario_after,
            once=args.once,
        )
    )
    _run_until_signal(simulation)
    summary = simulation.summary()
    if args.summary_json is not None:
        args.summary_json.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    Console().print(summary_table(simulation))
    if simulation.lost_spans:
        reasons = {service.delivery.last_error for service in simulation.services} - {""}
        print(f"simulate: {simulation.lost_spans} spans did not arrive ({'; '.join(sorted(reasons))})", file=sys.stderr)
        return LOST
    return OK


def _run_until_signal(simulation: Simulation) -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        simulation.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    over = threading.Event()
    reporter = threading.Thread(target=_report, args=(simulation, over), daemon=True)
    reporter.start()
    try:
        simulation.run()
    finally:
        over.set()
        reporter.join()
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(simulation: Simulation, over: threading.Event) -> None:
    while not over.wait(STATUS_EVERY_S):
        counts = simulation.truth.counts
        deliveries = [service.delivery for service in simulation.services]
        print(
            f"{counts['requests']} requests, {counts['calls']} calls; spans: {sum(d.sent for d in deliveries)} sent, "
            f"{sum(service.queued for service in simulation.services)} queued, "
            f"{sum(d.dropped for d in deliveries)} dropped, {sum(d.failed for d in deliveries)} failed",
            file=sys.stderr,
            flush=True,
        )


ROWS = (
    ("requests", "requests"),
    ("failed requests", "failed_requests"),
    ("provider calls", "calls"),
    ("failed calls", "failed_calls"),
    ("retries", "retries"),
    ("input tokens", "input_tokens"),
    ("  cache read", "cached_input_tokens"),
    ("  cache written", "cache_write_input_tokens"),
    ("output tokens", "output_tokens"),
    ("  reasoning", "reasoning_output_tokens"),
    ("retrievals", "retrievals"),
    ("spans", "spans"),
)


def summary_table(simulation: Simulation) -> Table:
    """What was sent, by service and in total."""
    table = Table(title="What was sent", title_justify="left", box=None)
    table.add_column("")
    truths = [(service.name, service.truth) for service in simulation.services] + [("total", simulation.truth)]
    for name, _ in truths:
        table.add_column(name, justify="right")
    for label, key in ROWS:
        table.add_row(label, *(f"{truth.counts[key]:,}" for _, truth in truths))
    for label, field in (("tool executions", "tools"), ("agent runs", "agents"), ("evaluations", "evaluations")):
        table.add_row(label, *(f"{getattr(truth, field).total():,}" for _, truth in truths))
    lost = [service.delivery.lost for service in simulation.services]
    table.add_row("spans lost", *(f"{count:,}" for count in (*lost, sum(lost))))
    return table
