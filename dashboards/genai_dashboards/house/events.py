"""What is drawn across all graphs of a board: deployments, and alerts that fired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genai_exporter import catalogue
from genai_exporter.promql import Matches, raw, value

from .sources import PROMETHEUS
from .variables import SCOPE

SERVICE, VERSION = catalogue.SERVICE_NAME, catalogue.SERVICE_VERSION
PROMPT, PROMPT_VERSION = catalogue.PROMPT_NAME, catalogue.PROMPT_VERSION
FIRST_SEEN = catalogue.DEPLOYMENT_FIRST_SEEN

BUILT_IN: dict[str, Any] = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


def deployments(variables: Sequence[str]) -> dict[str, Any]:
    """A line where an application or prompt version was seen first: the value is the time, for Grafana in milliseconds.

    Without the model: one deployment may use a dozen, which would be a dozen lines.
    """
    which = (SERVICE, VERSION, PROMPT, PROMPT_VERSION)
    # A variable that the board does not have would stay as it is written, and match nothing.
    chosen = {name: label for name, label in SCOPE.items() if name in variables and label in FIRST_SEEN.labels}
    where = {label: Matches(f"${name}") for name, label in chosen.items()}
    expr = value(FIRST_SEEN, by=which, where=where, function="min") * 1000
    names = {label: f"{{{{{label.name}}}}}" for label in which}
    return {
        "datasource": PROMETHEUS.reference,
        "enable": True,
        "expr": str(expr),
        "hide": False,
        "iconColor": "purple",
        "name": "Deployments",
        "step": "60s",
        "tagKeys": ",".join(label.name for label in which),
        "textFormat": f"prompt {names[PROMPT]} {names[PROMPT_VERSION]}",
        "titleFormat": f"{names[SERVICE]} {names[VERSION]}",
        "useValueForTime": True,
    }


def alerts() -> dict[str, Any]:
    """When alerts of the upper two tiers fired; off until the reader wants it."""
    expr = raw('max by (alertname, tier) (ALERTS{alertstate="firing", tier=~"1|2"})', uses=["ALERTS"])
    return {
        "datasource": PROMETHEUS.reference,
        "enable": False,
        "expr": str(expr),
        "hide": False,
        "iconColor": "red",
        "name": "Alerts",
        "step": "60s",
        "tagKeys": "alertname,tier",
        "textFormat": "tier {{tier}}",
        "titleFormat": "{{alertname}}",
        "useValueForTime": False,
    }
