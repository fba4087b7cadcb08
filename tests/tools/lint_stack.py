"""Checks the stack with the ecosystem's own linters: ``make lint-stack``.

Charts with helm lint, what they render with kubeconform, rules with pint, dashboards with dashboard-linter. A step
whose input or program is not here is skipped and says why; a finding makes the whole run fail. ``--no-skips`` makes a
skipped step a failure too. Needs Go, or the programs on the PATH.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from tools import kube_schemas  # noqa: E402 (run as a script, the folder above is not on the path)
from tools.go_tools import Unavailable, install  # noqa: E402

CHART = ROOT / "deploy" / "helm" / "genai-exporter"
MANIFESTS = ROOT / "deploy" / "kubernetes"
GENERATED = ROOT / "provisioning" / "generated"
HERE = Path(__file__).parent
KUBE_VERSION = ["--kube-version", kube_schemas.KUBERNETES]
COMMAND_SECONDS = 600
_MEANT = re.compile(r"\[(?:\$__range|1h|1d|7d)(?=[\]:])")


class Skipped(Exception):
    """A step has nothing to do, or nothing to do it with."""


class Finding(Exception):
    """A linter found fault. The message is what it printed."""


class Step(NamedTuple):
    """A check by its name. It returns what it looked at, or raises Skipped, Unavailable or Finding."""

    name: str
    check: Callable[[], str]


def values_files() -> list[Path]:
    """The sets of values that the chart is checked with."""
    return sorted((CHART / "ci").glob("*-values.yaml"))


def rendered(values: Path) -> str:
    """The chart rendered with ``values``."""
    helm = install("helm")
    return _run(helm, "template", "genai-exporter", CHART, "--namespace", "genai", *KUBE_VERSION, "--values", values)


def helm_lint() -> str:
    helm = install("helm")
    for values in values_files():
        _run(helm, "lint", CHART, "--strict", *KUBE_VERSION, "--values", values)
    return f"{len(values_files())} sets of values"


def generated_parts() -> str:
    _run(sys.executable, ROOT / "deploy" / "build.py", "--check", "--helm", install("helm"))
    return "the chart's copies, its schema and the plain manifests"


def conform_chart() -> str:
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for values in values_files():
            files.append(Path(folder) / values.name)
            files[-1].write_text(rendered(values))
        return _kubeconform(files)


def conform_manifests() -> str:
    files = [*sorted(MANIFESTS.glob("*.yaml")), *sorted((GENERATED / "kubernetes").glob("*.y*ml"))]
    return _kubeconform(_existing(files, "deploy/kubernetes"))


def pint() -> str:
    rules = _existing(sorted((GENERATED / "prometheus").glob("*.yml")), "provisioning/generated/prometheus")
    _run(
        install("pint"),
        *("--no-color", "--offline", "--config", str(HERE / "pint.hcl")),
        *("lint", "--min-severity", "info", "--fail-on", "info"),
        *rules,
    )
    return f"{len(rules)} files of rules"


def dashboards() -> str:
    boards = sorted((GENERATED / "grafana" / "dashboards").glob("*.json"))
    boards = _existing(boards, "provisioning/generated/grafana/dashboards")
    linter = install("dashboard-linter")
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        for board in boards:
            copy = Path(folder) / board.name
            copy.write_text(json.dumps(as_the_linter_can_read(json.loads(board.read_text()))))
            try:
                _run(linter, "lint", "--strict", "--config", HERE / "dashboards.lint", copy)
            except Finding as finding:
                findings.append(f"{board.name}:\n{finding}")
    if findings:
        raise Finding("\n".join(findings))
    return f"{len(boards)} dashboards"


def as_the_linter_can_read(board: dict[str, Any]) -> dict[str, Any]:
    """A board without the queries it takes for broken PromQL, and with the windows it knows.

    It reads every query as PromQL, also those of Postgres and Tempo; panels that have no other are left out. It wants
    `$__rate_interval` in every window; a table over the time range and a comparison with a day or a week ago are meant
    to have theirs. Any other window stays for it to find.
    """
    panels = []
    for panel in board["panels"]:
        inner = as_the_linter_can_read({"panels": panel.get("panels") or []})["panels"]
        targets = [target for target in panel.get("targets", []) if target["datasource"]["type"] == "prometheus"]
        if panel.get("targets") and not targets:
            continue
        for target in targets:
            target["expr"] = _MEANT.sub("[$__rate_interval", target["expr"])
        panels.append({**panel, **({"targets": targets} if targets else {}), **({"panels": inner} if inner else {})})
    return {**board, "panels": panels}


STEPS = (
    Step("helm lint", helm_lint),
    Step("generated parts of deploy", generated_parts),
    Step("kubeconform, chart", conform_chart),
    Step("kubeconform, manifests", conform_manifests),
    Step("pint", pint),
    Step("dashboard-linter", dashboards),
)


def main(arguments: list[str]) -> int:
    """Returns 1 when a linter found fault, or when a step was skipped with ``--no-skips``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--no-skips", action="store_true", help="fail when a step is skipped")
    given = parser.parse_args(arguments)
    passed, failed, skipped = 0, 0, 0
    for step in STEPS:
        try:
            looked_at = step.check()
        except (Skipped, Unavailable) as reason:
            skipped += 1
            print(f"skipped  {step.name}: {reason}", flush=True)
        except Finding as finding:
            failed += 1
            print(f"FAILED   {step.name}:\n{finding}", flush=True)
        else:
            passed += 1
            print(f"ok       {step.name}: {looked_at}", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or (given.no_skips and skipped) else 0


def _kubeconform(files: list[Path]) -> str:
    location = kube_schemas.schemas() / kube_schemas.LOCATION
    said = _run(
        install("kubeconform"),
        *("-strict", "-summary", "-schema-location", str(location)),
        *("-kubernetes-version", kube_schemas.KUBERNETES),
        *files,
    )
    summary = said.strip().splitlines()[-1]
    if ", Skipped: 0" not in summary or "Summary: 0 resource" in summary:
        raise Finding(f"not everything was checked: {summary}")
    return summary


def _existing(files: list[Path], place: str) -> list[Path]:
    if not files:
        raise Skipped(f"nothing in {place} yet")
    return files


def _run(*command: Path | str) -> str:
    """Standard output of ``command``. Raises Finding with all its output when its exit status is not 0."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    if done.returncode:
        raise Finding((done.stdout + done.stderr).strip())
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
