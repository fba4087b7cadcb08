"""What the metrics of a case must say, worked out from the ground truth of its manifest entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from genai_exporter.records import Call, Role, Step

from .cases import Case

PROVIDERS = {"google": "gcp.gemini"}
FINISH = {
    "stop": "stop", "end_turn": "stop", "STOP": "stop", "completed": "stop", "tool_calls": "tool_call",
    "tool_use": "tool_call", "length": "length", "incomplete": "length", "max_tokens": "length",
    "MAX_TOKENS": "length", "refusal": "content_filter", "content_filter": "content_filter",
    "SAFETY": "content_filter",
}  # fmt: skip
ERRORS = {
    "rate_limit_exceeded": "rate_limit", "rate_limit_error": "rate_limit", "RESOURCE_EXHAUSTED": "rate_limit",
    "context_length_exceeded": "context_length_exceeded", "invalid_api_key": "authentication",
    "authentication_error": "authentication", "overloaded_error": "overloaded", "server_error": "server_error",
    "api_error": "server_error", "client_timeout": "timeout",
}  # fmt: skip
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
ROLES = {
    "tool_executions": Role.TOOL,
    "agent_runs": Role.AGENT,
    "workflow_roots": Role.WORKFLOW,
    "retrieval_steps": Role.RETRIEVAL,
}

#: Facts that no evidence on the wire can settle. The figure is what is counted, so that a change shows.
UNSETTLED: dict[tuple[str, str], tuple[Any, str]] = {
    ("openinference/google_tools_auto", "calls"): (1, "automatic function calling: one span for two provider calls"),
    ("strands/swarm", "tool_executions"): (2, "a hand-over between agents is executed as a tool, and is one here"),
    ("llamaindex-openinference/rag", "workflow_roots"): (2, "building the index is a pipeline of its own"),
    ("llamaindex-openinference/rag_stream", "workflow_roots"): (2, "building the index is a pipeline of its own"),
}  # fmt: skip
#: Producers that name one model only, and which one.
ONLY_RESPONSE_MODEL = {"langfuse"}
ONLY_REQUEST_MODEL_MAY = {"llamaindex-openinference", "strands", "logfire", "langchain-openinference"}


class Fact(NamedTuple):
    """One comparison. ``right`` is False when ``got`` contradicts ``want``."""

    name: str
    want: Any
    got: Any
    right: bool


def facts(case: Case, calls: list[Call], steps: list[Step]) -> Iterator[Fact]:
    for fact in _facts(case, calls, steps):
        known = UNSETTLED.get((str(case), fact.name))
        if known is None:
            yield fact
        else:
            yield Fact(fact.name, known[0], fact.got, fact.got == known[0])


def _facts(case: Case, calls: list[Call], steps: list[Step]) -> Iterator[Fact]:
    truth = case.truth["calls"]
    if truth and not case.truth.get("no_call_spans"):
        yield from _call_facts(case, truth, calls)
    for name, role in ROLES.items() if case.truth.get("app") else ():
        got = sum(step.role == role for step in steps)
        yield Fact(name, case.truth["app"][name], got, got == case.truth["app"][name])


def _call_facts(case: Case, truth: list[dict[str, Any]], calls: list[Call]) -> Iterator[Fact]:
    seen = [call for call in truth if call["visible"] and (call["visible"]["model"] or call["visible"]["response_id"])]
    clear = [call for call in seen if call["outcome"] == "ok"]
    exact = len(clear) == len(truth)
    most = sum(call["attempts"] for call in truth)
    if exact:
        yield Fact("calls", len(truth), len(calls), len(calls) == len(truth))
    else:
        yield Fact("calls", f"{len(clear)} to {most}", len(calls), len(clear) <= len(calls) <= most)
    yield from _token_facts(case, clear, calls)
    if exact and len(calls) == len(truth):
        yield from _identity_facts(case, truth, calls)
    if all(not call["streaming"] for call in truth):
        timed = sum(call.ttft_s is not None for call in calls)
        yield Fact("first tokens without streaming", 0, timed, timed == 0)
    yield from _error_facts(truth, calls)


def _token_facts(case: Case, clear: list[dict[str, Any]], calls: list[Call]) -> Iterator[Fact]:
    for name in TOKENS:
        visible = [call for call in clear if call["visible"].get(name)]
        want = sum(call[name] for call in visible)
        if not want or len([call for call in clear if call[name]]) != len(visible):
            continue
        got = sum(getattr(call, name) or 0 for call in calls)
        # OpenLLMetry counts the opening message's one token again on Anthropic's streams; nothing else tells.
        extra = 0
        if name == "output_tokens" and "openllmetry" in case.producer:
            extra = sum(call["provider"] == "anthropic" and call["streaming"] for call in visible)
        yield Fact(name, want, got, want <= got <= want + extra)


def _identity_facts(case: Case, truth: list[dict[str, Any]], calls: list[Call]) -> Iterator[Fact]:
    want = Counter(PROVIDERS.get(call["provider"], call["provider"]) for call in truth)
    got = Counter(call.provider for call in calls)
    yield Fact("providers", want, got, want == got)
    names = Counter(call["request_model"] for call in truth)
    shown = Counter(call.request_model for call in calls)
    if case.producer in ONLY_RESPONSE_MODEL:
        names = Counter(call["response_model"] for call in truth)
    yield Fact("request models", names, shown, names == shown)
    answered = {call["response_model"] or "" for call in truth}
    given = {call.response_model for call in calls} - {""}
    if case.producer in ONLY_REQUEST_MODEL_MAY or answered == {""}:
        answered |= {call["request_model"] for call in truth}
    yield Fact("response models", answered, given, given <= answered)
    yield from _finish_facts(truth, calls)
    yield from _time_facts(truth, calls)


def _finish_facts(truth: list[dict[str, Any]], calls: list[Call]) -> Iterator[Fact]:
    """Where a finish reason is reported it is the provider's; a choice cut off or filtered wins over one that ended."""
    want: set[str] = set()
    for call in truth:
        want |= {FINISH[word] for word in call["finish_reasons"] or ()}
        if call["tool_calls"]:
            want.add("tool_call")
    got = {call.finish_reason for call in calls} - {""}
    if want:
        yield Fact("finish reasons", want, got, got <= want)


def _time_facts(truth: list[dict[str, Any]], calls: list[Call]) -> Iterator[Fact]:
    """The provider's own times are lower bounds of what a client measures."""
    slack = 0.03
    served = sorted(call["duration_s"] or 0.0 for call in truth)
    measured = sorted(call.duration_s for call in calls)
    yield Fact(
        "durations", served, measured, all(m >= s - slack for s, m in zip(served, measured, strict=True))
    )  # fmt: skip
    streams = [call for call in truth if call["streaming"]]
    timed = [call for call in calls if call.ttft_s is not None]
    if timed and streams:
        earliest = min(call["first_chunk_s"] or 0.0 for call in streams)
        got = [(round(call.ttft_s or 0, 4), round(call.duration_s, 4)) for call in timed]
        right = len(timed) <= len(streams) and all(
            earliest - slack <= (call.ttft_s or 0) <= call.duration_s for call in timed
        )
        yield Fact("first tokens", f"at most {len(streams)}, not before {earliest}", got, right)


def _error_facts(truth: list[dict[str, Any]], calls: list[Call]) -> Iterator[Fact]:
    failed = [call for call in truth if call["outcome"] == "error" and not call["streaming"]]
    if not failed or len(failed) != len(truth) or not calls:
        return
    want = {ERRORS[call["error_kind"]] for call in failed if call["error_kind"] in ERRORS}
    got = {call.error_type for call in calls}
    yield Fact("every call failed", True, "" not in got, "" not in got)
    if len(want) == len({call["error_kind"] for call in failed}):
        yield Fact("error types", want, got, got == want)
