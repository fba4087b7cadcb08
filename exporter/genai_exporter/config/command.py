"""``genai-exporter check-config``: is this configuration usable, and what is in force?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from genai_exporter.config.load import FLAGS, effective, load
from genai_exporter.config.model import Settings
from genai_exporter.config.problem import ConfigError
from genai_exporter.price import PriceFileError, PriceOverrides, load_overrides
from genai_exporter.server.webfile import WebConfigError, read_web_config

_FLAG_HELP = {
    "--otlp-http-listen": ("ADDRESS", "where OTLP/HTTP is received (default: 127.0.0.1:4318)"),
    "--otlp-grpc-listen": ("ADDRESS", "where OTLP/gRPC is received (default: 127.0.0.1:4317)"),
    "--metrics-listen": ("ADDRESS", "where metrics are served (default: 127.0.0.1:9464)"),
    "--settle-seconds": ("SECONDS", "wait for the spans of a trace this long (default: 10)"),
    "--max-label-values": ("N", "distinct values of one label (default: 200)"),
    "--max-series": ("N", "series of all metrics together (default: 100000)"),
    "--log-level": ("LEVEL", "debug, info, warning or error (default: info)"),
    "--log-format": ("FORMAT", "text or json (default: text)"),
}


def add_settings_arguments(parser: argparse.ArgumentParser) -> None:
    """``--config`` and the flags that go before file and environment."""
    parser.add_argument("--config", metavar="FILE", help="YAML file (default: GENAI_EXPORTER_CONFIG, else none)")
    for flag in FLAGS:
        metavar, text = _FLAG_HELP[flag]
        # Kept as text: the configuration checks it, and says the same about a bad flag as about a bad key.
        parser.add_argument(flag, metavar=metavar, help=text)


def given_flags(args: argparse.Namespace) -> dict[str, str]:
    """The text of each flag that was given."""
    texts = {flag: getattr(args, flag.removeprefix("--").replace("-", "_")) for flag in FLAGS}
    return {flag: text for flag, text in texts.items() if text is not None}


def check_named_files(settings: Settings) -> PriceOverrides | None:
    """Read the files that the settings name; returns the price overrides. Raises ConfigError for one that is wrong."""
    faults: list[str] = []
    for path in dict.fromkeys((settings.receiver.web_config_file, settings.metrics.web_config_file)):
        if path is not None:
            try:
                read_web_config(Path(path))
            except WebConfigError as error:
                faults.append(str(error))
    overrides: PriceOverrides | None = None
    if settings.prices.file is not None:
        try:
            overrides = load_overrides(settings.prices.file)
        except PriceFileError as error:
            faults.append(str(error))
    if faults:
        raise ConfigError(faults)
    return overrides


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add_settings_arguments(parser)
    parser.add_argument("file", nargs="?", metavar="FILE", help="same as --config FILE")


def run(args: argparse.Namespace) -> int:
    """Print ``OK`` and the configuration in force, or every fault. Returns the exit status."""
    if args.config and args.file:
        print("check-config: name the file once, by FILE or by --config", file=sys.stderr)
        return 2
    try:
        settings = load(args.config or args.file, flags=given_flags(args))
        check_named_files(settings)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    print("OK")
    print(effective(settings), end="")
    return 0
