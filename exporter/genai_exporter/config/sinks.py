"""Settings of the sinks: where spans are forwarded to, and the ledger of calls in PostgreSQL."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from genai_exporter.config.fields import RESTART, Section, Text, about, number
from genai_exporter.config.secret import Secret

MIB = 1024 * 1024


class ForwardSettings(Section, frozen=True, kw_only=True):
    """Passing spans on, as they were received, to Tempo or any other OTLP/HTTP receiver."""

    endpoint: Annotated[
        Text | None,
        about(
            "OTLP/HTTP address to which every body of spans is forwarded, with the path. It must not be the exporter's "
            "own receiver. `null`: nothing is forwarded.",
            RESTART,
            "http://tempo:4318/v1/traces",
        ),
    ] = None
    headers: Annotated[
        dict[str, Text],
        about(
            "Headers sent along, none of them secret. For `Authorization` there are settings of their own.",
            RESTART,
            {"X-Scope-OrgID": "team-a"},
        ),
    ] = msgspec.field(default_factory=dict)
    authorization: Annotated[
        Secret | None, about("Value of the `Authorization` header sent with the spans.", RESTART)
    ] = None
    authorization_file: Annotated[
        Text | None,
        about(
            "File that holds the value of the `Authorization` header. It is read again when it changes.",
            RESTART,
            "/run/secrets/tempo-authorization",
        ),
    ] = None
    ca_file: Annotated[
        Text | None,
        about(
            "Certificates, in PEM, that the endpoint's own is checked against, in place of the system's.",
            RESTART,
            "/etc/genai-exporter/tempo-ca.pem",
        ),
    ] = None
    gzip: Annotated[
        bool, about("Compress what is sent. Costs more than all else the exporter does; for a far endpoint.", RESTART)
    ] = False
    max_queue_bytes: Annotated[
        int,
        number(
            1024,
            1024 * 1024 * MIB,
            "Bodies that wait to be sent, in bytes. Beyond it the oldest are dropped and counted.",
            RESTART,
        ),
    ] = 128 * MIB
    max_queue_spans: Annotated[
        int,
        number(
            1,
            1_000_000_000,
            "Spans that wait to be sent. Beyond it the oldest bodies are dropped and counted.",
            RESTART,
        ),
    ] = 500_000
    connections: Annotated[int, number(1, 256, "Bodies sent at the same time, each on its connection.", RESTART)] = 4
    timeout_seconds: Annotated[
        float, number(0.1, 600, "Time for sending one body and getting its answer.", RESTART)
    ] = 10.0
    drain_seconds: Annotated[
        float, number(0, 3600, "Time for sending what still waits when the exporter stops.", RESTART)
    ] = 5.0


class SessionSettings(Section, frozen=True, kw_only=True):
    """When a session has ended, and when one costs out of all proportion."""

    idle_seconds: Annotated[
        float, number(1, 31_536_000, "A session has ended when it had no call for this long.", RESTART)
    ] = 1800.0
    runaway_factor: Annotated[
        float,
        number(1, 1_000_000, "A session that costs this many times the average of its application runs away.", RESTART),
    ] = 10.0
    runaway_floor_usd: Annotated[
        float, number(0, 1_000_000, "No session runs away that costs less than this many US dollars.", RESTART)
    ] = 0.1
    runaway_min_sessions: Annotated[
        int, number(1, 1_000_000, "Sessions an application must have had before one of them can run away.", RESTART)
    ] = 20


class StoreSettings(Section, frozen=True, kw_only=True):
    """The ledger of calls in PostgreSQL. It is kept when `dsn`, `dsn_file` or `embedded` is set."""

    dsn: Annotated[
        Secret | None,
        about("Connection string or URI of the database. May hold a password, so prefer `store.dsn_file`.", RESTART),
    ] = None
    dsn_file: Annotated[
        Text | None,
        about(
            "File that holds the connection string. It is read for every new connection.",
            RESTART,
            "/run/secrets/postgres-dsn",
        ),
    ] = None
    embedded: Annotated[
        bool,
        about(
            "Start a PostgreSQL of the exporter's own, with its data in `store.data_dir`. Needs the extra "
            "`genai-exporter[embedded]`.",
            RESTART,
        ),
    ] = False
    data_dir: Annotated[Text, about("Folder for the data of the embedded PostgreSQL. It is kept.", RESTART)] = (
        "genai-exporter-data"
    )
    migrate: Annotated[
        bool,
        about(
            "Bring the tables up to date at start. `false`: someone else runs `genai-exporter store migrate`, and the "
            "exporter's role needs no right to change tables.",
            RESTART,
        ),
    ] = True
    retention_days: Annotated[
        int, number(1, 36_500, "Days that calls, steps, scores and feedback are kept; then whole days go.", RESTART)
    ] = 90
    steps: Annotated[
        bool, about("Keep agent runs, tool executions, retrievals and workflows as well, not calls alone.", RESTART)
    ] = True
    user_ids: Annotated[
        Literal["hash", "keep", "drop"],
        about(
            "What is stored of user ids: `hash` a keyed hash that tells users apart but not who they are, `keep` the "
            "id itself, `drop` nothing.",
            RESTART,
        ),
    ] = "hash"
    user_hash_key: Annotated[
        Secret | None,
        about(
            "Key of that hash. Without one the ledger makes its own and keeps it where readers cannot look.", RESTART
        ),
    ] = None
    user_hash_key_file: Annotated[
        Text | None, about("File that holds the key.", RESTART, "/run/secrets/user-hash-key")
    ] = None
    max_queue_rows: Annotated[
        int,
        number(
            100,
            100_000_000,
            "Rows that wait while the database is slow or down, about a kilobyte each. Beyond it the oldest are "
            "dropped and counted.",
            RESTART,
        ),
    ] = 100_000
    batch_rows: Annotated[
        int, number(1, 100_000, "Rows from which a batch is written without waiting for more.", RESTART)
    ] = 2_000
    batch_seconds: Annotated[float, number(0, 60, "Longest that a row waits for others.", RESTART)] = 1.0
    timeout_seconds: Annotated[float, number(1, 600, "Time for one statement, and for connecting.", RESTART)] = 30.0
    drain_seconds: Annotated[
        float, number(0, 3600, "Time for writing what still waits when the exporter stops.", RESTART)
    ] = 5.0
    sessions: SessionSettings = SessionSettings()

    @property
    def wanted(self) -> bool:
        """Whether a ledger is kept at all."""
        return self.embedded or self.dsn is not None or self.dsn_file is not None
