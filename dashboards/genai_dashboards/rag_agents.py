"""RAG and agents: retrieval, tools, agent runs, and loops (R46, R106)."""

from __future__ import annotations

from genai_exporter import catalogue as c
from genai_exporter.promql import Expr

from . import queries as q
from . import runbooks as doc
from . import thresholds as t
from .house import Board, Column, Limits, Panel, Row, heatmap, prom, table, timeseries, to_board

FLOW, AGENT, TOOL = c.FLOW, c.AGENT_NAME, c.TOOL_NAME
NO_RETRIEVAL = "No application reports retrieval steps"
NO_TOOLS = "No application reports tools"
NO_AGENTS = "No application reports agent runs"
TO_TRACES = to_board("genai-traces", "Traces of this time")
STEPS = Limits(
    "green", ((10, "yellow"), (25, "red")), "Yellow from 10, red from 25: agents that go in circles (R77, R106)."
)


def steps_per_run() -> Expr:
    """Tool executions per agent run."""
    return q.rate(c.TOOL_DURATION, [AGENT]) / q.rate(c.AGENT_DURATION, [AGENT])


def calls_per_request() -> Expr:
    """Provider calls per whole request."""
    return q.rate(c.CALL_DURATION, [FLOW]) / q.rate(c.WORKFLOW_DURATION, [FLOW])


# fmt: off
# One option after the other on shared lines: a board is read as a list of panels.

def retrieval() -> list[Panel]:
    metric = c.RETRIEVAL_DURATION
    return [
        timeseries(
            "Retrieval latency over 7 days", "An index that degrades gets slower over days (R46, R65).",
            prom(q.quantile(0.5, metric), "p50"), prom(q.quantile(0.95, metric), "p95"),
            unit="s", limits=t.RETRIEVAL, since="7d", every="10m", links=[doc.RETRIEVAL], empty=NO_RETRIEVAL,
        ),
        timeseries(
            "Retrieval now", "Dots are single requests: click one to open its trace.",
            *(prom(q.quantile(x, metric), f"p{x * 100:.0f}", exemplars=True) for x in (0.5, 0.95, 0.99)),
            unit="s", limits=t.RETRIEVAL, links=[doc.RETRIEVAL], follow=[TO_TRACES], empty=NO_RETRIEVAL,
        ),
        heatmap(
            "How retrieval times are spread", "Each cell counts retrievals.",
            prom(q.buckets(metric), "{{le}}", exemplars=True), unit="s", width=8, links=[doc.RETRIEVAL],
            empty=NO_RETRIEVAL,
        ),
        timeseries(
            "P95 of retrieval by flow", "95 of 100 retrievals took no longer.",
            prom(q.top(12, q.quantile(0.95, metric, [FLOW])), "{{llm_flow}}"),
            unit="s", limits=t.RETRIEVAL, width=8, links=[doc.RETRIEVAL], empty=NO_RETRIEVAL,
        ),
        timeseries(
            "Retrievals above 2 s", "Answers that had to wait for their passages (R95).",
            prom(q.share_above(metric, 2.0, [FLOW]), "{{llm_flow}}"),
            unit="percentunit", width=8, links=[doc.RETRIEVAL], empty=NO_RETRIEVAL,
        ),
        timeseries(
            "Retrieval errors", "Retrievals that failed, among all.",
            prom(q.error_share([FLOW], metric=metric), "{{llm_flow}}"),
            unit="percentunit", limits=t.ERRORS, links=[doc.RETRIEVAL], empty=NO_RETRIEVAL,
        ),
        timeseries(
            "Retrieval or model?", "Mean seconds per whole request spent in each kind of step (R95).",
            *(
                prom(q.rate_of_sum(step) / q.rate(c.WORKFLOW_DURATION), name)
                for step, name in (
                    (metric, "retrieval"), (c.CALL_DURATION, "model calls"), (c.TOOL_DURATION, "tools")
                )
            ),
            unit="s", stack=True, links=[doc.RETRIEVAL], empty=NO_RETRIEVAL,
        ),
    ]


def tools() -> list[Panel]:
    metric = c.TOOL_DURATION
    return [
        timeseries(
            "P95 of tools", "95 of 100 executions took no longer.",
            prom(q.top(12, q.quantile(0.95, metric, [TOOL])), "{{gen_ai_tool_name}}", exemplars=True),
            unit="s", limits=t.REQUEST_TIME, width=8, links=[doc.SLOW_REQUESTS], follow=[TO_TRACES], empty=NO_TOOLS,
        ),
        timeseries(
            "Tool errors", "Executions that failed, among all.",
            prom(q.top(12, q.error_share([TOOL], metric=metric)), "{{gen_ai_tool_name}}"),
            unit="percentunit", limits=t.ERRORS, width=8, links=[doc.ERROR_RATE], empty=NO_TOOLS,
        ),
        timeseries(
            "Tool executions per minute", "Which tools agents use.",
            prom(q.top(12, q.rate(metric, [TOOL]) * 60), "{{gen_ai_tool_name}}"),
            unit="short", stack=True, width=8, links=[doc.METRICS], empty=NO_TOOLS,
        ),
        table(
            "Tools", "In this time range.",
            prom(q.increase(metric, [TOOL, AGENT]), table=True),
            prom(q.error_share([TOOL, AGENT], q.RANGE, metric), table=True),
            prom(q.quantile(0.5, metric, [TOOL, AGENT], window=q.RANGE), table=True),
            prom(q.quantile(0.95, metric, [TOOL, AGENT], window=q.RANGE), table=True),
            columns=[
                Column("gen_ai_tool_name", "Tool"), Column("gen_ai_agent_name", "Agent"),
                Column("Value #A", "Executions", unit="short"),
                Column("Value #B", "Errors", unit="percentunit", cell="color-text", limits=t.ERRORS),
                Column("Value #C", "P50", unit="s"), Column("Value #D", "P95", unit="s"),
            ],
            sort="Value #A", links=[doc.ERROR_RATE], empty=NO_TOOLS,
        ),
    ]


def agents() -> list[Panel]:
    metric = c.AGENT_DURATION
    return [
        timeseries(
            "Agent runs", "Durations by agent: median and 95th percentile.",
            prom(q.top(8, q.quantile(0.5, metric, [AGENT])), "{{gen_ai_agent_name}} p50"),
            prom(q.top(8, q.quantile(0.95, metric, [AGENT])), "{{gen_ai_agent_name}} p95", exemplars=True),
            unit="s", limits=t.REQUEST_TIME, width=8, links=[doc.SLOW_REQUESTS], follow=[TO_TRACES], empty=NO_AGENTS,
        ),
        timeseries(
            "Agent runs per minute", "How often each agent runs.",
            prom(q.top(12, q.rate(metric, [AGENT]) * 60), "{{gen_ai_agent_name}}"),
            unit="short", stack=True, width=8, links=[doc.METRICS], empty=NO_AGENTS,
        ),
        timeseries(
            "Agent errors", "Runs that failed, among all.",
            prom(q.top(12, q.error_share([AGENT], metric=metric)), "{{gen_ai_agent_name}}"),
            unit="percentunit", limits=t.ERRORS, width=8, links=[doc.ERROR_RATE], empty=NO_AGENTS,
        ),
        timeseries(
            "Tool executions per agent run", "A number that climbs is an agent that goes in circles (R77).",
            prom(q.top(12, steps_per_run()), "{{gen_ai_agent_name}}"),
            unit="short", limits=STEPS, width=8, links=[doc.SESSION_COST], empty=NO_AGENTS,
        ),
        timeseries(
            "Model calls per request", "A chain that loops calls the model again and again (R77).",
            prom(q.top(12, calls_per_request()), "{{llm_flow}}"),
            unit="short", limits=STEPS, width=8, links=[doc.SESSION_COST], follow=[TO_TRACES],
            empty="No application reports whole requests",
        ),
        timeseries(
            "Runs longer than a minute", "The share of agent runs above 60 s.",
            prom(q.top(12, q.share_above(metric, 60.0, [AGENT])), "{{gen_ai_agent_name}}"),
            unit="percentunit", width=8, links=[doc.SLOW_REQUESTS], empty=NO_AGENTS,
        ),
        timeseries(
            "Cost per hour of each flow", "A loop is paid for (R77).",
            prom(q.top(12, q.hourly_cost([FLOW])), "{{llm_flow}}"),
            unit="currencyUSD", stack=True, links=[doc.SESSION_COST],
        ),
        timeseries(
            "Input tokens per call of each flow", "Agents that carry their whole history read more with every step "
            "(R135).", prom(q.top(12, q.mean(c.TOKEN_USAGE, [FLOW], q.INPUT)), "{{llm_flow}}"),
            unit="short", links=[doc.INPUT_TOKENS],
        ),
    ]


BOARD = Board(
    uid="genai-rag-agents",
    title="GenAI / RAG and agents",
    about="Retrieval, tools and agent runs: what is slow, what fails, what goes in circles.",
    rows=[Row("Retrieval", retrieval()), Row("Tools", tools()), Row("Agents", agents())],
)
