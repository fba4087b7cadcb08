"""Configuration: one strict YAML file, every key also by environment variable, sensible with neither."""

from genai_exporter.config.fields import Section
from genai_exporter.config.ingest import (
    AssemblySettings,
    AttributeSettings,
    GrpcReceiverSettings,
    HttpReceiverSettings,
    MetricsSettings,
    ReceiverSettings,
)
from genai_exporter.config.listen import Listen, parse_listen
from genai_exporter.config.load import FLAGS, changed, effective, load
from genai_exporter.config.model import (
    EvaluationSettings,
    LogSettings,
    PriceSettings,
    QuotaSettings,
    ReloadSettings,
    Settings,
    TelemetrySettings,
)
from genai_exporter.config.problem import ConfigError, dotted
from genai_exporter.config.secret import Secret
from genai_exporter.config.sinks import ForwardSettings, SessionSettings, StoreSettings

__all__ = [
    "FLAGS",
    "AssemblySettings",
    "AttributeSettings",
    "ConfigError",
    "EvaluationSettings",
    "ForwardSettings",
    "GrpcReceiverSettings",
    "HttpReceiverSettings",
    "Listen",
    "LogSettings",
    "MetricsSettings",
    "PriceSettings",
    "QuotaSettings",
    "ReceiverSettings",
    "ReloadSettings",
    "Secret",
    "Section",
    "SessionSettings",
    "Settings",
    "StoreSettings",
    "TelemetrySettings",
    "changed",
    "dotted",
    "effective",
    "load",
    "parse_listen",
]
