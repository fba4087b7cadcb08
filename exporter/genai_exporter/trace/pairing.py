"""Matching one to one: as many pairs as the evidence allows, the closest first."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

#: How many partners one search for a better arrangement may look at.
_MAX_SEARCH: Final = 2_000


class Candidate(NamedTuple):
    """A possible pair: ``left`` and ``right`` are positions, ``cost`` in nanoseconds tells how far apart the two are."""

    cost: int
    left: int
    right: int


def pair_off(candidates: list[Candidate]) -> dict[int, int]:
    """The partner on the left of each position on the right.

    Taking the closest pair first can leave two calls without a partner that had one each. So what is left over is
    tried again, with others moving on to their next best partner: N calls that two instrumentations tell of stay N.
    Ties go to the smaller position, so the result depends on the positions alone.
    """
    options: dict[int, list[int]] = {}
    left_of: dict[int, int] = {}
    right_of: dict[int, int] = {}
    for _, left, right in sorted(candidates):
        options.setdefault(left, []).append(right)
        if left not in right_of and right not in left_of:
            right_of[left] = right
            left_of[right] = left
    if len(right_of) < len(options):
        fruitless: set[int] = set()
        for left in sorted(options):
            if left not in right_of:
                _rearrange(left, options, left_of, right_of, fruitless)
    return left_of


def _rearrange(
    start: int,
    options: dict[int, list[int]],
    left_of: dict[int, int],
    right_of: dict[int, int],
    fruitless: set[int],
) -> None:
    """Find ``start`` a partner along a chain of others that change theirs.

    What a search without success has seen can be in no later success either: ``fruitless`` keeps all searches together
    linear in the number of candidates.
    """
    reached_from: dict[int, int] = {}
    waiting = deque([start])
    while waiting and len(reached_from) < _MAX_SEARCH:
        left = waiting.popleft()
        for right in options.get(left, ()):
            if right in reached_from or right in fruitless:
                continue
            reached_from[right] = left
            holder = left_of.get(right)
            if holder is not None:
                waiting.append(holder)
                continue
            free: int | None = right
            while free is not None:
                mover = reached_from[free]
                left_of[free] = mover
                free, right_of[mover] = right_of.get(mover), free
            return
    fruitless.update(reached_from)
