"""Limits, idleness and reload of the recorder."""

from recorder_bench import DURATION, NOW, TOKENS, Bench, Cost, Quota, a_call, a_step, an_evaluation

from genai_exporter import catalogue
from genai_exporter.records import Resource, Role


def test_calls_beyond_a_labels_limit_keep_their_totals_and_are_counted() -> None:
    bench = Bench(max_label_values=3)
    bench.calls(*[a_call(request_model=f"m{index}", input_tokens=10) for index in range(20)])
    assert bench.get(f"{DURATION}_count", gen_ai_request_model="__other__") == 17
    assert bench.get(f"{TOKENS}_sum") == 200
    assert bench.get(f"{DURATION}_count") == 20
    assert bench.store.label_overflow == {"gen_ai_request_model": 17}


def test_an_error_type_beyond_its_limit_is_folded_call_by_call() -> None:
    bench = Bench(max_label_values=2)
    bench.calls(*[a_call(error_type=f"e{index % 10}") for index in range(20)])
    assert bench.get(f"{DURATION}_count", error_type="__other__") == 16
    assert bench.get(f"{DURATION}_count") == 20
    assert bench.store.label_overflow == {"error_type": 16}


def test_calls_beyond_the_limit_on_series_stay_together_and_nothing_is_lost() -> None:
    bench = Bench(max_series=2000, price=lambda call: Cost(0.5, "computed"))
    calls = [
        a_call(request_model=f"m{index % 40}", flow=f"f{index % 41}", input_tokens=10, error_type="x" * (index % 2))
        for index in range(1000)
    ]
    for call in calls:
        bench.calls(call)
    samples = list(bench.samples())
    assert len(samples) == bench.store.active_series <= 2000
    for name, total in ((f"{DURATION}_count", 1000), (f"{TOKENS}_sum", 10_000), ("llm_cost_usd_total", 500)):
        assert bench.get(name) == total
    durations: dict[tuple[str, str], float] = {}
    for s in samples:
        if s.name == f"{DURATION}_count":
            key = (s.labels["gen_ai_request_model"], s.labels["llm_flow"])
            durations[key] = durations.get(key, 0) + s.value
    costs = {
        (s.labels["gen_ai_request_model"], s.labels["llm_flow"]): s.value
        for s in samples
        if s.name == "llm_call_cost_usd_count"
    }
    own = [key for key in costs if key != ("__other__", "__other__")]
    assert len(own) >= 5
    assert all(costs[key] <= durations[key] for key in own)
    assert bench.store.series_overflow[DURATION] >= 1000 - sum(durations[key] for key in own)


def test_a_series_that_finds_no_room_later_is_counted_with_every_call() -> None:
    """A model may have been admitted before the page filled up and report tokens only afterwards."""
    bench = Bench(max_series=600)
    models = [f"m{index}" for index in range(9)]
    bench.calls(*[a_call(request_model=model) for model in models])
    for _ in range(5):
        bench.calls(*[a_call(request_model=model, input_tokens=1) for model in models])
    overflow = bench.store.series_overflow
    assert bench.get(f"{TOKENS}_count") == 45
    assert DURATION not in overflow
    assert overflow[TOKENS] == bench.get(f"{TOKENS}_count", gen_ai_request_model="__other__")
    assert overflow[TOKENS] in range(5, 45, 5)


def test_applications_whose_calls_share_the_overflow_series_keep_their_deployments_while_there_is_room() -> None:
    bench = Bench(max_series=600)
    bench.calls(*[a_call(service=f"bot{index}") for index in range(15)])
    assert (bench.get(f"{DURATION}_count", service_name="__other__") or 0) > 1
    assert bench.get("llm_deployment_info") == 15
    assert bench.get("llm_deployment_info", service_name="__other__") is None


def test_the_memory_of_deployments_is_bounded() -> None:
    bench = Bench(max_label_values=1000)
    bench.calls(*[a_call(service_version=f"1.{index}") for index in range(300)])
    (bundle,) = bench.recorder._bundles.values()
    assert len(bundle.deployments) <= 64
    assert bench.get("llm_deployment_info") == 300


def test_the_zeros_of_a_live_model_stay_and_those_of_an_idle_one_go() -> None:
    bench = Bench()
    bench.calls(a_call(), a_call(request_model="old", refusal=True), now=NOW)
    for minute in range(1, 15):
        bench.calls(a_call(), now=NOW + 60 * minute)
        bench.recorder.tick(NOW + 60 * minute)
    assert bench.get("llm_refusals_total", gen_ai_request_model="gpt-4o") == 0
    assert bench.get("llm_refusals_total", gen_ai_request_model="old") is None
    assert bench.get(f"{DURATION}_count", gen_ai_request_model="old") is None
    bench.calls(a_call(request_model="old"), now=NOW + 900)
    assert bench.get(f"{DURATION}_count", gen_ai_request_model="old") == 1
    assert bench.get("llm_refusals_total", gen_ai_request_model="old") == 0
    assert bench.get(f"{DURATION}_count", gen_ai_request_model="gpt-4o") == 15


def test_the_zeros_of_a_live_application_stay_and_return_when_it_does() -> None:
    bench = Bench(evaluation_names=["safety"])
    resource = Resource(service="bot")
    bench.recorder.first_sight(resource, NOW)
    for minute in range(1, 15):
        bench.calls(a_call(), now=NOW + 60 * minute)
        bench.recorder.tick(NOW + 60 * minute)
    assert bench.get("llm_evaluations_total", service_name="bot") == 0
    bench.recorder.tick(NOW + 5000)
    assert bench.get("llm_evaluations_total", service_name="bot") is None
    bench.recorder.first_sight(resource, NOW + 5001)
    assert bench.get("llm_evaluations_total", service_name="bot") == 0


def test_a_verdict_before_the_first_sight_of_its_application_lives_as_long_as_the_application() -> None:
    bench = Bench(evaluation_names=["safety"])
    bench.evaluated(an_evaluation("safety", None, "pass"), now=NOW)
    seen = Resource(
        service="bot", environment="prod", flow="/chat", segment="pro", prompt_name="answer", prompt_version="v2.3"
    )
    bench.recorder.first_sight(seen, NOW)
    bench.store.render(openmetrics=False)
    for minute in range(1, 15):
        bench.calls(a_call(), now=NOW + 60 * minute)
        bench.recorder.tick(NOW + 60 * minute)
    assert bench.get("llm_evaluations_total", result="pass") == 1
    assert bench.get("llm_evaluations_total", result="fail") == 0


def test_everything_leaves_when_nothing_comes_any_more() -> None:
    bench = Bench(price=lambda call: Cost(0.5, "computed"), evaluation_names=["safety"])
    bench.recorder.first_sight(Resource(service="bot"), NOW)
    bench.calls(a_call(streaming=True, ttft_s=0.1, input_tokens=3, output_tokens=4, response_cache_hit=True), now=NOW)
    bench.steps(a_step(Role.TOOL), now=NOW)
    bench.evaluated(an_evaluation("safety", 1.0, "pass"), now=NOW)
    shown = bench.store.active_series
    bench.recorder.tick(NOW + 10)
    assert bench.store.active_series == shown
    bench.recorder.tick(NOW + 1000)
    assert bench.store.active_series == 0
    assert bench.store.series_expired == shown


def test_a_reload_changes_prices_and_known_evaluations() -> None:
    bench = Bench(evaluation_names=["safety"])
    resource = Resource(service="bot")
    bench.recorder.first_sight(resource, NOW)
    bench.recorder.configure(
        price=lambda call: Cost(2.0, "computed"), quotas=(), evaluation_names=["safety", "tone"], now=NOW + 1
    )
    bench.recorder.first_sight(resource, NOW + 2)
    bench.calls(a_call(input_tokens=1), now=NOW + 3)
    assert bench.get("llm_evaluations_total", gen_ai_evaluation_name="tone", result="fail") == 0
    assert bench.get("llm_cost_usd_total") == 2.0


# The catalogue, both ways.


def test_what_a_recorder_exposes_equals_the_catalogue() -> None:
    bench = Bench(
        price=lambda call: Cost(0.5, "computed") if call.input_tokens else Cost(None, ""),
        evaluation_names=["safety"],
        quotas=[Quota("openai", "*", 1)],
    )
    bench.recorder.first_sight(Resource(service="bot"), NOW)
    bench.calls(
        a_call(
            streaming=True, ttft_s=0.1, input_tokens=3, output_tokens=4, cache_read_tokens=1, cache_write_tokens=1,
            reasoning_tokens=1, response_cache_hit=True,
        ),
    )  # fmt: skip
    bench.steps(*[a_step(role) for role in (Role.AGENT, Role.TOOL, Role.WORKFLOW, Role.RETRIEVAL)])
    bench.evaluated(an_evaluation("safety", 1.0, "pass"))
    exposed = {s.name: frozenset(s.labels) - {"le"} for s in bench.samples()}
    expected = {
        name: frozenset(label.name for label in metric.labels)
        for metric in catalogue.ALL
        if metric.audience == "operator"
        for name in metric.series
    }
    assert exposed == expected
