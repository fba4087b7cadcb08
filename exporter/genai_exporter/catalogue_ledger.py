"""Metrics that need more than the spans in memory: what the ledger in Postgres, experiments and backups know.

They are apart from ``catalogue.ALL`` because an exporter without a store does not expose them. Dashboards and alerts
name them through these attributes like all others.
"""

from __future__ import annotations

from .catalogue import ENVIRONMENT, EVALUATION_NAME, FLOW, PROMPT_NAME, REQUEST_MODEL, SEGMENT, SERVICE_NAME
from .metrics.model import Label, Metric

PERIOD = Label("period", "The calendar period that a budget is for.", 2, ("day", "month"))
EXPERIMENT = Label("experiment", "The experiment.")
JOB = Label("task", "What was done.", 10)

# fmt: off
_BUDGET = (PERIOD, SERVICE_NAME, FLOW, REQUEST_MODEL, SEGMENT)

BUDGET = Metric(
    "llm_budget_usd", "gauge", "usd",
    "What may be spent in the calendar period; an empty label means all values (R17, R71).",
    _BUDGET, essential=_BUDGET,
)
BUDGET_SPENT = Metric(
    "llm_budget_spent_usd", "gauge", "usd",
    "What was spent in the calendar period so far, from the ledger (R17, R71, R72).",
    _BUDGET, essential=_BUDGET,
)
SESSION_COST = Metric(
    "llm_session_cost_usd", "histogram", "usd",
    "Cost of sessions, one observation when a session has ended (R33, R68, R77).",
    (SERVICE_NAME, ENVIRONMENT, FLOW), (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 50.0),
    essential=(SERVICE_NAME,),
)
RUNAWAY_SESSIONS = Metric(
    "llm_runaway_sessions_total", "counter", "",
    "Sessions that cost more than ten times the average session of their application (R33, R77).",
    (SERVICE_NAME, ENVIRONMENT, FLOW), essential=(SERVICE_NAME,),
)
EXPERIMENT_P_VALUE = Metric(
    "llm_experiment_p_value", "gauge", "",
    "Probability of a difference at least this large by chance, corrected for looking early (R67).",
    (EXPERIMENT, SERVICE_NAME, EVALUATION_NAME, PROMPT_NAME), essential=(EXPERIMENT, SERVICE_NAME, EVALUATION_NAME),
)
EXPERIMENT_EFFECT = Metric(
    "llm_experiment_effect", "gauge", "",
    "Difference of the mean score of the new version from the old one (R67, R128).",
    (EXPERIMENT, SERVICE_NAME, EVALUATION_NAME, PROMPT_NAME), essential=(EXPERIMENT, SERVICE_NAME, EVALUATION_NAME),
)
BACKUP_TIME = Metric(
    "llm_backup_last_success_timestamp_seconds", "gauge", "seconds",
    "When a task of the backup last succeeded, in Unix time (R78, R142).", (JOB,), essential=(JOB,),
)
# fmt: on

LEDGER: tuple[Metric, ...] = tuple(value for value in dict(globals()).values() if isinstance(value, Metric))
"""Every metric of this file."""
