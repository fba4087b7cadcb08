"""The committed manifests: what they ask of Kubernetes is safe, and what they tell the exporter, it understands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from deploy.chart import ROOT, container, environment_of, of_kind, plain, resources, selects, the
from genai_exporter.config import Settings, environment, load, parse_listen, schema
from genai_exporter.service import DRAIN_SECONDS, LAST_TRACES_SECONDS

DOCKERFILE = ROOT / "Dockerfile"


def pod() -> dict[str, object]:
    spec: dict[str, object] = the("Deployment", plain())["spec"]["template"]["spec"]
    return spec


def loaded(tmp_path: Path) -> Settings:
    """The settings as the exporter in the container would have them."""
    config = the("ConfigMap", plain())["data"]
    (tmp_path / "config.yml").write_text(config["config.yml"])
    return load(str(tmp_path / "config.yml"), environ=environment_of(container(plain())))


def test_the_files_say_that_they_are_generated() -> None:
    files = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
    assert files
    assert not [file.name for file in files if not file.read_text().startswith("# Generated from deploy/helm/")]


def test_the_set_of_resources_is_complete() -> None:
    kinds = sorted(one["kind"] for one in plain())
    assert kinds == [
        "ConfigMap",
        "Deployment",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    ]


def test_plain_manifests_do_not_claim_to_be_managed_by_helm() -> None:
    for file in sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml")):
        for one in resources(file.read_text()):
            assert "app.kubernetes.io/managed-by" not in one["metadata"]["labels"]
            assert "namespace" not in one["metadata"], "the reader chooses the namespace"


def test_the_pod_has_as_few_rights_as_it_needs() -> None:
    spec = pod()
    assert spec["automountServiceAccountToken"] is False
    assert the("ServiceAccount", plain())["automountServiceAccountToken"] is False
    context = spec["securityContext"]
    assert isinstance(context, dict)
    assert context["runAsNonRoot"] is True
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert not [volume for volume in spec["volumes"] if "hostPath" in volume]  # type: ignore[attr-defined]
    own = container(plain())["securityContext"]
    assert own["allowPrivilegeEscalation"] is False
    assert own["readOnlyRootFilesystem"] is True
    assert own["privileged"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}


def test_the_pod_runs_as_the_user_of_the_image() -> None:
    (user, group) = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE.read_text(), re.MULTILINE).groups()  # type: ignore[union-attr]
    context = pod()["securityContext"]
    assert isinstance(context, dict)
    assert (context["runAsUser"], context["runAsGroup"]) == (int(user), int(group))
    assert int(user) != 0


def test_every_container_has_bounds() -> None:
    resources_ = container(plain())["resources"]
    assert {"cpu", "memory"} <= resources_["requests"].keys()
    assert "memory" in resources_["limits"]


def test_the_image_is_pinned() -> None:
    image = container(plain())["image"]
    _, _, tag = image.rpartition(":")
    assert re.fullmatch(r"\d+\.\d+\.\d+", tag), image


def test_every_variable_is_a_setting_of_the_exporter() -> None:
    known = {environment.variable(key.path) for key in schema.all_keys()}
    assert environment_of(container(plain())).keys() <= known


def test_what_the_image_sets_is_set_here() -> None:
    """The environment goes before the file: a variable of the image that is not set here could not be changed."""
    in_image = set(re.findall(r"\b(GENAI_EXPORTER_\w+)=", DOCKERFILE.read_text()))
    assert in_image
    assert in_image <= environment_of(container(plain())).keys()


def test_the_exporter_accepts_the_configuration(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    assert settings.assembly == Settings().assembly


def test_the_exporter_reads_the_file_that_is_mounted() -> None:
    one = container(plain())
    assert one["args"][:2] == ["serve", "--config"]
    directory, _, name = one["args"][2].rpartition("/")
    (mount,) = [mount for mount in one["volumeMounts"] if mount["mountPath"] == directory]
    assert mount["readOnly"] is True
    volumes = pod()["volumes"]
    assert isinstance(volumes, list)
    (volume,) = [volume for volume in volumes if volume["name"] == mount["name"]]
    config = the("ConfigMap", plain())
    assert volume["configMap"]["name"] == config["metadata"]["name"]
    assert name in config["data"]


def test_ports_are_the_defaults_of_the_exporter_and_agree_everywhere(tmp_path: Path) -> None:
    defaults, here = Settings(), loaded(tmp_path)
    listens = {
        "otlp-grpc": (defaults.receiver.grpc.listen, here.receiver.grpc.listen),
        "otlp-http": (defaults.receiver.http.listen, here.receiver.http.listen),
        "metrics": (defaults.metrics.listen, here.metrics.listen),
    }
    container_ports = {port["name"]: port["containerPort"] for port in container(plain())["ports"]}
    service = the("Service", plain())["spec"]["ports"]
    policy = the("NetworkPolicy", plain())["spec"]["ingress"]
    assert listens.keys() == container_ports.keys() == {port["name"] for port in service}
    for name, (default, listen) in listens.items():
        assert default is not None
        assert listen is not None
        assert parse_listen(listen) == ("", parse_listen(default).port), "all interfaces, the usual port"
        assert container_ports[name] == parse_listen(default).port
    assert all(port["port"] == container_ports[port["targetPort"]] for port in service)
    assert {port["port"] for rule in policy for port in rule["ports"]} == container_ports.keys()


@pytest.mark.parametrize(
    ("probe", "path"), [("startup", "/-/healthy"), ("liveness", "/-/healthy"), ("readiness", "/-/ready")]
)
def test_probes_ask_pages_that_exist(probe: str, path: str) -> None:
    asked = container(plain())[f"{probe}Probe"]
    assert asked["httpGet"] == {"path": path, "port": "metrics", "scheme": "HTTP"}
    pages = (ROOT / "exporter" / "genai_exporter" / "server" / "web.py").read_text()
    assert f'"{path}": ("GET"' in pages


def test_startup_gives_more_time_than_liveness() -> None:
    one = container(plain())
    startup, liveness = one["startupProbe"], one["livenessProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 30
    assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 30, (
        "a pause of the process is no reason to kill it"
    )


def test_a_pod_has_time_to_settle_be_scraped_and_drain() -> None:
    settings = Settings()
    settle = settings.assembly.settle_seconds
    waits = container(plain())["lifecycle"]["preStop"]["sleep"]["seconds"]
    (monitor,) = resources((ROOT / "deploy" / "kubernetes" / "service-monitor.yaml").read_text())
    interval = int(monitor["spec"]["endpoints"][0]["interval"].removesuffix("s"))
    assert waits > settle + interval
    grace = pod()["terminationGracePeriodSeconds"]
    assert isinstance(grace, int)
    sinks = settings.forward.drain_seconds + settings.store.drain_seconds
    assert grace > waits + DRAIN_SECONDS + sinks + LAST_TRACES_SECONDS


def test_selectors_select_the_pods() -> None:
    deployment = the("Deployment", plain())
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert selects(deployment["spec"]["selector"]["matchLabels"], labels)
    assert selects(the("Service", plain())["spec"]["selector"], labels)
    assert selects(the("NetworkPolicy", plain())["spec"]["podSelector"]["matchLabels"], labels)
    assert selects(the("PodDisruptionBudget", plain())["spec"]["selector"]["matchLabels"], labels)
    for constraint in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]:
        assert selects(constraint["labelSelector"]["matchLabels"], labels)


def test_one_replica_and_a_budget_that_lets_its_node_be_drained() -> None:
    assert the("Deployment", plain())["spec"]["replicas"] == 1
    budget = the("PodDisruptionBudget", plain())["spec"]
    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget


def test_the_network_policy_lets_out_names_only() -> None:
    policy = the("NetworkPolicy", plain())["spec"]
    assert sorted(policy["policyTypes"]) == ["Egress", "Ingress"]
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53}
    assert all(rule["from"] for rule in policy["ingress"]), "an empty list would be everybody, also from outside"


def test_the_service_monitor_selects_the_service_and_one_of_its_ports() -> None:
    (monitor,) = resources((ROOT / "deploy" / "kubernetes" / "service-monitor.yaml").read_text())
    (service,) = of_kind("Service", plain())
    assert selects(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"])
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["honorLabels"] is False, "service_name is the application's, the target's labels are ours"


def test_manifests_hold_each_key_once() -> None:
    """YAML lets a key appear twice; the last one would win without a word."""

    class Strict(yaml.SafeLoader):
        pass

    def mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[object, object]:
        keys = [loader.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key is given twice: {keys}"
        return loader.construct_mapping(node, deep=True)

    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    for file in sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml")):
        assert list(yaml.load_all(file.read_text(), Strict))
