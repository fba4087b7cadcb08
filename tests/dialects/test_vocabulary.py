"""Words and their folding, precedence among keys, and tables that are refused."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from genai_exporter.dialects import fields as f
from genai_exporter.dialects import reference, vocabulary
from genai_exporter.dialects.fields import FIELD_NAMES, Dialect, Kind, Row, ScopeRule
from genai_exporter.dialects.plan import BadTable, Plan
from genai_exporter.dialects.registry import DIALECTS
from genai_exporter.pipeline import Pipeline, PipelineSettings
from genai_exporter.records import Role

from .build import event, pairs, request, span
from .run import NOW, Spy, run

ROOT = Path(__file__).resolve().parents[2]
WELL_KNOWN = (
    "openai", "anthropic", "gcp.gen_ai", "gcp.vertex_ai", "gcp.gemini", "aws.bedrock", "azure.ai.inference",
    "azure.ai.openai", "cohere", "deepseek", "groq", "ibm.watsonx.ai", "mistral_ai", "moonshot_ai", "perplexity",
    "x_ai",
)  # fmt: skip
PROVIDERS = {
    "vertex_ai": "gcp.vertex_ai", "gemini": "gcp.gemini", "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai", "xai": "x_ai", "OpenAI": "openai", "Anthropic": "anthropic",
    "mistralai": "mistral_ai", "google": "gcp.gemini", "vertexai": "gcp.vertex_ai", "azure": "azure.ai.openai",
    "aws": "aws.bedrock", "moonshot": "moonshot_ai", "bedrock": "aws.bedrock", "azure_ai": "azure.ai.inference",
    "mistral": "mistral_ai", "watsonx": "ibm.watsonx.ai", "openai.chat": "openai", "openai.responses": "openai",
    "anthropic.messages": "anthropic", "google.generative-ai": "gcp.gemini", "google.vertex.chat": "gcp.vertex_ai",
    "azure-openai.chat": "azure.ai.openai", "amazon-bedrock": "aws.bedrock", "mistral.chat": "mistral_ai",
    "together": "together_ai", "hugging_face": "hugging_face", "cerebras": "cerebras", "ollama": "ollama",
    "vertex.anthropic.messages": "gcp.vertex_ai", "strands-agents": "", "gcp.vertex.agent": "", "openailike": "",
    "langchain": "", "Langchain": "", "langgraph": "", "crewai": "", "InMemoryVectorStore": "", "spring_ai": "",
}  # fmt: skip
FINISHES = {
    "stop": ["stop", "STOP", "end_turn", "stop_sequence", "eos", "completed", "FinishReason.STOP", "COMPLETE"],
    "length": ["length", "max_tokens", "MAX_TOKENS", "model_length", "incomplete", "max-tokens", "max_output_tokens"],
    "tool_call": ["tool_call", "tool_calls", "tool-calls", "tool_use", "function_call"],
    "content_filter": ["content_filter", "content-filter", "refusal", "SAFETY", "safety", "RECITATION",
                       "PROHIBITED_CONTENT", "guardrail_intervened"],
    "error": ["error", "failed"],
    "other": ["unspecified", "compaction", "ERFUNDEN"],
}  # fmt: skip
ERRORS = {
    "rate_limit": ["RateLimitError", "openai.RateLimitError", "rate_limit_error", "rate_limit_exceeded", "429",
                   "Error code: 429", "RESOURCE_EXHAUSTED", "ThrottlingException", "Too Many Requests"],
    "timeout": ["APITimeoutError", "anthropic.APITimeoutError", "client_timeout_error", "httpx.ReadTimeout", "408",
                "504", "DEADLINE_EXCEEDED"],
    "context_length_exceeded": ["context_length_exceeded", "ContextWindowExceededError",
                                "This model's maximum context length is 128000 tokens", "prompt is too long"],
    "authentication": ["AuthenticationError", "authentication_error", "invalid_api_key", "401"],
    "permission_denied": ["PermissionDeniedError", "403"],
    "": ["ValueError", "5²", "²", "1013", "200", "_OTHER"],
    "overloaded": ["overloaded_error", "529", "503", "ServiceUnavailableError"],
    "server_error": ["InternalServerError", "api_error", "500", "502", "server_error"],
    "connection": ["APIConnectionError", "httpx.ConnectError", "ConnectionRefusedError"],
    "content_filter": ["ContentPolicyViolationError", "content_filter"],
    "quota_exceeded": ["insufficient_quota", "BudgetExceededError"],
    "not_found": ["NotFoundError", "404"],
    "invalid_request": ["BadRequestError", "invalid_request_error", "400", "422"],
    "cancelled": ["CancelledError", "AbortError", "499"],
}  # fmt: skip
OPERATIONS = {
    Role.CALL: ["chat", "generate_content", "text_completion", "embeddings", "completion", "generate", "generateText",
                "streamText", "rerank", "ai.generateSpeech", "ai.transcribe", "acompletion", "embedding", "responses"],
    Role.AGENT: ["invoke_agent"],
    Role.TOOL: ["execute_tool", "mcp_tool_call"],
    Role.WORKFLOW: ["invoke_workflow", "invoke_swarm"],
    Role.RETRIEVAL: ["retrieval", "RETRIEVER", "vector_db_retrieve", "search_memory"],
    Role.STEP: ["create_agent", "fetch_response", "plan", "create_memory", "update_memory", "upsert_memory",
                "delete_memory", "create_memory_store", "delete_memory_store", "agent_step", "litellm.moderation",
                "litellm.passthrough", "chain", "parser", "unknown", "agent_handoff", "handoff", "execute_task",
                "execute_event_loop_cycle", "CHAIN", "framework"],
}  # fmt: skip
#: Kinds of spans as the libraries document them: key, value, role.
SPAN_KINDS = [
    *[("openinference.span.kind", k, r) for k, r in (
        ("LLM", Role.CALL), ("EMBEDDING", Role.CALL), ("CHAIN", Role.STEP), ("RETRIEVER", Role.RETRIEVAL),
        ("RERANKER", Role.RETRIEVAL), ("TOOL", Role.TOOL), ("AGENT", Role.AGENT), ("GUARDRAIL", Role.STEP),
        ("EVALUATOR", Role.STEP), ("PROMPT", Role.STEP), ("DECISION", Role.CALL))],
    *[("traceloop.span.kind", k, r) for k, r in (
        ("workflow", Role.WORKFLOW), ("task", Role.STEP), ("agent", Role.AGENT), ("tool", Role.TOOL))],
    *[("langfuse.observation.type", k, r) for k, r in (
        ("generation", Role.CALL), ("embedding", Role.CALL), ("agent", Role.AGENT), ("tool", Role.TOOL),
        ("chain", Role.STEP), ("retriever", Role.RETRIEVAL), ("guardrail", Role.STEP), ("evaluator", Role.STEP))],
    *[("langsmith.span.kind", k, r) for k, r in (
        ("llm", Role.CALL), ("chain", Role.STEP), ("tool", Role.TOOL), ("retriever", Role.RETRIEVAL),
        ("embedding", Role.CALL), ("prompt", Role.STEP), ("parser", Role.STEP))],
    *[("ai.operationId", f"ai.{k}", r) for k, r in (
        ("generateText", Role.AGENT), ("streamText", Role.AGENT), ("generateObject", Role.AGENT),
        ("streamObject", Role.AGENT), ("generateText.doGenerate", Role.CALL), ("streamText.doStream", Role.CALL),
        ("generateObject.doGenerate", Role.CALL), ("streamObject.doStream", Role.CALL), ("embed", Role.STEP),
        ("embed.doEmbed", Role.CALL), ("embedMany.doEmbed", Role.CALL), ("rerank", Role.STEP),
        ("rerank.doRerank", Role.CALL), ("toolCall", Role.TOOL))],
    *[("mlflow.spanType", f'"{k}"', r) for k, r in (
        ("LLM", Role.CALL), ("CHAT_MODEL", Role.CALL), ("AGENT", Role.AGENT), ("TOOL", Role.TOOL),
        ("CHAIN", Role.STEP), ("RETRIEVER", Role.RETRIEVAL), ("EMBEDDING", Role.CALL),
        ("RERANKER", Role.RETRIEVAL), ("PARSER", Role.STEP))],
    *[("agent.span.type", k, r) for k, r in (
        ("agent", Role.AGENT), ("response", Role.CALL), ("function", Role.TOOL), ("handoff", Role.STEP),
        ("guardrail", Role.STEP))],
    *[("llm.request.type", k, Role.CALL) for k in ("chat", "completion", "embedding", "rerank")],
]  # fmt: skip
#: For each field the keys that compete for it, the one to believe first.
PRECEDENCE: dict[int, list[str]] = {
    f.RESPONSE_MODEL: ["gen_ai.response.model", "llm.response.model_name", "llm.response.model", "ai.response.model"],
    f.REQUEST_MODEL: ["gen_ai.request.model", "llm.request.model_name", "ai.model.id", "llm.request.model"],
    f.MODEL: ["langfuse.observation.model.name", "llm.model_name", "embedding.model_name", "reranker.model_name"],
    f.PROVIDER: ["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider",
                 "mlflow.llm.provider", "langsmith.metadata.ls_provider"],
    f.INPUT: ["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt",
              "llm.usage.prompt_tokens", "ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens",
              "gen_ai.token.usage.input"],
    f.OUTPUT: ["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion",
               "llm.usage.completion_tokens", "ai.usage.outputTokens", "ai.usage.completionTokens"],
    f.CACHE_READ: ["gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
                   "gen_ai.usage.input_tokens.cached", "gen_ai.usage.prompt_tokens_details.cached_tokens",
                   "gen_ai.usage.prompt_tokens_details.cache_read", "gen_ai.usage.details.cache_read_tokens",
                   "llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input",
                   "ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"],
    f.CACHE_WRITE: ["gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens",
                    "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens",
                    "gen_ai.usage.input_tokens.cache_write", "gen_ai.usage.prompt_tokens_details.cache_creation_tokens",
                    "gen_ai.usage.details.cache_write_tokens", "llm.token_count.prompt_details.cache_write",
                    "ai.usage.inputTokenDetails.cacheWriteTokens"],
    f.REASONING: ["gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens",
                  "gen_ai.usage.output_tokens.reasoning", "llm.usage.reasoning_tokens",
                  "gen_ai.usage.completion_tokens_details.reasoning_tokens",
                  "llm.token_count.completion_details.reasoning", "ai.usage.outputTokenDetails.reasoningTokens",
                  "ai.usage.reasoningTokens", "gen_ai.usage.details.reasoning_tokens"],
    f.TTFT: ["gen_ai.response.time_to_first_chunk", "gen_ai.response.time_to_first_token",
             "gen_ai.client.operation.time_to_first_chunk", "gen_ai.server.time_to_first_token",
             "ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"],
    f.COST: ["gen_ai.usage.cost", "litellm.cost.total", "operation.cost", "llm.cost.total",
             "gen_ai.cost.total_tokens", "gen_ai.token.cost.total"],
    f.SESSION: ["gen_ai.conversation.id", "session.id", "langfuse.session.id",
                "traceloop.association.properties.session_id", "ai.telemetry.metadata.sessionId",
                "langsmith.metadata.thread_id", "langsmith.metadata.session_id", "mlflow.trace.session",
                "gcp.vertex.agent.session_id", "wandb.thread_id", "gen_ai.session.id",
                "langfuse.trace.metadata.langfuse_session_id", "langfuse.observation.metadata.langfuse_session_id"],
    f.USER: ["user.id", "langfuse.user.id", "enduser.id", "traceloop.association.properties.user_id", "gen_ai.user",
             "llm.user", "gen_ai.request.user", "ai.telemetry.metadata.userId", "mlflow.trace.user",
             "litellm.end_user.id", "gen_ai.user.id"],
}  # fmt: skip
#: Documents among the competing keys, and keys that only stand beside their own dialect's kind.
ELSEWHERE = [
    "langfuse.observation.usage_details", "langfuse.observation.cost_details", "mlflow.chat.tokenUsage",
    "mlflow.llm.cost", "mlflow.llm.model", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_creation_tokens", "model", "langfuse.observation.completion_start_time", "gen_ai.operation.name",
    "openinference.span.kind", "traceloop.span.kind", "langfuse.observation.type", "langsmith.span.kind",
    "ai.operationId", "llm.request.type", "mlflow.spanType", "span.type", "lmnr.span.type", "weave.span.kind",
    "genkit:metadata:subtype",
]  # fmt: skip
DEPRECATED = [
    ("gen_ai.system", "gen_ai.provider.name"), ("gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens"),
    ("gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens"),
    ("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens"),
    ("gen_ai.openai.request.service_tier", "openai.request.service_tier"),
    ("gen_ai.openai.response.service_tier", "openai.response.service_tier"),
]  # fmt: skip


@pytest.mark.parametrize("name", WELL_KNOWN)
def test_well_known_providers_keep_their_names(name: str) -> None:
    assert vocabulary.fold_provider(name) == name


@pytest.mark.parametrize(("raw", "name"), PROVIDERS.items())
def test_providers_fold_to_well_known_names(raw: str, name: str) -> None:
    assert vocabulary.fold_provider(raw) == name


def test_every_provider_folds_to_itself() -> None:
    assert {vocabulary.fold_provider(name) for name in vocabulary.PROVIDERS.values()} == {
        *vocabulary.PROVIDERS.values()
    }


@pytest.mark.parametrize(("folded", "raw"), [(k, w) for k, words in FINISHES.items() for w in words])
def test_finish_reasons_fold_to_six(folded: str, raw: str) -> None:
    """R42."""
    assert vocabulary.fold_finish(raw) == folded


@pytest.mark.parametrize(("folded", "raw"), [(k, w) for k, words in ERRORS.items() for w in words])
def test_errors_fold_to_one_type(folded: str, raw: str) -> None:
    """R43."""
    assert vocabulary.fold_error(raw) == folded


def test_every_error_type_is_tried() -> None:
    assert {*vocabulary.ERROR_TYPES} - {"_OTHER"} == set(ERRORS) - {""}


@pytest.mark.parametrize(("role", "name"), [(k, w) for k, words in OPERATIONS.items() for w in words])
def test_operations_have_a_role(role: Role, name: str) -> None:
    assert vocabulary.fold_operation(name)[0] is role


class Roles(Spy):
    """Reads one span through the real normaliser."""

    def role(self, attributes: dict[str, Any], scope: str = "x") -> Role:
        made = Pipeline(PipelineSettings(), self)
        made.traces(request([span("s", attributes, scope=scope)]), "protobuf", NOW)
        (trace,) = made._assembler._traces.values()
        (found,) = trace.spans.values()
        return Role(found.role)


@pytest.mark.parametrize(("key", "kind", "role"), SPAN_KINDS)
def test_kinds_of_spans(key: str, kind: str, role: Role) -> None:
    attributes = {key: kind, "gen_ai.provider.name": "openai"}
    assert Roles().role(attributes) is role


@pytest.mark.parametrize("key", ["span.type", "entity.type", "traceloop.span.kind", "spring.ai.kind", "lmnr.span.type"])
def test_kinds_of_other_people_make_no_genai_span(key: str) -> None:
    assert Roles().role({key: "something else"}) is Role.OTHER


def _rows() -> dict[str, list[Row]]:
    return {key.decode(): list(rows) for key, rows in Plan(DIALECTS).keys.items()}


def test_competing_keys_are_all_known() -> None:
    assert {*itertools.chain(*PRECEDENCE.values()), *ELSEWHERE} <= set(_rows())


@pytest.mark.parametrize("field", PRECEDENCE, ids=FIELD_NAMES.get)
def test_precedence_among_competing_keys(field: int) -> None:
    """The rank decides, in whatever order the keys come."""
    rows = _rows()
    normaliser = Pipeline(PipelineSettings(), Spy())._normaliser
    for first, second in itertools.pairwise(PRECEDENCE[field]):
        values = {}
        for number, key in enumerate((first, second), 1):
            kinds = {row.kind for row in rows[key] if row.field == field}
            values[key] = number if kinds <= {Kind.TOKENS} else number * 0.25 if kinds <= _FIGURES else f"x{number}"
        alone = [_value(normaliser, {key: values[key]}, field) for key in (first, second)]
        assert alone[0] != alone[1] != None, (first, second)  # noqa: E711
        assert _value(normaliser, {first: values[first], second: values[second]}, field) == alone[0], (first, second)
        assert _value(normaliser, {second: values[second], first: values[first]}, field) == alone[0], (first, second)


_FIGURES = {Kind.SECONDS, Kind.MILLISECONDS, Kind.MONEY, Kind.TTFT_BY_TYPE}


def _value(normaliser: Any, attributes: dict[str, Any], field: int) -> object:
    values, _ = normaliser.attributes([pair.SerializeToString() for pair in pairs(attributes)])
    return values[field]


@pytest.mark.parametrize(("old", "new"), DEPRECATED)
def test_deprecated_keys_are_read_as_their_replacement(old: str, new: str) -> None:
    rows = _rows()
    assert {row.field for row in rows[old]} == {row.field for row in rows[new]}
    assert min(row.rank for row in rows[new]) < min(row.rank for row in rows[old])


def test_finish_reasons_of_choice_events_are_read() -> None:
    """Deprecated with the per-message events, and still sent."""
    spans = [span("chat", {"gen_ai.operation.name": "chat"}, events=[event("gen_ai.choice", finish_reason="length")])]
    assert run([request(spans)])[0].calls[0].finish_reason == "length"


def test_a_users_key_may_be_one_that_the_tables_know() -> None:
    """Both meanings hold, on the first span as on every later one."""
    spy = Spy()
    made = Pipeline(PipelineSettings(flow_keys=("gen_ai.agent.name",), segment_keys=("user.id",)), spy)
    for number in (1, 2, 3):
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.agent.name": "planner", "user.id": "u-1"}
        made.traces(request([span("chat", attributes, id=number, trace=number)]), "protobuf", NOW)
    made.drain(NOW)
    assert [(call.flow, call.agent, call.segment, call.user) for call in spy.calls] == [
        ("planner", "planner", "u-1", "u-1")
    ] * 3


def test_a_bad_member_does_not_cost_the_others() -> None:
    usage = '{"prompt_tokens": -5, "completion_tokens": 17}'
    attributes = {"langfuse.observation.type": "generation", "langfuse.observation.usage_details": usage}
    spy, made = run([request([span("g", attributes, scope="langfuse-sdk")])])
    assert (spy.calls[0].input_tokens, spy.calls[0].output_tokens) == (None, 17)
    assert made.stats.invalid_attributes == {"negative": 1}


def test_content_under_a_key_of_ours_is_no_fault() -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.completion": "It is sunny.", "metadata": "none"}
    assert not run([request([span("chat", attributes)])])[1].stats.invalid_attributes


ROWS = {
    "feeds unknown field": [Row("a", 999)],
    "expands into nothing": [Row("a", f.INPUT, kind=Kind.EXPAND)],
    "member x: bad field or kind": [Row("a", f.INPUT, kind=Kind.EXPAND, members=(("x", f.INPUT, 1, Kind.EXPAND),))],
    "role without a vocabulary": [Row("a", f.ROLE, kind=Kind.ROLE)],
    "both feed input at rank 10": [Row("a", f.INPUT), Row("b", f.INPUT)],
    "both feed output at rank 7": [
        Row("a", f.OUTPUT, 7),
        Row("b", f.INPUT, kind=Kind.EXPAND, members=(("x", f.OUTPUT, 7, Kind.TOKENS),)),
    ],
    "rank 70 is not between": [Row("a", f.INPUT, 70)],
}


@pytest.mark.parametrize("complaint", ROWS)
def test_bad_tables_are_refused(complaint: str) -> None:
    with pytest.raises(BadTable, match=complaint):
        Plan([Dialect("bad", "nowhere", tuple(ROWS[complaint]))])


def test_tables_must_not_contradict_each_other() -> None:
    one = Dialect("one", "nowhere", (Row("a", f.INPUT),))
    with pytest.raises(BadTable, match="in another table already"):
        Plan([one, Dialect("two", "nowhere", (Row("a", f.OUTPUT),))])
    with pytest.raises(BadTable, match="both feed input"):
        Plan([one, Dialect("two", "nowhere", (Row("b", f.INPUT),))])
    assert len(Plan([one, Dialect("two", "nowhere", (Row("b", f.INPUT, 11),))]).keys) == 2


def test_scopes_match_whole_words_and_the_longest_wins() -> None:
    plan = Plan([Dialect("x", "nowhere", (), (ScopeRule("ai", "vercel"), ScopeRule("ai.sdk", "sdk")))])
    found = {name: getattr(plan.scope_rule(name), "dialect", None) for name in ("ai", "ai.x", "ai.sdk", "aiohttp", "a")}
    assert found == {"ai": "vercel", "ai.x": "vercel", "ai.sdk": "sdk", "aiohttp": None, "a": None}


def test_the_reference_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "genai_exporter.dialects.reference"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout == (ROOT / "docs" / "dialects.md").read_text(encoding="utf-8")


def test_the_reference_names_every_key() -> None:
    text = reference.render()
    assert not [key for key in _rows() if f"`{key}`" not in text]
