"""TLS, client certificates, users and tokens from a web configuration file, followed while it changes."""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import grpc
import pytest

from e2e.receiver_lab import Authority, Lab, ask, eventually, send, spans_body
from genai_exporter.server import WebConfig, WebConfigError

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
needs_openssl = pytest.mark.skipif(not Authority.available(), reason="the openssl command makes the certificates")

TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
CLIENTS = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n"


def hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def rewrite(file: Path, text: str) -> None:
    """Replace a file at once, with a new modification time."""
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(file)


@pytest.fixture(params=["asyncio", "uvloop"])
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with Lab(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def authority(made: Authority) -> Authority:
    made.issue("server")
    made.issue("client", "a sender")
    return made


def client_context(authority: Authority, name: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.file))
    if name:
        context.load_cert_chain(authority.folder / f"{name}.crt", authority.folder / f"{name}.key")
    return context


def config(authority: Authority, text: str, name: str = "web.yml") -> WebConfig:
    file = authority.folder / name
    rewrite(file, text)
    return WebConfig(file)


def shown_certificate(port: int, authority: Authority) -> str:
    return ssl.get_server_certificate(("localhost", port), ca_certs=str(authority.file))


@needs_openssl
def test_http_over_tls(lab: Lab, authority: Authority) -> None:
    port = lab.http(config(authority, TLS)).port
    assert (
        ask(port, body=spans_body(), context=client_context(authority), Content_Type="application/x-protobuf")[0] == 200
    )
    with pytest.raises(ssl.SSLError):
        ask(port, context=ssl.create_default_context())


@needs_openssl
def test_client_certificates(lab: Lab, authority: Authority) -> None:
    port = lab.http(config(authority, TLS + CLIENTS)).port
    assert ask(port, "GET", context=client_context(authority, "client")).code == 405
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(port, "GET", context=client_context(authority))


@needs_openssl
def test_tls_version_and_ciphers(lab: Lab, authority: Authority) -> None:
    text = TLS + "  min_version: TLS12\n  max_version: TLS12\n"
    text += "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n"
    port = lab.http(config(authority, text)).port
    context = client_context(authority)
    context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    assert ask(port, "GET", context=context).code == 405
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(port, "GET", context=context)
    newest = client_context(authority)
    newest.minimum_version = ssl.TLSVersion.TLSv1_3
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(port, "GET", context=newest)


@needs_openssl
def test_a_renewed_certificate_is_shown_to_new_connections(lab: Lab, authority: Authority) -> None:
    web = config(authority, TLS)
    ports = [lab.http(web).port, lab.grpc(web).port]
    before = [shown_certificate(port, authority) for port in ports]
    assert before[0] == before[1]
    authority.issue("server")
    eventually("both show the new one", lambda: all(shown_certificate(port, authority) != before[0] for port in ports))
    assert web.problem is None


@needs_openssl
def test_a_broken_renewal_keeps_the_last_good_certificate(
    lab: Lab, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    web = config(authority, TLS)
    port = lab.http(web).port
    before = shown_certificate(port, authority)
    rewrite(authority.folder / "server.crt", "no certificate")
    assert shown_certificate(port, authority) == before
    assert shown_certificate(port, authority) == before
    assert web.problem is not None
    assert "server.crt" in web.problem
    assert len([record for record in caplog.records if "not reloaded" in record.message]) == 1
    authority.issue("server")
    eventually("the new one is shown", lambda: shown_certificate(port, authority) != before)
    assert web.problem is None


@needs_openssl
def test_tls_is_not_switched_off_by_a_change_of_the_file(lab: Lab, authority: Authority) -> None:
    web = config(authority, TLS)
    port = lab.http(web).port
    rewrite(authority.folder / "web.yml", "basic_auth_users: {}\n")
    assert ask(port, "GET", context=client_context(authority)).code == 405
    assert web.problem is not None
    assert "restart" in web.problem


@needs_openssl
def test_grpc_with_client_certificates_and_users(lab: Lab, authority: Authority) -> None:
    web = config(authority, TLS + CLIENTS + f"basic_auth_users: {{ada: '{hashed('secret')}'}}\n")
    target = f"localhost:{lab.grpc(web).port}"
    root = authority.file.read_bytes()
    key, certificate = ((authority.folder / f"client.{kind}").read_bytes() for kind in ("key", "crt"))
    with grpc.secure_channel(target, grpc.ssl_channel_credentials(root, key, certificate)) as channel:
        call = channel.unary_unary(EXPORT)
        assert call(spans_body(), metadata=[("authorization", basic("ada", "secret"))], timeout=10) == b""
        for metadata in ([], [("authorization", basic("ada", "wrong"))]):
            with pytest.raises(grpc.RpcError) as caught:
                call(spans_body(), metadata=metadata, timeout=10)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    with grpc.secure_channel(target, grpc.ssl_channel_credentials(root)) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(EXPORT)(spans_body(), timeout=10)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert len(lab.neighbour.taken) == 1


@needs_openssl
@pytest.mark.parametrize(
    ("key", "more"),
    [
        ("min_version", "  min_version: TLS13\n"),
        ("max_version", "  max_version: TLS12\n"),
        ("cipher_suites", "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n"),
        ("client_auth_type", "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.crt\n"),
    ],
)
def test_what_grpc_cannot_enforce_is_refused(lab: Lab, authority: Authority, key: str, more: str) -> None:
    with pytest.raises(WebConfigError, match=f"tls_server_config.{key}: .* gRPC"):
        lab.grpc(config(authority, TLS + more))


@needs_openssl
def test_grpc_never_becomes_less_protected_than_the_file_says(lab: Lab, authority: Authority) -> None:
    web = config(authority, TLS)
    port = lab.grpc(web).port
    rewrite(authority.folder / "web.yml", TLS + CLIENTS)
    shown_certificate(port, authority)
    assert web.headers == ()
    assert web.problem is not None
    assert "client_auth_type" in web.problem


@needs_openssl
@pytest.mark.parametrize("broken", ["server.crt", "server.key", "ca.crt"])
def test_unusable_files_are_refused_at_start(authority: Authority, tmp_path: Path, broken: str) -> None:
    for name in ("server.crt", "server.key", "ca.crt"):
        (tmp_path / name).write_bytes((authority.folder / name).read_bytes())
    (tmp_path / "web.yml").write_text(TLS + CLIENTS)
    WebConfig(tmp_path / "web.yml")
    (tmp_path / broken).write_text("broken")
    with pytest.raises(WebConfigError, match=broken):
        WebConfig(tmp_path / "web.yml")
    (tmp_path / broken).unlink()
    with pytest.raises(WebConfigError, match=broken):
        WebConfig(tmp_path / "web.yml")


def test_basic_authentication_over_http(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text(f"basic_auth_users:\n  ada: {hashed('secret')}\n")
    port = lab.http(WebConfig(file)).port
    assert send(port, b"", Authorization=basic("ada", "secret")).code == 200
    for wrong in (basic("ada", "guess"), basic("bob", "secret"), "Basic %%%", "Bearer secret", "Basic YWRh", "x"):
        answer = send(port, spans_body(), Authorization=wrong)
        assert (answer.code, answer.status.code) == (401, 16)
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert send(port, spans_body()).code == 401
    assert len(lab.neighbour.taken) == 1
    assert ("http", "traces", "401") in lab.requests


def test_users_change_without_a_restart(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text(f"basic_auth_users:\n  ada: {hashed('secret')}\n")
    web = WebConfig(file)
    port = lab.http(web).port
    assert send(port, b"", Authorization=basic("ada", "secret")).code == 200
    rewrite(file, f"basic_auth_users:\n  ada: {hashed('other')}\n  bob: {hashed('third')}\n")
    assert send(port, b"", Authorization=basic("ada", "secret")).code == 401
    assert send(port, b"", Authorization=basic("ada", "other")).code == 200
    rewrite(file, "basic_auth_users: [")
    assert send(port, b"", Authorization=basic("bob", "third")).code == 200, "the last good state stays in force"
    assert send(port, b"").code == 401
    assert web.problem is not None
    rewrite(file, f"basic_auth_users:\n  bob: {hashed('third')}\n")
    eventually("ada is gone", lambda: send(port, b"", Authorization=basic("ada", "other")).code == 401)
    assert web.problem is None


def test_bearer_tokens(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("# senders\nfirst-token\nsecond-token\n")
    (tmp_path / "web.yml").write_text("bearer_tokens_file: tokens\n")
    web = WebConfig(tmp_path / "web.yml")
    port = lab.http(web).port
    assert send(port, b"", Authorization="Bearer second-token").code == 200
    assert send(port, b"", Authorization="bearer first-token").code == 200
    for wrong in ("Bearer third-token", "Bearer ", "Bearer # senders", basic("first-token", "")):
        assert send(port, b"", Authorization=wrong).code == 401
    assert send(port, b"").headers["www-authenticate"] == 'Bearer realm="genai-exporter"'
    rewrite(tmp_path / "tokens", "third-token\n")
    assert send(port, b"", Authorization="Bearer third-token").code == 200
    assert send(port, b"", Authorization="Bearer second-token").code == 401


def test_configured_headers_are_sent(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text("http_server_config: {headers: {Strict-Transport-Security: max-age=60}}\n")
    port = lab.http(WebConfig(file)).port
    assert send(port, b"").headers["strict-transport-security"] == "max-age=60"
    os.utime(file)
    assert send(port, b"x", path="/nowhere").headers["strict-transport-security"] == "max-age=60"
