"""What the tests of the chart share: where it is, its manifests as data, and Helm where there is one."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.go_tools import Unavailable, install, locate

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "genai-exporter"
MANIFESTS = ROOT / "deploy" / "kubernetes"
BUILD = ROOT / "deploy" / "build.py"
GENERATED = ROOT / "provisioning" / "generated"
KUBE_VERSION = ["--kube-version", "1.36.0"]

Resource = dict[str, Any]


class Refused(Exception):
    """Helm refused the values. The message is what it said."""


def resources(text: str) -> list[Resource]:
    """The objects in a stream of YAML documents."""
    return [document for document in yaml.safe_load_all(text) if document is not None]


def of_kind(kind: str, found: Iterable[Resource]) -> list[Resource]:
    return [one for one in found if one["kind"] == kind]


def the(kind: str, found: Iterable[Resource]) -> Resource:
    """The only object of ``kind``."""
    (one,) = of_kind(kind, found)
    return one


def container(found: Iterable[Resource]) -> Resource:
    """The exporter's container in the Deployment."""
    (one,) = the("Deployment", found)["spec"]["template"]["spec"]["containers"]
    return dict(one)


def environment_of(one: Resource) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in one["env"]}


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Whether ``matchLabels`` of a selector fits ``labels``."""
    return bool(selector) and selector.items() <= labels.items()


@functools.cache
def plain() -> list[Resource]:
    """The committed manifests with the chart's default values."""
    return resources((MANIFESTS / "genai-exporter.yaml").read_text())


@functools.cache
def helm() -> str:
    """The path of a helm. Skips the test where there is none; CI builds one if it can."""
    found = locate("helm")
    if found is not None:
        return str(found)
    if os.environ.get("CI") == "true" and shutil.which("go"):
        try:
            return str(install("helm"))
        except Unavailable as reason:
            pytest.skip(f"helm cannot be built: {reason}")
    pytest.skip("no helm on the PATH or in .cache/go/bin: run `python tests/tools/go_tools.py helm`")


def render(
    *options: str, values: str | None = None, chart: Path = CHART, release: str = "genai-exporter"
) -> list[Resource]:
    """What ``helm template`` makes of the chart, with a set of values of ``ci`` and further options. Raises Refused."""
    given = ["--values", str(chart / "ci" / f"{values}-values.yaml")] if values else []
    command = [helm(), "template", release, str(chart), "--namespace", "genai", *KUBE_VERSION, *given, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise Refused(done.stderr)
    return resources(done.stdout)


def schema() -> dict[str, Any]:
    """values.schema.json"""
    loaded: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
    return loaded


def default_values() -> dict[str, Any]:
    """values.yaml"""
    loaded: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return loaded
