"""The documents tell the truth about the tree: links, targets, settings, metrics, generated tables."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from genai_exporter import catalogue
from genai_exporter.config import environment, load, schema

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

_FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    """The page without its code blocks."""
    return _FENCE.sub("", path.read_text())


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    found = set()
    for title in re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", title).strip().lower()
        kept = (c for c in plain if c in " -_" or unicodedata.category(c)[0] in "LN")
        found.add("".join(kept).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


def test_every_document_is_in_the_index() -> None:
    index = DOCS / "README.md"
    linked = {(DOCS / target.partition("#")[0]).resolve() for target in _LINK.findall(index.read_text())}
    documents = {path for path in DOCS.rglob("*") if path.suffix in {".md", ".yml", ".yaml"}} - {index}
    assert documents, "no documents were found"
    assert not {page_id(path) for path in documents - linked}


def test_every_picture_is_shown() -> None:
    pictures = {path.name for path in (DOCS / "images").iterdir()}
    shown = {Path(target).name for page in PAGES for target in _LINK.findall(page.read_text())}
    assert pictures
    assert pictures <= shown


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set()
    for page in PAGES:
        text = page.read_text()
        named |= set(re.findall(r"`make ([a-z-]+)", text)) | set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE))
    assert {"demo", "test", "bench"} <= named
    assert named <= targets


def test_every_make_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony
    explained = set(re.findall(r"^([a-z-]+):.* ## \w", makefile, re.MULTILINE))
    assert set(phony[1].split()) == explained


def test_settings_that_are_named_exist() -> None:
    keys = {".".join(map(str, key.path)) for key in schema.all_keys()}
    sections = {key.partition(".")[0] for key in keys}
    known = keys | {key.rpartition(".")[0] for key in keys}
    pattern = re.compile(rf"`((?:{'|'.join(sorted(sections))})\.[a-z_.]+)`")
    named = {(page_id(page), name) for page in PAGES for name in pattern.findall(page.read_text())}
    assert ("docs/operations.md", "assembly.max_pending_spans") in named
    assert not {(page, name) for page, name in named if name not in known}


def test_environment_variables_that_are_named_exist() -> None:
    known = {environment.variable(key.path) for key in schema.all_keys()} | {"GENAI_EXPORTER_CONFIG"}
    pages = [page for page in PAGES if page.name != "configuration.md"]
    named = {name for page in pages for name in re.findall(r"\bGENAI_EXPORTER_\w+", page.read_text())}
    assert named
    assert named <= known


def test_configuration_that_is_shown_is_accepted(tmp_path: Path) -> None:
    block = re.search(r"^```yaml\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert block
    shown = tmp_path / "config.yml"
    shown.write_text(block[1])
    settings = load(str(shown), environ={})
    assert settings.metrics.max_label_values == 100


def test_metrics_that_are_named_exist() -> None:
    known = {name for metric in catalogue.ALL for name in (metric.name, *metric.series)}
    known |= {label.name for metric in catalogue.ALL for label in (*metric.labels, *metric.optional)}
    unknown = set()
    for page in (ROOT / "README.md", DOCS / "operations.md", DOCS / "architecture.md"):
        for name in re.findall(r"\b(?:genai_exporter|llm|gen_ai)_[a-z0-9_]+\b", page.read_text()):
            if name not in known:
                unknown.add((page.name, name))
    assert not unknown


def test_operations_explains_every_metric_of_the_service_itself() -> None:
    explained = set(re.findall(r"^\| `(genai_exporter_\w+)` \|", (DOCS / "operations.md").read_text(), re.MULTILINE))
    assert explained == {metric.name for metric in catalogue.ALL if metric.audience == "internal"}


def test_generated_parts_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
