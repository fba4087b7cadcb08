"""Links: from a panel to its runbook or documentation, from a value to the traces and the evidence behind it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from urllib.parse import quote

from .sources import TEMPO

DOCS = "https://github.com/genai-exporter/genai-exporter/blob/main"
"""Where the project's own pages are; the build can exchange it for a copy inside the company."""


class Link(NamedTuple):
    """A link of a panel or of a value. Variables of Grafana in ``url`` are replaced when it is followed."""

    title: str
    url: str
    new_tab: bool = True

    @property
    def json(self) -> dict[str, Any]:
        return {"title": self.title, "url": self.url, "targetBlank": self.new_tab}


def runbook(alert: str) -> Link:
    """To the runbook of an alert."""
    return Link(f"Runbook: {alert}", f"{DOCS}/alerts/runbooks/{alert}.md")


def page(path: str, title: str) -> Link:
    """To a page of the documentation."""
    return Link(title, f"{DOCS}/{path}")


def to_board(uid: str, title: str, **variables: str) -> Link:
    """To another board of ours for the same time, with its variables as given, such as ``service="${__data...}"``."""
    sources = "&".join(f"${{{name}:queryparam}}" for name in ("datasource", "tempo", "postgres"))
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return Link(title, f"/d/{uid}?${{__url_time_range}}&{sources}{chosen}", new_tab=False)


def explore_trace(trace_id: str = "${__value.raw}", title: str = "Open the trace in Tempo") -> Link:
    """To Explore with one trace, in the form of address that Grafana 10 and later read."""
    query = {"refId": "A", "datasource": {"type": TEMPO.plugin, "uid": TEMPO.uid}, "queryType": "traceql"}
    pane = {"datasource": TEMPO.uid, "queries": [query | {"query": trace_id}]}
    pane |= {"range": {"from": "${__from}", "to": "${__to}"}}  # type: ignore[dict-item]
    # Grafana replaces its variables before the browser decodes the address: they must stay readable.
    panes = quote(json.dumps({"trace": pane}, separators=(",", ":")), safe="${}._:,")
    return Link(title, f"/explore?schemaVersion=1&orgId=1&panes={panes}")


def evidence_link(trace_id: str = "${__value.raw}") -> Link:
    """To the board that shows scores, conversation and steps of one trace."""
    return to_board("genai-sessions", "Scores and conversation", trace=trace_id)
