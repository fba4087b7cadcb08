"""The web endpoint over real sockets: metrics page, health, reload and landing page."""

from __future__ import annotations

import base64
import gzip
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin

import bcrypt
import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from e2e.receiver_lab import Lab, ask
from genai_exporter.server import Link, Running, WebConfig, WebOptions, start_web

PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
OPENMETRICS_PAGE = b"""# TYPE llm_cost_usd counter
# HELP llm_cost_usd Cost.
llm_cost_usd_total{model="a"} 1.5 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 1.5
# EOF
"""
TEXT_PAGE = b"""# HELP llm_cost_usd_total Cost.
# TYPE llm_cost_usd_total counter
llm_cost_usd_total{model="a"} 1.5
"""


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as running:
        yield running


def page(asked_for_openmetrics: bool) -> bytes:
    return OPENMETRICS_PAGE if asked_for_openmetrics else TEXT_PAGE


def web(
    lab: Lab,
    *,
    render: Callable[[bool], bytes] = page,
    ready: Callable[[], str | None] = lambda: None,
    reload: Callable[[], str | None] | None = None,
    web_config: WebConfig | None = None,
    options: WebOptions = WebOptions(),  # noqa: B008 (immutable)
) -> Running:
    return lab.keep(
        start_web(
            listen="127.0.0.1:0",
            render=render,
            ready=ready,
            reload=reload,
            version="1.2.3",
            links=[Link("Documentation", "https://docs.example/?a=1&b=2", "how to <use> it")],
            web_config=web_config,
            options=options,
        )
    )


def test_a_scraper_gets_openmetrics_with_exemplars(lab: Lab) -> None:
    """R9: a trace is one click from its metric."""
    answer = ask(web(lab).port, "GET", "/metrics", Accept=PROMETHEUS_3)
    assert answer.code == 200
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    (family,) = openmetrics.text_string_to_metric_families(answer.body.decode())
    assert family.samples[0].exemplar.labels == {"trace_id": "0af7651916cd43dd8448eb211c80319c"}


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}, {"Accept": "text/html,*/*;q=0.8"}])
def test_others_get_the_text_format(lab: Lab, headers: dict[str, str]) -> None:
    answer = ask(web(lab).port, "GET", "/metrics", **headers)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    (family,) = text_string_to_metric_families(answer.body.decode())
    assert family.samples[0].value == 1.5


def test_the_page_is_compressed_when_that_is_accepted_and_worth_it(lab: Lab) -> None:
    port = web(lab, options=WebOptions(compress_from_bytes=100)).port
    plain = ask(port, "GET", "/metrics")
    assert "content-encoding" not in plain.headers
    answer = ask(port, "GET", "/metrics", Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == plain.body
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert "content-encoding" not in ask(web(lab).port, "GET", "/metrics", Accept_Encoding="gzip").headers


@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy", "/-/ready"])
def test_head_has_the_headers_and_no_body(lab: Lab, path: str) -> None:
    port = web(lab).port
    get, head = ask(port, "GET", path), ask(port, "HEAD", path)
    assert (head.code, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(get.body))
    assert head.headers["content-type"] == get.headers["content-type"]


def test_landing_page_works_behind_a_path_prefix(lab: Lab) -> None:
    answer = ask(web(lab).port, "GET", "/")
    text = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "genai-exporter" in text
    assert "Version 1.2.3" in text
    assert '<a href="https://docs.example/?a=1&amp;b=2">Documentation</a>: how to &lt;use&gt; it' in text
    links = [part.split('"', 1)[0] for part in text.split('href="')[1:]]
    seen = [urljoin("https://host/team/exporter/", link) for link in links if "docs" not in link]
    assert seen == [f"https://host/team/exporter/{path}" for path in ("metrics", "-/healthy", "-/ready")]
    for loads in ("src=", "@import", "url(", "<script", "<link"):
        assert loads not in text


def test_every_page_has_security_headers(lab: Lab) -> None:
    port = web(lab).port
    for method, path in (("GET", "/"), ("GET", "/metrics"), ("GET", "/nowhere"), ("POST", "/-/reload")):
        headers = ask(port, method, path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "deny"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["server"] == "genai-exporter"


def test_readiness_says_why_not(lab: Lab) -> None:
    reasons: list[str | None] = ["the receivers are not open yet", None]
    running = web(lab, ready=lambda: reasons[0])
    answer = ask(running.port, "GET", "/-/ready")
    assert (answer.code, answer.body) == (503, b"not ready: the receivers are not open yet\n")
    reasons.pop(0)
    assert ask(running.port, "GET", "/-/ready").code == 200
    running.set_draining()
    assert ask(running.port, "GET", "/-/ready").body == b"not ready: shutting down\n"
    assert ask(running.port, "GET", "/-/healthy").code == 200
    assert ask(running.port, "GET", "/metrics").code == 200, "the last scrape is still answered"


def test_reload_is_off_unless_configured(lab: Lab) -> None:
    answer = ask(web(lab).port, "POST", "/-/reload")
    assert answer.code == 403
    assert b"reload.http: true" in answer.body


def test_reload_reports_its_outcome(lab: Lab) -> None:
    outcomes: list[str | None] = [None, "assembly.settle_seconds: must be at least 0"]
    port = web(lab, reload=lambda: outcomes.pop(0)).port
    wrong = ask(port, "GET", "/-/reload")
    assert (wrong.code, wrong.headers["allow"]) == (405, "POST")
    assert ask(port, "POST", "/-/reload", Origin="https://evil.example").code == 403
    assert ask(port, "POST", "/-/reload", Origin=f"http://127.0.0.1:{port}").code == 200
    answer = ask(port, "POST", "/-/reload")
    assert answer.code == 500
    assert b"assembly.settle_seconds: must be at least 0" in answer.body


def test_unknown_pages_and_methods(lab: Lab) -> None:
    port = web(lab).port
    answer = ask(port, "GET", "/v1/traces")
    assert answer.code == 404
    assert b"/metrics" in answer.body
    answer = ask(port, "POST", "/metrics")
    assert (answer.code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_page_that_fails_is_logged_once_and_the_rest_goes_on(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    def broken(asked_for_openmetrics: bool) -> bytes:
        raise ZeroDivisionError("a defect")

    port = web(lab, render=broken).port
    with caplog.at_level(logging.ERROR):
        assert [ask(port, "GET", "/metrics").code for _ in range(3)] == [500] * 3
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert ask(port, "GET", "/-/healthy").code == 200


def test_users_and_headers_of_the_web_configuration(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    secret = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    file.write_text(
        f"basic_auth_users: {{ada: '{secret}'}}\nhttp_server_config: {{headers: {{X-Frame-Options: sameorigin}}}}\n"
    )
    port = web(lab, web_config=WebConfig(file)).port
    for path in ("/metrics", "/", "/-/ready", "/nowhere"):
        assert ask(port, "GET", path).code == 401
    answer = ask(port, "GET", "/metrics", Authorization="Basic " + base64.b64encode(b"ada:secret").decode())
    assert (answer.code, answer.headers["x-frame-options"]) == (200, "sameorigin")
