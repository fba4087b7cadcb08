"""What no single key can tell: settings that contradict each other or the world outside.

Each rule is a small generator over the whole of the settings; ``RULES`` is all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from genai_exporter import catalogue
from genai_exporter.config.listen import Listen, collide, parse_listen, reaches
from genai_exporter.config.model import Settings
from genai_exporter.config.problem import Path, Problem, unknown

HTTP_LISTEN: Path = ("receiver", "http", "listen")
GRPC_LISTEN: Path = ("receiver", "grpc", "listen")
METRICS_LISTEN: Path = ("metrics", "listen")

_PREFIX = re.compile(r"(/[\w.~-]+)+/?")
_ORIGIN = re.compile(r"https?://[^/\s]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OWN_HEADERS = frozenset({"authorization", "content-type", "content-encoding", "content-length", "host"})
_HEADER_SETTINGS = {"authorization": "; see forward.authorization_file"}


def listen_addresses(settings: Settings) -> Iterator[Problem]:
    taken: list[tuple[Path, Listen]] = []
    for path, text in (
        (HTTP_LISTEN, settings.receiver.http.listen),
        (GRPC_LISTEN, settings.receiver.grpc.listen),
        (METRICS_LISTEN, settings.metrics.listen),
    ):
        if text is None:
            continue
        try:
            address = parse_listen(text)
        except ValueError as error:
            yield Problem(path, str(error))
            continue
        for other, occupied in taken:
            if collide(address, occupied):
                yield Problem(path, f"{text!r} is refused: {'.'.join(map(str, other))} uses the same port")
        taken.append((path, address))
    if settings.receiver.http.listen is None and settings.receiver.grpc.listen is None:
        yield Problem(HTTP_LISTEN, "null is refused: receiver.grpc.listen is null too, and nothing could be received")


def body_sizes(settings: Settings) -> Iterator[Problem]:
    receiver = settings.receiver
    for smaller, larger in (("max_body_bytes", "max_decompressed_bytes"), ("max_decompressed_bytes", "max_held_bytes")):
        least, given = getattr(receiver, smaller), getattr(receiver, larger)
        if given < least:
            yield Problem(
                ("receiver", larger), f"{given} is refused. Accepted: at least receiver.{smaller}, which is {least}"
            )


def http_receiver(settings: Settings) -> Iterator[Problem]:
    http = settings.receiver.http
    for index, prefix in enumerate(http.extra_prefixes):
        if not _PREFIX.fullmatch(prefix):
            yield Problem(
                ("receiver", "http", "extra_prefixes", index),
                f"{prefix!r} is refused. Accepted: a path such as /my-platform",
            )
    for index, origin in enumerate(http.cors_origins):
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            yield Problem(
                ("receiver", "http", "cors_origins", index),
                f"{origin!r} is refused. Accepted: * or an origin such as https://app.example.com, without a path",
            )


def label_names(settings: Settings) -> Iterator[Problem]:
    metrics = settings.metrics
    yield from _names(
        ("metrics", "dimensions"), metrics.dimensions, "label", [label.name for label in catalogue.VOCABULARY]
    )
    derived = [metric for metric in catalogue.ALL if metric.audience == "operator"]
    open_ended = sorted({label.name for metric in derived for label in metric.labels if label.values is None})
    for name in metrics.label_limits:
        if name not in open_ended:
            yield Problem(("metrics", "label_limits", name), unknown("label", name, open_ended))


def attribute_keys(settings: Settings) -> Iterator[Problem]:
    for field in settings.attributes.__struct_fields__:
        yield from _names(("attributes", field), getattr(settings.attributes, field), "attribute key", None)


def quotas(settings: Settings) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for index, quota in enumerate(settings.quotas):
        if (quota.provider, quota.model) in seen:
            yield Problem(("quotas", index), f"a second quota for {quota.provider!r}, model {quota.model!r}")
        seen.add((quota.provider, quota.model))


def evaluations(settings: Settings) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, entry in enumerate(settings.evaluations):
        path: Path = ("evaluations", index)
        if entry.name in seen:
            yield Problem((*path, "name"), f"a second entry for {entry.name!r}")
        seen.add(entry.name)
        if entry.min_score >= entry.max_score:
            yield Problem(
                (*path, "max_score"), f"{entry.max_score} is refused. Accepted: above min_score, {entry.min_score}"
            )
        elif entry.pass_threshold is not None and not entry.min_score <= entry.pass_threshold <= entry.max_score:
            yield Problem(
                (*path, "pass_threshold"),
                f"{entry.pass_threshold} is refused. Accepted: from min_score {entry.min_score} to max_score "
                f"{entry.max_score}",
            )


def telemetry(settings: Settings) -> Iterator[Problem]:
    own = settings.telemetry
    if own.traces_authorization is not None and own.traces_authorization_file is not None:
        yield Problem(
            ("telemetry", "traces_authorization"), "given beside traces_authorization_file. Accepted: one of the two"
        )
    yield from _other_receiver(settings, ("telemetry", "traces_endpoint"), own.traces_endpoint)


def forward(settings: Settings) -> Iterator[Problem]:
    own = settings.forward
    if own.authorization is not None and own.authorization_file is not None:
        yield Problem(("forward", "authorization"), "given beside authorization_file. Accepted: one of the two")
    for name, value in own.headers.items():
        path: Path = ("forward", "headers", name)
        if name.lower() in _OWN_HEADERS:
            yield Problem(path, f"the exporter sets {name} itself{_HEADER_SETTINGS.get(name.lower(), '')}")
        elif not _HEADER_NAME.fullmatch(name) or not value.isprintable():
            yield Problem(path, "refused. Accepted: the name of an HTTP header and one line of text")
    yield from _other_receiver(settings, ("forward", "endpoint"), own.endpoint)
    if own.endpoint is not None and _is_url(own.endpoint) and urlsplit(own.endpoint).path in ("", "/"):
        yield Problem(
            ("forward", "endpoint"),
            f"{own.endpoint!r} is refused. Accepted: an address with its path, which is usually /v1/traces",
        )


def store(settings: Settings) -> Iterator[Problem]:
    own = settings.store
    given = [name for name in ("dsn", "dsn_file") if getattr(own, name) is not None]
    given += ["embedded"] if own.embedded else []
    if len(given) > 1:
        yield Problem(("store", given[0]), f"given beside {' and '.join(given[1:])}. Accepted: one of them")
    if own.embedded and not own.migrate:
        yield Problem(("store", "migrate"), "false is refused: nobody else could migrate the embedded PostgreSQL")
    if own.user_hash_key is not None and own.user_hash_key_file is not None:
        yield Problem(("store", "user_hash_key"), "given beside user_hash_key_file. Accepted: one of the two")


def _other_receiver(settings: Settings, path: Path, endpoint: str | None) -> Iterator[Problem]:
    """The rules for an address to which spans are sent."""
    if endpoint is None:
        return
    if not _is_url(endpoint):
        yield Problem(path, f"{endpoint!r} is refused. Accepted: an http:// or https:// address with a host")
        return
    for listen in (settings.receiver.http.listen, settings.receiver.grpc.listen):
        try:
            itself = listen is not None and reaches(endpoint, parse_listen(listen))
        except ValueError:
            continue  # reported by listen_addresses
        if itself:
            yield Problem(
                path,
                f"{endpoint!r} is refused: it is this exporter's own receiver ({listen}), and its traces "
                "would cause more of them without end. Accepted: the address of another OTLP receiver",
            )


def files(settings: Settings) -> Iterator[Problem]:
    named: tuple[tuple[Path, str | None], ...] = (
        (("receiver", "web_config_file"), settings.receiver.web_config_file),
        (("metrics", "web_config_file"), settings.metrics.web_config_file),
        (("prices", "file"), settings.prices.file),
        (("telemetry", "traces_authorization_file"), settings.telemetry.traces_authorization_file),
        (("forward", "authorization_file"), settings.forward.authorization_file),
        (("forward", "ca_file"), settings.forward.ca_file),
        (("store", "dsn_file"), settings.store.dsn_file),
        (("store", "user_hash_key_file"), settings.store.user_hash_key_file),
    )
    for path, name in named:
        if name is None:
            continue
        try:
            with open(name, "rb") as opened:
                opened.read(1)
        except OSError as error:
            yield Problem(path, f"{name!r} cannot be read: {error.strerror}. Accepted: a file that can be read")


RULES: tuple[Callable[[Settings], Iterator[Problem]], ...] = (
    listen_addresses,
    body_sizes,
    http_receiver,
    label_names,
    attribute_keys,
    quotas,
    evaluations,
    telemetry,
    forward,
    store,
    files,
)


def _names(path: Path, names: Iterable[str], kind: str, accepted: list[str] | None) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if accepted is not None and name not in accepted:
            yield Problem((*path, index), unknown(kind, name, accepted))
        elif name in seen:
            yield Problem((*path, index), f"{name!r} is given twice")
        seen.add(name)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is not closed
        return False
