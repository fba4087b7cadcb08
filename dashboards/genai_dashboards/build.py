"""Writes the boards as JSON: for provisioning, and on request in a variant for import from grafana.com.

The two differ in one thing. Provisioned boards choose their data sources by variables, which also works when a file is
imported by hand; grafana.com asks for ``__inputs``, which provisioning does not understand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from .boards import BOARDS
from .house import Board, finalise
from .house.links import DOCS
from .house.sources import SOURCES

ROOT: Final = Path(__file__).resolve().parents[2]
GENERATED: Final = ROOT / "provisioning" / "generated" / "grafana" / "dashboards"
OLDEST_GRAFANA: Final = "10.0.0"
PANEL_NAMES: Final = {
    "bargauge": "Bar gauge",
    "heatmap": "Heatmap",
    "nodeGraph": "Node graph",
    "stat": "Stat",
    "state-timeline": "State timeline",
    "table": "Table",
    "text": "Text",
    "timeseries": "Time series",
    "traces": "Traces",
}


def files(boards: Iterable[Board] = BOARDS, docs: str = DOCS) -> dict[str, str]:
    """File name to text of every board. ``docs`` replaces the address of the documentation. Raises ``HouseError``."""
    made = [finalise(board.dashboard()) for board in boards]
    return {f"{board['uid']}.json": _text(board, docs) for board in made}


def portable(boards: Iterable[Board] = BOARDS, docs: str = DOCS) -> dict[str, str]:
    """The same with ``__inputs`` and ``__requires``, for grafana.com."""
    return {name: _text(with_inputs(json.loads(text)), docs) for name, text in files(boards).items()}


def with_inputs(board: Mapping[str, Any]) -> dict[str, Any]:
    """A board whose data sources are asked for on import instead of chosen by variables."""
    used = [source for source in SOURCES if any(v["name"] == source.variable for v in board["templating"]["list"])]
    text = json.dumps(board)
    inputs = []
    for source in used:
        name = f"DS_{source.variable.upper()}"
        # The variables themselves stay, preset to what was chosen on import.
        inputs.append(
            {
                "description": "",
                "label": source.label,
                "name": name,
                "pluginId": source.chooser,
                "pluginName": source.plugin_name,
                "type": "datasource",
            }
        )
    answer: dict[str, Any] = json.loads(text)
    for variable in answer["templating"]["list"]:
        for source in used:
            if variable["name"] == source.variable:
                chosen = f"${{DS_{source.variable.upper()}}}"
                variable["current"] = {"selected": True, "text": chosen, "value": chosen}
    panels = sorted({panel["type"] for panel in board["panels"]} - {"row"})
    answer["__inputs"] = inputs
    answer["__elements"] = {}
    answer["__requires"] = [
        {"id": "grafana", "name": "Grafana", "type": "grafana", "version": OLDEST_GRAFANA},
        *({"id": s.chooser, "name": s.plugin_name, "type": "datasource", "version": "1.0.0"} for s in used),
        *({"id": kind, "name": PANEL_NAMES[kind], "type": "panel", "version": ""} for kind in panels),
    ]
    return answer


def differences(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """What is wrong with the files in ``folder``, in one line each."""
    present = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    faults = [f"{name} is missing" for name in sorted(wanted.keys() - present.keys())]
    faults += [f"{name} is not a board" for name in sorted(present.keys() - wanted.keys())]
    faults += [f"{name} differs" for name in sorted(wanted.keys() & present.keys()) if wanted[name] != present[name]]
    return faults


def write(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Writes what differs, and removes boards that are no more; returns the names of the files that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for path in sorted(folder.glob("*.json")):
        if path.name not in wanted:
            path.unlink()
            changed.append(path.name)
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def _text(board: Mapping[str, Any], docs: str) -> str:
    text = json.dumps(board, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return text.replace(DOCS, docs.rstrip("/"))
