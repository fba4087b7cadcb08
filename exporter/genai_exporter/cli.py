"""The command ``genai-exporter``.

Each subcommand lives in a module of its own with ``add_arguments(parser)`` and ``run(args) -> int``. Only the module of
the subcommand that was asked for is imported, so that ``genai-exporter --help`` answers at once and a small command
does not need what a large one needs. Exit status: 0 done, 1 failed, 2 wrong usage or configuration.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import os
import platform
import sys
from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

OK, FAILED, USAGE = 0, 1, 2
DISTRIBUTION = "genai-exporter"


class Command(NamedTuple):
    """A subcommand: its name, one line of help, and the module that does it."""

    name: str
    help: str
    module: str


class CommandModule(Protocol):
    """What the module of a subcommand offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


COMMANDS = (
    Command("serve", "receive telemetry and serve metrics", "genai_exporter.serve"),
    Command("check-config", "check a configuration and print what is in force", "genai_exporter.config.command"),
    Command("store", "look after the ledger in PostgreSQL", "genai_exporter.sinks.command"),
    Command("prices", "explain the price of a call", "genai_exporter.price.command"),
    Command("replay", "send captured OTLP files to an endpoint", "genai_exporter.replay"),
    Command("simulate", "send the telemetry of a simulated LLM application", "genai_exporter.simulate.command"),
    Command("demo", "run the exporter with simulated traffic and show what it measures", "genai_exporter.demo.command"),
    Command("version", "print the version", "genai_exporter.cli"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(
        prog=DISTRIBUTION,
        description="Turns the OpenTelemetry GenAI spans of any LLM application into correct Prometheus metrics.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=version())
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asked = argv[0] if argv else ""
    for command in COMMANDS:
        sub = subparsers.add_parser(command.name, help=command.help, description=command.help, allow_abbrev=False)
        if command.name == asked:
            module = cast(CommandModule, importlib.import_module(command.module))
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    args = parser.parse_args(argv)
    try:
        status: int = args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output went away, as `| head` does. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return FAILED
    return status


def version() -> str:
    """The installed version, and the interpreter it runs on."""
    return f"{DISTRIBUTION} {importlib.metadata.version(DISTRIBUTION)} (Python {platform.python_version()})"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``version`` takes no arguments."""


def run(args: argparse.Namespace) -> int:
    """Print the version."""
    print(version())
    return OK
