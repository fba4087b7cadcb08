"""Every metric and every label of the project, as objects.

The exporter records into them, the documentation is rendered from them, and dashboards and alerts name them through
these attributes, so a misspelt name fails when a module is imported and not when somebody is on call. Metrics that
OpenTelemetry defines keep its names and labels (semantic conventions 1.41, as Prometheus' OTLP receiver spells them);
``llm_*`` is what it leaves open; ``genai_exporter_*`` is the health of the service itself.

Numbers in round brackets after an R refer to the requirements that a metric or a bucket edge serves.
"""

from __future__ import annotations

from .metrics.model import OVERFLOW, Kind, Label, Metric

__all__ = ["ALL", "DEFAULT_DIMENSIONS", "OVERFLOW", "VOCABULARY", "Kind", "Label", "Metric"]

# fmt: off
# Labels that describe a call, a step or a score. The configuration chooses among them.

OPERATION = Label("gen_ai_operation_name", "chat, embeddings and so on, as OpenTelemetry names it.", 50)
PROVIDER = Label("gen_ai_provider_name", "The model provider, folded to OpenTelemetry's vocabulary.", 100)
REQUEST_MODEL = Label("gen_ai_request_model", "The model that the application asked for.")
RESPONSE_MODEL = Label("gen_ai_response_model", "The exact model version that answered.")
PROMPT_NAME = Label("gen_ai_prompt_name", "The prompt template.")
PROMPT_VERSION = Label("gen_ai_prompt_version", "The version of the prompt template (R102).")
AGENT_NAME = Label("gen_ai_agent_name", "The agent that ran, or in which a call or a tool ran.")
TOOL_NAME = Label("gen_ai_tool_name", "The tool that was executed.")
SERVICE_NAME = Label("service_name", "The application that sent the spans.")
SERVICE_VERSION = Label("service_version", "The application's version (R102).")
ENVIRONMENT = Label("deployment_environment_name", "production, staging and so on.", 100)
FLOW = Label("llm_flow", "The endpoint or pipeline: workflow name, else http.route, else the root span's name.")
SEGMENT = Label("llm_user_segment", "A group of users: plan, language, region; never one user.")

# Labels that define a metric: they stay whatever is configured.

ERROR_TYPE = Label("error_type", "What failed: timeout, rate_limit, context_length and so on; empty on success.", 100)
EVALUATION_NAME = Label("gen_ai_evaluation_name", "What was evaluated: relevance, safety and so on.", 200)
TOKEN_TYPE = Label("gen_ai_token_type", "Which tokens.", 2, ("input", "output"))
FINISH_REASONS = ("stop", "length", "content_filter", "tool_call", "error", "other")
FINISH_REASON = Label("finish_reason", "Why the model stopped, folded.", 6, FINISH_REASONS)
COST_SOURCE = Label(
    "cost_source", "Computed from the price table, or reported by the sender.", 2, ("computed", "reported")
)
CACHE_RESULT = Label("result", "Whether a stored answer was used.", 2, ("hit", "miss"))
RATING = Label("rating", "The person's verdict.", 2, ("positive", "negative"))
EVALUATION_RESULT = Label("result", "The verdict; error: the evaluation itself failed.", 3, ("pass", "fail", "error"))

VOCABULARY = (
    OPERATION, PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, PROMPT_NAME, PROMPT_VERSION, AGENT_NAME, TOOL_NAME,
    SERVICE_NAME, SERVICE_VERSION, ENVIRONMENT, FLOW, SEGMENT, ERROR_TYPE, EVALUATION_NAME, TOKEN_TYPE,
)
"""The labels that the configuration key ``dimensions`` may list. The last three are always present where they apply."""

_CALL = (
    OPERATION, PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, PROMPT_NAME, PROMPT_VERSION,
    SERVICE_NAME, ENVIRONMENT, FLOW, SEGMENT,
)
_STEP = (PROMPT_NAME, PROMPT_VERSION, SERVICE_NAME, ENVIRONMENT, FLOW, SEGMENT)

DEFAULT_DIMENSIONS = tuple(label.name for label in _CALL)
"""The dimensions when the configuration names none."""


def _call(name: str, kind: Kind, unit: str, text: str, *own: Label, buckets: tuple[float, ...] | None = None) -> Metric:
    """A metric of provider calls: its own labels first, then the call's dimensions."""
    return Metric(
        name, kind, unit, text, (*own, *_CALL), buckets,
        essential=(*own, SERVICE_NAME), optional=(AGENT_NAME, SERVICE_VERSION),
    )


def _step(name: str, text: str, buckets: tuple[float, ...], *own: Label) -> Metric:
    """The duration of a kind of step: its own labels first, then the step's dimensions."""
    rest = tuple(label for label in _STEP if label not in own)
    return Metric(
        name, "histogram", "seconds", text, (ERROR_TYPE, *own, *rest), buckets,
        essential=(ERROR_TYPE, *own, SERVICE_NAME), optional=(SERVICE_VERSION,),
    )


def _quality(
    name: str, kind: Kind, text: str, *own: Label, buckets: tuple[float, ...] | None = None, hold: bool = False
) -> Metric:
    """A metric of evaluations or feedback."""
    return Metric(
        name, kind, "", text, (*own, *_STEP), buckets, essential=(*own, SERVICE_NAME), hold_until_scraped=hold
    )


def _own(name: str, kind: Kind, text: str, *labels: Label, unit: str = "") -> Metric:
    """A metric of the service's own health."""
    return Metric(name, kind, unit, text, labels, audience="internal", essential=labels)


# Bucket edges lie exactly on every threshold of the requirements: a quantile cannot exceed the last finite edge, and an
# alert can ask for the share above an edge instead of interpolating.

DURATION_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
FIRST_CHUNK_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)
OUTPUT_CHUNK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
TOKEN_BUCKETS = (
    10.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0,
    16000.0, 32000.0, 64000.0, 128000.0, 256000.0, 1000000.0,
)
COST_BUCKETS = (0.00001, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
STEP_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
RUN_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
SCORE_BUCKETS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)

CALL_DURATION = _call(
    "gen_ai_client_operation_duration_seconds", "histogram", "seconds",
    "Duration of provider calls, one observation per call (R12, R24, R26-R28, R43, R44).",
    ERROR_TYPE, buckets=DURATION_BUCKETS,
)
TOKEN_USAGE = _call(
    "gen_ai_client_token_usage", "histogram", "tokens",
    "Tokens per provider call; input includes cached, output includes reasoning (R14, R15, R30, R31, R50).",
    TOKEN_TYPE, buckets=TOKEN_BUCKETS,
)
TIME_TO_FIRST_CHUNK = _call(
    "gen_ai_client_operation_time_to_first_chunk_seconds", "histogram", "seconds",
    "Time until the first chunk of a streaming call (R11, R25, R58).", buckets=FIRST_CHUNK_BUCKETS,
)
TIME_PER_OUTPUT_CHUNK = _call(
    "gen_ai_client_operation_time_per_output_chunk_seconds", "histogram", "seconds",
    "Time per output token of a streaming call, after the first: (duration - time to first chunk) / (tokens - 1)"
    " (R13, R29).", buckets=OUTPUT_CHUNK_BUCKETS,
)
AGENT_DURATION = _step(
    "gen_ai_invoke_agent_duration_seconds", "Duration of agent runs.", RUN_BUCKETS, AGENT_NAME
)
TOOL_DURATION = _step(
    "gen_ai_execute_tool_duration_seconds", "Duration of tool executions.", STEP_BUCKETS, TOOL_NAME, AGENT_NAME
)
WORKFLOW_DURATION = _step(
    "gen_ai_invoke_workflow_duration_seconds", "Duration of whole pipelines, from the root span (R12, R26).",
    RUN_BUCKETS, FLOW,
)
RETRIEVAL_DURATION = _step(
    "llm_retrieval_duration_seconds", "Duration of retrieval steps (R46, R65, R95).", STEP_BUCKETS
)
CACHED_TOKENS = _call(
    "llm_cached_input_tokens_total", "counter", "tokens", "Input tokens read from a prompt cache (R34, R92)."
)
CACHE_WRITE_TOKENS = _call(
    "llm_cache_write_input_tokens_total", "counter", "tokens", "Input tokens written to a prompt cache (R34)."
)
REASONING_TOKENS = _call(
    "llm_reasoning_output_tokens_total", "counter", "tokens", "Output tokens spent on reasoning (R31)."
)
COST = _call(
    "llm_cost_usd_total", "counter", "usd", "Cost of provider calls in US dollars (R17, R48, R51, R52).", COST_SOURCE
)
CALL_COST = _call(
    "llm_call_cost_usd", "histogram", "usd", "Cost of one provider call in US dollars (R16, R32, R76).",
    COST_SOURCE, buckets=COST_BUCKETS,
)
UNPRICED_CALLS = _call(
    "llm_unpriced_calls_total", "counter", "", "Calls with tokens whose price is not known; they add nothing to cost."
)
CALL_FINISH_REASONS = _call(
    "llm_finish_reasons_total", "counter", "", "Why models stopped; length means truncated (R42).", FINISH_REASON
)
REFUSALS = _call("llm_refusals_total", "counter", "", "Calls that the model refused to answer (R37).")
RETRIES = _call("llm_retries_total", "counter", "", "Attempts at provider calls that were tried again (R23).")
REGENERATIONS = _call("llm_regenerations_total", "counter", "", "Requests that a user asked to answer again (R36).")
RATE_LIMIT_HITS = _call("llm_rate_limit_hits_total", "counter", "", "Calls refused by a rate limit (R24, R43).")
RESPONSE_CACHE = _call(
    "llm_response_cache_requests_total", "counter", "",
    "Calls that asked a response or semantic cache first (R34, R53).", CACHE_RESULT,
)
FEEDBACK = _quality("llm_feedback_total", "counter", "Verdicts of people on answers (R21, R35).", RATING)
EVALUATION_SCORE = _quality(
    "llm_evaluation_score", "histogram", "Evaluation scores from 0 to 1 (R18-R20, R39, R40, R60).",
    EVALUATION_NAME, buckets=SCORE_BUCKETS,
)
EVALUATIONS = _quality(
    "llm_evaluations_total", "counter",
    "Evaluations by verdict; a new series is shown as 0 once before it rises (R38, R41, R59).",
    EVALUATION_NAME, EVALUATION_RESULT, hold=True,
)
_DEPLOYMENT = (SERVICE_NAME, SERVICE_VERSION, PROMPT_NAME, PROMPT_VERSION, RESPONSE_MODEL, ENVIRONMENT)
DEPLOYMENT_INFO = Metric(
    "llm_deployment_info", "gauge", "", "1 for each combination of versions that is live (R86, R102).",
    _DEPLOYMENT, essential=_DEPLOYMENT,
)
DEPLOYMENT_FIRST_SEEN = Metric(
    "llm_deployment_first_seen_timestamp_seconds", "gauge", "seconds",
    "When this exporter first saw the combination, in Unix time (R86).", _DEPLOYMENT, essential=_DEPLOYMENT,
)
QUOTA_TOKENS = Metric(
    "llm_quota_tokens", "gauge", "tokens", "Tokens per minute that the provider allows, from the configuration (R49).",
    (PROVIDER, REQUEST_MODEL), essential=(PROVIDER, REQUEST_MODEL),
)
QUOTA_USED_TOKENS = Metric(
    "llm_quota_used_tokens", "gauge", "tokens", "Tokens used of that quota in the last minute (R49, R63).",
    (PROVIDER, REQUEST_MODEL), essential=(PROVIDER, REQUEST_MODEL),
)

# The service's own health.

REASON = Label("reason", "Why, in one word; empty when there is nothing to explain.", 100)
TRANSPORT = Label("transport", "How it arrived.", 2, ("http", "grpc"))
SIGNAL = Label("signal", "What arrived.", 3, ("traces", "logs", "metrics"))
CODE = Label("code", "The HTTP status or the name of the gRPC status.", 40)
DIALECT = Label("dialect", "The vocabulary in which the span was written.", 50)
LABEL = Label("label", "The label's name.", 50)
METRIC = Label("metric", "The metric's name.", 100)
VERSION = Label("version", "The version of genai-exporter.", 10)
MISSING = Label("missing", "Which version is missing.", 3, ("prompt_version", "service_version", "model_version"))
SPAN_RESULT = Label(
    "result", "What became of the span.", 5, ("recorded", "duplicate", "not_genai", "invalid", "dropped")
)
LOG_RESULT = Label("result", "What became of the log record.", 5, SPAN_RESULT.values)
SINKS = ("forward", "ledger")
SINK = Label("sink", "forward: spans passed on by OTLP; ledger: rows in PostgreSQL.", 2, SINKS)
SINK_RESULT = Label(
    "result", "What became of the span or row.", 5, ("delivered", "duplicate", "expired", "rejected", "dropped")
)

SPANS = _own(
    "genai_exporter_spans_total", "counter", "Spans by what became of them; sums to those received less those pending.",
    SPAN_RESULT, REASON,
)
SPANS_RECEIVED = _own("genai_exporter_spans_received_total", "counter", "Spans in the requests received.")
REQUESTS = _own(
    "genai_exporter_requests_total", "counter", "OTLP requests by answer.", TRANSPORT, SIGNAL, CODE
)
LOG_RECORDS = _own(
    "genai_exporter_log_records_total", "counter", "Log records by what became of them.", LOG_RESULT, REASON
)
METRIC_POINTS = _own(
    "genai_exporter_metric_points_received_total", "counter",
    "Points of OTLP metrics received: accepted, and not merged with what is derived from spans.",
)
DIALECT_SPANS = _own("genai_exporter_dialect_spans_total", "counter", "GenAI spans by dialect.", DIALECT)
PENDING_SPANS = _own("genai_exporter_pending_spans", "gauge", "Spans in traces that have not settled.")
PENDING_SPANS_LIMIT = _own("genai_exporter_pending_spans_limit", "gauge", "How many pending spans are allowed.")
PENDING_TRACES = _own("genai_exporter_pending_traces", "gauge", "Traces that have not settled.")
INVALID_ATTRIBUTES = _own(
    "genai_exporter_invalid_attributes_total", "counter", "Values that were not usable and were left out.", REASON
)
AMBIGUOUS_CALLS = _own(
    "genai_exporter_ambiguous_calls_total", "counter",
    "Spans of which nothing received says whether they describe one call or two.", REASON,
)
CALLS_WITHOUT_USAGE = _own(
    "genai_exporter_calls_without_usage_total", "counter", "Successful calls that reported no token usage at all."
)
TRACES_WITHOUT_VERSION = _own(
    "genai_exporter_traces_without_version_total", "counter",
    "Traces with a provider call that lack a version everyone must report (R103).", MISSING,
)
LABEL_OVERFLOW = _own(
    "genai_exporter_label_overflow_total", "counter",
    "Recordings in which a label's value was replaced, at the label's limit, or shortened or repaired.", LABEL,
)
SERIES_OVERFLOW = _own(
    "genai_exporter_series_overflow_total", "counter",
    "Recordings that went to the overflow series of a metric because a limit on series was reached.", METRIC,
)
ACTIVE_SERIES = _own("genai_exporter_active_series", "gauge", "Series on the metrics page, as Prometheus counts them.")
SERIES_LIMIT = _own("genai_exporter_series_limit", "gauge", "How many series are allowed.")
SERIES_EXPIRED = _own(
    "genai_exporter_series_expired_total", "counter", "Series that left the page because nothing was recorded in them."
)
SETTLE_LAG = _own(
    "genai_exporter_settle_lag_seconds", "gauge", "How late the last trace settled, after it was due.", unit="seconds"
)
RENDER_SECONDS = _own(
    "genai_exporter_metrics_render_seconds", "gauge", "Time the last rendering of the page took.", unit="seconds"
)
SINK_ITEMS = _own(
    "genai_exporter_sink_items_total", "counter",
    "Spans or rows by what became of them in a sink; only sinks that are configured are shown.", SINK, SINK_RESULT,
)
SINK_QUEUE_ITEMS = _own("genai_exporter_sink_queue_items", "gauge", "Spans or rows that wait for a sink.", SINK)
SINK_QUEUE_LIMIT_ITEMS = _own("genai_exporter_sink_queue_limit_items", "gauge", "How many may wait for a sink.", SINK)
SINK_QUEUE_BYTES = _own(
    "genai_exporter_sink_queue_bytes", "gauge", "Bytes that wait for a sink whose queue is bounded in bytes as well.",
    SINK, unit="bytes",
)
SINK_QUEUE_LIMIT_BYTES = _own(
    "genai_exporter_sink_queue_limit_bytes", "gauge", "How many bytes may wait for that sink.", SINK, unit="bytes"
)
SINK_UP = _own(
    "genai_exporter_sink_up", "gauge", "1 when the last attempt to deliver to a sink succeeded, or none was made.", SINK
)
SINK_RETRIES = _own("genai_exporter_sink_retries_total", "counter", "Deliveries to a sink that were tried again.", SINK)
BUILD_INFO = _own("genai_exporter_build_info", "gauge", "1, with the version as a label.", VERSION)
CONFIG_RELOAD_SUCCESSFUL = _own(
    "genai_exporter_config_last_reload_successful", "gauge", "1 when the last reading of the configuration succeeded."
)
CONFIG_RELOAD_TIME = _own(
    "genai_exporter_config_last_reload_success_timestamp_seconds", "gauge",
    "When the configuration was last read successfully, in Unix time.", unit="seconds",
)

# fmt: on
ALL: tuple[Metric, ...] = tuple(value for value in dict(globals()).values() if isinstance(value, Metric))
"""Every metric, in the order of this file."""
