"""The limits of the requirements, once, for every panel that shows them."""

from __future__ import annotations

from typing import Final

from .house.limits import Limits, above, below

ERRORS: Final = above(
    0.001, 0.05, because="Yellow from 0.1 %, the target (R22); red from 5 %, which pages after 5 minutes (R28, R57)."
)
REQUEST_P95: Final = above(3, 30, because="Yellow from 3 s (R12), red from 30 s (R26).")
REQUEST_TIME: Final = Limits(
    "green",
    ((3, "yellow"), (30, "orange"), (60, "red")),
    "Lines at 3 s, the target (R12), 30 s for the slowest percent and 60 s, which alerts (R26).",
)
FIRST_TOKEN_P99: Final = above(5, 60, because="Yellow from 5 s (R25), red from 60 s, which pages (R58).")
FIRST_TOKEN: Final = Limits(
    "green",
    ((0.5, "yellow"), (5, "orange"), (60, "red")),
    "Lines at 0.5 s for the median (R11, R25), 5 s for the slowest percent (R25) and 60 s, which pages (R58).",
)
FIRST_TOKEN_P50: Final = above(0.5, 1, because="Yellow from 0.5 s (R11, R25), red from 1 s, where people notice (R25).")
FIRST_TOKEN_LATE: Final = above(0.005, 0.01, because="Red from 1 %, where P99 passes 5 s (R25).")
TIME_PER_TOKEN: Final = above(0.02, because="Yellow from 0.02 s, slower than 50 tokens a second (R13).")
TOKENS_PER_SECOND: Final = below(yellow=50, because="Yellow below 50 tokens a second (R13).")
RETRIES: Final = above(0.01, 0.1, because="Yellow from 1 % (R23), red from 10 %.")
RATE_LIMITS: Final = above(0.0001, 0.01, because="Yellow from 0.01 % (R24), red from 1 %.")
REGENERATIONS: Final = above(0.05, 0.1, because="Yellow from 5 %, red from 10 %, which alerts (R36).")
RETRIEVAL: Final = above(1, 2, because="Yellow from 1 s, red from 2 s, where answers suffer (R46, R95).")

COST_PER_REQUEST: Final = above(0.01, 0.1, because="Yellow from $0.01, the target (R16); red from $0.10 (R76).")
EXPENSIVE: Final = above(0.01, 0.05, because="Yellow from 1 %, red from 5 % of calls above $0.10 (R76).")
AGAINST_DAY: Final = above(1.5, 2, because="Yellow from 1.5 times, red from twice the last day's mean (R32, R61).")
PACE: Final = above(2, 3, because="Yellow from twice, red from three times the day before (R73).")
BUDGET_USED: Final = above(0.9, 1, because="Yellow from 90 % of the budget (R71), red when it is spent (R72).")
FORECAST: Final = above(1, 1.2, because="Yellow when the period would end above its budget (R17), red above 120 %.")
QUOTA: Final = above(0.8, 0.95, because="Yellow from 80 %, which alerts (R49, R63); red from 95 %.")
CACHE: Final = below(0.2, 0.3, because="Red below 20 %: the cache key needs work (R53); yellow below 30 % (R34).")
UNPRICED: Final = above(red=0.001, because="Red as soon as there is one: its cost is missing from every sum (R134).")
LARGE_INPUTS: Final = above(0.05, 0.2, because="Yellow from 5 %, red from 20 % of calls (R30, R50).")
RUNAWAY: Final = above(red=1, because="Red from one: it cost more than ten times the average (R33, R77).")

QUALITY: Final = below(0.7, 0.8, because="Yellow below 0.8 (R18), red below 0.7.")
GROUNDEDNESS: Final = below(0.8, 0.9, because="Yellow below 0.9 (R19), red below 0.8, which alerts (R40).")
HALLUCINATIONS: Final = above(0.05, 0.1, because="Yellow from 5 % (R20), red from 10 %.")
HEURISTICS: Final = below(0.9, 0.95, because="Yellow below 95 %, which alerts (R38); red below 90 %.")
SAFETY: Final = above(red=0.5, because="Red from the first failure, which pages (R41, R59).")
POSITIVE: Final = below(0.7, 0.8, because="Yellow below 80 % (R21), red below 70 %.")
NEGATIVE: Final = above(0.1, 0.15, because="Yellow from 10 %, red from 15 %, which alerts (R35).")
TRUNCATED: Final = above(0.1, 0.2, because="Yellow from 10 %, red from 20 %, which alerts (R42).")
AGAINST_USUAL: Final = above(1.5, 2, because="Yellow from 1.5 times, red from twice the last day, which alerts (R37).")
AGAINST_WEEK: Final = below(
    0.75, 0.9, because="Yellow below 90 % of the last week (R39, R62), red below 75 %, which pages (R60)."
)
DIFFERENCE: Final = below(0, 0.01, because="Red below zero: the change made it worse (R64).")
P_VALUE: Final = Limits(
    "green", ((0.05, "blue"),), "Green below 0.05: a difference this large is unlikely to be chance (R67)."
)

CAPACITY: Final = above(0.8, 0.95, because="Yellow from 80 %, red from 95 % of what is allowed.")
DISK_FREE: Final = below(0.05, 0.15, because="Yellow below 15 %, which alerts (R55, R78); red below 5 %.")
LOST: Final = above(red=0.001, because="Red as soon as there are any.")
CONFIGURATION: Final = below(red=1, because="Red when it failed: the one before it is in use.")
UP: Final = below(red=1, because="Red when a scrape failed.")
BACKUP_AGE: Final = above(93_600, 172_800, because="Yellow after 26 hours, red after two days (R78, R142).")
