"""The web configuration file of the Prometheus exporter toolkit: TLS, response headers and users.

What this service cannot do is refused at start with the name of the key, rather than ignored: a listener must never be
less protected than its file says. One key is an addition to the format: ``bearer_tokens_file``, a file with one token
per line, for senders and scrapers that authenticate by a token.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import yaml

from genai_exporter.server.credentials import Accounts


class WebConfigError(Exception):
    """The web configuration cannot be used; the message names the file, the key and what is accepted."""


ClientAuth = Literal[
    "NoClientCert", "RequestClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"
]
TlsVersion = Literal["TLS12", "TLS13"]
Text = Annotated[str, msgspec.Meta(min_length=1)]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class TlsConfig(_Section, frozen=True):
    """``tls_server_config``, with paths made absolute by ``read_web_config``."""

    cert_file: Text
    key_file: Text
    client_ca_file: str = ""
    client_auth_type: ClientAuth | Literal[""] = "NoClientCert"
    min_version: TlsVersion = "TLS12"
    max_version: TlsVersion = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True

    @property
    def files(self) -> tuple[str, ...]:
        """Every file the configuration reads."""
        return tuple(file for file in (self.cert_file, self.key_file, self.client_ca_file) if file)


class HttpConfig(_Section, frozen=True):
    """``http_server_config``."""

    http2: bool = False
    headers: dict[str, str] = msgspec.field(default_factory=dict)


class WebFile(_Section, frozen=True):
    """The whole file, as written."""

    tls_server_config: TlsConfig | None = None
    http_server_config: HttpConfig = HttpConfig()
    basic_auth_users: dict[str, str] = msgspec.field(default_factory=dict)
    bearer_tokens_file: str = ""


class WebSettings(msgspec.Struct, frozen=True):
    """A checked web configuration: what the servers work with."""

    tls: TlsConfig | None
    headers: tuple[tuple[str, str], ...]
    accounts: Accounts
    files: tuple[str, ...]


MAX_FILE_BYTES: Final = 1024 * 1024
_HASH: Final = re.compile(r"\$2[abxy]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")

# Accepted values in lower case; None accepts any.
_HEADERS: Final[Mapping[str, tuple[str, ...] | None]] = {
    "Content-Security-Policy": None,
    "Strict-Transport-Security": None,
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": None,
}

# Keys of the format that exist elsewhere but not here, with the reason.
_REFUSED: Final = {
    "rate_limit": "requests are bounded by the receiver's own limits",
    "tls_server_config.cert": "certificates are read from cert_file, so that they can be renewed",
    "tls_server_config.key": "the key is read from key_file",
    "tls_server_config.client_ca": "certificate authorities are read from client_ca_file",
    "tls_server_config.client_allowed_sans": "names of client certificates are not compared; use a client_ca_file that "
    "signs only the clients to admit",
    "tls_server_config.curve_preferences": "the curves of the TLS library are used",
}


def read_web_config(path: Path) -> WebSettings:
    """Read and check a file and the files it names (certificates are checked when they are loaded).

    Relative paths are relative to the file's folder. Raises WebConfigError.
    """
    try:
        raw = yaml.safe_load(_read(path))
    except yaml.YAMLError as error:
        raise WebConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    raw = {} if raw is None else raw
    _check_keys(path, raw, WebFile, "")
    raw = {key: value for key, value in raw.items() if value is not None}  # a key left empty is a key left out
    try:
        file = msgspec.convert(raw, WebFile)
    except msgspec.ValidationError as error:
        raise WebConfigError(f"{path}: {error}") from error
    if file.http_server_config.http2:
        raise WebConfigError(
            f"{path}: http_server_config.http2: HTTP/2 is not available here; remove the key or set false"
        )
    tls = _check_tls(path, file.tls_server_config)
    tokens_file = _absolute(path, file.bearer_tokens_file)
    return WebSettings(
        tls=tls,
        headers=_check_headers(path, file.http_server_config.headers),
        accounts=Accounts.of(
            _check_users(path, file.basic_auth_users), _read_tokens(tokens_file) if tokens_file else frozenset()
        ),
        files=tuple(file for file in (str(path), tokens_file, *(tls.files if tls else ())) if file),
    )


def _read(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise WebConfigError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        return content.decode()
    except OSError as error:
        raise WebConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise WebConfigError(f"{path}: not UTF-8 text") from error


def _check_keys(path: Path, raw: Any, kind: type[msgspec.Struct], prefix: str) -> None:
    if not isinstance(raw, dict):
        raise WebConfigError(f"{path}: {prefix.rstrip('.') or 'the file'} must be a mapping of keys to values")
    known = kind.__struct_fields__
    for key, value in raw.items():
        name = f"{prefix}{key}"
        if key not in known:
            reason = _REFUSED.get(name)
            why = f"is not supported here: {reason}" if reason else "is unknown"
            raise WebConfigError(f"{path}: {name} {why}; supported keys: {', '.join(known)}")
        sections: dict[str, type[msgspec.Struct]] = {
            "tls_server_config": TlsConfig,
            "http_server_config": HttpConfig,
        }
        nested = sections.get(name)
        if nested is not None and value is not None:
            _check_keys(path, value, nested, f"{name}.")


def _check_tls(path: Path, tls: TlsConfig | None) -> TlsConfig | None:
    if tls is None:
        return None
    where = f"{path}: tls_server_config"
    verifies = tls.client_auth_type in {"VerifyClientCertIfGiven", "RequireAndVerifyClientCert"}
    if tls.client_auth_type == "RequireAnyClientCert":
        raise WebConfigError(
            f"{where}.client_auth_type: RequireAnyClientCert asks for a certificate without verifying it, which the "
            "TLS library does not do; supported: NoClientCert, RequestClientCert, VerifyClientCertIfGiven, "
            "RequireAndVerifyClientCert"
        )
    if verifies and not tls.client_ca_file:
        raise WebConfigError(f"{where}.client_ca_file is required with client_auth_type {tls.client_auth_type}")
    if tls.client_ca_file and not verifies:
        raise WebConfigError(
            f"{where}.client_ca_file has no effect with client_auth_type {tls.client_auth_type or 'NoClientCert'}; "
            "set RequireAndVerifyClientCert"
        )
    if tls.min_version > tls.max_version:
        raise WebConfigError(f"{where}.min_version {tls.min_version} is above max_version {tls.max_version}")
    return msgspec.structs.replace(
        tls,
        cert_file=_absolute(path, tls.cert_file),
        key_file=_absolute(path, tls.key_file),
        client_ca_file=_absolute(path, tls.client_ca_file),
    )


def _check_headers(path: Path, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    for name, value in headers.items():
        where = f"{path}: http_server_config.headers.{name}"
        if name not in _HEADERS:
            raise WebConfigError(f"{where} cannot be set; supported headers: {', '.join(_HEADERS)}")
        accepted = _HEADERS[name]
        if value and accepted is not None and value.lower() not in accepted:
            raise WebConfigError(f"{where}: {value!r} is not one of {', '.join(accepted)}")
        if not value.isprintable():
            raise WebConfigError(f"{where}: the value must be one line of printable text")
    return tuple((name, value) for name, value in headers.items() if value)


def _check_users(path: Path, users: Mapping[str, str]) -> dict[str, bytes]:
    for user, hashed in users.items():
        if not user or ":" in user:
            raise WebConfigError(f"{path}: basic_auth_users: {user!r} is no user name: it is empty or has a colon")
        if not _HASH.fullmatch(hashed):  # the value may be a password by mistake, so it is not repeated here
            raise WebConfigError(f"{path}: basic_auth_users.{user} is not a bcrypt hash ($2y$10$... and 53 characters)")
    return {user: hashed.encode() for user, hashed in users.items()}


def _read_tokens(file: str) -> frozenset[bytes]:
    lines = (line.strip() for line in _read(Path(file)).splitlines())
    tokens = frozenset(hashlib.sha256(line.encode()).digest() for line in lines if line and not line.startswith("#"))
    if not tokens:
        raise WebConfigError(f"{file}: no bearer token in this file; write one per line")
    return tokens


def _absolute(path: Path, file: str) -> str:
    return str(path.parent / file) if file else ""
