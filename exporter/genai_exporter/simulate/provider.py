"""The simulated model providers: how long a call takes, what it costs in tokens, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import msgspec

from .fixtures import ANSWER_PROMPT_NAME, EMBEDDING_MODEL, MODELS, REFUSAL, Model
from .model import FAILURES, RETRIABLE, Failure, Kind, Message, ModelCall, Prompt, ToolUse, Usage
from .scenario import Behaviour
from .timeline import Timeline

MAX_ATTEMPTS = 3
CLIENT_TIMEOUT_S = 20.0
CACHE_MINIMUM = 1_024  # providers cache no shorter prefix
CACHE_BLOCK = 128


Answered = tuple[ModelCall, bytes]  # a call that succeeded, and its span id


class Ask(msgspec.Struct, frozen=True):
    """What the application wants of a model.

    ``prefix_tokens`` of the ``input_tokens`` were sent before in the same session, so a provider may have them cached.
    ``answering`` marks the call whose text the user will read: quality faults act on it.
    """

    model: str
    prompt: Prompt
    input_tokens: int
    prefix_tokens: int
    output_tokens: int
    streaming: bool
    messages: tuple[Message, ...]
    answer: str
    max_tokens: int = 1_024
    tools: tuple[ToolUse, ...] = ()
    answering: bool = False
    cache_hit: bool | None = None


def choose(rng: Random, weights: Mapping[str, float]) -> str:
    """One key, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


class Providers:
    """Answers calls on a timeline: attempts, backoff, then the model's fallback; every attempt is a span of its own."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def chat(self, line: Timeline, ask: Ask, behaviour: Behaviour) -> Answered | None:
        """The call that succeeded with its span id; None when every attempt failed."""
        first = MODELS[ask.model]
        for model in (first, MODELS[first.fallback]):
            for attempt in range(MAX_ATTEMPTS):
                with line.span(Kind.CHAT, "chat") as span:
                    failure = self._failure(model, behaviour)
                    if failure is None:
                        call = self._answered(line, ask, model, attempt, behaviour)
                    else:
                        call = self._failed(line, ask, model, attempt, failure)
                    span.facts, span.failure = call, failure
                if failure is None:
                    return call, span.span_id
                if failure.kind not in RETRIABLE:
                    return None
                line.pass_time(0.4 * 2**attempt)
        return None

    def from_cache(self, line: Timeline, ask: Ask) -> Answered:
        """An answer from the application's response cache: the call is reported, and used no tokens."""
        model = MODELS[ask.model]
        with line.span(Kind.CHAT, "chat") as span:
            line.pass_time(0.015)
            call = ModelCall(
                provider=model.provider,
                request_model=model.name,
                response_model=model.snapshot,
                response_id=model.id_prefix + self._rng.randbytes(12).hex(),
                streaming=False,
                ttft_s=None,
                usage=Usage(0, 0),
                finish="stop",
                attempt=0,
                prompt=ask.prompt,
                max_tokens=ask.max_tokens,
                temperature=0.2 if model.tunable else None,
                messages=ask.messages,
                answer=ask.answer,
                cache_hit=True,
            )
            span.facts = call
        return call, span.span_id

    def embed(self, line: Timeline, text: str, tokens: int, behaviour: Behaviour) -> bool:
        """Whether the text was embedded, after as many attempts as a chat gets, and with no fallback."""
        model = EMBEDDING_MODEL
        for attempt in range(MAX_ATTEMPTS):
            with line.span(Kind.EMBEDDINGS, "embeddings") as span:
                failure = self._failure(model, behaviour)
                if failure is None:
                    line.pass_time(model.ttft_s)
                else:
                    self._pass_failed_time(line, failure)
                span.failure = failure
                span.facts = ModelCall(
                    provider=model.provider,
                    request_model=model.name,
                    response_model=model.snapshot if failure is None else "",
                    response_id="",
                    streaming=False,
                    ttft_s=None,
                    usage=Usage(tokens, 0) if failure is None else None,
                    finish=None,
                    attempt=attempt,
                    prompt=None,
                    max_tokens=0,
                    temperature=None,
                    messages=(Message("user", text),),
                    answer="",
                )
            if failure is None:
                return True
            if failure.kind not in RETRIABLE:
                return False
            line.pass_time(0.3 * 2**attempt)
        return False

    def _failure(self, model: Model, behaviour: Behaviour) -> Failure | None:
        if model.provider == behaviour.outage_provider and self._rng.random() < behaviour.outage_failure_rate:
            return FAILURES[choose(self._rng, dict(behaviour.outage_kinds))]
        if self._rng.random() < behaviour.failure_rate:
            return FAILURES[choose(self._rng, dict(behaviour.failure_kinds))]
        return None

    def _pass_failed_time(self, line: Timeline, failure: Failure) -> None:
        if failure.kind == "timeout":
            line.now_s += CLIENT_TIMEOUT_S
        else:
            line.pass_time(0.25)

    def _failed(self, line: Timeline, ask: Ask, model: Model, attempt: int, failure: Failure) -> ModelCall:
        self._pass_failed_time(line, failure)
        return ModelCall(
            provider=model.provider,
            request_model=model.name,
            response_model="",
            response_id="",
            streaming=ask.streaming,
            ttft_s=None,
            usage=None,
            finish=None,
            attempt=attempt,
            prompt=ask.prompt,
            max_tokens=ask.max_tokens,
            temperature=0.2 if model.tunable else None,
            messages=ask.messages,
            answer="",
            cache_hit=ask.cache_hit,
        )

    def _answered(self, line: Timeline, ask: Ask, model: Model, attempt: int, behaviour: Behaviour) -> ModelCall:
        rng = self._rng
        usage = self._usage(ask, model, behaviour)
        wait_s = (model.ttft_s + usage.input * 4e-5) * rng.lognormvariate(0.0, 0.4) + usage.reasoning / model.speed
        if ask.streaming and rng.random() < behaviour.slow_first_token_rate:
            wait_s += rng.uniform(*behaviour.slow_first_token_s)
        if ask.answering and rng.random() < behaviour.hang_rate:
            wait_s += behaviour.hang_s
        line.now_s += wait_s
        line.pass_time((usage.output - usage.reasoning) / model.speed, 0.2)
        finish, answer = self._finish(ask, behaviour)
        refusal = ask.answering and finish == "stop" and rng.random() < behaviour.refusal_rate
        return ModelCall(
            provider=model.provider,
            request_model=model.name,
            response_model=model.snapshot,
            response_id=model.id_prefix + rng.randbytes(12).hex(),
            streaming=ask.streaming,
            ttft_s=wait_s if ask.streaming else None,
            usage=usage,
            finish=finish,
            attempt=attempt,
            prompt=ask.prompt,
            max_tokens=ask.max_tokens,
            temperature=0.2 if model.tunable else None,
            messages=ask.messages,
            answer=REFUSAL if refusal else answer,
            tools=ask.tools,
            refusal=refusal,
            cache_hit=ask.cache_hit,
        )

    def _finish(self, ask: Ask, behaviour: Behaviour) -> tuple[str, str]:
        if ask.tools:
            return "tool_call", ""
        if not ask.answering:
            return "stop", ask.answer
        draw = self._rng.random()
        if draw < behaviour.content_filter_rate:
            return "content_filter", ""
        if draw < behaviour.content_filter_rate + behaviour.truncation_rate:
            return "length", ask.answer[: len(ask.answer) // 2]
        return "stop", ask.answer

    def _usage(self, ask: Ask, model: Model, behaviour: Behaviour) -> Usage:
        rng = self._rng
        factor = behaviour.token_factor if ask.answering else 1.0
        examples = behaviour.few_shot_tokens if ask.prompt.name == ANSWER_PROMPT_NAME else 0
        total_in = round((ask.input_tokens + examples) * factor)
        visible = max(1, round(ask.output_tokens * factor * rng.lognormvariate(0.0, 0.3)))
        reasoning = round(visible * model.reasoning_share / (1 - model.reasoning_share))
        prefix = round((ask.prefix_tokens + examples) * factor)
        read = write = 0
        if prefix >= CACHE_MINIMUM and total_in >= prefix:
            cached = prefix - prefix % CACHE_BLOCK
            if rng.random() < 0.7:
                read = cached
            elif model.provider == "anthropic":
                write = cached
        return Usage(total_in, visible + reasoning, read, write, reasoning)
