"""Finds the Go programs that check the stack: on the PATH, or built by ``go install`` into ``.cache/go/bin``.

``python tests/tools/go_tools.py helm kubeconform`` installs what is missing and prints the paths. Versions are pinned,
so that a new release of a linter is a change somebody makes and not one that happens.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "go"
BIN = CACHE / "bin"
INSTALL_SECONDS = 1200


class Unavailable(Exception):
    """The program is not here and cannot be built; the message says why, and what to do."""


class Tool(NamedTuple):
    """A Go program: the package that builds it, and its version. ``why_not`` says why it cannot be built that way."""

    package: str
    version: str
    why_not: str = ""


TOOLS = {
    "helm": Tool("helm.sh/helm/v3/cmd/helm", "v3.22.0"),
    "kubeconform": Tool("github.com/yannh/kubeconform/cmd/kubeconform", "v0.8.0"),
    "openapi-gen": Tool("k8s.io/kube-openapi/cmd/openapi-gen", "v0.0.0-20260821135717-be32def86098"),
    "controller-gen": Tool("sigs.k8s.io/controller-tools/cmd/controller-gen", "v0.23.0"),
    "pint": Tool("github.com/cloudflare/pint/cmd/pint", "v0.87.0"),
    "dashboard-linter": Tool(
        "github.com/grafana/dashboard-linter",
        "v0.2.0",
        "its go.mod replaces a module, which `go install` refuses: put a release of it on the PATH",
    ),
}


def locate(name: str) -> Path | None:
    """The path of ``name`` (a key of ``TOOLS``) on the PATH or in the cache; None when it would have to be built."""
    on_path = shutil.which(name)
    if on_path:
        return Path(on_path)
    built = BIN / name
    return built if built.exists() and _built_version(built) == TOOLS[name].version else None


def install(name: str) -> Path:
    """``locate``, or else build it. Raises Unavailable."""
    found = locate(name)
    if found is not None:
        return found
    tool = TOOLS[name]
    if tool.why_not:
        raise Unavailable(f"{name} is not on the PATH, and {tool.why_not}")
    go("install", f"{tool.package}@{tool.version}", folder=_folder(CACHE), GOBIN=str(BIN))
    return BIN / name


def go(*arguments: str, folder: Path, **environment: str) -> str:
    """What the go command prints on standard output, run in ``folder``. Raises Unavailable with its last words."""
    program = shutil.which("go")
    if program is None:
        raise Unavailable("there is no Go here to build it with: install Go, or put the program on the PATH")
    command = [program, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "GOFLAGS": "-buildvcs=false -mod=mod", "GOWORK": "off", **environment},
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"`go {' '.join(arguments)}` took more than {INSTALL_SECONDS} s") from error
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if not line.startswith("go: downloading")]
        raise Unavailable(f"`go {' '.join(arguments)}` failed: {' '.join(lines[-2:]).strip()}")
    return done.stdout


def _built_version(binary: Path) -> str:
    """The version of the module a binary was built from, ``""`` when that cannot be told."""
    try:
        told = go("version", "-m", str(binary), folder=ROOT)
    except Unavailable:
        return ""
    for line in told.splitlines():
        kind, *rest = line.split()
        if kind == "mod":
            return rest[1]
    return ""


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in TOOLS]
    if unknown or not names:
        print(f"usage: go_tools.py NAME...  (NAME is one of {', '.join(TOOLS)})", file=sys.stderr)
        return 2
    try:
        for name in names:
            print(install(name))
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
