"""A small stack on loopback for the dashboards: two exporters, Prometheus, and a page that stands in for
what only a ledger or a configured budget would expose."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from e2e import harness
from e2e.harness import Prometheus, wait_until
from genai_exporter import catalogue_ledger as ledger
from genai_exporter.catalogue import Metric
from genai_exporter.simulate.dialects import DIALECTS
from genai_exporter.simulate.scenario import SCENARIOS
from genai_exporter.simulate.traffic import Plan, Simulation

WHO = {"service_name": "chat-otel", "deployment_environment_name": "demo", "llm_flow": "rag_chatbot"}
LABEL_VALUES = {
    "gen_ai_evaluation_name": "quality",
    "gen_ai_prompt_name": "rag-answer",
    "gen_ai_request_model": "gpt-4o",
    "llm_user_segment": "pro",
    "experiment": "rag-answer v2.3 against v2.4",
    "task": "dump",
    **WHO,
}


@contextlib.contextmanager
def ledger_page() -> Iterator[str]:
    """A metrics page with every metric of ``catalogue_ledger``, one series each, that rises; its address.

    It shows that queries name metrics and labels that belong together, not that anybody measures them: the tests of
    the ledger do that.
    """
    registry = CollectorRegistry()
    rising: list[Any] = []
    for metric in ledger.LEDGER:
        for labels in _series_of(metric):
            rising.append((metric.kind, _instrument(metric, registry).labels(**labels)))
    server, thread = start_http_server(0, "127.0.0.1", registry)
    stop = threading.Event()

    def rise() -> None:
        while not stop.wait(0.2):
            for kind, child in rising:
                child.observe(0.02) if kind == "histogram" else child.inc(0.01)

    riser = threading.Thread(target=rise, daemon=True)
    riser.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        stop.set()
        riser.join()
        server.shutdown()
        thread.join()


def _series_of(metric: Metric) -> Sequence[Mapping[str, str]]:
    values = {label.name: LABEL_VALUES.get(label.name, "") for label in metric.labels}
    if ledger.PERIOD in metric.labels:
        return [values | {"period": period} for period in ("day", "month")]
    return [values]


def _instrument(metric: Metric, registry: CollectorRegistry) -> Any:
    known = getattr(registry, "_names_to_collectors", {})
    if metric.family in known:
        return known[metric.family]
    labels = [label.name for label in metric.labels]
    if metric.kind == "histogram":
        return Histogram(metric.name, metric.help, labels, buckets=metric.buckets or (), registry=registry)
    kind = Counter if metric.kind == "counter" else Gauge
    return kind(metric.name, metric.help, labels, registry=registry)


RULES = {
    "groups": [
        {
            "name": "one that always fires",
            "interval": "1s",
            "rules": [{"alert": "Always", "expr": "vector(1)", "labels": {"tier": "1", "severity": "critical"}}],
        }
    ]
}


@contextlib.contextmanager
def prometheus(binary: Path, jobs: Mapping[str, Sequence[str]], folder: Path) -> Iterator[Prometheus]:
    """Prometheus that scrapes the targets of ``jobs``, and itself, every second."""
    targets = folder / "targets.json"
    targets.write_text(json.dumps(_groups(jobs)))
    (folder / "rules.yml").write_text(json.dumps(RULES))
    discovery = [{"files": [str(targets)], "refresh_interval": "1s"}]
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "rules.yml")],
        "scrape_configs": [{"job_name": "discovered", "file_sd_configs": discovery}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    log = folder / "prometheus.log"
    command: list[str | Path] = [
        binary,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
        "--enable-feature=exemplar-storage",
    ]
    with harness.started(command, log, harness.clean_environment()) as process:

        def address() -> str:
            assert process.poll() is None, log.read_text()
            found = re.search(r'"?Listening on"?,? .*address"?[=:]"?([\d.]+:\d+)', log.read_text())
            return found.group(1) if found else ""

        at = wait_until(f"Prometheus listens, see {log}", address)
        running = Prometheus(f"http://{at}")
        wait_until("Prometheus answers queries", running.ready)
        everything = {**jobs, "prometheus": [at]}
        fresh = targets.with_suffix(".new")
        fresh.write_text(json.dumps(_groups(everything)))
        fresh.rename(targets)  # in one step: a half-written file is an error in its log
        wanted = sum(map(len, everything.values()))
        wait_until("every target is scraped", lambda: running.value("sum(up)") == wanted)
        yield running


def _groups(jobs: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    return [{"targets": list(targets), "labels": {"job": job}} for job, targets in jobs.items()]


@contextlib.contextmanager
def traffic(endpoints: Mapping[str, str]) -> Iterator[None]:
    """Applications in every dialect, one in steady state and others in each kind of trouble, until the end.

    ``endpoints`` has the OTLP/HTTP address of the exporter ("main"), and maybe of one with tight limits ("tight").
    """
    names = list(DIALECTS)
    plans = [
        _plan(endpoints["main"], "steady", names, 25),
        _plan(endpoints["main"], "provider_outage", names[:2], 10),
        _plan(endpoints["main"], "safety_incident", ["otel"], 10),
        _plan(endpoints["main"], "two_am", ["openinference"], 5),
        *(_plan(endpoint, "steady", ["otel"], 10) for name, endpoint in endpoints.items() if name == "tight"),
    ]
    simulations = [Simulation(plan) for plan in plans]
    threads = [threading.Thread(target=simulation.run, daemon=True) for simulation in simulations]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for simulation in simulations:
            simulation.stop()
        for thread in threads:
            thread.join()


def _plan(endpoint: str, scenario: str, dialects: Sequence[str], rate: float) -> Plan:
    services = tuple(
        (f"{scenario}-{name}" if scenario != "steady" else f"chat-{name}", DIALECTS[name]) for name in dialects
    )
    return Plan(endpoint=endpoint, services=services, scenario=SCENARIOS[scenario], rate=rate, seed=7)


def send_nonsense(otlp_url: str) -> None:
    """What a healthy application never sends, so that the counters of faults rise: no OTLP, and an unusable value."""
    headers = {"Content-Type": "application/x-protobuf"}
    assert requests.post(f"{otlp_url}/v1/traces", data=b"\xff\xff", headers=headers, timeout=10).status_code == 400
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "chat gpt-4o",
        "kind": 3,
        "startTimeUnixNano": "1",
        "endTimeUnixNano": "2",
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}},
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "-5"}},
        ],
    }
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    assert requests.post(f"{otlp_url}/v1/traces", json=body, timeout=10).ok
