"""What spans inherit: the flow they belong to, the agent, the prompt, the person."""

from __future__ import annotations

import itertools
import random

import pytest

from genai_exporter.records import Call

from .build import SERVER, Bench, S, Value, settled

CALL = S(9, 8, at=50, ms=20, tokens=(10, 5))


def chain(*attributes: dict[str, Value], roles: tuple[str, ...] = ()) -> list[S]:
    """Spans one below the other, the root first, and a call below all of them."""
    spans = []
    for depth, (attrs, role) in enumerate(itertools.zip_longest(attributes, roles, fillvalue="")):
        spans.append(S(depth + 1, depth, at=depth, ms=200 - 2 * depth, role=role, kind=SERVER if depth == 0 else 1,
                       attrs=attrs or {}, name=f"span {depth + 1}"))  # fmt: skip
    return [*spans, CALL.but(parent=len(spans))]


def only_call(*spans: S, **settings: object) -> Call:
    """The one call, the same for both orders of arrival."""
    [first] = settled(*spans, **settings).calls
    [second] = settled(*spans[::-1], **settings).calls
    assert first == second
    return first


# -- flow --------------------------------------------------------------------------------------------------------


def test_the_flow_is_the_best_name_there_is() -> None:
    """R21: what the user mapped, else the workflow, else the route, else the resource's, else the root span's name."""
    route: dict[str, Value] = {"http.route": "/ask"}
    workflow: dict[str, Value] = {"gen_ai.workflow.name": "answer"}
    mapped: dict[str, Value] = {"my.flow": "mine"}
    keys = {"flow_keys": ("my.flow",)}
    assert only_call(*chain({}, {})).flow == "span 1"
    assert only_call(*chain(route, {})).flow == "/ask"
    assert only_call(*chain(route, workflow)).flow == "answer"
    assert only_call(*chain(route, workflow, mapped), **keys).flow == "mine"
    assert only_call(*chain(mapped, workflow, route), **keys).flow == "mine"
    assert only_call(*chain(route, workflow, mapped)).flow == "answer"


def test_the_resource_names_the_flow_of_a_root_that_has_no_better_name() -> None:
    for attributes, flow in (({}, "batch"), ({"http.route": "/ask"}, "/ask")):
        bench = Bench(flow_keys=("my.flow",)).send(*chain(attributes), resource={"my.flow": "batch"}).settle()
        assert [call.flow for call in bench.calls] == [flow]


def test_the_innermost_mapped_flow_and_the_outermost_workflow_count() -> None:
    assert only_call(*chain({"f": "outer"}, {"f": "inner"}), flow_keys=("f",)).flow == "inner"
    names: list[dict[str, Value]] = [{"gen_ai.workflow.name": "outer"}, {"gen_ai.workflow.name": "inner"}]
    assert only_call(*chain(*names)).flow == "outer"


def test_a_lone_call_has_no_flow() -> None:
    """The name of its own span says which model was asked, not why."""
    assert only_call(CALL.but(parent=0, name="chat gpt-4o")).flow == ""
    assert only_call(CALL.but(parent=77)).flow == ""


def test_the_providers_own_path_is_no_flow() -> None:
    call = CALL.but(parent=1, attrs={"http.route": "/v1/chat/completions"})
    assert only_call(S(1, ms=300, role="", kind=SERVER, attrs={"http.route": "/ask"}), call).flow == "/ask"
    assert only_call(call.but(parent=0)).flow == ""


def test_the_outermost_route_is_the_endpoint() -> None:
    assert only_call(*chain({"http.route": "/ask"}, {"http.route": "/internal"})).flow == "/ask"


# -- the rest ----------------------------------------------------------------------------------------------------


def test_what_a_call_inherits_from_all_above_it() -> None:
    [call] = settled(
        *chain(
            {"user.segment": "paid", "session.id": "s-1", "user.id": "u-1"},
            {"prompt.name": "rag", "prompt.version": "v7"},
            {"gen_ai.agent.name": "planner"},
            {"prompt.version": "v8"},
            roles=("", "", "agent", ""),
        )
    ).calls
    assert (call.segment, call.session, call.user, call.prompt_name, call.prompt_version, call.agent) == (
        "paid", "s-1", "u-1", "rag", "v8", "planner",
    )  # fmt: skip


def test_the_nearest_agent_is_the_calls_agent() -> None:
    agents: list[dict[str, Value]] = [{"gen_ai.agent.name": "outer"}, {"gen_ai.agent.name": "inner"}]
    assert only_call(*chain({}, *agents, roles=("", "agent", "agent"))).agent == "inner"


def test_steps_inherit_as_calls_do() -> None:
    bench = settled(
        S(1, ms=500, role="", kind=SERVER, attrs={"http.route": "/ask", "user.segment": "paid"}),
        S(2, 1, at=5, ms=300, role="agent", attrs={"gen_ai.agent.name": "planner"}),
        S(3, 2, at=9, ms=30, role="tool", attrs={"gen_ai.tool.name": "search"}),
    )
    assert {(step.name, step.flow, step.segment, step.agent) for step in bench.steps} == {
        ("work 1", "/ask", "paid", ""),
        ("planner", "/ask", "paid", "planner"),
        ("search", "/ask", "paid", "planner"),
    }


def test_siblings_do_not_inherit_from_each_other() -> None:
    bench = settled(
        S(1, ms=500, role="workflow"),
        S(2, 1, at=5, ms=100, role="agent", attrs={"gen_ai.agent.name": "one", "user.segment": "paid"}),
        S(3, 2, at=6, ms=50, tokens=(1, 1)),
        S(4, 1, at=200, ms=100, tokens=(2, 2)),
    )
    assert [(call.input_tokens, call.agent, call.segment) for call in bench.calls] == [(1, "one", "paid"), (2, "", "")]


# -- broken trees ------------------------------------------------------------------------------------------------


def test_a_missing_parent_cuts_what_is_inherited() -> None:
    spans = chain({"user.segment": "paid"}, {}, {"prompt.version": "v7"})
    call = only_call(*(span for span in spans if span.id != 2))
    assert (call.segment, call.prompt_version, call.flow) == ("", "v7", "")


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_circle_of_parents_is_cut_at_one_place_whoever_asks(size: int) -> None:
    circle = [
        S(n, n - 1 or size, at=n, ms=400, role="agent", attrs={f"gen_ai.{'agent' if n % 2 else 'tool'}.name": f"a{n}",
          "user.segment": f"s{n}"} if n < 3 else {"gen_ai.agent.name": f"a{n}"})
        for n in range(1, size + 1)
    ]  # fmt: skip
    calls = [CALL.but(id=20 + n, parent=n, at=50 + n) for n in range(1, size + 1)]
    below = [S(40, size, at=60, role="tool"), CALL.but(id=41, parent=40, at=61)]
    spans = [*circle, *calls, *below]
    first = settled(*spans)
    assert len(first.calls) == size + 1
    for seed in range(20):
        again = settled(*spans, order=random.Random(seed).sample(range(len(spans)), len(spans)))
        assert again.calls == first.calls
        assert again.steps == first.steps


@pytest.mark.parametrize("depth", [255, 256, 257, 5000])
def test_the_flow_reaches_any_depth(depth: int) -> None:
    """Deeper than any stack, in one step or from span to span."""
    deep = [S(n, n - 1, ms=9000, role="", kind=1, name="root" if n == 1 else "") for n in range(1, depth + 1)]
    calls = [CALL.but(id=depth + n, parent=at, at=100 * n) for n, at in enumerate((depth, depth // 2, 3), 1)]
    for spans in ([*deep, *calls], [*calls, *deep[::-1]]):
        assert {call.flow for call in Bench().send(*spans).settle().calls} == {"root"}
