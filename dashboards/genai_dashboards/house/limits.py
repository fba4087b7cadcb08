"""Thresholds: from which value on a panel is yellow or red, and which requirement says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GREEN, YELLOW, RED, GREY = "green", "yellow", "red", "#8e8e8e"


@dataclass(frozen=True)
class Limits:
    """``steps`` are (from, colour) after ``base``, rising. ``because`` names the requirements and says it in words."""

    base: str
    steps: tuple[tuple[float, str], ...]
    because: str

    def __post_init__(self) -> None:
        values = [value for value, _ in self.steps]
        if values != sorted(set(values)):
            raise ValueError(f"limits must rise: {values}")
        if not self.because:
            raise ValueError("limits need a reason")

    @property
    def json(self) -> list[dict[str, Any]]:
        first: dict[str, Any] = {"color": self.base, "value": None}
        return [first, *({"color": colour, "value": value} for value, colour in self.steps)]

    @property
    def json_of_a_number(self) -> list[dict[str, Any]]:
        """For panels that show one number: grey when there is none. Grafana gives an empty panel the first colour, and
        green would say that all is well when nothing is known. Numbers below 0 do not occur where this is used."""
        nothing: dict[str, Any] = {"color": GREY, "value": None}
        steps = self.json[1:]
        known = [] if steps and steps[0]["value"] == 0 else [{"color": self.base, "value": 0}]
        return [nothing, *known, *steps]


def above(yellow: float | None = None, red: float | None = None, *, because: str) -> Limits:
    """High is bad: yellow from ``yellow`` on, red from ``red`` on."""
    steps = ((yellow, YELLOW), (red, RED))
    return Limits(GREEN, tuple((value, colour) for value, colour in steps if value is not None), because)


def below(red: float | None = None, yellow: float | None = None, *, because: str) -> Limits:
    """Low is bad: red below ``red``, yellow below ``yellow``, green from there on."""
    if red is None and yellow is None:
        raise ValueError("a limit is needed")
    if red is None:
        assert yellow is not None
        return Limits(YELLOW, ((yellow, GREEN),), because)
    if yellow is None:
        return Limits(RED, ((red, GREEN),), because)
    return Limits(RED, ((red, YELLOW), (yellow, GREEN)), because)


NONE = Limits("blue", (), "no limit")
"""For panels of which no requirement says what is too much: not green, which would mean that it is fine."""
