"""Matching one to one: as many pairs as the evidence allows, the closest first."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

#: How many possible pairs the search for a better arrangement may look at, for each that there is.
_SEARCHES: Final = 16


class Candidate(NamedTuple):
    """A possible pair: ``left`` and ``right`` are positions, ``cost`` is how far apart the two are, in ns."""

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
    budget = _SEARCHES * len(candidates)
    fruitless: set[int] = set()
    if len(right_of) < min(len(options), len({candidate.right for candidate in candidates})):
        for left in sorted(options):
            if left not in right_of and budget > 0:
                budget -= _rearrange(left, options, left_of, right_of, fruitless)
    return left_of


def _rearrange(
    start: int,
    options: dict[int, list[int]],
    left_of: dict[int, int],
    right_of: dict[int, int],
    fruitless: set[int],
) -> int:
    """Find ``start`` a partner along a chain of others that change theirs. Returns how many pairs were looked at.

    What a search without success has seen can be in no later success either: ``fruitless`` keeps those together linear.
    """
    reached_from: dict[int, int] = {}
    waiting = deque([start])
    looked = 0
    while waiting:
        left = waiting.popleft()
        for right in options.get(left, ()):
            looked += 1
            if right in reached_from or right in fruitless:
                continue
            reached_from[right] = left
            holder = left_of.get(right)
            if holder is not None:
                waiting.append(holder)
                continue
            taken: int | None = right
            while taken is not None:
                mover = reached_from[taken]
                left_of[taken] = mover
                released = right_of.get(mover)
                right_of[mover] = taken
                taken = released
            return looked
    fruitless.update(reached_from)
    return looked
