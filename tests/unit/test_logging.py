"""The exporter's log."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from genai_exporter import logging_setup
from genai_exporter.config import LogSettings


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    yield logging.getLogger("genai_exporter.test")
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def test_text_is_one_line_whatever_was_received(log: logging.Logger) -> None:
    stream = io.StringIO()
    logging_setup.configure(LogSettings(), stream)
    log.info("model %s", "a\nERROR forged\x1b[31m")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("Z INFO model a\\nERROR forged\\x1b[31m")


def test_json_is_one_object_per_event(log: logging.Logger) -> None:
    stream = io.StringIO()
    logging_setup.configure(LogSettings(format="json"), stream)
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        log.exception("failed on %r", "ä\n")
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert (event["level"], event["logger"], event["message"]) == ("error", log.name, "failed on 'ä\\n'")
    assert event["exception"].endswith("RuntimeError: boom")
    assert event["time"].endswith("Z")


def test_level_and_format_can_be_changed_while_running(log: logging.Logger) -> None:
    first, second = io.StringIO(), io.StringIO()
    logging_setup.configure(LogSettings(level="error"), first)
    log.warning("quiet")
    logging_setup.configure(LogSettings(level="debug", format="json"), second)
    log.debug("loud")
    assert first.getvalue() == ""
    assert json.loads(second.getvalue())["message"] == "loud"


def test_libraries_that_report_every_request_are_quiet(log: logging.Logger) -> None:
    stream = io.StringIO()
    logging_setup.configure(LogSettings(level="debug"), stream)
    logging.getLogger("urllib3.connectionpool").info("Starting new connection")
    logging.getLogger("aiohttp.access").info("GET /metrics")
    assert stream.getvalue() == ""
