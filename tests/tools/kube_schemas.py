"""Makes the JSON schemas that kubeconform checks manifests against, from the Go types of the APIs themselves.

Kubernetes' own kinds come from k8s.io/api by openapi-gen, the Prometheus Operator's from its API module by
controller-gen, which is how both projects make theirs. Schemas are strict: a field that the API does not have is an
error. They are kept in ``.cache``, per set of versions; nothing of them is committed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tools.go_tools import CACHE, TOOLS, Unavailable, go, install

MODULES = {
    "k8s.io/api": "v0.37.0",
    "k8s.io/apimachinery": "v0.37.0",
    "k8s.io/kube-openapi": TOOLS["openapi-gen"].version,
    "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring": "v0.94.1",
}
KUBERNETES = MODULES["k8s.io/api"].replace("v0.", "1.")
OPERATOR = "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
APIS = ("core/v1", "apps/v1", "autoscaling/v2", "networking/v1", "policy/v1")
SUPPORT = ("apis/meta/v1", "api/resource", "util/intstr", "runtime")
LOCATION = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
DRAFT = "http://json-schema.org/draft-07/schema#"

_MAIN = """\
package main

import (
	"encoding/json"
	"os"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"schemas/gen"
)

func main() {
	ref := func(name string) spec.Ref { return spec.MustCreateRef("#/definitions/" + name) }
	schemas := map[string]spec.Schema{}
	for name, definition := range gen.GetOpenAPIDefinitions(ref) {
		schemas[name] = definition.Schema
	}
	if err := json.NewEncoder(os.Stdout).Encode(schemas); err != nil {
		panic(err)
	}
}
"""
# Go's tooling drops modules that no file imports.
_PIN = """\
package gen

import (
%s
	_ "k8s.io/kube-openapi/pkg/common"
)
"""


def schemas() -> Path:
    """The folder of the schemas, named as LOCATION says; made when it is not there. Raises Unavailable."""
    # A change of this file is a change of what it makes.
    versions = json.dumps([MODULES, TOOLS["controller-gen"].version, APIS, Path(__file__).read_text()])
    folder = CACHE / f"schemas-{hashlib.sha256(versions.encode()).hexdigest()[:12]}"
    if not folder.exists():
        work = CACHE / "schemas.work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        _make(work)
        (work / "json").rename(folder)
        shutil.rmtree(work)
    return folder


def _make(work: Path) -> None:
    packages = [f"k8s.io/api/{api}" for api in APIS] + [f"k8s.io/apimachinery/pkg/{name}" for name in SUPPORT]
    requires = "\n".join(f"\t{module} {version}" for module, version in MODULES.items())
    (work / "go.mod").write_text(f"module schemas\n\ngo 1.24\n\nrequire (\n{requires}\n)\n")
    (work / "main.go").write_text(_MAIN)
    (work / "gen").mkdir()
    (work / "gen" / "pin.go").write_text(_PIN % "\n".join(f'\t_ "{package}"' for package in [*packages, OPERATOR]))
    go("get", "./gen", folder=work)
    _run(
        install("openapi-gen"),
        *("--output-dir", "gen", "--output-pkg", "schemas/gen", "--output-file", "openapi.go"),
        *("--go-header-file", "/dev/null", "--report-filename", "/dev/null", *packages),
        folder=work,
    )
    definitions = json.loads(go("run", ".", folder=work))
    _run(install("controller-gen"), "crd", f"paths={OPERATOR}", "output:crd:dir=crds", folder=work)
    (work / "json").mkdir()
    texts = {**kubernetes_schemas(definitions), **crd_schemas(sorted((work / "crds").glob("*.yaml")))}
    for name, schema in texts.items():
        (work / "json" / name).write_text(json.dumps({"$schema": DRAFT, **schema}))


def kubernetes_schemas(definitions: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One self-contained schema per kind, by file name."""
    strict = {name: _kubernetes(name, schema) for name, schema in definitions.items()}
    found = {}
    for name, schema in strict.items():
        if not name.startswith("io.k8s.api.") or not {"apiVersion", "kind"} <= set(schema.get("properties", {})):
            continue
        group, version, kind = name.removeprefix("io.k8s.api.").split(".")
        suffix = version if group == "core" else f"{group}-{version}"
        needed = _reachable(name, strict)
        found[f"{kind.lower()}-{suffix}.json"] = {
            "$ref": f"#/definitions/{name}",
            "definitions": {one: strict[one] for one in needed},
        }
    return found


def crd_schemas(files: list[Path]) -> dict[str, dict[str, Any]]:
    """One schema per kind and version of the CustomResourceDefinitions, by file name."""
    found = {}
    for file in files:
        crd = yaml.safe_load(file.read_text())["spec"]
        for version in crd["versions"]:
            name = f"{crd['names']['kind'].lower()}-{crd['group'].partition('.')[0]}-{version['name']}.json"
            found[name] = _strict(version["schema"]["openAPIV3Schema"])
    return found


def _kubernetes(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if name.endswith((".IntOrString", ".Quantity")):
        return {"type": ["string", "number"]}
    if name.endswith(".RawExtension"):
        return {"type": "object"}
    strict: dict[str, Any] = _strict(schema)
    return strict


def _strict(schema: Any) -> Any:
    """The schema without what only readers need, and with unknown fields refused wherever fields are declared."""
    if isinstance(schema, list):
        return [_strict(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items() if key not in ("default", "format", "properties")}
    if strict.get("x-kubernetes-int-or-string"):
        strict.pop("type", None)
    if schema.get("properties"):
        # The names in here are those of fields: a field may well be called `default`.
        strict["properties"] = {name: _strict(field) for name, field in schema["properties"].items()}
        if not strict.get("x-kubernetes-preserve-unknown-fields"):
            strict.setdefault("additionalProperties", False)
    return strict


def _reachable(start: str, definitions: dict[str, dict[str, Any]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(_references(definitions[name]))
    return seen


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for entry in schema for name in _references(entry)]
    if not isinstance(schema, dict):
        return []
    own = [schema["$ref"].rpartition("/")[2]] if isinstance(schema.get("$ref"), str) else []
    return own + [name for value in schema.values() for name in _references(value)]


def _run(*command: Path | str, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise Unavailable(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-500:]}")
