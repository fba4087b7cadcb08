"""Unexpected exceptions fill the log with information, not with copies."""

from __future__ import annotations

import logging

import pytest

from genai_exporter.server.faults import MAX_KINDS, Faults


def test_one_traceback_per_kind_and_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [100.0]
    faults = Faults(logging.getLogger("test"), clock=lambda: now[0])
    for error in (KeyError("a"), KeyError("b"), ValueError("c"), KeyError("d")):
        faults.report("counting", error)
    assert [(record.levelname, record.exc_info is not None) for record in caplog.records] == [("ERROR", True)] * 2
    now[0] += 60
    faults.report("counting", KeyError("e"))
    assert "2 more of this kind" in caplog.messages[-1]
    now[0] += 60
    faults.report("counting", KeyError("f"))
    assert "more of this kind" not in caplog.messages[-1]


def test_kinds_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    faults = Faults(logging.getLogger("test"), clock=lambda: 0.0)
    kinds = [type(f"Error{number}", (Exception,), {}) for number in range(MAX_KINDS + 1)]
    for kind in kinds:
        faults.report("counting", kind())
    caplog.clear()
    faults.report("counting", kinds[-1]())
    assert not caplog.records
    faults.report("counting", kinds[0]())
    assert len(caplog.records) == 1, "the oldest was forgotten, so it is reported again"
