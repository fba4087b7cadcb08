"""The simulated application: a support chatbot that retrieves, sometimes acts as an agent, and answers in a stream.

``Chatbot.next`` decides one whole request, with every span, from a random generator that its seed determines: the same
seed and the same behaviours give the same requests, byte for byte.
"""

from __future__ import annotations

from random import Random

from . import fixtures as fix
from .judge import judge
from .model import (
    FAILURES,
    Document,
    Exchange,
    Kind,
    Lookup,
    Message,
    Prompt,
    Request,
    Served,
    ToolUse,
)
from .provider import Answered, Ask, Providers
from .scenario import Behaviour
from .sessions import Session, Sessions
from .timeline import Timeline

MAX_ITERATIONS = 4


class Chatbot:
    """A stream of requests from a population of sessions."""

    def __init__(self, seed: int | str) -> None:
        self._rng = Random(f"genai-exporter/{seed}")
        self._providers = Providers(self._rng)
        self._sessions = Sessions(self._rng)
        self._again: Session | None = None

    def next(self, behaviour: Behaviour) -> Request:
        """The next request, under the given behaviour."""
        rng = self._rng
        regenerated = self._again is not None
        session = self._again or self._sessions.pick()
        self._again = None
        if not regenerated:
            topic = rng.choice(fix.TOPICS)
            session.question = fix.QUESTIONS[session.language].format(topic=topic)
        session.turn += 1
        line = Timeline(rng)
        chatting = regenerated or rng.random() < 0.87
        workflow = "rag_chatbot" if chatting else "summarize"
        route = "/chat" if chatting else "/summarize"
        with line.span(Kind.REQUEST, f"POST {route}") as root:
            line.pass_time(0.004)
            with line.span(Kind.WORKFLOW, workflow) as flow:
                answered = (self._chat if chatting else self._summarize)(line, session, behaviour)
                answer = answered[0].answer if answered else ""
                flow.facts = Exchange(session.question, answer)
            line.pass_time(0.003)
            root.facts = Served(route, 200 if answered else 502)
            if not answered:
                root.failure = flow.failure = FAILURES["server_error"]
        request = self._finished(line, session, workflow, answered, regenerated, behaviour)
        if answered and chatting and rng.random() < behaviour.regeneration_rate:
            self._again = session
        return request

    def _finished(
        self,
        line: Timeline,
        session: Session,
        workflow: str,
        answered: Answered | None,
        regenerated: bool,
        behaviour: Behaviour,
    ) -> Request:
        rng = self._rng
        verdicts, liked = judge(rng, session.language, behaviour) if answered else ((), None)
        call, span_id = answered if answered else (None, b"")
        return Request(
            trace_id=rng.randbytes(16),
            session_id=session.id,
            user_id=session.user,
            segment=session.segment,
            language=session.language,
            turn=session.turn,
            workflow=workflow,
            spans=tuple(line.spans),
            duration_s=line.now_s,
            answer_span_id=span_id,
            answer_response_id=call.response_id if call else "",
            verdicts=verdicts,
            liked=liked,
            regenerated=regenerated,
        )

    def _chat(self, line: Timeline, session: Session, behaviour: Behaviour) -> Answered | None:
        rng = self._rng
        asked = rng.randrange(14, 60)
        if session.turn > 1:
            # A follow-up question makes sense only with what was said before: a small model makes it stand alone.
            self._providers.chat(
                line,
                self._ask(session, fix.SMALL_MODEL, fix.REWRITE_PROMPT, asked + 80, 16, answer="search query"),
                behaviour,
            )
        prompt = Prompt(fix.ANSWER_PROMPT_NAME, behaviour.answer_prompt_version)
        embedded = self._providers.embed(line, session.question, asked, behaviour)
        if embedded and rng.random() < behaviour.response_cache_rate:
            ask = self._answer(session, prompt, session.answer_model, 0, hit=True)
            answered: Answered | None = self._providers.from_cache(line, ask)
        else:
            context = self._retrieve(line, session)
            if rng.random() < 0.3:
                answered = self._agent(line, session, context, behaviour)
            else:
                ask = self._answer(session, prompt, session.answer_model, context + asked, hit=False)
                answered = self._providers.chat(line, ask, behaviour)
        if answered:
            usage = answered[0].usage
            session.history_tokens += asked + (usage.output - usage.reasoning if usage else 0)
            with line.span(Kind.STEP, "post_process") as step:
                line.pass_time(0.006)
                step.facts = Exchange(answered[0].answer, answered[0].answer)
        return answered

    def _retrieve(self, line: Timeline, session: Session) -> int:
        """Tokens of the passages found."""
        rng = self._rng
        found = rng.randrange(3, 6)
        topic = rng.choice(fix.TOPICS)
        documents = tuple(
            Document(
                f"doc-{rng.randrange(900):03d}",
                round(0.95 - 0.06 * rank, 2),
                fix.PASSAGE.format(number=rank + 1, topic=topic),
            )
            for rank in range(found)
        )
        with line.span(Kind.RETRIEVAL, "vector_search") as span:
            line.pass_time(0.09, 0.5)
            span.facts = Lookup(fix.KNOWLEDGE_BASE, session.question, documents)
        if rng.random() < 0.4:
            with line.span(Kind.RERANK, "rerank") as span:
                line.pass_time(0.07)
                span.facts = Lookup(fix.RERANKER, session.question, documents[:3])
            found = 3
        return sum(rng.randrange(40, 90) for _ in range(found))

    def _ask(
        self,
        session: Session,
        model: str,
        prompt: Prompt,
        tokens: int,
        output: int,
        *,
        answer: str = "",
        answering: bool = False,
        history: int = 0,
        tools: tuple[ToolUse, ...] = (),
        hit: bool | None = None,
    ) -> Ask:
        system = fix.SYSTEM_TOKENS[prompt.name]
        return Ask(
            model=model,
            prompt=prompt,
            input_tokens=system + history + tokens,
            prefix_tokens=system + history,
            output_tokens=output,
            streaming=answering,
            messages=(Message("system", fix.SYSTEM_TEXT[prompt.name]), Message("user", session.question)),
            answer=answer,
            tools=tools,
            answering=answering,
            cache_hit=hit,
        )

    def _answer(self, session: Session, prompt: Prompt, model: str, tokens: int, *, hit: bool | None) -> Ask:
        """The call that writes what the user will read."""
        answer = fix.ANSWERS[session.language].format(topic=self._rng.choice(fix.TOPICS))
        history = session.history_tokens
        return self._ask(session, model, prompt, tokens, 160, answer=answer, answering=True, history=history, hit=hit)

    def _agent(self, line: Timeline, session: Session, context: int, behaviour: Behaviour) -> Answered | None:
        """Iterations of decide-and-act, then the streamed answer; tools of one decision run at the same time."""
        rng = self._rng
        rounds = rng.choices(range(1, MAX_ITERATIONS), (0.6, 0.3, 0.1))[0]
        with line.span(Kind.AGENT, fix.AGENT) as agent:
            answered: Answered | None = None
            for iteration in range(rounds + 1):
                with line.span(Kind.STEP, "agent_iteration") as step:
                    step.facts = Exchange(session.question, "", iteration + 1)
                    if iteration == rounds:
                        ask = self._answer(session, fix.AGENT_PROMPT, session.agent_model, context, hit=None)
                        answered = self._providers.chat(line, ask, behaviour)
                    else:
                        added = self._act(line, session, context, behaviour)
                        if added is None:
                            step.failure = FAILURES["server_error"]
                            break
                        context += added
            agent.facts = Exchange(session.question, answered[0].answer if answered else "")
            if not answered:
                agent.failure = FAILURES["server_error"]
        return answered

    def _act(self, line: Timeline, session: Session, context: int, behaviour: Behaviour) -> int | None:
        """Let the model choose tools and run them: the tokens that the results add; None when the model failed."""
        rng = self._rng
        names = rng.sample(list(fix.TOOLS), 2 if rng.random() < 0.25 else 1)
        uses = tuple(
            ToolUse(name, f"call_{rng.randbytes(8).hex()}", fix.TOOLS[name][0], fix.TOOLS[name][1]) for name in names
        )
        ask = self._ask(
            session, session.agent_model, fix.AGENT_PROMPT, context, 45, history=session.history_tokens, tools=uses
        )
        if not self._providers.chat(line, ask, behaviour):
            return None
        started = ended = line.now_s
        for use in uses:
            line.now_s = started
            with line.span(Kind.TOOL, use.name) as span:
                line.pass_time(fix.TOOLS[use.name][2], 0.6)
                span.facts = use
                if rng.random() < behaviour.tool_failure_rate:
                    span.failure = FAILURES["tool_error"]
            ended = max(ended, line.now_s)
        line.now_s = ended
        return sum(fix.TOOLS[name][3] for name in names) + 45

    def _summarize(self, line: Timeline, session: Session, behaviour: Behaviour) -> Answered | None:
        tokens = round(self._rng.lognormvariate(7.0, 0.5))
        ask = self._ask(
            session, fix.SMALL_MODEL, fix.SUMMARY_PROMPT, tokens, 120, answer="A summary in three sentences."
        )
        return self._providers.chat(line, ask, behaviour)
