"""The script behind `make lint-stack`: how it makes schemas, and that a finding is not passed over."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.chart import MANIFESTS, ROOT
from tools import go_tools, kube_schemas, lint_stack

DEFINITIONS: dict[str, Any] = {
    "io.k8s.api.core.v1.Thing": {
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "spec": {"default": {}, "$ref": "#/definitions/io.k8s.api.core.v1.ThingSpec"},
        },
    },
    "io.k8s.api.core.v1.ThingSpec": {
        "type": "object",
        "properties": {
            "default": {"type": "string"},
            "port": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString"},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["port"],
    },
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": "string", "format": "int-or-string"},
    "io.k8s.api.networking.v1.Unrelated": {"type": "object", "properties": {"kind": {"type": "string"}}},
}


def thing(**spec: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Thing", "spec": spec}


def test_a_kind_becomes_one_schema_that_refuses_unknown_fields() -> None:
    made = kube_schemas.kubernetes_schemas(DEFINITIONS)
    assert list(made) == ["thing-v1.json"]
    validator = jsonschema.Draft7Validator(made["thing-v1.json"])
    assert validator.is_valid(thing(port="http", default="a field of that name", labels={"any": "one"}))
    assert validator.is_valid(thing(port=80))
    assert not validator.is_valid(thing(port=80, prt=80))
    assert not validator.is_valid(thing())
    assert not validator.is_valid(thing(port=80, labels={"any": 1}))


def test_a_custom_resource_definition_becomes_a_schema(tmp_path: Path) -> None:
    (tmp_path / "crd.yaml").write_text("""\
spec:
  group: monitoring.coreos.com
  names: {kind: ServiceMonitor}
  versions:
    - name: v1
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            metadata: {type: object}
            spec:
              type: object
              properties:
                port: {anyOf: [{type: integer}, {type: string}], x-kubernetes-int-or-string: true}
                free: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {a: {type: string}}}
""")
    (name, schema), *rest = kube_schemas.crd_schemas([tmp_path / "crd.yaml"]).items()
    assert (name, rest) == ("servicemonitor-monitoring-v1.json", [])
    validator = jsonschema.Draft7Validator(schema)
    assert validator.is_valid({"metadata": {"name": "x"}, "spec": {"port": 80, "free": {"b": 1}}})
    assert not validator.is_valid({"spec": {"ports": 80}})
    assert not validator.is_valid({"metadata": {}})


def steps(*checks: object) -> tuple[lint_stack.Step, ...]:
    return tuple(lint_stack.Step(f"step {index}", check) for index, check in enumerate(checks))  # type: ignore[arg-type]


def fails(error: Exception) -> object:
    def check() -> str:
        raise error

    return check


def test_a_finding_fails_and_the_other_steps_still_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lint_stack, "STEPS", steps(fails(lint_stack.Finding("bad rule")), lambda: "3 files"))
    assert lint_stack.main([]) == 1
    said = capsys.readouterr().out
    assert "bad rule" in said
    assert "ok       step 1: 3 files" in said
    assert said.endswith("1 passed, 1 failed, 0 skipped\n")


@pytest.mark.parametrize("reason", [lint_stack.Skipped("nothing yet"), go_tools.Unavailable("no Go")])
def test_a_skip_says_why_and_can_be_made_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reason: Exception
) -> None:
    monkeypatch.setattr(lint_stack, "STEPS", steps(fails(reason)))
    assert lint_stack.main([]) == 0
    assert f"skipped  step 0: {reason}" in capsys.readouterr().out
    assert lint_stack.main(["--no-skips"]) == 1


def test_a_program_that_finds_fault_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = tmp_path / "prometheus" / "rules.yml"
    rules.parent.mkdir()
    rules.write_text("groups: []\n")
    linter = tmp_path / "pint"
    linter.write_text("#!/bin/sh\necho 'bug in the rule' >&2\nexit 1\n")
    linter.chmod(0o755)
    monkeypatch.setattr(lint_stack, "GENERATED", tmp_path)
    monkeypatch.setattr(lint_stack, "install", lambda name: linter)
    with pytest.raises(lint_stack.Finding, match="bug in the rule"):
        lint_stack.pint()


def test_no_input_is_a_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint_stack, "GENERATED", tmp_path)
    for check in (lint_stack.pint, lint_stack.dashboards):
        with pytest.raises(lint_stack.Skipped, match="nothing in provisioning/generated"):
            check()


def test_the_dashboard_linter_is_shown_prometheus_queries_only() -> None:
    def panel(kind: str, *expressions: str) -> dict[str, Any]:
        return {"targets": [{"datasource": {"type": kind}, "expr": text} for text in expressions]}

    board = {
        "panels": [
            panel("prometheus", "rate(a[$__range])", "rate(a[1d:5m] offset 1d)", "rate(a[5m])"),
            panel("tempo", ""),
            {"type": "row", "panels": [panel("grafana-postgresql-datasource", ""), panel("prometheus", "up")]},
            {"type": "text"},
        ]
    }
    shown = lint_stack.as_the_linter_can_read(board)["panels"]
    assert [target["expr"] for target in shown[0]["targets"]] == [
        "rate(a[$__rate_interval])",
        "rate(a[$__rate_interval:5m] offset 1d)",
        "rate(a[5m])",
    ]
    assert [target["expr"] for target in shown[1]["panels"][0]["targets"]] == ["up"]
    assert len(shown[1]["panels"]) == 1
    assert shown[2] == {"type": "text"}


def test_without_go_a_program_cannot_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(go_tools, "BIN", tmp_path)
    monkeypatch.setattr(go_tools, "CACHE", tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(go_tools.Unavailable, match="no Go here"):
        go_tools.install("helm")


def test_every_version_is_pinned() -> None:
    versions = [tool.version for tool in go_tools.TOOLS.values()] + list(kube_schemas.MODULES.values())
    assert all(version.startswith("v") for version in versions), "a version, and not `latest`"


def test_every_exclusion_of_the_dashboard_linter_has_a_reason() -> None:
    exclusions = yaml.safe_load((ROOT / "tests" / "tools" / "dashboards.lint").read_text())["exclusions"]
    assert exclusions
    assert all(entry["reason"] for entry in exclusions.values())


def kubeconform() -> Path:
    found = go_tools.locate("kubeconform")
    folders = sorted(go_tools.CACHE.glob("schemas-*"))
    if found is None or not folders:
        pytest.skip("no kubeconform with schemas here: run `make lint-stack` once")
    return found


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("genai-exporter.yaml", "readOnlyRootFilesystem:", "readOnlyRootFileSystem:"),
        ("genai-exporter.yaml", "maxUnavailable: 1", "maxUnavailble: 1"),
        ("genai-exporter.yaml", "containerPort: 4317", "containerPort: otlp"),
        ("service-monitor.yaml", "interval: 15s", "interval: fifteen"),
        ("service-monitor.yaml", "targetLabel: job", "target: job"),
    ],
)
def test_kubeconform_refuses_what_the_api_would(tmp_path: Path, file: str, right: str, wrong: str) -> None:
    program = kubeconform()
    text = (MANIFESTS / file).read_text()
    assert right in text
    location = kube_schemas.schemas() / kube_schemas.LOCATION
    for name, content, status in (("right.yaml", text, 0), ("wrong.yaml", text.replace(right, wrong), 1)):
        (tmp_path / name).write_text(content)
        done = subprocess.run(
            [program, "-strict", "-schema-location", location, tmp_path / name],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
