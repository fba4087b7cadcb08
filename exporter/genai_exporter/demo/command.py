"""The ``demo`` command."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.live import Live

from genai_exporter.simulate import arguments
from genai_exporter.simulate.dialects import DEFAULT, DIALECTS
from genai_exporter.simulate.scenario import SCENARIOS
from genai_exporter.simulate.traffic import Plan, Simulation, services_of

from . import check, view
from .child import Exporter, ExporterError
from .figures import Figures, read

SETTLE_S = 2.0
SCRAPE_EVERY_S = 1.0
LINE_EVERY_S = 5.0
IDLE_FACTOR = 6
AGREE_TIMEOUT_S = 30.0  # from the last span sent to the last figure: the settle time, and room for a busy machine
OK, WRONG, UNAVAILABLE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of ``demo``."""
    parser.add_argument(
        "--duration",
        type=arguments.not_negative,
        default=0.0,
        metavar="SECONDS",
        help="end after this many seconds (default: 0, until stopped)",
    )
    parser.add_argument("--rate", type=arguments.positive, default=5.0, help="requests per second (default: 5)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same requests (default: 1)")
    arguments.add_scenario(parser)


def run(args: argparse.Namespace) -> int:
    """Show it until done or stopped: 0 when the exporter's figures are the truth, 1 when not, 2 when it cannot run."""
    try:
        with Exporter(settle_s=SETTLE_S) as exporter:
            return _show(exporter, args)
    except ExporterError as error:
        print(f"demo: {error}", file=sys.stderr)
        return UNAVAILABLE


def _show(exporter: Exporter, args: argparse.Namespace) -> int:
    simulation = Simulation(
        Plan(
            endpoint=exporter.otlp_url,
            services=services_of([DIALECTS[name] for name in DEFAULT]),
            scenario=SCENARIOS[args.scenario],
            rate=args.rate,
            duration_s=args.duration,
            seed=args.seed,
            fault_after_s=args.scenario_after,
        )
    )
    console = Console()
    sending = threading.Thread(target=simulation.run, name="simulate", daemon=True)
    with _stopping(simulation):
        sending.start()
        if console.is_terminal:
            _watch_screen(exporter, simulation, sending, console)
        else:
            _watch_log(exporter, sending)
        figures = _last(exporter, simulation)
    return _verdict(simulation, figures, console)


@contextmanager
def _stopping(simulation: Simulation) -> Iterator[None]:
    """The first signal ends the traffic, and the figures are still checked; the second ends the program."""

    def stop(number: int, _frame: FrameType | None) -> None:
        simulation.stop()
        signal.signal(number, signal.default_int_handler)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pages(exporter: Exporter, sending: threading.Thread) -> Iterator[tuple[float, Figures]]:
    """Seconds since the start, and the page then, until the simulation is over."""
    began = time.monotonic()
    while True:
        now = time.monotonic()
        yield now - began, read(exporter.page(), now)
        taken_s = time.monotonic() - now
        # A page of many thousand lines takes long to read: look less often, and leave the processor to the exporter.
        sending.join(max(SCRAPE_EVERY_S - taken_s, taken_s * IDLE_FACTOR))
        if not sending.is_alive():
            return


def _watch_screen(exporter: Exporter, simulation: Simulation, sending: threading.Thread, console: Console) -> None:
    history = view.History()
    urls = {
        "metrics": f"{exporter.web_url}/metrics",
        "exporter": f"{exporter.web_url}/",
        "send OTLP/HTTP to": exporter.otlp_url,
        "send OTLP/gRPC to": exporter.otlp_grpc,
    }
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        for elapsed_s, figures in _pages(exporter, sending):
            history.add(figures)
            live.update(view.screen(history, elapsed_s, urls, _delivery(simulation)), refresh=True)


def _delivery(simulation: Simulation) -> str:
    queued = sum(service.queued for service in simulation.services)
    return f"simulator: {queued} spans queued, {simulation.lost_spans} lost. Ctrl-C stops, and checks every figure."


def _watch_log(exporter: Exporter, sending: threading.Thread) -> None:
    print(f"metrics: {exporter.web_url}/metrics  OTLP/HTTP: {exporter.otlp_url}  OTLP/gRPC: {exporter.otlp_grpc}")
    history = view.History()
    next_line_s = LINE_EVERY_S
    for elapsed_s, figures in _pages(exporter, sending):
        history.add(figures)
        if elapsed_s >= next_line_s:
            print(view.line(history, elapsed_s), flush=True)
            next_line_s += LINE_EVERY_S


def _last(exporter: Exporter, simulation: Simulation) -> Figures:
    """The page once it shows all that was sent, or as it stands when that takes too long."""
    truths = {service.name: service.truth for service in simulation.services}
    deadline = time.monotonic() + AGREE_TIMEOUT_S
    while True:
        figures = read(exporter.page(), time.monotonic())
        if time.monotonic() > deadline or (not figures.spans_pending and check.correct(truths, figures)):
            return figures
        time.sleep(0.25)


def _verdict(simulation: Simulation, figures: Figures, console: Console) -> int:
    truths = {service.name: service.truth for service in simulation.services}
    console.print(check.table(truths, figures))
    shares = ", ".join(f"{count:,} {result}" for result, count in sorted(figures.spans.items()) if count)
    print(f"{figures.spans_received:,} spans received = {shares}, {figures.spans_pending:,} pending")
    if simulation.lost_spans:
        errors = {service.delivery.last_error for service in simulation.services} - {""}
        print(
            f"demo: {simulation.lost_spans} spans were lost on the way ({'; '.join(sorted(errors))})", file=sys.stderr
        )
        return WRONG
    if not check.correct(truths, figures):
        print("demo: what the exporter shows is not what was sent", file=sys.stderr)
        return WRONG
    print(f"Every figure is exactly what was sent.{os.linesep if console.is_terminal else ''}", flush=True)
    return OK
