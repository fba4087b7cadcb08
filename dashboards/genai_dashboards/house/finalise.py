"""From what grafanalib writes to classic JSON that Grafana 10 to 13 load, or a refusal that names every fault."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from grafanalib._gen import DashboardEncoder
from grafanalib.core import Dashboard

# Keys of old Grafanas that grafanalib always writes. Today's ignore them or, worse, migrate by them.
OBSOLETE_ON_BOARD: Final = frozenset({"__inputs", "gnetId", "hideControls", "rows", "sharedCrosshair", "style"})
OBSOLETE_ON_PANEL: Final = frozenset(
    {"cacheTimeout", "editable", "error", "height", "minSpan", "span", "hideTimeOverride", "repeatDirection"}
)
NULL_IS_MEANT: Final = frozenset({"value"})
"""A threshold's first step begins at null: below everything."""

MAX_UID_LENGTH: Final = 40
WITHOUT_DATA: Final = frozenset({"row", "text"})
WITHOUT_UNIT: Final = frozenset({"row", "text", "traces", "nodeGraph", "table", "state-timeline"})


class HouseError(ValueError):
    """A dashboard that breaks rules of the house; the message lists all of them."""


def finalise(dashboard: Dashboard) -> dict[str, Any]:
    """Classic JSON as plain data, keys sorted, ids stable. Raises ``HouseError``."""
    board: dict[str, Any] = json.loads(json.dumps(dashboard.to_json_data(), cls=DashboardEncoder))
    for key in OBSOLETE_ON_BOARD:
        board.pop(key, None)
    board["timepicker"] = {}
    for panel in board["panels"]:
        for key in OBSOLETE_ON_PANEL:
            panel.pop(key, None)
        # A headline may be called like a panel below it.
        panel["id"] = panel_id(board["uid"], f"row: {panel['title']}" if panel["type"] == "row" else panel["title"])
        if panel["type"] in WITHOUT_DATA:
            for key in ("fieldConfig", "targets", "datasource", "transformations", "links"):
                panel.pop(key, None)
        else:
            panel["pluginVersion"] = ""
            panel["hideTimeOverride"] = False
    board = _without_nulls(board)
    # Only a board that has never been saved has no id, and only null says so.
    board["id"] = None
    if faults := list(_faults(board)):
        raise HouseError("\n".join(f"{board.get('uid')}: {fault}" for fault in faults))
    return _sorted(board)  # type: ignore[no-any-return]


def panel_id(uid: str, title: str) -> int:
    """An id that stays when panels are added or moved, so that links to a panel keep working."""
    return zlib.crc32(f"{uid}/{title}".encode()) % 1_000_000 + 1


def _without_nulls(node: Any) -> Any:
    if isinstance(node, dict):
        return {k: _without_nulls(v) for k, v in node.items() if v is not None or k in NULL_IS_MEANT}
    if isinstance(node, list):
        return [_without_nulls(item) for item in node]
    return node


def _sorted(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _sorted(node[key]) for key in sorted(node)}
    if isinstance(node, list):
        return [_sorted(item) for item in node]
    return node


def _faults(board: Mapping[str, Any]) -> Iterator[str]:
    if not board.get("uid") or len(board["uid"]) > MAX_UID_LENGTH:
        yield f"needs a uid of at most {MAX_UID_LENGTH} characters"
    for key in ("title", "description", "tags"):
        if not board.get(key):
            yield f"has no {key}"
    titles = [panel["title"] for panel in board["panels"] if panel["type"] != "row"]
    for title, count in Counter(titles).items():
        if count > 1:
            yield f"{count} panels are called {title!r}"
    for number, count in Counter(panel["id"] for panel in board["panels"]).items():
        if count > 1:
            yield f"{count} panels have the id {number}"
    for panel in board["panels"]:
        for fault in _panel_faults(panel):
            yield f"panel {panel['title']!r} {fault}"


def _panel_faults(panel: Mapping[str, Any]) -> Iterator[str]:
    kind = panel["type"]
    if not panel["title"]:
        yield f"of type {kind} has no title"
    if kind in WITHOUT_DATA:
        return
    defaults = panel["fieldConfig"]["defaults"]
    if not panel.get("description"):
        yield "has no description"
    if kind not in WITHOUT_UNIT and not defaults.get("unit"):
        yield "has no unit"
    if not defaults.get("noValue"):
        yield "does not say what an empty panel means"
    if not panel.get("links"):
        yield "has no link to a runbook or to the documentation"
    if set(panel.get("datasource", {})) != {"type", "uid"}:
        yield "names no data source"
    letters = [target.get("refId") for target in panel.get("targets", ())]
    if not letters or not all(letters) or len(set(letters)) != len(letters):
        yield "needs queries, each with a letter of its own"
    if any(target.get("datasource") != panel["datasource"] for target in panel.get("targets", ())):
        yield "asks another data source than it names"
