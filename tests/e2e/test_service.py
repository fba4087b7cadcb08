"""``genai-exporter serve`` as a process: start, stop, reload, and what it says when it cannot start."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from e2e import harness

ANY_PORTS = {
    "GENAI_EXPORTER_RECEIVER__HTTP__LISTEN": "127.0.0.1:0",
    "GENAI_EXPORTER_RECEIVER__GRPC__LISTEN": "127.0.0.1:0",
    "GENAI_EXPORTER_METRICS__LISTEN": "127.0.0.1:0",
}
COMMAND = [sys.executable, "-m", "genai_exporter", "serve"]
RELOADED = "genai_exporter_config_last_reload_successful"
RELOADED_AT = "genai_exporter_config_last_reload_success_timestamp_seconds"


class Service:
    """A running exporter, its configuration file and its log."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, config: Path) -> None:
        self.process = process
        self.log_file = log
        self.config = config

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    def where(self, what: str) -> str:
        """``host:port`` of ``metrics page``, ``OTLP/HTTP`` or ``OTLP/gRPC``, once the log tells."""

        def told() -> re.Match[str] | None:
            assert self.process.poll() is None, self.log
            return re.search(rf"{what} on ([\d.]+:\d+)\n", self.log)

        return harness.wait_until(f"{what} in the log", told)[1]

    def url(self, path: str) -> str:
        return f"http://{self.where('metrics page')}{path}"

    def ready(self) -> requests.Response | None:
        with contextlib.suppress(requests.ConnectionError):
            answer = requests.get(self.url("/-/ready"), timeout=10)
            return answer if answer.ok else None
        return None

    def page(self) -> harness.Page:
        answer = requests.get(self.url("/metrics"), headers={"Accept": harness.OPENMETRICS}, timeout=30)
        answer.raise_for_status()
        return harness.Page(answer.text)

    def wait_for(self, text: str) -> None:
        harness.wait_until(f"{text!r} in the log", lambda: text in self.log)

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@contextlib.contextmanager
def service(tmp_path: Path, config: str = "", **environ: str) -> Iterator[Service]:
    file = tmp_path / "config.yml"
    file.write_text(config, encoding="utf-8")
    env = harness.clean_environment() | ANY_PORTS | environ
    with harness.started([*COMMAND, "--config", str(file)], tmp_path / "log", env) as process:
        running = Service(process, tmp_path / "log", file)
        harness.wait_until("ready", running.ready)
        yield running


def spans(number: int = 1) -> bytes:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "chat"
    start = time.time_ns() - 2 * 10**9
    span = group.scope_spans.add().spans.add(
        trace_id=number.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        name="chat",
        kind=3,
        start_time_unix_nano=start,
        end_time_unix_nano=start + 10**9,
    )
    for key, value in {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "app.tier": "gold",
    }.items():
        span.attributes.add(key=key).value.string_value = value
    span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 10
    body: bytes = request.SerializeToString()
    return body


def post(url: str, body: bytes) -> requests.Response:
    return requests.post(url, data=body, headers={"Content-Type": "application/x-protobuf"}, timeout=30)


def segments(running: Service) -> dict[str, float]:
    return running.page().by("llm_user_segment", "gen_ai_client_operation_duration_seconds_count")


def test_it_starts_without_any_configuration_and_stops_in_order(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        assert requests.get(running.url("/-/healthy"), timeout=10).ok
        page = running.page()
        assert page.total(RELOADED) == 1
        assert page.total("genai_exporter_build_info") == 1
        assert "genai-exporter" in requests.get(running.url("/"), timeout=10).text
        running.send_signal(signal.SIGTERM)
        assert running.process.wait(harness.STOP_SECONDS) == 0
        assert running.log.splitlines()[-1].endswith("INFO stopped")
        assert "Traceback" not in running.log


def test_interrupting_is_an_orderly_stop_too(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        running.send_signal(signal.SIGINT)
        assert running.process.wait(harness.STOP_SECONDS) == 0


def test_a_call_is_counted_after_the_settle_time(tmp_path: Path) -> None:
    with service(tmp_path, "assembly: {settle_seconds: 0.3}\nattributes: {segment: [app.tier]}\n") as running:
        url = f"http://{running.where('OTLP/HTTP')}/v1/traces"
        assert post(url, spans()).ok
        harness.wait_until("the call", lambda: segments(running) == {"gold": 1})
        assert running.page().total("genai_exporter_requests_total", transport="http", signal="traces", code="200") == 1


def test_what_is_pending_is_counted_on_the_way_out(tmp_path: Path) -> None:
    with service(tmp_path, "assembly: {settle_seconds: 3000}\n") as running:
        body = spans().replace(b"gpt-4o", b"own-x2")
        assert post(f"http://{running.where('OTLP/HTTP')}/v1/traces", body).ok
        assert running.page().total("genai_exporter_pending_spans") == 1
        assert "own-x2" not in running.log
        running.send_signal(signal.SIGTERM)
        assert running.process.wait(harness.STOP_SECONDS) == 0
        # That a model has no price is said when its call is counted, and not before.
        assert "own-x2" in running.log


# Reload


def test_sighup_puts_a_new_configuration_in_force(tmp_path: Path) -> None:
    with service(tmp_path, "assembly: {settle_seconds: 0.2}\n") as running:
        before = running.page().total(RELOADED_AT)
        running.config.write_text(
            "assembly: {settle_seconds: 0.2}\n"
            "attributes: {segment: [app.tier]}\n"
            "log: {level: debug, format: json}\n"
            "quotas: [{provider: openai, tokens_per_minute: 1234}]\n"
        )
        running.send_signal(signal.SIGHUP)
        running.wait_for("configuration reloaded: attributes.segment, quotas, log.level, log.format changed")
        page = running.page()
        assert page.total(RELOADED) == 1
        assert page.total(RELOADED_AT) > before
        assert page.total("llm_quota_tokens") == 1234
        assert post(f"http://{running.where('OTLP/HTTP')}/v1/traces", spans()).ok
        harness.wait_until("the label", lambda: segments(running) == {"gold": 1})


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("assembly: {settle_secs: 1}", "unknown key 'settle_secs'; did you mean 'settle_seconds'?"),
        ("log: {level: debug}\nmetrics: {idle_seconds: -1}", "metrics.idle_seconds: -1 is refused"),
        (
            "log: {level: debug}\nmetrics: {dimensions: [llm_flow]}",
            "metrics.dimensions: changed, and takes effect only by",
        ),
    ],
)
def test_a_configuration_that_cannot_be_used_leaves_the_running_one(tmp_path: Path, config: str, reason: str) -> None:
    with service(tmp_path) as running:
        before = running.page().total(RELOADED_AT)
        running.config.write_text(config)
        running.send_signal(signal.SIGHUP)
        running.wait_for("ERROR configuration not reloaded, the running one stays")
        assert reason in running.log
        page = running.page()
        assert page.total(RELOADED) == 0
        assert page.total(RELOADED_AT) == before
        assert running.ready()
        running.config.write_text("")
        running.send_signal(signal.SIGHUP)
        running.wait_for("configuration reloaded: no setting changed")
        assert running.page().total(RELOADED) == 1


def test_reload_over_http_is_off_unless_asked_for(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        refused = requests.post(running.url("/-/reload"), timeout=10)
        assert refused.status_code == 403
        assert "reload.http" in refused.text


def test_reload_over_http(tmp_path: Path) -> None:
    with service(tmp_path, "reload: {http: true}\n") as running:
        assert requests.post(running.url("/-/reload"), timeout=10).ok
        running.config.write_text("reload: {http: true}\nmetrics: {max_series: 5}\n")
        refused = requests.post(running.url("/-/reload"), timeout=10)
        assert refused.status_code == 500
        assert "metrics.max_series: 5 is refused" in refused.text
        assert running.page().total(RELOADED) == 0


# Not starting


def run(*flags: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = harness.clean_environment() | ANY_PORTS | environ
    return subprocess.run([*COMMAND, *flags], env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("flag", "setting"),
    [
        ("--otlp-http-listen", "receiver.http.listen"),
        ("--otlp-grpc-listen", "receiver.grpc.listen"),
        ("--metrics-listen", "metrics.listen"),
    ],
)
def test_a_port_that_is_taken_is_told_with_the_flag_to_change(flag: str, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run(flag, address)
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert address in last
    assert f"choose another address by {flag} ({setting})" in last
    assert "Traceback" not in ended.stderr


def test_a_bad_configuration_is_status_2() -> None:
    ended = run("--max-series", "many", GENAI_EXPORTER_ASEMBLY__SETTLE_SECONDS="1")
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        line for line in ended.stderr.splitlines() if line.startswith(("flag --max-series", "environment: unknown"))
    ]


def test_a_receiver_can_be_turned_off(tmp_path: Path) -> None:
    with service(tmp_path, GENAI_EXPORTER_RECEIVER__GRPC__LISTEN="") as running:
        assert "OTLP/gRPC" not in running.log
        assert post(f"http://{running.where('OTLP/HTTP')}/v1/traces", spans()).ok


# Its own traces


class Received:
    """What a collector got: names of spans, and authorization headers."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.names: list[str] = []
        self.authorizations: set[str | None] = set()


@contextlib.contextmanager
def collector() -> Iterator[Received]:
    """An OTLP/HTTP endpoint for traces."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            request = ExportTraceServiceRequest.FromString(body)
            received.authorizations.add(self.headers.get("Authorization"))
            received.names += [
                span.name for group in request.resource_spans for part in group.scope_spans for span in part.spans
            ]
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received = Received(f"http://127.0.0.1:{server.server_port}/v1/traces")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_its_own_traces_go_to_another_receiver(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("Bearer hidden-token\n")
    with (
        collector() as received,
        service(
            tmp_path,
            GENAI_EXPORTER_TELEMETRY__TRACES_ENDPOINT=received.url,
            GENAI_EXPORTER_TELEMETRY__TRACES_SAMPLING_RATIO="1",
            GENAI_EXPORTER_TELEMETRY__TRACES_AUTHORIZATION_FILE=str(token),
        ) as running,
    ):
        assert post(f"http://{running.where('OTLP/HTTP')}/v1/traces", spans()).ok
        assert post(f"http://{running.where('OTLP/HTTP')}/v1/traces", b"\xff").status_code == 400
        running.send_signal(signal.SIGTERM)
        assert running.process.wait(harness.STOP_SECONDS) == 0
        assert received.names.count("receive traces") == 2
        assert "settle" in received.names
        assert received.authorizations == {"Bearer hidden-token"}
        assert "hidden-token" not in running.log


@pytest.mark.parametrize("answering", [False, True], ids=["down", "hanging"])
def test_an_endpoint_for_traces_that_does_not_answer_does_not_hold_up_the_stop(tmp_path: Path, answering: bool) -> None:
    with socket.socket() as endpoint:
        endpoint.bind(("127.0.0.1", 0))
        if answering:
            endpoint.listen()
        with service(
            tmp_path,
            GENAI_EXPORTER_TELEMETRY__TRACES_ENDPOINT=f"http://127.0.0.1:{endpoint.getsockname()[1]}/v1/traces",
            GENAI_EXPORTER_TELEMETRY__TRACES_SAMPLING_RATIO="1",
        ) as running:
            assert post(f"http://{running.where('OTLP/HTTP')}/v1/traces", spans()).ok
            running.send_signal(signal.SIGTERM)
            assert running.process.wait(harness.STOP_SECONDS) == 0


# Replay against it


def test_a_replay_is_counted(tmp_path: Path) -> None:
    capture = tmp_path / "chat.traces.0.pb"
    capture.write_bytes(spans(7))
    with service(tmp_path, "assembly: {settle_seconds: 0.2}\n") as running:
        done = subprocess.run(
            [
                sys.executable, "-m", "genai_exporter", "replay", str(capture), "--rewrite-times",
                "--endpoint", f"http://{running.where('OTLP/HTTP')}", "--service-name", "copied",
            ],
            env=harness.clean_environment(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "1 requests taken (1 spans), 0 failed, 0 repeated\n"
        harness.wait_until(
            "the call",
            lambda: running.page().total("gen_ai_client_operation_duration_seconds_count", service_name="copied") == 1,
        )
