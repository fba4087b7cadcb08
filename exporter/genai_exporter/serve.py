"""``genai-exporter serve``: the service as a process."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import logging
import sys
from collections.abc import Callable

from genai_exporter import logging_setup
from genai_exporter.config import ConfigError, Settings, load
from genai_exporter.config.command import add_settings_arguments, given_flags
from genai_exporter.service import Service, StartError

FAILED, USAGE = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add_settings_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop. Returns 0 after an orderly stop, 1 when it cannot start, 2 for a bad configuration."""
    flags = given_flags(args)

    def read_settings() -> Settings:
        return load(args.config, flags=flags)

    try:
        settings = read_settings()
        logging_setup.configure(settings.log)
        service = Service(settings, read_settings)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return USAGE
    try:
        with asyncio.Runner(loop_factory=_event_loop()) as runner:
            runner.run(service.run())
    except StartError as error:
        print(f"genai-exporter: {error}", file=sys.stderr)
        return FAILED
    finally:
        logging.shutdown()
    return 0


def _event_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop, where it is made for the platform; the service is the same without it, only slower."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop
    make: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    return make
