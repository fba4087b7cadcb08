"""values.schema.json: the defaults pass, mistakes do not, and the exporter's settings are in it as they are."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.chart import BUILD, CHART, GENERATED, ROOT, default_values, schema
from genai_exporter.config import schema as settings

SETS = sorted((CHART / "ci").glob("*-values.yaml"))


def validator() -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(schema())


def merged(over: dict[str, Any], under: dict[str, Any]) -> dict[str, Any]:
    """``over`` laid upon ``under`` as Helm does it."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(value, below) if isinstance(value, dict) and isinstance(below, dict) else value
    return result


def with_value(path: str, value: object) -> dict[str, Any]:
    """The default values with one of them exchanged."""
    values = copy.deepcopy(default_values())
    *sections, last = path.split(".")
    target = values
    for section in sections:
        target = target.setdefault(section, {})
    target[last] = value
    return values


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(schema())


def test_versions_of_chart_and_project_are_the_same() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (version, version)


@pytest.mark.parametrize("values", SETS, ids=lambda path: path.name)
def test_the_values_that_are_tested_pass(values: Path) -> None:
    given = yaml.safe_load(values.read_text()) or {}
    assert [error.message for error in validator().iter_errors(merged(given, default_values()))] == []


def test_default_production_and_minimal_values_exist() -> None:
    names = {path.name.removesuffix("-values.yaml") for path in SETS}
    assert {"default", "production", "minimal", "kube-prometheus-stack"} <= names


def objects(part: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict):
            yield path, part
        for key, value in part.items():
            yield from objects(value, f"{path}.{key}")
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from objects(value, f"{path}.{index}")


def test_unknown_keys_are_refused_everywhere_but_in_security_contexts() -> None:
    """What is Kubernetes' own to define is left to Kubernetes; the two contexts are such, with a few fields fixed."""
    lenient = {path for path, one in objects(schema()) if one.get("additionalProperties") is not False}
    assert lenient == {".properties.podSecurityContext", ".properties.securityContext"}


def test_every_value_is_declared_and_every_declared_value_has_a_default() -> None:
    assert schema()["properties"].keys() - {"global"} == default_values().keys()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("replica", 2),
        ("replicas", "2"),
        ("image.tag", "latest"),
        ("image.digest", "sha256:abc"),
        ("image.repository", "name@sha256"),
        ("config.assembly.settle_second", 5),
        ("config.assembly.settle_seconds", -1),
        ("config.metrics.max_series", "many"),
        ("config.receiver.http.listen", ":4318"),
        ("config.receiver.grpc.listen", None),
        ("config.metrics.listen", ":9464"),
        ("config.telemetry.traces_authorization", "Bearer secret"),
        ("config.store.dsn", "postgresql://exporter:secret@db/genai"),
        ("config.store.embedded", True),
        ("config.log.level", "loud"),
        ("prices.models", []),
        ("prices.prices", [{"model": "m", "input_usd_per_mtok": -1}]),
        ("ports.metrics.port", 0),
        ("ports.metrics.enabled", False),
        ("probes.handler", "exec"),
        ("podSecurityContext.runAsUser", 0),
        ("podSecurityContext.runAsNonRoot", False),
        ("securityContext.privileged", True),
        ("securityContext.allowPrivilegeEscalation", True),
        ("podDisruptionBudget.minAvailable", 1),
        ("podDisruptionBudget.maxUnavailable", 0),
        ("networkPolicy.ingress.otlpFrom", [{}]),
        ("networkPolicy.ingress.otlpFrom", [{"namespaceSelectr": {}}]),
        ("serviceMonitor.interval", "15 seconds"),
        ("prometheusRule.grafanaUrl", "grafana.example.com"),
        ("prometheusRule.extraRules", [{"name": "mine"}]),
        ("prometheusRule.extraRules", [{"name": "mine", "rules": [{"expr": "1", "alert": "A", "record": "a:b"}]}]),
        ("secretFiles", [{"setting": "metrics.web_config", "secretName": "web", "key": "web.yml"}]),
        ("secretFiles", [{"setting": "metrics.web_config_file", "secretName": "web"}]),
        ("kubePrometheusStack.release", "My Release"),
    ],
)
def test_mistakes_are_refused(path: str, value: object) -> None:
    assert list(validator().iter_errors(with_value(path, value)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("replicas", 3),
        ("image.digest", "sha256:" + "0" * 64),
        ("config.assembly.settle_seconds", 5),
        ("config.evaluations", [{"name": "tone", "min_score": 1, "max_score": 5, "pass_threshold": None}]),
        ("prices.prices", [{"model": "llama3*", "match": "glob", "input_usd_per_mtok": 0, "output_usd_per_mtok": 0}]),
        ("podDisruptionBudget.maxUnavailable", "50%"),
        ("networkPolicy.ingress.otlpFrom", []),
        ("secretFiles", [{"setting": "receiver.web_config_file", "secretName": "web", "key": "web.yml"}]),
        ("global", {"anything": True}),
    ],
)
def test_what_is_right_passes(path: str, value: object) -> None:
    assert [error.message for error in validator().iter_errors(with_value(path, value))] == []


def test_every_setting_can_be_given_unless_the_chart_makes_it() -> None:
    chart_makes = {"receiver.http.listen", "receiver.grpc.listen", "metrics.listen"}
    chart_makes |= {"store.embedded", "store.data_dir"}  # there is no disk for them
    refused = set()
    for key in settings.all_keys():
        path = ".".join(map(str, key.path))
        default = list(key.default) if isinstance(key.default, tuple) else key.default
        given = [] if path == "evaluations" else default
        errors = list(validator().iter_errors(with_value(f"config.{path}", given)))
        if errors:
            refused.add(path)
    secrets = refused - chart_makes
    assert chart_makes <= refused
    assert "store.dsn" in secrets
    assert all(f"{path}_file" in {".".join(map(str, key.path)) for key in settings.all_keys()} for path in secrets)


def test_the_generated_parts_equal_a_rebuild() -> None:
    """Rules, dashboards, schema; the manifests too where Helm is present."""
    done = subprocess.run([sys.executable, BUILD, "--check"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("copies", "originals"), [("rules/*.yml", "prometheus/*.yml"), ("dashboards/*.json", "grafana/dashboards/*.json")]
)
def test_the_chart_holds_the_same_rules_and_dashboards(copies: str, originals: str) -> None:
    found = {path.name: path.read_bytes() for path in GENERATED.glob(originals)}
    if not found:
        pytest.skip(f"provisioning/generated/{originals} is not built yet")
    assert {path.name: path.read_bytes() for path in (CHART / "files").glob(copies)} == found


@pytest.mark.parametrize("board", sorted((CHART / "files" / "dashboards").glob("*.json")), ids=lambda path: path.name)
def test_a_dashboard_fits_into_a_config_map(board: Path) -> None:
    assert len(board.read_bytes()) < 900_000, "Kubernetes takes 1 MiB for the whole object"
    assert json.loads(board.read_text())["uid"]
