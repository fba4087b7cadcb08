"""The exporter's log: one line per event on standard error, as text or JSON."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from typing import Final, TextIO

from genai_exporter.config import LogSettings

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# Libraries that report every request or connection at INFO.
_CHATTY: Final = ("aiohttp.access", "asyncio", "grpc", "urllib3")
_OWN: Final = "genai_exporter_log_handler"


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send all logging to ``stream`` (standard error when None). May be called again to change level or format."""
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.name = _OWN
    handler.setFormatter(JsonFormatter() if settings.format == "json" else TextFormatter())
    root = logging.getLogger()
    for old in [old for old in root.handlers if old.name == _OWN]:
        root.removeHandler(old)
    root.addHandler(handler)
    level = _LEVELS[settings.level]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


class TextFormatter(logging.Formatter):
    """``2026-03-01T12:00:00.123Z INFO message``; what was received cannot forge a second line."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_timestamp(record)} {record.levelname} {_one_line(record.getMessage())}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object per event: ``time``, ``level``, ``logger``, ``message``, and ``exception`` if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "time": _timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=False)


def _timestamp(record: logging.LogRecord) -> str:
    moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
