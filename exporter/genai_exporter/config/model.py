"""Every setting of the exporter: its name, type, range, default and meaning.

This is the only place where a setting is declared. Validation, environment variables, the reference in
``docs/configuration.md`` and the example file are all derived from these structs. Settings marked ``RESTART`` take
effect at start only; a reload that changes one of them is refused as a whole.
"""

from __future__ import annotations

from typing import Annotated, Literal

from genai_exporter.config.fields import LIVE, RESTART, Score, Section, Text, about, items, number
from genai_exporter.config.ingest import AssemblySettings, AttributeSettings, MetricsSettings, ReceiverSettings
from genai_exporter.config.secret import Secret
from genai_exporter.config.sinks import ForwardSettings, StoreSettings


class PriceSettings(Section, frozen=True, kw_only=True):
    """What a call costs."""

    file: Annotated[
        Text | None,
        about(
            "YAML file with prices of your own: custom, fine-tuned and self-hosted models. They go before the "
            "built-in list. Read again by every reload.",
            LIVE,
            "/etc/genai-exporter/prices.yml",
        ),
    ] = None
    use_reported: Annotated[
        bool,
        about(
            "Take the cost that an application or gateway reports on its span in place of the computed one. Such cost "
            'carries `cost_source="reported"`.'
        ),
    ] = False


class QuotaSettings(Section, frozen=True, kw_only=True):
    """One limit that a provider sets on your account."""

    provider: Annotated[Text, about("Provider as in the label `gen_ai_provider_name`.", LIVE, "openai")]
    model: Annotated[Text, about("Model as in the label `gen_ai_request_model`, or `*` for all models together.")] = "*"
    tokens_per_minute: Annotated[int, number(1, 1_000_000_000_000, "Tokens allowed in a minute.")]


class EvaluationSettings(Section, frozen=True, kw_only=True):
    """One kind of score, its scale, and what counts as a pass."""

    name: Annotated[Text, about("Name as the evaluator reports it.", LIVE, "tone")]
    min_score: Annotated[Score, about("Reported score that becomes 0.")] = 0.0
    max_score: Annotated[Score, about("Reported score that becomes 1.")] = 1.0
    pass_threshold: Annotated[
        Score | None,
        about(
            "Reported score, on its own scale, from which a score without a verdict passes. `null`: such a score has "
            "no verdict.",
        ),
    ] = None


KNOWN_EVALUATIONS = tuple(
    EvaluationSettings(name=name)
    for name in (
        "safety",
        "heuristic",
        "quality",
        "groundedness",
        "correctness",
        "relevance",
        "faithfulness",
        "hallucination",
        "toxicity",
    )
)


class ReloadSettings(Section, frozen=True, kw_only=True):
    """Reading the configuration again without a restart."""

    http: Annotated[
        bool,
        about("Answer `POST /-/reload` on the metrics address. The signal SIGHUP always reloads.", RESTART),
    ] = False


class TelemetrySettings(Section, frozen=True, kw_only=True):
    """Traces of the exporter itself. Its own metrics are always on the metrics page."""

    traces_endpoint: Annotated[
        Text | None,
        about(
            "OTLP/HTTP address for the exporter's own traces, with the path. It must not be the exporter's own "
            "receiver. `null`: no traces.",
            RESTART,
            "http://tempo:4318/v1/traces",
        ),
    ] = None
    traces_sampling_ratio: Annotated[
        float, number(0, 1, "Share of the exporter's own traces that are sent.", RESTART)
    ] = 0.01
    traces_authorization: Annotated[
        Secret | None, about("Value of the `Authorization` header sent with the traces.", RESTART)
    ] = None
    traces_authorization_file: Annotated[
        Text | None,
        about("File that holds the value of the `Authorization` header.", RESTART, "/run/secrets/traces-authorization"),
    ] = None


class LogSettings(Section, frozen=True, kw_only=True):
    """The exporter's own log, on standard error."""

    level: Annotated[Literal["debug", "info", "warning", "error"], about("Least severity that is logged.")] = "info"
    format: Annotated[Literal["text", "json"], about("One line of text, or one JSON object, per event.")] = "text"


class Settings(Section, frozen=True, kw_only=True):
    """The whole configuration. All of it is optional."""

    receiver: ReceiverSettings = ReceiverSettings()
    assembly: AssemblySettings = AssemblySettings()
    metrics: MetricsSettings = MetricsSettings()
    attributes: AttributeSettings = AttributeSettings()
    prices: PriceSettings = PriceSettings()
    quotas: Annotated[
        tuple[QuotaSettings, ...],
        items(
            1000,
            "Token limits of your provider accounts, exported beside what was used in the last minute.",
            LIVE,
            [{"provider": "openai", "model": "gpt-4o", "tokens_per_minute": 2_000_000}],
        ),
    ] = ()
    evaluations: Annotated[
        tuple[EvaluationSettings, ...],
        items(
            1000,
            "Scores that need another scale or a pass threshold. Entries are added to the known names, or replace the "
            "entry of that name.",
            LIVE,
            [{"name": "tone", "min_score": 1, "max_score": 5, "pass_threshold": 4}],
        ),
    ] = KNOWN_EVALUATIONS
    forward: ForwardSettings = ForwardSettings()
    store: StoreSettings = StoreSettings()
    reload: ReloadSettings = ReloadSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    log: LogSettings = LogSettings()
