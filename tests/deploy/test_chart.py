"""The chart as Helm renders it. Every test here needs Helm and says so where there is none."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.chart import (
    CHART,
    GENERATED,
    Refused,
    Resource,
    container,
    environment_of,
    of_kind,
    plain,
    render,
    selects,
    the,
)
from genai_exporter.config import environment, load, schema

SETS = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
# What kube-prometheus-stack's Prometheus and Grafana look for when it is installed as `kube-prometheus-stack` with its
# own defaults: monitors and rules of any namespace with its release's label, ConfigMaps of any namespace with the
# sidecar's.
STACK_SELECTOR = {"release": "kube-prometheus-stack"}
SIDECAR_SELECTOR = {"grafana_dashboard": "1"}

RULES = """\
# generated
groups:
  - name: genai-tier-1
    interval: 30s
    rules:
      - record: service:llm_cost_usd:rate5m
        expr: sum by (service_name) (rate(llm_cost_usd_total[5m]))
      - alert: SafetyFailure
        expr: increase(llm_evaluations_total{result="fail"}[5m]) > 0
        labels: {tier: "1", severity: critical}
        annotations:
          summary: '{{ $value | humanize }} failures of {{ $labels.gen_ai_request_model }}'
          runbook_url: https://github.com/genai-exporter/genai-exporter/blob/main/alerts/runbooks/SafetyFailure.md
          dashboard_url: http://localhost:3000/d/genai-quality?var-model={{ $labels.gen_ai_request_model }}
  - name: genai-meta
    rules:
      - alert: Watchdog
        expr: vector(1)
        labels: {tier: "none", severity: none}
"""


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """The chart with known rules and a known dashboard in it."""
    chart = tmp_path / "genai-exporter"
    shutil.copytree(CHART, chart, ignore=shutil.ignore_patterns("files"))
    for folder in ("rules", "dashboards"):
        (chart / "files" / folder).mkdir(parents=True)
    (chart / "files" / "rules" / "tier-1.yml").write_text(RULES)
    board = {"uid": "genai-overview", "title": "{{ not a template of Helm }}"}
    (chart / "files" / "dashboards" / "genai-overview.json").write_text(json.dumps(board, indent=2) + "\n")
    return chart


def pod_spec(found: list[Resource]) -> dict[str, Any]:
    spec: dict[str, Any] = the("Deployment", found)["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("values", SETS)
def test_every_pod_is_as_safe_as_the_default(values: str) -> None:
    found = render(values=values)
    pods = [pod_spec(found), *(one["spec"] for one in of_kind("Pod", found))]
    for pod in pods:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for one in pod["containers"]:
            assert one["securityContext"]["readOnlyRootFilesystem"] is True
            assert one["securityContext"]["allowPrivilegeEscalation"] is False
            assert one["securityContext"]["capabilities"]["drop"] == ["ALL"]
            assert one["resources"]["limits"]["memory"]


@pytest.mark.parametrize("values", SETS)
def test_the_exporter_accepts_what_is_rendered(values: str, tmp_path: Path) -> None:
    found = render(values=values)
    data = the("ConfigMap", [one for one in found if "config.yml" in one.get("data", {})])["data"]
    given = environment_of(container(found))
    known = {environment.variable(key.path) for key in schema.all_keys()}
    assert given.keys() <= known
    for name, value in given.items():
        if value.startswith("/etc/genai-exporter/"):
            file = tmp_path / Path(value).name
            file.write_text(data.get(file.name, "{}"))
            given[name] = str(file)
    (tmp_path / "config.yml").write_text(data["config.yml"])
    settings = load(str(tmp_path / "config.yml"), environ=given)
    asked = yaml.safe_load((CHART / "ci" / f"{values}-values.yaml").read_text()).get("config", {})
    for section, keys in asked.items():
        if section in ("quotas", "evaluations"):
            continue
        for key, value in keys.items():
            kept = getattr(getattr(settings, section), key)
            assert (list(kept) if isinstance(kept, tuple) else kept) == value


@pytest.mark.parametrize("values", SETS)
def test_no_resource_appears_twice(values: str) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in render(values=values)]
    assert len(names) == len(set(names))


def test_large_numbers_stay_whole() -> None:
    """Helm reads numbers as floating point in places; 1.6777216e+07 is no whole number to the exporter."""
    found = render("--set", "config.receiver.max_held_bytes=1099511627776")
    assert yaml.safe_load(the("ConfigMap", found)["data"]["config.yml"]) == {
        "receiver": {"max_held_bytes": 1_099_511_627_776}
    }


def test_the_committed_manifests_are_what_is_rendered() -> None:
    ours = {(one["kind"], one["metadata"]["name"]): one.get("spec") for one in plain()}
    rendered = render("--skip-tests", "--namespace", "monitoring")
    assert ours == {(one["kind"], one["metadata"]["name"]): one.get("spec") for one in rendered}


def test_two_values_make_kube_prometheus_stack_find_everything(filled: Path) -> None:
    found = render(
        "--set=kubePrometheusStack.enabled=true",
        "--set=kubePrometheusStack.release=kube-prometheus-stack",
        chart=filled,
        release="prod",
    )
    monitor, rule = the("ServiceMonitor", found), the("PrometheusRule", found)
    assert selects(STACK_SELECTOR, monitor["metadata"]["labels"])
    assert selects(STACK_SELECTOR, rule["metadata"]["labels"])
    boards = [one for one in of_kind("ConfigMap", found) if "config.yml" not in one["data"]]
    assert boards
    assert all(selects(SIDECAR_SELECTOR, board["metadata"]["labels"]) for board in boards)
    service = the("Service", found)
    assert selects(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"])
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert {"targetLabel": "job", "replacement": "genai-exporter"} in endpoint["relabelings"], (
        "rules know the job, whatever the release is called"
    )


def test_nothing_of_the_operator_by_default(filled: Path) -> None:
    kinds = {one["kind"] for one in render(chart=filled)}
    assert not kinds & {"ServiceMonitor", "PodMonitor", "PrometheusRule"}


def test_a_service_monitor_scrapes_each_pod_once() -> None:
    """With several replicas there are two Services of the same pods."""
    found = render("--set=replicas=2", values="kube-prometheus-stack")
    services = of_kind("Service", found)
    assert len(services) == 2
    wanted = the("ServiceMonitor", found)["spec"]["selector"]["matchLabels"]
    assert [selects(wanted, service["metadata"]["labels"]) for service in services].count(True) == 1


def test_a_pod_monitor_takes_the_place_of_the_service_monitor() -> None:
    found = render("--set=podMonitor.enabled=true", values="kube-prometheus-stack")
    assert not of_kind("ServiceMonitor", found)
    monitor = the("PodMonitor", found)
    assert selects(STACK_SELECTOR, monitor["metadata"]["labels"])
    pod_labels = the("Deployment", found)["spec"]["template"]["metadata"]["labels"]
    assert selects(monitor["spec"]["selector"]["matchLabels"], pod_labels)
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] in {port["name"] for port in container(found)["ports"]}


def test_the_prometheus_rule_holds_the_same_rules(filled: Path) -> None:
    found = render("--set=prometheusRule.enabled=true", chart=filled)
    assert the("PrometheusRule", found)["spec"]["groups"] == yaml.safe_load(RULES)["groups"]


def test_the_project_s_own_rules_come_through_unchanged() -> None:
    files = sorted((GENERATED / "prometheus").glob("*.yml"))
    if not files:
        pytest.skip("provisioning/generated/prometheus is not built yet")
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    found = render(values="kube-prometheus-stack")
    assert the("PrometheusRule", found)["spec"]["groups"] == groups


def test_the_project_s_own_dashboards_come_through_unchanged() -> None:
    files = sorted((GENERATED / "grafana" / "dashboards").glob("*.json"))
    if not files:
        pytest.skip("provisioning/generated/grafana/dashboards is not built yet")
    found = render(values="kube-prometheus-stack")
    boards = [one["data"] for one in of_kind("ConfigMap", found) if "config.yml" not in one["data"]]
    assert {name: json.loads(text) for board in boards for name, text in board.items()} == {
        file.name: json.loads(file.read_text()) for file in files
    }


def test_a_release_fits_into_the_secret_that_helm_keeps_it_in() -> None:
    """Kubernetes takes 1 MiB: chart and rendered manifests, compressed, in base64 twice over."""
    files = [path.read_bytes() for path in sorted(CHART.rglob("*")) if path.is_file()]
    manifest = json.dumps(render(values="kube-prometheus-stack"))
    kept = json.dumps([*(base64.b64encode(file).decode() for file in files), manifest]).encode()
    assert len(base64.b64encode(base64.b64encode(gzip.compress(kept)))) < 900_000


def test_rules_can_be_left_out_labelled_linked_and_added(filled: Path) -> None:
    found = render(
        "--set=prometheusRule.excludeAlerts={Watchdog}",
        "--set=prometheusRule.grafanaUrl=https://grafana.example.com/",
        "--set=prometheusRule.runbookUrl=https://runbooks.example.com/llm",
        "--set=prometheusRule.alertLabels.team=ml",
        "--set-json",
        'prometheusRule.extraRules=[{"name": "mine", "rules": [{"alert": "Mine", "expr": "vector(1)"}]}]',
        values="kube-prometheus-stack",
        chart=filled,
    )
    tier_1, mine = the("PrometheusRule", found)["spec"]["groups"]
    record, alert = tier_1["rules"]
    assert "labels" not in record
    assert alert["labels"] == {"tier": "1", "severity": "critical", "team": "ml"}
    assert alert["annotations"]["dashboard_url"] == (
        "https://grafana.example.com/d/genai-quality?var-model={{ $labels.gen_ai_request_model }}"
    )
    assert alert["annotations"]["runbook_url"] == "https://runbooks.example.com/llm/SafetyFailure.md"
    assert mine == {"name": "mine", "rules": [{"alert": "Mine", "expr": "vector(1)"}]}


def test_a_whole_group_can_be_left_out(filled: Path) -> None:
    found = render("--set=prometheusRule.excludeGroups={genai-tier-1}", values="kube-prometheus-stack", chart=filled)
    assert [group["name"] for group in the("PrometheusRule", found)["spec"]["groups"]] == ["genai-meta"]


def test_a_dashboard_is_a_config_map_with_its_text_as_it_is(filled: Path) -> None:
    found = render("--set=dashboards.enabled=true", chart=filled)
    (board,) = [one for one in of_kind("ConfigMap", found) if "config.yml" not in one["data"]]
    assert board["metadata"]["annotations"] == {"grafana_folder": "GenAI"}
    assert json.loads(board["data"]["genai-overview.json"])["title"] == "{{ not a template of Helm }}"


def test_secrets_become_files_that_settings_name() -> None:
    found = render(values="production")
    one = container(found)
    path = Path(environment_of(one)["GENAI_EXPORTER_METRICS__WEB_CONFIG_FILE"])
    (mount,) = [mount for mount in one["volumeMounts"] if mount["mountPath"] == str(path.parent)]
    (volume,) = [volume for volume in pod_spec(found)["volumes"] if volume["name"] == mount["name"]]
    assert volume["secret"] == {"secretName": "genai-exporter-web", "defaultMode": 0o440}
    assert path.name == "web.yml"


def test_the_ledger_s_connection_string_comes_from_a_secret() -> None:
    found = render("--set=postgres.existingSecret=genai-postgres", "--set=postgres.key=uri", "--set=postgres.port=6432")
    one = container(found)
    given = environment_of(one)
    assert given["GENAI_EXPORTER_STORE__DSN_FILE"].endswith("/uri")
    volumes = [volume.get("secret", {}).get("secretName") for volume in pod_spec(found)["volumes"]]
    assert "genai-postgres" in volumes
    egress = the("NetworkPolicy", found)["spec"]["egress"]
    assert {"port": 6432, "protocol": "TCP"} in [port for rule in egress for port in rule["ports"]]


def test_a_closed_receiver_has_no_port_anywhere() -> None:
    found = render(values="minimal")
    assert environment_of(container(found))["GENAI_EXPORTER_RECEIVER__GRPC__LISTEN"] == ""
    assert {port["name"] for port in container(found)["ports"]} == {"otlp-http", "metrics"}
    assert {port["name"] for port in the("Service", found)["spec"]["ports"]} == {"otlp-http", "metrics"}
    assert {one["kind"] for one in found} == {"ConfigMap", "Service", "Deployment", "Pod"}


def test_the_network_policy_opens_what_the_configuration_names() -> None:
    policy = the("NetworkPolicy", render(values="production"))["spec"]
    otlp, metrics = policy["ingress"]
    assert otlp["from"] == [{"namespaceSelector": {"matchLabels": {"genai-exporter/send": "true"}}}]
    namespaces = {"kubernetes.io/metadata.name": "monitoring"}
    assert {"namespaceSelector": {"matchLabels": namespaces}} in metrics["from"]
    ports = [port["port"] for rule in policy["egress"] for port in rule["ports"]]
    assert ports == [53, 53, 5432, 4318, 6432], "names, Postgres, Tempo, and the further rule"


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        ("http://tempo:4318/v1/traces", 4318),
        ("https://tempo.example.com/v1/traces", 443),
        ("http://tempo.example.com", 80),
        ("http://[fd00::1]:4318/v1/traces", 4318),
    ],
)
def test_the_port_of_an_endpoint_is_found(endpoint: str, port: int) -> None:
    found = render("--set-string", f"config.telemetry.traces_endpoint={endpoint}")
    egress = the("NetworkPolicy", found)["spec"]["egress"]
    assert [entry["port"] for entry in egress[-1]["ports"]] == [port]


def test_a_spread_constraint_gets_the_labels_of_the_pods() -> None:
    found = render(values="production")
    (constraint,) = pod_spec(found)["topologySpreadConstraints"]
    assert constraint["topologyKey"] == "topology.kubernetes.io/zone"
    labels = the("Deployment", found)["spec"]["template"]["metadata"]["labels"]
    assert selects(constraint["labelSelector"]["matchLabels"], labels)


def test_an_image_by_digest_has_no_tag() -> None:
    image = container(render(values="production"))["image"]
    assert image == "registry.example.com/observability/genai-exporter@sha256:" + "0123456789abcdef" * 4


def test_a_changed_configuration_rolls_the_pods() -> None:
    annotations = [
        the("Deployment", render(*options))["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        for options in ((), ("--set=config.log.level=debug",), ())
    ]
    assert annotations[0] == annotations[2] != annotations[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--set=kubePrometheusStack.enabled=true"], "kubePrometheusStack.release"),
        (["--set=serviceMonitor.enabled=true", "--set=podMonitor.enabled=true"], "counted twice"),
        (["--set=ports.otlpHttp.enabled=false", "--set=ports.otlpGrpc.enabled=false"], "nothing could be received"),
        (["--set=terminationGracePeriodSeconds=54"], "must be at least 55"),
        (["--set=config.store.drain_seconds=60"], "must be at least 110"),
        (["--set=ports.metrics.port=4318"], "three different ports"),
        (["--set=replicaCount=2"], "replicaCount"),
        (["--set=image.tag=latest"], "/image/tag"),
        (
            [
                "--set=postgres.existingSecret=a",
                "--set-json",
                'secretFiles=[{"setting": "metrics.web_config_file", "secretName": "a", "key": "a"},'
                ' {"setting": "store.dsn_file", "secretName": "b", "key": "b"}]',
            ],
            "store.dsn_file is given twice",
        ),
    ],
)
def test_contradictions_are_refused_with_a_reason(options: list[str], said: str) -> None:
    with pytest.raises(Refused, match=said):
        render(*options)
