"""Which format and compression a client gets."""

from __future__ import annotations

import pytest

from genai_exporter.server.negotiate import accepts_gzip, wants_openmetrics


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/openmetrics-text", True),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", True),
        ('Application/OpenMetrics-Text;version="0.0.1"', True),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4", True),
        ("text/plain;q=0.3,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1", True),
        ("application/openmetrics-text;version=2.0.0;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5", True),
        ("text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.5", False),
        ("application/openmetrics-text;version=2.0.0", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=nan", False),
        ("application/openmetrics-text;q=high", False),
        ("text/plain", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("*/*", False),
        ("", False),
        (";;,,=;q", False),
    ],
)
def test_openmetrics_is_given_to_those_who_prefer_it(accept: str, expected: bool) -> None:
    assert wants_openmetrics(accept) is expected


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("*;q=1, gzip;q=0", False),
        ("gzip;q=0", False),
        ("identity", False),
        ("gzipped", False),
        ("", False),
    ],
)
def test_gzip(accept_encoding: str, expected: bool) -> None:
    assert accepts_gzip(accept_encoding) is expected
