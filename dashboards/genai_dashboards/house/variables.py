"""The variables at the top of every board: data sources, then what to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from grafanalib.core import Template

from genai_exporter import catalogue
from genai_exporter.catalogue import Label, Metric
from genai_exporter.promql import Matches, Where

from .sources import PROMETHEUS, SOURCES, Source

SCOPE: Final[dict[str, Label]] = {
    "service": catalogue.SERVICE_NAME,
    "environment": catalogue.ENVIRONMENT,
    "model": catalogue.REQUEST_MODEL,
    "flow": catalogue.FLOW,
    "prompt_version": catalogue.PROMPT_VERSION,
    "segment": catalogue.SEGMENT,
}
"""The variables by which every board can be narrowed, and their labels. All of them allow several values."""

_TITLES: Final = {
    "service": "Service",
    "environment": "Environment",
    "model": "Model",
    "flow": "Flow",
    "prompt_version": "Prompt version",
    "segment": "Segment",
}
_ON_TIME_RANGE_CHANGE: Final = 2
_ON_LOAD: Final = 1


class Variable(Template):  # type: ignore[misc]
    """A variable with the keys of today's Grafana and without those of 2017."""

    def __init__(self, about: str, definition: str = "", **arguments: Any) -> None:
        super().__init__(**arguments)
        self.about = about
        self.definition = definition

    def to_json_data(self) -> dict[str, Any]:
        answer = {
            "current": {"text": "", "value": ""} if self.type == "textbox" else {},
            "description": self.about,
            "hide": self.hide,
            "label": self.label,
            "name": self.name,
            "options": self.options,
            "query": self.query,
            "skipUrlSync": False,
            "type": self.type,
        }
        if self.type == "textbox":
            return answer
        answer |= {"includeAll": self.includeAll, "multi": self.multi, "refresh": self.refresh, "regex": ""}
        if self.type == "query":
            everything = {"selected": True, "text": ["All"], "value": ["$__all"]}
            answer |= {
                "allValue": self.allValue,
                "current": everything,
                "datasource": PROMETHEUS.reference,
                "definition": self.definition,
                "sort": self.sort,
            }
        return answer


def scope(metric: Metric, extra: Where | None = None, without: Sequence[Label] = ()) -> Where:
    """What the variables select among the series of ``metric``, by those of its default labels that have one."""
    chosen = {
        label: Matches(f"${name}") for name, label in SCOPE.items() if label in metric.labels and label not in without
    }
    return chosen | dict(extra or {})


def source_variable(source: Source) -> Variable:
    return Variable(
        name=source.variable,
        label=source.label,
        type="datasource",
        query=source.chooser,
        refresh=_ON_LOAD,
        about=f"The {source.plugin_name} data source to ask.",
    )


def scope_variables(names: Sequence[str]) -> list[Variable]:
    """A variable per name; each lists what exists under the choices before it."""
    made = []
    for index, name in enumerate(names):
        label = SCOPE[name]
        before = ", ".join(f'{SCOPE[earlier].name}=~"${earlier}"' for earlier in names[:index])
        series = f"{catalogue.CALL_DURATION.name}_count" + (f"{{{before}}}" if before else "")
        question = f"label_values({series}, {label.name})"
        made.append(
            Variable(
                name=name,
                label=_TITLES[name],
                type="query",
                definition=question,
                query={"qryType": 1, "query": question, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
                # An empty or missing label is part of everything, so this is not the list of all values.
                allValue=".*",
                includeAll=True,
                multi=True,
                refresh=_ON_TIME_RANGE_CHANGE,
                about=label.meaning,
            )
        )
    return made


def textbox(name: str, label: str, about: str) -> Variable:
    """A field to type in; data links fill it."""
    return Variable(name=name, label=label, type="textbox", query="", default="", about=about)


def variables(
    names: Sequence[str], extra: Sequence[Variable] = (), sources: Sequence[Source] = SOURCES
) -> list[Variable]:
    """All variables of a board in the order in which they are shown."""
    return [*map(source_variable, sources), *scope_variables(names), *extra]
