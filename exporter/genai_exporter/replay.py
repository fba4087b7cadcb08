"""``genai-exporter replay``: send captured OTLP requests to an endpoint, as they are or with changes."""

from __future__ import annotations

import argparse
import email.utils
import random
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import requests
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from genai_exporter import captures
from genai_exporter.captures import JSON, Capture, CaptureError

RETRYABLE: Final = frozenset({429, 502, 503, 504})
MOST_ATTEMPTS: Final = 10
LONGEST_WAIT_S: Final = 60.0
FIRST_WAIT_S: Final = 0.5
TIMEOUT_S: Final = (5.0, 30.0)

_RESPONSES: Final[dict[str, tuple[Callable[[], Any], str]]] = {
    "traces": (ExportTraceServiceResponse, "spans"),
    "logs": (ExportLogsServiceResponse, "log_records"),
    "metrics": (ExportMetricsServiceResponse, "data_points"),
}


@dataclass
class Summary:
    """What became of a replay. ``failures`` are requests that were not taken, ``rejections`` parts of those taken."""

    sent: int = 0
    items: dict[str, int] = field(default_factory=dict)
    retries: int = 0
    rejected: int = 0
    rejections: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        what = ", ".join(f"{count} {noun}" for noun, count in self.items.items()) or "nothing"
        text = f"{self.sent} requests taken ({what}), {len(self.failures)} failed, {self.retries} repeated"
        return text + (f", {self.rejected} parts rejected" if self.rejected else "")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="*.pb, *.json or *.jsonl, also with .gz")
    parser.add_argument(
        "--endpoint", type=_endpoint, default="http://127.0.0.1:4318", help="OTLP/HTTP base URL (default: %(default)s)"
    )
    parser.add_argument(
        "--signal", choices=captures.SIGNALS, help="what the files hold (default: told by .traces. and so on in a name)"
    )
    parser.add_argument("--rewrite-times", action="store_true", help="shift all timestamps so that the newest is now")
    parser.add_argument("--service-name", metavar="NAME", help="replace the service.name of all resources")
    parser.add_argument("--rate", type=_rate, metavar="N", help="requests per second (default: as fast as answered)")
    parser.add_argument(
        "--order", choices=("forward", "reverse", "shuffle"), default="forward", help="order of the requests"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of --order shuffle (default: 1)")
    parser.add_argument("--single-spans", action="store_true", help="one request for each span")


def run(args: argparse.Namespace) -> int:
    """Send everything and print a summary; 0 when every request was taken."""
    try:
        found = [capture for path in args.files for capture in captures.read(path, args.signal)]
    except CaptureError as error:
        print(f"replay: {error}", file=sys.stderr)
        return 1
    prepared = prepare(
        found,
        now_ns=time.time_ns() if args.rewrite_times else None,
        service=args.service_name,
        single_spans=args.single_spans,
        order=args.order,
        seed=args.seed,
    )
    summary = Summary()
    with requests.Session() as session:
        session.trust_env = False  # a proxy for the internet must not get between two local processes
        send(prepared, args.endpoint, session, summary, rate=args.rate)
    for line in (*summary.rejections, *summary.failures):
        print(f"replay: {line}", file=sys.stderr)
    print(summary)
    return 1 if summary.failures else 0


def prepare(
    found: Iterable[Capture],
    *,
    now_ns: int | None = None,
    service: str | None = None,
    single_spans: bool = False,
    order: str = "forward",
    seed: int = 1,
) -> list[Capture]:
    """The requests to send. One shift serves all files (the newest timestamp of all becomes ``now_ns``)."""
    prepared = list(found)
    newest = captures.newest_ns(prepared) if now_ns is not None else 0
    if now_ns is not None and newest:
        prepared = [captures.shifted(capture, now_ns - newest) for capture in prepared]
    if service is not None:
        prepared = [captures.named(capture, service) for capture in prepared]
    if single_spans:
        prepared = [single for capture in prepared for single in captures.split(capture)]
    if order == "reverse":
        prepared.reverse()
    elif order == "shuffle":
        random.Random(seed).shuffle(prepared)
    return prepared


def send(
    prepared: Iterable[Capture],
    endpoint: str,
    session: requests.Session,
    summary: Summary,
    *,
    rate: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Send the requests one after the other. Stops when the endpoint cannot be reached: the rest would fail too."""
    start = clock()
    for index, capture in enumerate(prepared):
        if rate is not None:
            sleep(max(0.0, start + index / rate - clock()))
        try:
            _send_one(capture, endpoint, session, summary, sleep)
        except requests.RequestException as error:
            summary.failures.append(f"{endpoint} cannot be reached: {_root_cause(error)}")
            return


def _send_one(
    capture: Capture, endpoint: str, session: requests.Session, summary: Summary, sleep: Callable[[float], None]
) -> None:
    url = f"{endpoint}/v1/{capture.signal}"
    wait = FIRST_WAIT_S
    for attempt in range(1, MOST_ATTEMPTS + 1):
        response = session.post(
            url, data=capture.body, headers={"Content-Type": capture.content_type}, timeout=TIMEOUT_S
        )
        if response.status_code not in RETRYABLE or attempt == MOST_ATTEMPTS:
            break
        summary.retries += 1
        asked = retry_after_s(response.headers.get("Retry-After"), time.time())
        sleep(min(wait if asked is None else asked, LONGEST_WAIT_S))
        wait *= 2
    if not response.ok:
        reason = _reason(response) or response.reason
        summary.failures.append(f"{capture.source}: {url} answered {response.status_code}: {reason}")
        return
    summary.sent += 1
    summary.items[_noun(capture.signal)] = summary.items.get(_noun(capture.signal), 0) + capture.items
    rejected, message = _partial_success(capture.signal, response)
    if rejected or message:
        summary.rejected += rejected
        summary.rejections.append(f"{capture.source}: {rejected} {_noun(capture.signal)} rejected: {message}")


def retry_after_s(header: str | None, now: float) -> float | None:
    """The delay that a Retry-After header asks for, in seconds: a number or a date. None when it says nothing."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - now)
    except ValueError:
        return None


def _partial_success(signal: str, response: requests.Response) -> tuple[int, str]:
    make, noun = _RESPONSES[signal]
    if response.headers.get("Content-Type", "").startswith(JSON):
        try:
            answer = msgspec.json.decode(response.content or b"{}")
            partial = answer.get("partialSuccess", {})
            name = "rejected" + noun.title().replace("_", "")
            return int(partial.get(name, 0)), str(partial.get("errorMessage", ""))
        except (msgspec.DecodeError, AttributeError, ValueError, TypeError):
            return 0, "the answer cannot be read"
    message = make()
    try:
        message.ParseFromString(response.content)
    except DecodeError:
        return 0, "the answer cannot be read"
    partial = message.partial_success
    return int(getattr(partial, f"rejected_{noun}")), partial.error_message


def _reason(response: requests.Response) -> str:
    """The message of the google.rpc.Status that OTLP answers errors with; ``""`` when it is none."""
    try:
        if response.headers.get("Content-Type", "").startswith(JSON):
            return str(msgspec.json.decode(response.content).get("message", ""))
        status = Status()
        status.ParseFromString(response.content)
        return str(status.message)
    except (DecodeError, msgspec.DecodeError, AttributeError):
        return ""


def _root_cause(error: BaseException) -> str:
    """The innermost reason: the library wraps "Connection refused" into several layers of its own."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(error)


def _noun(signal: str) -> str:
    return {"traces": "spans", "logs": "log records", "metrics": "metrics"}[signal]


def _endpoint(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is not an http:// or https:// address")
    return text.rstrip("/")


def _rate(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return value
