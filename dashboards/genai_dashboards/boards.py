"""All boards, in the order of the documentation."""

from __future__ import annotations

from . import cost, health, latency, overview, prompts, quality, rag_agents, sessions, traces
from .house import Board

BOARDS: tuple[Board, ...] = (
    overview.BOARD,
    latency.BOARD,
    cost.BOARD,
    quality.BOARD,
    prompts.BOARD,
    rag_agents.BOARD,
    sessions.BOARD,
    traces.BOARD,
    health.BOARD,
)
