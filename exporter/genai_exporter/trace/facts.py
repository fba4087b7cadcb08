"""From a group of spans to one ``Call``: every figure from the span that knows it best."""

from __future__ import annotations

from typing import Any, Final

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.vocabulary import REFUSALS, fold_error, fold_finish, fold_provider, provider_of_model
from genai_exporter.records import Call
from genai_exporter.trace.cluster import Group
from genai_exporter.trace.context import Context
from genai_exporter.trace.span import STATUS_ERROR, Span
from genai_exporter.trace.usage import canonical_input, has_usage

#: A first token that comes with the last one tells of an answer that was not streamed.
_WHOLE_ANSWER: Final = 0.9
_GENERIC_ERRORS: Final = frozenset({"", "invalid_request", "server_error", "_OTHER"})


def build_call(group: Group, context: Context) -> Call:
    """The call that a group of spans describes. ``context`` is that of the outermost span's surroundings."""
    first = group.spans[0]
    spans = sorted(group.spans, key=_knowledge)
    billed = next((span for span in spans if has_usage(span.values)), first)
    values = billed.values
    input_tokens = canonical_input(values, billed.scope)
    output_tokens: int | None = values[f.OUTPUT]
    if input_tokens == 0 and not output_tokens and _error_of(first, spans):
        input_tokens = output_tokens = None  # placeholders of a call that failed
    error_type = _error_of(first, spans)
    start_ns, duration_s = _time(first, spans)
    streaming, ttft_s = _first_token(spans, duration_s)
    if ttft_s is not None and duration_s < ttft_s:
        duration_s = ttft_s
    request_model, response_model = _models(spans, bool(error_type))
    finish = _pick(spans, f.FINISH) or ()
    resource = _outermost(group).resource
    return Call(
        trace_id=first.trace_id,
        span_id=first.span_id,
        start_ns=start_ns,
        duration_s=duration_s,
        operation=first.operation or "chat",
        provider=_provider(spans, response_model or request_model),
        request_model=request_model,
        response_model=response_model,
        service=resource.service,
        service_version=context.service_version or resource.service_version,
        environment=context.environment or resource.environment,
        flow=context.flow_name(resource.flow),
        segment=context.segment or resource.segment,
        agent=context.agent,
        prompt_name=context.prompt_name or _pick(spans, f.PROMPT_NAME) or resource.prompt_name,
        prompt_version=context.prompt_version or _pick(spans, f.PROMPT_VERSION) or resource.prompt_version,
        error_type=error_type,
        finish_reason=_finish(finish, error_type),
        streaming=streaming,
        ttft_s=ttft_s,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=_subset(spans, billed, f.CACHE_READ, input_tokens),
        cache_write_tokens=_subset(spans, billed, f.CACHE_WRITE, input_tokens),
        cache_write_1h_tokens=_subset(spans, billed, f.CACHE_WRITE_1H, input_tokens),
        reasoning_tokens=_subset(spans, billed, f.REASONING, output_tokens),
        reported_cost_usd=_pick(spans, f.COST),
        service_tier=_pick(spans, f.SERVICE_TIER) or "",
        batch=bool(_pick(spans, f.BATCH)),
        refusal=bool(_pick(spans, f.REFUSAL)) or any(word.lower() in REFUSALS for word in finish),
        regenerated=context.regenerated or bool(_pick(spans, f.REGENERATED)),
        retries=max(group.retries, _pick(spans, f.RETRIES) or 0),
        response_cache_hit=_pick(spans, f.CACHE_HIT),
        response_id=_pick(spans, f.RESPONSE_ID) or "",
        session=context.session or _pick(spans, f.SESSION) or "",
        user=context.user or _pick(spans, f.USER) or "",
        dialect=first.dialect,
    )


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


def _outermost(group: Group) -> Span:
    return min(group.spans, key=lambda span: (span.start_ns, -span.end_ns, span.key))


def _pick(spans: list[Span], slot: int) -> Any:
    for span in spans:
        value = span.values[slot]
        if value is not None:
            return value
    return None


def _subset(spans: list[Span], billed: Span, slot: int, whole: int | None) -> int | None:
    """A part of the input or output tokens; never more than the whole it belongs to."""
    part: int | None = billed.values[slot]
    if part is None:
        part = _pick(spans, slot)
    if part is None or whole is None:
        return None
    return min(part, whole)


def _models(spans: list[Span], failed: bool) -> tuple[str, str]:
    """Request and response model. A dialect's only model attribute holds the response's name once there is one."""
    request = _pick(spans, f.REQUEST_MODEL) or ""
    response = _pick(spans, f.RESPONSE_MODEL) or ""
    either = _pick(spans, f.MODEL) or ""
    if either:
        if not response and not failed:
            response = either
        request = request or either
    return request or response, response


def _provider(spans: list[Span], model: str) -> str:
    for span in spans:
        raw = span.values[f.PROVIDER]
        if raw:
            provider = fold_provider(raw)
            if provider:
                return provider
    return provider_of_model(model)


def _time(first: Span, spans: list[Span]) -> tuple[int, float]:
    """Start and duration. A stream in two parts lasts from its request to the end of its stream."""
    for span in spans:
        if span.values[f.LOG_SPAN]:
            start = min(other.start_ns for other in spans)
            if span.values[f.DURATION] is not None and start == span.start_ns:
                start = span.end_ns - int(span.values[f.DURATION] * 1e9)
            return start, (span.end_ns - start) / 1e9
    return first.start_ns, (first.end_ns - first.start_ns) / 1e9


def _first_token(spans: list[Span], duration_s: float) -> tuple[bool, float | None]:
    """Whether the call streamed, and its time to first token: only streaming calls have one."""
    flags = {span.values[f.STREAMING] for span in spans}
    streaming = True if True in flags else False if False in flags else None
    for span in spans:
        values = span.values
        ttft = values[f.TTFT]
        if values[f.COMPLETION_START] is not None:
            streaming = True
            if ttft is None and values[f.COMPLETION_START] > span.start_ns:
                ttft = (values[f.COMPLETION_START] - span.start_ns) / 1e9
        if ttft is None or streaming is False:
            continue
        if streaming is None:
            if span.scope.untimed_first_token and ttft >= _WHOLE_ANSWER * duration_s:
                continue
            streaming = True
        return True, ttft
    if any(span.values[f.LOG_SPAN] for span in spans):
        streaming = True
    return bool(streaming), None


def _finish(raw: tuple[str, ...], error_type: str) -> str:
    """One finish reason per call: of several choices the one worth knowing."""
    if not raw:
        return "error" if error_type else ""
    folded = {fold_finish(word) for word in raw}
    for notable in ("content_filter", "length", "error", "tool_call"):
        if notable in folded:
            return notable
    return fold_finish(raw[0])


def _error_of(first: Span, spans: list[Span]) -> str:
    """``""`` for success. A wrapper that failed around a call that was answered failed for reasons of its own."""
    failed = failure(first)
    if failed:
        # A failed attempt below a wrapper that has the answer is no failed call.
        if len(spans) > 1 and any(
            not failure(span) and (has_usage(span.values) or span.values[f.RESPONSE_ID]) for span in spans
        ):
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
    if not failed:
        if not span.failures or not span.scope.status_unreliable:
            return ""
        failed = True
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
    exception = next((text for text in texts if text and " " not in text and len(text) < 120), "")
    return exception.rpartition(".")[2][:64] or "_OTHER"
