"""From a group of spans to one ``Call``: every figure from the span that knows it best."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.vocabulary import REFUSALS, fold_error, fold_finish, fold_provider, provider_of_model
from genai_exporter.records import Call
from genai_exporter.trace.cluster import Group
from genai_exporter.trace.context import Context
from genai_exporter.trace.span import STATUS_ERROR, Span
from genai_exporter.trace.usage import canonical_input, canonical_output, has_usage

#: A first token that comes with the last one tells of an answer that was not streamed.
_WHOLE_ANSWER: Final = 0.9
#: An exception's class, possibly with its module; a message of one word is none.
_CLASS_NAME: Final = re.compile(r"(?:\w+[.$])*[A-Z]\w{2,63}$")
_GENERIC_ERRORS: Final = frozenset({"", "invalid_request", "server_error", "_OTHER"})
#: Figures that make sense only together, so they all come from one span where it has them.
_USAGE: Final = slice(f.INPUT, f.EXCLUSIVE + 1)


def build_call(group: Group, context: Context) -> Call:
    """The call that a group of spans describes. ``context`` is that of the outermost span's surroundings."""
    first = group.spans[0]
    if len(group.spans) == 1:
        spans, values, billed = group.spans, first.values, first
    else:
        spans = sorted(group.spans, key=_knowledge)
        billed = next((span for span in spans if has_usage(span.values)), spans[0])
        values = _merge(spans, billed)
    input_tokens = canonical_input(values, billed.scope)
    output_tokens = canonical_output(values, billed.scope)
    error_type = _error_of(first, spans)
    if not input_tokens and not output_tokens:
        input_tokens = output_tokens = None  # placeholders: nobody is billed for nothing
    start_ns, duration_s = _time(first, spans)
    streaming, ttft_s = _first_token(values, spans, start_ns, duration_s)
    if ttft_s is not None and duration_s < ttft_s:
        duration_s = ttft_s
    request_model, response_model = _models(values, error_type)
    finish_reason, refused = _finish(values[f.FINISH]) if values[f.FINISH] else ("error" if error_type else "", False)
    resource = group.outermost.resource
    # By position, in the order of the record: naming 37 arguments costs three times as much as building it.
    return Call(
        first.trace_id,
        first.span_id,
        start_ns,
        duration_s,
        _operation(first),
        _provider(values[f.PROVIDER] or "", response_model or request_model),
        request_model,
        response_model,
        resource.service,
        context.service_version or resource.service_version,
        context.environment or resource.environment,
        context.flow_name(resource.flow),
        context.segment or resource.segment,
        context.agent,
        context.prompt_name or values[f.PROMPT_NAME] or resource.prompt_name,
        context.prompt_version or values[f.PROMPT_VERSION] or resource.prompt_version,
        error_type,
        finish_reason,
        streaming,
        ttft_s,
        input_tokens,
        output_tokens,
        _part(values[f.CACHE_READ], input_tokens),
        _part(values[f.CACHE_WRITE], input_tokens),
        _part(_part(values[f.CACHE_WRITE_1H], values[f.CACHE_WRITE]), input_tokens),
        _part(values[f.REASONING], output_tokens),
        values[f.COST],
        values[f.SERVICE_TIER] or "",
        values[f.BATCH] is True,
        refused or values[f.REFUSAL] is True,
        context.regenerated or values[f.REGENERATED] is True,
        group.retries if group.attempt else max(group.retries, values[f.RETRIES] or 0),
        values[f.CACHE_HIT],
        values[f.RESPONSE_ID] or "",
        context.session or values[f.SESSION] or "",
        context.user or values[f.USER] or "",
        first.dialect,
    )


def _operation(first: Span) -> str:
    """OpenLLMetry calls Anthropic's messages a completion; the span's name knows better."""
    if first.operation == "text_completion" and first.name.endswith(b".chat"):
        return "chat"
    return first.operation or "chat"


def _knowledge(span: Span) -> tuple[bool, bool, bool, int, int, bytes]:
    """Sort key: the span that is closest to the provider and knows most comes first."""
    values = span.values
    return (
        span.scope.dialect != "anthropic_sdk",  # it reads the provider's own figures
        values[f.RESPONSE_ID] is None,
        values[f.OUTPUT] is None,
        -sum(values[slot] is not None for slot in (f.CACHE_READ, f.CACHE_WRITE, f.REASONING, f.TTFT, f.FINISH)),
        span.end_ns - span.start_ns,
        span.key,
    )


def _merge(spans: list[Span], billed: Span) -> list[Any]:
    """The values of several spans as one: each from the first span that has it, usage from the one that is billed."""
    merged = [
        next((value for value in column if value is not None), None)
        for column in zip(*(span.values for span in spans), strict=True)
    ]
    parts = merged[_USAGE]
    merged[_USAGE] = [
        mine if mine is not None else part for mine, part in zip(billed.values[_USAGE], parts, strict=True)
    ]
    merged[f.EXCLUSIVE] = billed.values[f.EXCLUSIVE]
    merged[f.EXCLUSIVE_OUTPUT] = billed.values[f.EXCLUSIVE_OUTPUT]
    merged[f.TOTAL] = billed.values[f.TOTAL]
    # A framework is no provider: the name that counts may stand on a span that knows less.
    merged[f.PROVIDER] = next((p for span in spans if (p := span.values[f.PROVIDER]) and fold_provider(p)), None)
    return merged


def _part(part: int | None, whole: int | None) -> int | None:
    """A part of the input or output tokens; never more than the whole it belongs to."""
    if part is None or whole is None:
        return None
    return part if part <= whole else whole


def _models(values: list[Any], error_type: str) -> tuple[str, str]:
    """Request and response model. A dialect's only model attribute holds the response's name once there is one."""
    request, response, either = values[f.REQUEST_MODEL], values[f.RESPONSE_MODEL], values[f.MODEL]
    if either:
        if not response and not error_type:
            response = either
        request = request or either
    return request or response or "", response or ""


@lru_cache(4096)
def _provider(raw: str, model: str) -> str:
    return fold_provider(raw) or provider_of_model(model)


@lru_cache(4096)
def _finish(raw: tuple[str, ...]) -> tuple[str, bool]:
    """One finish reason per call, of several choices the one worth knowing; and whether the answer was declined."""
    refused = any(word.lower() in REFUSALS for word in raw)
    folded = {fold_finish(word) for word in raw}
    for notable in ("content_filter", "length", "error", "tool_call"):
        if notable in folded:
            return notable, refused
    return fold_finish(raw[0]), refused


def _time(first: Span, spans: list[Span]) -> tuple[int, float]:
    """Start and duration. A stream in two parts lasts from its request to the end of its stream."""
    for span in spans:
        if span.values[f.LOG_SPAN]:
            start = min(other.start_ns for other in spans)
            if span.values[f.DURATION] is not None and start == span.start_ns:
                start = span.end_ns - int(span.values[f.DURATION] * 1e9)
            return start, (span.end_ns - start) / 1e9
    return first.start_ns, (first.end_ns - first.start_ns) / 1e9


def _first_token(values: list[Any], spans: list[Span], start_ns: int, duration_s: float) -> tuple[bool, float | None]:
    """Whether the call streamed, and its time to first token: only streaming calls have one."""
    ttft: float | None = values[f.TTFT]
    began: int | None = values[f.COMPLETION_START]
    streaming: bool | None = values[f.STREAMING]
    if streaming is False and len(spans) > 1 and any(span.values[f.STREAMING] for span in spans):
        streaming = True  # a framework's default says nothing against the SDK that streamed
    if began is not None:
        streaming = True
        if ttft is None and began > start_ns:
            ttft = (began - start_ns) / 1e9
    if values[f.LOG_SPAN]:
        streaming = True
    if ttft is None or streaming is False:
        return streaming is True, None
    if (
        streaming is None
        and any(span.scope.untimed_first_token for span in spans)
        and ttft >= _WHOLE_ANSWER * duration_s
    ):
        return False, None
    return True, ttft


def _error_of(first: Span, spans: list[Span]) -> str:
    """``""`` for success. A wrapper that failed around a call that was answered failed for reasons of its own."""
    failed = failure(first)
    if len(spans) == 1:
        return failed
    if failed:
        # A failed attempt below a wrapper that has the answer is no failed call.
        if any(not failure(span) and (has_usage(span.values) or span.values[f.RESPONSE_ID]) for span in spans):
            return ""
        if failed == "_OTHER":
            return next((kind for kind in map(failure, spans) if kind not in ("", "_OTHER")), failed)
        return failed
    if has_usage(first.values) or first.values[f.RESPONSE_ID] or first.values[f.FINISH]:
        return ""
    return next((kind for kind in map(failure, spans) if kind), "")


def failure(span: Span) -> str:
    """The type of error a span reports, ``""`` when it reports none."""
    values = span.values
    named: str | None = values[f.ERROR_TYPE]
    status: int | None = values[f.HTTP_STATUS]
    failed = span.status == STATUS_ERROR or named is not None or (status is not None and status >= 400)
    if not failed and not (span.failures and span.scope.status_unreliable):
        return ""
    return error_type(named, status, span.failures)


def error_type(named: str | None, status: int | None, texts: tuple[str, ...]) -> str:
    """The common type of an error (R43); a name that nobody has mapped keeps its last part."""
    kind = fold_error(named) if named else ""
    if kind in _GENERIC_ERRORS:
        for text in texts:
            better = fold_error(text)
            if better and (not kind or kind in _GENERIC_ERRORS):
                kind = better
                if kind not in _GENERIC_ERRORS:
                    break
    if not kind and status is not None and status >= 400:
        kind = fold_error(str(status))
    if kind:
        return kind
    if named and named != "_OTHER":
        return named.rpartition(".")[2][:64]
    exception = next(filter(_CLASS_NAME.match, texts), "")
    return exception.rpartition(".")[2][:64] or "_OTHER"
