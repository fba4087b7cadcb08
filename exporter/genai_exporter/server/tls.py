"""TLS for the listeners: contexts made from the web configuration, for asyncio and for gRPC."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import grpc
import msgspec

from genai_exporter.server.webfile import TlsConfig, WebConfigError

_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}

# Go names of cipher suites up to TLS 1.2, and what OpenSSL calls them. Go's insecure list (RC4, 3DES, static RSA with
# SHA-256) is left out; the suites of TLS 1.3 are always on, in Go as here, so naming them changes nothing.
_CIPHERS: Final[dict[str, str]] = {
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    **{
        f"TLS_ECDHE_{key}_WITH_{go}": f"ECDHE-{key}-{openssl}"
        for key in ("ECDSA", "RSA")
        for go, openssl in (
            ("AES_128_CBC_SHA", "AES128-SHA"),
            ("AES_256_CBC_SHA", "AES256-SHA"),
            ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
            ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
            ("CHACHA20_POLY1305", "CHACHA20-POLY1305"),
            ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
        )
    },
}
_TLS13_SUITES: Final = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
_OPTIONAL: Final = "VerifyClientCertIfGiven"
_REQUIRED: Final = "RequireAndVerifyClientCert"


class Pem(msgspec.Struct, frozen=True):
    """The content of the files, as gRPC takes it. ``client_ca`` is None when clients show no certificate."""

    key: bytes
    certificate: bytes
    client_ca: bytes | None


class LiveContext(ssl.SSLContext):
    """An SSL context that hands every new connection to the context that is current at that moment.

    A server keeps the context it was started with. Loading a renewed certificate into it would work, but an authority
    or a cipher that was removed would stay; so each reload makes a fresh context, and this one passes connections on.
    """

    _current: Callable[[], ssl.SSLContext]

    def __new__(cls, current: Callable[[], ssl.SSLContext]) -> LiveContext:
        context = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        context._current = current
        return context

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """Start a connection with the current context."""
        return self._current().wrap_bio(*args, **kwargs)


def server_context(tls: TlsConfig) -> ssl.SSLContext:
    """The context for one state of the configuration and its files. Raises WebConfigError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = _VERSIONS[tls.max_version]
    context.minimum_version = _VERSIONS[tls.min_version]
    context.set_alpn_protocols(["http/1.1"])
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    _set_ciphers(context, tls)
    try:
        # The password keeps the TLS library from asking for one on the terminal when the key is encrypted.
        context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: b"")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise WebConfigError(
            f"tls_server_config: cert_file {tls.cert_file} with key_file {tls.key_file} cannot be used: {error}"
        ) from error
    if tls.client_ca_file:
        try:
            context.load_verify_locations(tls.client_ca_file)
        except (OSError, ValueError) as error:
            raise WebConfigError(f"tls_server_config.client_ca_file {tls.client_ca_file}: {error}") from error
        context.verify_mode = ssl.CERT_REQUIRED if tls.client_auth_type == _REQUIRED else ssl.CERT_OPTIONAL
    return context


def _set_ciphers(context: ssl.SSLContext, tls: TlsConfig) -> None:
    unknown = [name for name in tls.cipher_suites if name not in _CIPHERS and name not in _TLS13_SUITES]
    if unknown:
        raise WebConfigError(
            f"tls_server_config.cipher_suites: {', '.join(unknown)} not supported; "
            f"supported: {', '.join((*_CIPHERS, *_TLS13_SUITES))}"
        )
    chosen = [_CIPHERS[name] for name in tls.cipher_suites if name in _CIPHERS]
    if chosen:
        try:
            context.set_ciphers(":".join(dict.fromkeys(chosen)))
        except ssl.SSLError as error:
            raise WebConfigError("tls_server_config.cipher_suites: the TLS library has none of these suites") from error
    elif tls.cipher_suites:
        # Only suites of TLS 1.3 are wanted, so nothing older may be negotiated.
        if tls.max_version != "TLS13":
            raise WebConfigError("tls_server_config.cipher_suites: none of these suites exists in TLS 1.2")
        context.minimum_version = ssl.TLSVersion.TLSv1_3


def read_pem(tls: TlsConfig) -> Pem:
    """The files of the configuration. Raises WebConfigError."""
    try:
        return Pem(
            key=Path(tls.key_file).read_bytes(),
            certificate=Path(tls.cert_file).read_bytes(),
            client_ca=Path(tls.client_ca_file).read_bytes() if tls.client_ca_file else None,
        )
    except OSError as error:
        raise WebConfigError(f"tls_server_config: {error}") from error


def check_for_grpc(tls: TlsConfig) -> None:
    """Refuse what gRPC's own TLS cannot be told. Raises WebConfigError."""
    problems = {
        "client_auth_type": tls.client_auth_type if tls.client_auth_type == _OPTIONAL else "",
        "min_version": tls.min_version if tls.min_version != "TLS12" else "",
        "max_version": tls.max_version if tls.max_version != "TLS13" else "",
        "cipher_suites": ", ".join(tls.cipher_suites),
    }
    for key, value in problems.items():
        if value:
            raise WebConfigError(
                f"tls_server_config.{key}: {value} cannot be had with gRPC, which offers TLS 1.2 and 1.3 with its own "
                "cipher suites, and client certificates that are required or not asked for; change it, or receive "
                "over HTTP only (receiver.grpc.listen: null)"
            )


def grpc_credentials(current: Callable[[], Pem]) -> grpc.ServerCredentials:
    """Credentials for a gRPC listener that ask ``current`` for renewed files at every new connection."""
    used = current()

    def configuration(pem: Pem) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([(pem.key, pem.certificate)], pem.client_ca)

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal used
        pem = current()
        if pem == used:
            return None
        used = pem
        return configuration(pem)

    return grpc.dynamic_ssl_server_credentials(
        configuration(used), renewed, require_client_authentication=used.client_ca is not None
    )
