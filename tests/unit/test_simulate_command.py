"""The simulate command: its arguments, its summary, its exit status."""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from genai_exporter.simulate import command, sender, traffic
from genai_exporter.simulate.dialects import DIALECTS
from genai_exporter.simulate.scenario import SCENARIOS


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(arguments)


class Receiver:
    """Stands in for the HTTP session: keeps the spans it is sent, by service."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.trust_env = False
        self.spans: Counter[str] = Counter()
        self.versions: dict[str, list[str]] = {}

    def post(self, url: str, data: bytes, headers: dict[str, str], timeout: float) -> Any:
        if url.endswith("/v1/traces"):
            for resource in ExportTraceServiceRequest.FromString(gzip.decompress(data)).resource_spans:
                attributes = {a.key: a.value.string_value for a in resource.resource.attributes}
                name = attributes["service.name"]
                self.spans[name] += sum(len(scope.spans) for scope in resource.scope_spans)
                self.versions.setdefault(name, []).append(attributes["app.prompt_template_version"])
        return SimpleNamespace(status_code=self.status, ok=self.status < 400, content=b"", headers={})

    def close(self) -> None:
        pass


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    fake = Receiver()
    monkeypatch.setattr(sender.requests, "Session", lambda: fake)
    return fake


def test_the_defaults_are_three_services_of_steady_traffic() -> None:
    args = parsed()
    assert [dialect.name for dialect in args.dialect] == ["otel", "openllmetry", "openinference"]
    assert args.scenario == "steady"
    assert (args.rate, args.duration, args.content, args.endpoint) == (5.0, 60.0, True, "http://127.0.0.1:4318")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--rate", "0"), "0 is not above 0"),
        (("--rate", "many"), "'many' is not a number"),
        (("--duration", "-1"), "-1 is below 0"),
        (("--duration", "nan"), "'nan' is not a number"),
        (("--dialect", "otel,klingon"), "unknown dialect 'klingon': choose from otel, otel-1.41, openllmetry"),
        (("--scenario", "calm"), "invalid choice: 'calm'"),
    ],
)
def test_a_bad_argument_is_refused_with_the_accepted_values(
    arguments: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed(*arguments)
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("names", ["one,two", "same,same,same"])
def test_service_names_must_fit_the_dialects(names: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(parsed("--services", names)) == command.USAGE
    assert capsys.readouterr().err.startswith("simulate: ")


def test_once_sends_one_request_per_service_and_tells_the_truth(receiver: Receiver, tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    status = command.run(parsed("--once", "--services", "a,b,c", "--summary-json", str(path)))
    assert status == command.OK
    summary = json.loads(path.read_text())
    assert set(summary["services"]) == {"a", "b", "c"}
    assert {name: part["truth"]["spans"] for name, part in summary["services"].items()} == dict(receiver.spans)
    assert {part["delivery"]["dropped"] for part in summary["services"].values()} == {0}
    for field in ("requests", "calls", "input_tokens", "output_tokens", "spans"):
        assert summary["total"][field] == sum(part["truth"][field] for part in summary["services"].values())
    assert summary["total"]["requests"] == 3


def test_lost_spans_are_an_error(receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    receiver.status = 400
    assert command.run(parsed("--once")) == command.LOST
    assert "spans did not arrive (HTTP 400" in capsys.readouterr().err


def test_the_same_seed_sends_the_same_truth(receiver: Receiver, tmp_path: Path) -> None:
    totals = []
    for seed in ("7", "7", "8"):
        path = tmp_path / "summary.json"
        command.run(parsed("--once", "--seed", seed, "--summary-json", str(path)))
        totals.append(json.loads(path.read_text())["total"])
    assert totals[0] == totals[1] != totals[2]


def test_the_fault_begins_when_it_is_due(receiver: Receiver) -> None:
    """Steady traffic first, then a deployment: the prompt version changes once, and never back."""
    clock = SimpleNamespace(now=0.0)

    def pause(seconds: float) -> None:
        clock.now += seconds

    plan = traffic.Plan(
        endpoint="http://127.0.0.1:4318",
        services=(("chat", DIALECTS["otel"]),),
        scenario=SCENARIOS["cost_explosion"],
        rate=10.0,
        duration_s=10.0,
        fault_after_s=6.0,
    )
    simulation = traffic.Simulation(plan, clock=lambda: clock.now, pause=pause)
    simulation.run()
    assert simulation.truth.counts["requests"] == 100
    versions = receiver.versions["chat"]
    assert versions == sorted(versions)
    assert set(versions) == {"v2.3", "v2.4"}
    assert simulation.lost_spans == 0


def test_stopping_ends_a_run_without_end(receiver: Receiver) -> None:
    plan = traffic.Plan(
        endpoint="http://127.0.0.1:4318",
        services=traffic.services_of([DIALECTS["otel"]]),
        scenario=SCENARIOS["steady"],
        duration_s=0,
    )
    simulation = traffic.Simulation(plan)
    simulation.stop()
    simulation.run()
    assert simulation.truth.counts["spans"] == receiver.spans.total() == 0
