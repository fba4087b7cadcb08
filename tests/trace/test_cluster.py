"""Which spans are one provider call (invariant 1)."""

from __future__ import annotations

import itertools

import pytest

from .build import SERVER, Bench, S, settled, tokens

ID = "chatcmpl-0123456789abcdef"
OTHER_ID = "chatcmpl-fedcba9876543210"


def permutations(*spans: S, limit: int = 120) -> list[Bench]:
    """The same spans in every order of arrival, as far as there are not too many."""
    orders = itertools.islice(itertools.permutations(range(len(spans))), limit)
    return [settled(*spans, order=order) for order in orders]


def everywhere(*spans: S) -> Bench:
    """What the spans amount to, the same in every order."""
    first, *others = permutations(*spans)
    assert all(other.calls == first.calls and other.steps == first.steps for other in others)
    return first


# -- families ----------------------------------------------------------------------------------------------------


def test_a_wrapper_and_what_it_wraps_are_one_call() -> None:
    bench = everywhere(S(1, scope="framework", tokens=(10, 5)), S(2, 1, at=2, ms=95, tokens=(10, 5), rid=ID))
    [call] = bench.calls
    assert (call.input_tokens, call.output_tokens, call.response_id) == (10, 5, ID)
    assert bench.accounts == {("recorded", "call"): 1, ("duplicate", "wrapper"): 1}


def test_layers_of_wrappers_are_one_call() -> None:
    layers = [S(n, n - 1, at=n, ms=100 - 2 * n, scope=f"layer{n}", tokens=(10, 5)) for n in range(1, 5)]
    assert len(everywhere(*layers).calls) == 1


def test_what_has_no_meaning_in_between_does_not_part_them() -> None:
    bench = everywhere(
        S(1, scope="framework", tokens=(10, 5)), S(2, 1, at=1, ms=98, role=""), S(3, 2, at=2, ms=95, tokens=(10, 5))
    )
    assert len(bench.calls) == 1


def test_attempts_below_a_wrapper_are_calls_and_the_last_knows_of_its_retries() -> None:
    bench = everywhere(
        S(1, ms=400, scope="framework", tokens=(10, 5)),
        S(2, 1, at=1, ms=50, error="rate_limit"),
        S(3, 1, at=101, ms=50, error="rate_limit"),
        S(4, 1, at=201, ms=190, tokens=(10, 5)),
    )
    assert [(call.error_type, call.retries, call.input_tokens) for call in bench.calls] == [
        ("rate_limit", 0, None),
        ("rate_limit", 0, None),
        ("", 2, 10),
    ]


def test_usage_on_the_wrapper_belongs_to_the_attempt_that_was_answered() -> None:
    """Also when a hedged attempt begins later and fails: the answer is not the last thing that happened."""
    bench = everywhere(
        S(1, ms=400, scope="framework", tokens=(10, 5)),
        S(2, 1, at=1, ms=300),
        S(3, 1, at=101, ms=50, error="timeout"),
    )
    assert [(call.error_type, call.retries, call.input_tokens) for call in bench.calls] == [
        ("", 1, 10),
        ("timeout", 0, None),
    ]


def test_all_attempts_failed() -> None:
    bench = everywhere(
        S(1, ms=400, scope="framework", error="rate_limit"),
        S(2, 1, at=1, ms=50, error="rate_limit"),
        S(3, 1, at=101, ms=50, error="rate_limit"),
    )
    assert [(call.error_type, call.retries) for call in bench.calls] == [("rate_limit", 0), ("rate_limit", 1)]


@pytest.mark.parametrize("border", ["agent", "tool", "workflow"])
def test_a_border_between_two_calls_makes_them_two(border: str) -> None:
    """A tool that a model asks for, or an agent it hands over to, may ask a model itself."""
    bench = everywhere(
        S(1, ms=300, tokens=(10, 5)), S(2, 1, at=100, ms=150, role=border), S(3, 2, at=110, ms=100, tokens=(20, 6))
    )
    assert tokens(bench.calls) == (30, 11)


def test_an_embedding_inside_a_chat_is_a_call_of_its_own() -> None:
    """A gateway looks for a cached answer by embedding the prompt before it asks the model."""
    bench = everywhere(
        S(1, ms=300, scope="gateway", tokens=(10, 5)),
        S(2, 1, at=5, ms=20, scope="gateway", role="embeddings", model="text-embedding-3-small", tokens=(8, 0)),
        S(3, 1, at=50, ms=200, tokens=(10, 5)),
    )
    assert sorted((call.operation, call.input_tokens) for call in bench.calls) == [("chat", 10), ("embeddings", 8)]


def test_a_call_inside_many_hundred_others_is_not_lost() -> None:
    """Deeper than any stack, and than the search for a wrapper looks."""
    deep = [S(n, n - 1, at=n / 10, ms=1000 - n / 5, tokens=(10, 5)) for n in range(1, 1201)]
    bench = Bench().send(*deep).settle()
    assert len(bench.calls) == 1
    assert bench.accounts["duplicate", "wrapper"] == 1199


@pytest.mark.parametrize("size", [1, 2, 5])
def test_calls_in_a_circle_of_parents_are_counted(size: int) -> None:
    circle = [S(n, n - 1 or size, at=n, tokens=(10, 5)) for n in range(1, size + 1)]
    bench = everywhere(*circle, S(9, 1, at=50, role="tool"), S(10, 9, at=60, tokens=(1, 1)))
    assert tokens(bench.calls) == (11, 6)


# -- gateways ----------------------------------------------------------------------------------------------------


def test_a_gateway_and_the_app_report_one_call() -> None:
    """It is the app's, with the app's flow; what the provider said, the gateway knows best."""
    bench = everywhere(
        S(1, ms=200, role="workflow", attrs={"gen_ai.workflow.name": "answer"}),
        S(2, 1, at=1, ms=190, model="smart", tokens=(10, 5)),
        S(3, 2, at=5, ms=180, scope="proxy", service="gateway", role="", kind=SERVER),
        S(4, 3, at=8, ms=170, scope="proxy", service="gateway", model="gpt-4o", tokens=(10, 5), rid=ID,
          attrs={"gen_ai.response.model": "gpt-4o-2024-08-06"}),
    )  # fmt: skip
    [call] = bench.calls
    assert (call.service, call.flow) == ("app", "answer")
    assert (call.response_model, call.response_id) == ("gpt-4o-2024-08-06", ID)


def test_a_gateway_that_tries_three_providers() -> None:
    bench = everywhere(
        S(1, ms=400, tokens=(10, 5)),
        S(2, 1, at=5, ms=50, service="gateway", scope="proxy", model="a", error="overloaded"),
        S(3, 1, at=60, ms=50, service="gateway", scope="proxy", model="b", error="overloaded"),
        S(4, 1, at=120, ms=250, service="gateway", scope="proxy", model="c", tokens=(10, 5)),
    )
    assert [(call.request_model, call.retries, call.service) for call in bench.calls if not call.error_type] == [
        ("c", 2, "app")
    ]
    assert len(bench.calls) == 3


def test_a_gateway_without_trace_context_is_known_by_the_response_id() -> None:
    bench = everywhere(
        S(1, ms=200, tokens=(10, 5), rid=ID),
        S(2, trace=2, at=5, ms=180, scope="proxy", service="gateway", tokens=(10, 5), rid=ID),
    )
    [call] = bench.calls
    assert call.service == "app"


# -- response ids ------------------------------------------------------------------------------------------------


def test_siblings_with_one_response_id_are_one_call() -> None:
    root = S(1, ms=300, role="workflow")
    bench = everywhere(root, S(2, 1, scope="framework", rid=ID), S(3, 1, at=1, ms=90, tokens=(10, 5), rid=ID))
    [call] = bench.calls
    assert (call.input_tokens, bench.accounts["duplicate", "response_id"]) == (10, 1)


def test_a_repeated_response_id_is_known_long_after_its_trace_is_gone() -> None:
    bench = Bench().send(S(1, tokens=(10, 5), rid=ID)).settle()
    assert len(bench.assembler._traces) == 0
    bench.send(S(1, trace=2, scope="proxy", service="gateway", tokens=(10, 5), rid=ID)).settle()
    assert (len(bench.calls), bench.accounts["duplicate", "response_id"]) == (1, 1)


def test_an_answer_from_a_cache_is_not_a_call_of_the_provider() -> None:
    """It repeats the id and the figures of the answer that was paid for."""
    bench = settled(*(S(n, trace=n, at=n * 1000, tokens=(10, 5), rid=ID) for n in range(1, 6)))
    assert tokens(bench.calls) == (10, 5)


def test_short_ids_repeat_by_chance() -> None:
    same = {"tokens": (10, 5), "rid": "chatcmpl-639"}
    in_one_trace = everywhere(S(1, ms=500, role="workflow"), S(2, 1, **same), S(3, 1, at=200, **same))
    in_two_traces = everywhere(S(2, trace=2, **same), S(3, trace=3, at=200, **same))
    assert (len(in_one_trace.calls), len(in_two_traces.calls)) == (2, 2)


def test_short_ids_that_differ_tell_twins_apart() -> None:
    root = S(1, ms=500, role="workflow")
    two = everywhere(root, S(2, 1, scope="framework", tokens=(10, 5), rid="chatcmpl-1"),
                     S(3, 1, at=1, ms=98, tokens=(10, 5), rid="chatcmpl-2"))  # fmt: skip
    one = everywhere(root, S(2, 1, scope="framework", tokens=(10, 5), rid="chatcmpl-1"),
                     S(3, 1, at=1, ms=98, tokens=(10, 5), rid="chatcmpl-1"))  # fmt: skip
    assert (len(two.calls), len(one.calls)) == (2, 1)


@pytest.mark.parametrize("traces", [1, 3])
def test_the_constant_id_of_a_stub_proves_nothing(traces: int) -> None:
    """Other figures under the same id from the same instrumentation are other calls."""
    bench = settled(*(S(n, trace=n % traces + 1, at=n * 200, tokens=(10 + n % 3, 5), rid=ID) for n in range(1, 10)))
    assert len(bench.calls) == 9


def test_the_constant_id_of_a_stub_proves_nothing_later() -> None:
    """Only what has the figures of the first is taken for a repetition of it, as nothing else is remembered."""
    bench = Bench()
    for n in range(1, 10):
        bench.send(S(n, trace=n, at=n * 200, tokens=(10 + n % 3, 5), rid=ID)).settle()
    assert len(bench.calls) == 7


def test_polling_for_an_answer_is_one_call() -> None:
    """A background response is asked for until it is there; only the last report has figures."""
    bench = everywhere(
        S(1, trace=1, rid=ID), S(2, trace=2, at=1000, rid=ID), S(3, trace=3, at=2000, rid=ID, tokens=(10, 5))
    )
    assert tokens(bench.calls) == (10, 5)
    assert len(bench.calls) == 1


# -- aggregates --------------------------------------------------------------------------------------------------


def test_the_sum_on_an_agent_is_not_billed_again() -> None:
    bench = everywhere(
        S(1, ms=900, role="agent", tokens=(30, 11)), S(2, 1, at=10, tokens=(10, 5)), S(3, 1, at=300, tokens=(20, 6))
    )
    assert tokens(bench.calls) == (30, 11)
    assert not bench.ambiguous


def test_usage_that_grows_over_the_life_of_an_agent_is_not_billed() -> None:
    spans = []
    for turn in range(1, 4):
        spans += [
            S(2 * turn, at=turn * 1000, ms=900, trace=turn, role="agent", tokens=(100 * turn, 10 * turn)),
            S(2 * turn + 1, 2 * turn, at=turn * 1000 + 5, trace=turn, tokens=(100, 10)),
        ]
    assert tokens(settled(*spans).calls) == (300, 30)


def test_usage_that_only_an_agent_reports_is_billed_once_where_it_is_lowest() -> None:
    bench = everywhere(
        S(1, ms=900, role="workflow", tokens=(30, 11)),
        S(2, 1, at=10, ms=800, role="agent", tokens=(30, 11), kind=1),
        S(3, 2, at=20, role="tool"),
    )
    [call] = bench.calls
    assert (call.input_tokens, bench.ambiguous) == (30, {"usage_without_call": 1})


def test_a_remote_agent_is_billed_beside_the_calls_of_the_application() -> None:
    bench = everywhere(
        S(1, ms=2000, role="workflow"),
        S(2, 1, at=10, ms=100, tokens=(10, 5)),
        S(3, 1, at=300, ms=800, role="agent", tokens=(500, 60)),
        S(4, 1, at=1500, ms=100, tokens=(20, 6)),
    )
    assert (tokens(bench.calls), bench.ambiguous) == ((530, 71), {"remote_agent": 1})


def test_an_agent_whose_calls_lost_their_parent_is_not_billed_beside_them() -> None:
    bench = everywhere(
        S(1, ms=2000, role="workflow"), S(2, 1, at=10, ms=900, role="agent", tokens=(10, 5)),
        S(3, 1, at=100, tokens=(10, 5)),
    )  # fmt: skip
    assert tokens(bench.calls) == (10, 5)
