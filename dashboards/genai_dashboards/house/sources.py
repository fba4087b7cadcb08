"""The data sources of the boards, each chosen by a variable so that a board fits any Grafana."""

from __future__ import annotations

from typing import NamedTuple


class Source(NamedTuple):
    """``variable`` holds the data source that the reader chose; ``plugin`` is what a panel names, ``chooser`` what the
    variable lists: Grafana 10.0 knows Postgres only as ``postgres``, later versions know that name as an alias."""

    variable: str
    label: str
    plugin: str
    chooser: str
    plugin_name: str

    @property
    def uid(self) -> str:
        return f"${{{self.variable}}}"

    @property
    def reference(self) -> dict[str, str]:
        """What a panel or a query says about where its data are."""
        return {"type": self.plugin, "uid": self.uid}


PROMETHEUS = Source("datasource", "Prometheus", "prometheus", "prometheus", "Prometheus")
TEMPO = Source("tempo", "Tempo", "tempo", "tempo", "Tempo")
POSTGRES = Source("postgres", "Postgres", "grafana-postgresql-datasource", "postgres", "PostgreSQL")
SOURCES = (PROMETHEUS, TEMPO, POSTGRES)
