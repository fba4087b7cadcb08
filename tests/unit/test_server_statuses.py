"""Bodies of answers, in both encodings."""

from __future__ import annotations

import json

import pytest
from google.rpc import error_details_pb2, status_pb2

from genai_exporter.errors import Full, Receipt
from genai_exporter.server import statuses


def test_acceptance_in_full_is_the_empty_message() -> None:
    assert statuses.export_response("traces", Receipt(5), "protobuf") == b""
    assert statuses.export_response("traces", Receipt(5), "json") == b"{}"


def test_a_remark_without_rejection_is_passed_on() -> None:
    assert json.loads(statuses.export_response("logs", Receipt(5, 0, "old format"), "json")) == {
        "partialSuccess": {"errorMessage": "old format"}
    }


@pytest.mark.parametrize("message", ["\ud800 half a character", "x" * 100_000, "nul \x00", "ünïcode ✓"])
def test_any_message_can_be_sent(message: str) -> None:
    made = status_pb2.Status.FromString(statuses.status_body(statuses.INVALID_ARGUMENT, message, "protobuf"))
    assert made.code == 3
    assert 0 < len(made.message) <= statuses.MAX_MESSAGE_CHARS
    assert json.loads(statuses.status_body(statuses.INVALID_ARGUMENT, message, "json"))["message"] == made.message


@pytest.mark.parametrize(
    ("seconds", "header", "delay"),
    [
        (0.0, "1", 0.1),
        (0.25, "1", 0.25),
        (1.0, "1", 1.0),
        (1.01, "2", 1.01),
        (-5.0, "1", 0.1),
        (float("inf"), "3600", 3600.0),
        (float("nan"), "1", 1.0),
    ],
)
def test_delays_are_ones_a_client_can_follow(seconds: float, header: str, delay: float) -> None:
    assert statuses.retry_after_header(seconds) == header
    info = error_details_pb2.RetryInfo()
    assert statuses.status(8, "full", seconds).details[0].Unpack(info)
    assert info.retry_delay.ToNanoseconds() == round(delay * 1e9)


def test_retry_info_in_json_names_its_type() -> None:
    body = json.loads(statuses.status_body(8, "full", "json", 1.5))
    assert body["details"] == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.500s"}]


def test_full_carries_its_delay() -> None:
    assert Full(2.5).retry_after_s == 2.5
    assert str(Full())
