"""The web configuration file: what is accepted, and how everything else is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from genai_exporter.server.tls import _CIPHERS, server_context
from genai_exporter.server.webfile import TlsConfig, WebConfigError, WebSettings, read_web_config

HASH = "$2y$10$" + "a" * 53
TLS = "tls_server_config:\n  cert_file: certs/server.crt\n  key_file: /keys/server.key\n"


def read(folder: Path, text: str) -> WebSettings:
    file = folder / "web.yml"
    file.write_text(text)
    return read_web_config(file)


@pytest.mark.parametrize("text", ["", "{}", "basic_auth_users:\n", "http_server_config: {http2: false}"])
def test_an_empty_configuration_asks_for_nothing(tmp_path: Path, text: str) -> None:
    settings = read(tmp_path, text)
    assert settings.tls is None
    assert settings.headers == ()
    assert settings.accounts.open


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("a-token\n")
    text = (
        TLS + "  client_ca_file: ca.crt\n  client_auth_type: RequireAndVerifyClientCert\nbearer_tokens_file: tokens\n"
    )
    settings = read(tmp_path, text)
    assert settings.tls is not None
    assert settings.tls.files == (
        str(tmp_path / "certs/server.crt"),
        "/keys/server.key",
        str(tmp_path / "ca.crt"),
    )
    assert set(settings.files) == {str(tmp_path / "web.yml"), str(tmp_path / "tokens"), *settings.tls.files}


def test_users_tokens_and_headers(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("# comment\n\n a-token \n")
    settings = read(
        tmp_path,
        f"basic_auth_users: {{ada: '{HASH}'}}\nbearer_tokens_file: tokens\n"
        "http_server_config: {headers: {X-Frame-Options: DENY, X-XSS-Protection: ''}}\n",
    )
    assert settings.accounts.users == {"ada": HASH.encode()}
    assert settings.accounts.tokens == {hashlib.sha256(b"a-token").digest()}
    assert settings.headers == (("X-Frame-Options", "DENY"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rate_limit: {interval: 1s}", "rate_limit is not supported here: .*; supported keys: tls_server_config"),
        ("tls_config: {}", "tls_config is unknown; supported keys: tls_server_config, http_server_config"),
        ("- a list", "the file must be a mapping"),
        ("basic_auth_users: [ada]", "basic_auth_users"),
        ("a: [", "not valid YAML"),
        ("\x00", "not valid YAML"),
        ("tls_server_config: on", "tls_server_config must be a mapping"),
        ("tls_server_config: {cert_file: a}", "key_file"),
        ("tls_server_config: {cert_file: '', key_file: b}", "cert_file"),
        (TLS + "  cert: inline", "tls_server_config.cert is not supported here: .*cert_file"),
        (TLS + "  key: inline", "tls_server_config.key is not supported"),
        (TLS + "  client_ca: inline", "tls_server_config.client_ca is not supported"),
        (TLS + "  client_allowed_sans: [a]", "tls_server_config.client_allowed_sans is not supported"),
        (TLS + "  curve_preferences: [X25519]", "tls_server_config.curve_preferences is not supported"),
        (TLS + "  min_version: TLS11", "(?s)TLS11.*tls_server_config.min_version"),
        (TLS + "  min_version: TLS13\n  max_version: TLS12", "min_version TLS13 is above max_version TLS12"),
        (TLS + "  client_auth_type: Always", "client_auth_type"),
        (TLS + "  client_auth_type: RequireAnyClientCert", "RequireAnyClientCert .*supported: NoClientCert"),
        (TLS + "  client_auth_type: VerifyClientCertIfGiven", "client_ca_file is required"),
        (TLS + "  client_auth_type: RequireAndVerifyClientCert", "client_ca_file is required"),
        (TLS + "  client_ca_file: ca.crt", "client_ca_file has no effect with client_auth_type NoClientCert"),
        (TLS + "  client_ca_file: c\n  client_auth_type: RequestClientCert", "has no effect"),
        ("http_server_config: {http2: true}", "http_server_config.http2: HTTP/2 is not available"),
        ("http_server_config: {headers: {X-Own: a}}", "headers.X-Own cannot be set; supported headers: Content-Sec"),
        ("http_server_config: {headers: {X-Frame-Options: allow}}", "'allow' is not one of deny, sameorigin"),
        ('http_server_config: {headers: {X-XSS-Protection: "a\\r\\nb: c"}}', "one line"),
        ("basic_auth_users: {ada: '$1$abc'}", "basic_auth_users.ada is not a bcrypt hash"),
        (f"basic_auth_users: {{'a:b': '{HASH}'}}", "colon"),
        (f"basic_auth_users: {{'': '{HASH}'}}", "empty"),
        ("bearer_tokens_file: missing", "missing: cannot be read: No such file"),
        ("bearer_tokens_file: web.yml\n# only comments below\n", None),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path: Path, text: str, says: str | None) -> None:
    if says is None:
        assert read(tmp_path, text).accounts.tokens
        return
    with pytest.raises(WebConfigError, match=says) as caught:
        read(tmp_path, text)
    assert str(tmp_path) in str(caught.value)


def test_a_file_of_tokens_without_a_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("# none\n\n")
    with pytest.raises(WebConfigError, match="no bearer token"):
        read(tmp_path, "bearer_tokens_file: tokens")


def test_a_password_in_place_of_a_hash_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(WebConfigError) as caught:
        read(tmp_path, "basic_auth_users: {ada: my-plain-password}")
    assert "my-plain-password" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"#" * 1_100_000])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "web.yml").write_bytes(content)
    with pytest.raises(WebConfigError, match=r"not UTF-8|larger than"):
        read_web_config(tmp_path / "web.yml")


def test_unknown_ciphers_are_refused_with_the_known_ones() -> None:
    with pytest.raises(
        WebConfigError, match=r"TLS_RSA_WITH_RC4_128_SHA not supported; supported: .*TLS_ECDHE_RSA_WITH_AES"
    ):
        server_context(TlsConfig(cert_file="a", key_file="b", cipher_suites=("TLS_RSA_WITH_RC4_128_SHA",)))


def test_suites_of_tls_1_3_alone_exclude_tls_1_2() -> None:
    only = TlsConfig(cert_file="a", key_file="b", cipher_suites=("TLS_AES_128_GCM_SHA256",), max_version="TLS12")
    with pytest.raises(WebConfigError, match=r"none of these suites exists in TLS 1\.2"):
        server_context(only)


@pytest.mark.parametrize("name", sorted(_CIPHERS))
def test_every_cipher_name_is_one_the_tls_library_knows(name: str) -> None:
    with pytest.raises(WebConfigError, match="cert_file"):  # it comes past the ciphers, to the missing certificate
        server_context(TlsConfig(cert_file="/missing", key_file="/missing", cipher_suites=(name,)))
