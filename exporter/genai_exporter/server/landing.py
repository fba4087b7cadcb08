"""The landing page: what this is, which version, and where to look."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

from genai_exporter.server.limits import Link

# Relative, so that the page is right behind a proxy that adds a path prefix.
OWN_LINKS: Final = (
    Link("Metrics", "metrics", "what Prometheus scrapes"),
    Link("Health", "-/healthy", "answers as long as the process runs"),
    Link("Readiness", "-/ready", "says whether telemetry is received, and why not"),
)

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem;
  color-scheme: light dark; }}
.version {{ opacity: 0.7; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>Turns the OpenTelemetry GenAI spans of LLM applications into Prometheus metrics.</p>
<p class="version">Version {version}</p>
<ul>
{links}
</ul>
</main>
</body>
</html>
"""


def landing_page(title: str, version: str, links: Sequence[Link]) -> bytes:
    """The page as HTML, with ``links`` after those of the endpoint's own pages. It loads nothing from elsewhere."""
    rows = "\n".join(_row(link) for link in (*OWN_LINKS, *links))
    return _PAGE.format(title=html.escape(title), version=html.escape(version), links=rows).encode()


def _row(link: Link) -> str:
    about = f": {html.escape(link.description)}" if link.description else ""
    return f'<li><a href="{html.escape(link.href)}">{html.escape(link.text)}</a>{about}</li>'
