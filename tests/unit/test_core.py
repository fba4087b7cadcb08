"""Settings reach the parts they are for, at the start and by a reload."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from genai_exporter import catalogue
from genai_exporter.config import Settings, load
from genai_exporter.core import Core
from genai_exporter.errors import Unreadable
from genai_exporter.price import parse_overrides

NOW = 1_760_000_000.0


def settings(**environ: Any) -> Settings:
    texts = {f"GENAI_EXPORTER_{name}": v if isinstance(v, str) else json.dumps(v) for name, v in environ.items()}
    return load(None, environ=texts)


def request(number: int, **attributes: object) -> bytes:
    """One chat call of a gpt-4o as OTLP/JSON."""
    start = int((NOW - 5) * 1e9)
    given = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 1_000_000,
        "gen_ai.usage.output_tokens": 0,
        **{key.replace("__", "."): value for key, value in attributes.items()},
    }
    span = {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": "chat gpt-4o",
        "kind": 3,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 10**9),
        "attributes": [
            {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
            for key, value in given.items()
        ],
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "chat"}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}).encode()


def samples(core: Core, name: str) -> list[Sample]:
    page = core.store.render(openmetrics=True).decode() + "# EOF\n"
    families = text_string_to_metric_families(page)  # type: ignore[no-untyped-call]
    return [sample for family in families for sample in family.samples if sample.name == name]


def counted(core: Core, number: int, **attributes: object) -> list[Sample]:
    """Take one call, settle it, and return the counts of calls."""
    core.pipeline.traces(request(number, **attributes), "json", NOW)
    core.pipeline.drain(NOW)
    return [one for one in samples(core, f"{catalogue.CALL_DURATION.name}_count") if one.value]


def test_own_attributes_fill_labels_and_can_be_changed_while_running() -> None:
    core = Core(settings(ATTRIBUTES__SEGMENT="app.tier", ATTRIBUTES__FLOW="app.feature"))
    (one,) = counted(core, 1, app__tier="gold", app__feature="search")
    assert (one.labels["llm_user_segment"], one.labels["llm_flow"]) == ("gold", "search")
    core.configure(settings(ATTRIBUTES__SEGMENT="app.plan"), None, NOW)
    after = counted(core, 2, app__tier="gold", app__plan="pro")
    assert {one.labels["llm_user_segment"] for one in after} == {"gold", "pro"}


def test_dimensions_are_those_configured() -> None:
    (one,) = counted(Core(settings(METRICS__DIMENSIONS="gen_ai_request_model")), 1)
    assert set(one.labels) == {"gen_ai_request_model", "service_name", "error_type"}


def test_prices_and_reported_cost_can_be_changed_while_running() -> None:
    def cost() -> dict[str, float]:
        return {one.labels["cost_source"]: one.value for one in samples(core, catalogue.COST.name) if one.value}

    core = Core(settings())
    counted(core, 1)
    listed = cost()["computed"]
    overrides = parse_overrides("prices: [{model: gpt-4o, input_usd_per_mtok: 7, output_usd_per_mtok: 7}]", "test")
    core.configure(settings(PRICES__USE_REPORTED="true"), overrides, NOW)
    counted(core, 2)
    assert cost() == {"computed": pytest.approx(listed + 7)}
    counted(core, 3, gen_ai__usage__cost="0.5")
    assert cost() == {"computed": pytest.approx(listed + 7), "reported": pytest.approx(0.5)}


def test_quotas_can_be_changed_while_running() -> None:
    def quotas() -> dict[str, float]:
        return {one.labels["gen_ai_provider_name"]: one.value for one in samples(core, catalogue.QUOTA_TOKENS.name)}

    core = Core(settings(QUOTAS=[{"provider": "openai", "tokens_per_minute": 500}]))
    assert quotas() == {"openai": 500}
    changed = [{"provider": "openai", "tokens_per_minute": 600}, {"provider": "anthropic", "tokens_per_minute": 9}]
    core.configure(settings(QUOTAS=changed), None, NOW)
    assert quotas() == {"openai": 600, "anthropic": 9}


def test_limits_can_be_changed_while_running() -> None:
    core = Core(settings())
    core.configure(
        settings(
            METRICS__MAX_SERIES="5000",
            METRICS__IDLE_SECONDS="60",
            METRICS__LABEL_LIMITS={"llm_flow": 1},
            ASSEMBLY__MAX_PENDING_SPANS="100",
            RECEIVER__MAX_SPANS_PER_REQUEST="1",
        ),
        None,
        NOW,
    )
    assert (core.store.max_series, core.store.idle_seconds) == (5000, 60)
    assert core.pipeline.stats.capacity == 100
    core.pipeline.traces(request(1), "json", NOW)
    two = json.loads(request(2))
    two["resourceSpans"] += json.loads(request(3))["resourceSpans"]
    with pytest.raises(Unreadable, match=r"receiver\.max_spans_per_request"):
        core.pipeline.traces(json.dumps(two).encode(), "json", NOW)


def test_evaluations_are_on_their_own_scale() -> None:
    core = Core(settings(EVALUATIONS=[{"name": "tone", "min_score": 1, "max_score": 5, "pass_threshold": 4}]))
    attributes = [
        {"key": "gen_ai.evaluation.name", "value": {"stringValue": "tone"}},
        {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 4.0}},
    ]
    span = json.loads(request(1))
    span["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["events"] = [
        {"name": "gen_ai.evaluation.result", "timeUnixNano": str(int(NOW * 1e9)), "attributes": attributes}
    ]
    core.store.render(openmetrics=True)
    core.pipeline.traces(json.dumps(span).encode(), "json", NOW)
    core.pipeline.drain(NOW)
    core.store.render(openmetrics=True)
    (total,) = [one for one in samples(core, f"{catalogue.EVALUATION_SCORE.name}_sum") if one.value]
    assert (total.labels["gen_ai_evaluation_name"], total.value) == ("tone", 0.75)
    results = {one.labels["result"]: one.value for one in samples(core, catalogue.EVALUATIONS.name) if one.value}
    assert results == {"pass": 1}


def test_full_means_that_no_more_spans_are_taken() -> None:
    core = Core(settings(ASSEMBLY__MAX_PENDING_SPANS="100"))
    assert not core.full
    for number in range(1, 101):
        span = json.loads(request(number))
        span["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["parentSpanId"] = "00000000000000ff"
        core.pipeline.traces(json.dumps(span).encode(), "json", NOW)
    assert core.full
    core.pipeline.drain(NOW)
    assert not core.full
