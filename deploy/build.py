"""Bring the parts of the Helm chart and the plain manifests that are made from other files up to date.

``python deploy/build.py`` copies the generated rules and dashboards into the chart (Helm reads only files inside it),
writes the shape of the exporter's configuration into ``values.schema.json``, and renders ``deploy/kubernetes`` with the
chart's default values. ``--check`` changes nothing and tells what differs. Rendering needs Helm, on the PATH or given
by ``--helm``; without it the manifests are left as they are.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import inspect

from genai_exporter.config import Settings, schema
from genai_exporter.config.secret import Secret
from genai_exporter.price.overrides import PriceFile

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "deploy" / "helm" / "genai-exporter"
MANIFESTS = ROOT / "deploy" / "kubernetes"
SCHEMA = CHART / "values.schema.json"
GENERATED = ROOT / "provisioning" / "generated"
CACHED_HELM = ROOT / ".cache" / "go" / "bin" / "helm"

COPIES = {
    CHART / "files" / "rules": (GENERATED / "prometheus", "*.yml"),
    CHART / "files" / "dashboards": (GENERATED / "grafana" / "dashboards", "*.json"),
}
# What the chart sets itself: a listen address without the matching port would be a Service that leads nowhere.
CHART_SETS = (("receiver", "http", "listen"), ("receiver", "grpc", "listen"), ("metrics", "listen"))
# A pod has no disk of its own to keep a database on.
NEEDS_A_DISK = (("store", "embedded"), ("store", "data_dir"))

# A `helm` that was not built by its own release process takes the cluster to be far older than any that runs.
KUBERNETES = "1.36.0"
RELEASE = ["genai-exporter", "--namespace", "monitoring", "--kube-version", KUBERNETES]
PLAIN = {
    "genai-exporter.yaml": ([], "the chart's default values"),
    "service-monitor.yaml": (
        [
            "--values",
            str(CHART / "ci" / "kube-prometheus-stack-values.yaml"),
            "--show-only",
            "templates/monitors.yaml",
        ],
        "the values of ci/kube-prometheus-stack-values.yaml",
    ),
}
HEADER = """\
# Generated from deploy/helm/genai-exporter with {values} by `python deploy/build.py`; edit the chart instead.
# kubectl apply --namespace monitoring --filename {name}
"""
_HELM_ONLY = re.compile(r"^ *(?:helm\.sh/chart|app\.kubernetes\.io/managed-by|namespace): .*\n", re.MULTILINE)
_SOURCE = re.compile(r"^# Source: .*\n", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Returns 0 when all is up to date or was brought there, 1 when ``--check`` found a difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if something is out of date")
    parser.add_argument("--helm", metavar="PATH", default=find_helm(), help="the helm to render the manifests with")
    given = parser.parse_args(arguments)
    if given.helm is None:
        print("deploy/kubernetes was not rendered: no helm here", file=sys.stderr)
    stale = bring_up_to_date(given.helm, write=not given.check)
    verdict = "is out of date: run `python deploy/build.py`" if given.check else "brought up to date"
    for path in stale:
        print(f"{path.relative_to(ROOT)} {verdict}")
    return 1 if given.check and stale else 0


def bring_up_to_date(helm: str | None, *, write: bool) -> list[Path]:
    """The files that differ from what they should be; with ``write`` they are written, and surplus copies removed."""
    stale = leftovers()
    if write:
        for path in stale:
            path.unlink()
    stages: list[Callable[[], dict[Path, str]]] = [copies, lambda: {SCHEMA: values_schema()}]
    if helm is not None:
        stages.append(lambda: manifests(helm))  # last: the chart must be up to date to be rendered
    for stage in stages:
        for path, text in stage().items():
            if not _same(path, text):
                stale.append(path)
                if write:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text, encoding="utf-8")
    return stale


def copies() -> dict[Path, str]:
    """The rules and dashboards as the chart holds them."""
    return {
        folder / source.name: source.read_text(encoding="utf-8")
        for folder, (origin, pattern) in COPIES.items()
        for source in sorted(origin.glob(pattern))
    }


def leftovers() -> list[Path]:
    """Copies whose original is gone."""
    kept = copies()
    return [path for folder in COPIES for path in sorted(folder.glob("*")) if path not in kept]


def values_schema() -> str:
    """``values.schema.json`` with the exporter's settings as they are now."""
    document = json.loads(SCHEMA.read_text(encoding="utf-8"))
    (config, prices), definitions = msgspec.json.schema_components(
        [Settings, PriceFile], schema_hook=_secret, ref_template="#/definitions/{name}"
    )
    for path in chart_refuses():
        owner = inspect_struct(path[:-1])
        definitions[owner]["properties"].pop(path[-1])
    for definition in definitions.values():
        definition["additionalProperties"] = False
        for property_ in definition.get("properties", {}).values():
            property_.pop("default", None)  # the reference has them; here they would only go stale in editors
    properties = document["properties"]
    properties["config"] = config
    properties["prices"] = {"anyOf": [{"type": "object", "maxProperties": 0}, prices]}
    properties["secretFiles"]["items"]["properties"]["setting"]["enum"] = file_settings()
    own = {name: text for name, text in document["definitions"].items() if name[0].islower()}
    document["definitions"] = {**own, **dict(sorted(definitions.items()))}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def chart_refuses() -> list[tuple[str, ...]]:
    """Settings that have no place in ``values.config``: those of the chart, and secrets (a ConfigMap holds none)."""
    secrets = [
        tuple(map(str, key.path))
        for key in schema.all_keys()
        if isinstance(key.type, inspect.UnionType)
        and any(isinstance(one, inspect.CustomType) and one.cls is Secret for one in key.type.types)
    ]
    return [*CHART_SETS, *NEEDS_A_DISK, *secrets]


def file_settings() -> list[str]:
    """Settings whose value is the path of a file that may be secret: those that a Secret can be mounted for."""
    names = [".".join(map(str, key.path)) for key in schema.all_keys()]
    return [name for name in names if name.endswith(("_file", ".file")) and name != "prices.file"]


def inspect_struct(path: tuple[str, ...]) -> str:
    """The name of the struct that holds the settings below ``path``."""
    struct = schema.root()
    for part in path:
        bare = schema.unwrap(next(field.type for field in struct.fields if field.encode_name == part))[0]
        assert isinstance(bare, inspect.StructType)
        struct = bare
    return struct.cls.__name__


def manifests(helm: str) -> dict[Path, str]:
    """The plain manifests, rendered. Raises SystemExit with Helm's reason when they cannot be."""
    texts = {}
    for name, (options, values) in PLAIN.items():
        command = [helm, "template", *RELEASE[:1], str(CHART), *RELEASE[1:], "--skip-tests", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"helm template failed:\n{done.stderr.strip()}")
        plain = _HELM_ONLY.sub("", _SOURCE.sub("", done.stdout))
        texts[MANIFESTS / name] = HEADER.format(values=values, name=name) + plain
    return texts


def find_helm() -> str | None:
    """The helm on the PATH, or the one that `make lint-stack` installed; None when there is neither."""
    return shutil.which("helm") or (str(CACHED_HELM) if CACHED_HELM.exists() else None)


def _secret(wanted_type: type) -> dict[str, Any]:
    if wanted_type is Secret:
        return {"type": "string", "minLength": 1}
    raise NotImplementedError(wanted_type)


def _same(path: Path, text: str) -> bool:
    """Whether the file has this text; for manifests, this meaning: versions of Helm differ in how they indent."""
    if not path.exists():
        return False
    there = path.read_text(encoding="utf-8")
    if path.parent == MANIFESTS and there.startswith("# Generated"):
        return list(yaml.safe_load_all(there)) == list(yaml.safe_load_all(text))
    return there == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
