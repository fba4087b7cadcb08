"""Conversations in progress, of which every turn sends what was said before."""

from __future__ import annotations

from random import Random

from . import fixtures as fix
from .provider import choose

MAX_TURNS = 12
MAX_SESSIONS = 40
RETURN_RATE = 0.65


class Session:
    """A conversation: every turn adds to the history that the next one sends."""

    __slots__ = (
        "agent_model",
        "answer_model",
        "history_tokens",
        "id",
        "language",
        "question",
        "segment",
        "turn",
        "user",
    )

    def __init__(self, rng: Random) -> None:
        self.id = f"session-{rng.randbytes(6).hex()}"
        self.user = f"user-{rng.randrange(5_000):04d}"
        self.segment = choose(rng, fix.SEGMENTS)
        self.language = choose(rng, fix.LANGUAGES)
        self.answer_model = choose(rng, fix.ANSWER_MODELS)
        self.agent_model = choose(rng, fix.AGENT_MODELS)
        self.history_tokens = 0
        self.turn = 0
        self.question = ""


class Sessions:
    """A bounded population of sessions."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._open: list[Session] = []

    def pick(self) -> Session:
        """One that goes on, or a new one."""
        if self._open and self._rng.random() < RETURN_RATE:
            session = self._rng.choice(self._open)
            if session.turn < MAX_TURNS:
                return session
            self._open.remove(session)
        session = Session(self._rng)
        self._open.append(session)
        if len(self._open) > MAX_SESSIONS:
            self._open.pop(0)
        return session
