"""Renders the reference of dialects from the tables: ``python -m genai_exporter.dialects.reference``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from genai_exporter.dialects import vocabulary
from genai_exporter.dialects.fields import FIELD_NAMES, Dialect, Kind, Row, ScopeRule
from genai_exporter.dialects.registry import DIALECTS

_HEAD = """\
<!-- Generated from exporter/genai_exporter/dialects. Do not edit; render it again with
     `python -m genai_exporter.dialects.reference > docs/dialects.md`. -->

# Dialects

Every library has its own names for the same few facts. The tables below say which attribute is read, and as what.
They are applied together, so a span may mix them. Where several keys feed one field on one span, the smallest rank
wins, whatever the order on the wire.

## How figures are read

- **Input tokens include cached ones, output tokens include reasoning.** Where a library leaves the cached tokens out,
  they are added: the library is known for it, or declares it, or its total adds up only that way, or more tokens were
  cached than came in. Likewise reasoning tokens that stand beside the output. Google's ADK adds reasoning to the output
  even for models whose output contains it (LiteLLM's); that is taken back.
- **Not reported is not zero.** A call with zero input and zero output tokens reported no usage.
- **A time to first token exists only for streams.** Milliseconds become seconds key by key. One that comes with the end
  of an answer, from a library known for reporting it without a stream, is no first token.
- **A library's own kind of span** says what the span is, before the standard operation name: LangSmith calls its
  prompts chats and its retrievers embeddings. A task of OpenLLMetry's is a model call when another key says so.
- **The asked model** is the one in OpenInference's invocation parameters; its other keys hold the answering one.
- **Errors** fold to one name each, whether they come as a class, a provider's word, an HTTP status or a message.
- **Frameworks are no providers.** What calls itself `strands-agents`, `openailike` or `langchain` is looked through:
  the model's name decides.

## What nothing on the wire can settle

| case | what is counted | where it shows |
| --- | --- | --- |
| Stream without usage (OpenAI's `include_usage` off; most LlamaIndex and JavaScript streams) | a call without tokens \
| `genai_exporter_calls_without_usage_total` |
| Gemini's automatic function calling: one span for several requests, usage of the last | one call, its usage \
| nothing: the span looks like any other |
| Agents without model-call spans (CrewAI; LlamaIndex and smolagents under OpenTelemetry's instrumentations) \
| no calls: instrument the SDK as well | `genai_exporter_spans_total`, no reason `call` |
| Usage on an agent's span, no model-call span in its trace | one call with that usage \
| `genai_exporter_ambiguous_calls_total` |
| OpenLLMetry on Anthropic's streams: one output token too many, unless the SDK's own span is there too \
| the figure as reported | nothing |
| OpenLIT on streams without usage, old releases on all streams: a guess | the figure as reported | nothing |
| Retries inside an SDK | one call; `llm_retries_total` where a count is reported | nothing |
| A gateway and an application with different ids and models, and no trace in common | two calls \
| nothing: instrument one |
| Two instrumentations of one process, the same model and figures, one inside the other in time | one call \
| `genai_exporter_spans_total`, reason `sibling` |
| Errors that are never exported (JavaScript SDK instrumentations; OpenLLMetry on answers cut off) | nothing | nothing |
| A stream that died and ends with status OK (OpenLLMetry) or none (Langfuse, Logfire) | a call that succeeded \
| `genai_exporter_calls_without_usage_total` |
| A hand-over between agents that is a tool (Strands' swarm, ADK's `transfer_to_agent`) | a tool execution | nothing |
| Vercel's pipelines: an agent or one call | an agent run when a tool ran in it | nothing |
"""

_KINDS = {
    Kind.TEXT: "text",
    Kind.IDENTIFIER: "identifier",
    Kind.TOKENS: "count",
    Kind.SECONDS: "seconds",
    Kind.MILLISECONDS: "milliseconds",
    Kind.TTFT_BY_TYPE: "seconds as a double, milliseconds as an integer",
    Kind.MONEY: "US dollars",
    Kind.FLAG: "flag",
    Kind.FINISH: "list, JSON text of a list, or text",
    Kind.TIMESTAMP: "ISO 8601, possibly quoted",
    Kind.ROLE: "kind of span",
    Kind.EXPAND: "JSON, or a printed Python dict",
    Kind.EVALUATION: "evaluation",
    Kind.RATING: "rating",
    Kind.STATUS: "HTTP status",
    Kind.BUCKET: "count beside the others",
}


def render() -> str:
    """The whole reference as Markdown."""
    parts = [_HEAD]
    for dialect in DIALECTS:
        parts.append("\n".join(_dialect(dialect)))
    parts.append("\n".join(_words()))
    return "\n".join(parts)


def _dialect(dialect: Dialect) -> Iterator[str]:
    yield f"## {dialect.name}\n"
    yield f"Source: <{dialect.source}>\n" if "://" in dialect.source else f"Source: `{dialect.source}`\n"
    if dialect.rows:
        yield "| attribute | field | rank | read as |"
        yield "| --- | --- | --- | --- |"
        for row in dialect.rows:
            yield from _row(row)
        yield ""
    yield from map(_scope, dialect.scopes)
    if dialect.scopes:
        yield ""


def _row(row: Row) -> Iterator[str]:
    if row.kind is Kind.EXPAND:
        for path, field, rank, kind in row.members:
            yield f"| `{row.key}`, member `{path}` | {FIELD_NAMES[field]} | {rank} | {_KINDS[kind]} |"
        return
    how = _KINDS[row.kind] + _values(row.vocabulary)
    if row.kind is Kind.EVALUATION:
        yield f"| `{row.key}` | {_evaluation(row)} | | {how} |"
    elif row.field == 0:
        yield f"| `{row.key}` | nothing | | |"
    else:
        yield f"| `{row.key}` | {FIELD_NAMES[row.field]} | {row.rank} | {how} |"


def _evaluation(row: Row) -> str:
    tag = str(row.tag or "")
    return "evaluation" if not tag or tag.startswith(".") else f"evaluation `{tag}`"


def _values(words: Mapping[str, object]) -> str:
    if not words:
        return ""
    shown = []
    for word, meaning in words.items():
        if isinstance(meaning, tuple):
            role, operation = meaning
            told = role.name.lower() + (f" {operation}" if operation and operation != role.name.lower() else "")
        else:
            told = "nothing" if meaning in (None, "") else str(meaning)
        if word:
            shown.append(f"{'anything else' if word == '*' else f'`{word}`'} = {told}")
    return ": " + ", ".join(shown)


def _scope(rule: ScopeRule) -> str:
    notes = [f"dialect `{rule.dialect}`"]
    if rule.exclusive_input:
        notes.append("input tokens leave the cached ones out")
    if rule.untimed_first_token:
        notes.append("answers that were not streamed have a time to first token, too")
    if rule.status_unreliable:
        notes.append("an exception event means failure, whatever the status")
    if rule.root_is_agent:
        notes.append("the span of the whole run calls itself an agent")
    if rule.reasoning_twice:
        notes.append("reasoning is in the output twice, except for Google's models")
    if rule.steps:
        notes.append("no calls or tools: " + ", ".join(f"`*{step}`" for step in rule.steps))
    if rule.agents:
        notes.append("agent runs: " + ", ".join(f"`*{agent}`" for agent in rule.agents))
    return f"- Scopes `{rule.prefix}*`: {'; '.join(notes)}."


def _words() -> Iterator[str]:
    yield "## Words\n"
    yield "Finish reasons, in any case, with hyphens or underscores; others become `other`:\n"
    yield from _folded(vocabulary.FINISH_REASONS)
    yield "\nProviders; others keep their name in lower case:\n"
    yield from _folded(vocabulary.PROVIDERS)
    yield f"\nNo providers: {', '.join(f'`{name}`' for name in sorted(vocabulary.FRAMEWORKS) if name)}.\n"
    yield "Operations; others are structure:\n"
    operations = {name: f"{role.name.lower()} {operation}" for name, (role, operation) in vocabulary.OPERATIONS.items()}
    yield from _folded(operations)
    yield "\nErrors, by what their name or message contains; the first that matches counts:\n"
    yield from (f"1. `{word}`: `{kind}`" for word, kind in vocabulary.ERROR_PATTERNS)
    statuses = {str(status): kind for status, kind in vocabulary.HTTP_ERRORS.items()}
    yield "\nErrors by HTTP status:\n"
    yield from _folded(statuses)


def _folded(words: Mapping[str, str]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for raw, folded in words.items():
        groups.setdefault(folded, []).append(raw)
    for folded, raws in groups.items():
        yield f"- `{folded}`: {', '.join(f'`{raw}`' for raw in raws)}"


if __name__ == "__main__":
    sys.stdout.write(render() + "\n")
