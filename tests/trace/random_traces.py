"""Random traces for property tests: what applications, frameworks, SDKs and gateways send of a few requests."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from .build import CLIENT, SERVER, S

_SHAPES = st.sampled_from(
    ["single", "failed", "wrapped", "deep", "attempts", "wrapper knows", "siblings", "sibling ids", "no figures",
     "lost root", "gateway", "stream", "lost stream"]
)  # fmt: skip
_FIGURES = st.sampled_from([(10, 5), (10, 6), (200, 40)])
_KINDS = st.sampled_from(["call", "call", "call", "tool", "agent", "layers", "twin tools", "retrieval", "work"])


class Story:
    """Spans of several requests; every provider call is known by construction.

    Calls that run side by side have figures of their own where they are ``distinct``. Where they have not, and one
    instrumentation reports this call and another that one, nothing on the wire says that they are two. Calls that are
    ``apart`` begin so long after each other that half of what is known of one fits no other.
    """

    def __init__(self, draw: st.DrawFn, distinct: bool, apart: bool) -> None:
        self._draw = draw
        self._distinct = distinct
        self._apart = apart
        self.spans: list[S] = []
        self.calls = 0
        self.usage = (0, 0)
        self._ids = 0
        self._traces = 0
        self._clock = 0.0

    def __repr__(self) -> str:
        lines = "\n  ".join(map(str, self.spans))
        return f"{self.calls} calls with {self.usage} tokens in\n  {lines}"

    def tell(self) -> Story:
        for _ in range(self._draw(st.integers(1, 3))):
            self._request()
        return self

    def _next(self) -> int:
        self._ids += 1
        return self._ids

    def _new_trace(self) -> int:
        self._traces += 1
        return self._traces

    def _add(self, span: S) -> S:
        self.spans.append(span)
        return span

    def _request(self) -> None:
        self._clock += self._draw(st.sampled_from([0, 40, 3000]))
        begin, place = self._clock, len(self.spans)
        root = S(self._next(), at=begin, trace=self._new_trace(), kind=SERVER,
                 role=self._draw(st.sampled_from(["", "workflow", "agent"])), name=f"request {self._traces}",
                 attrs=self._draw(st.sampled_from([{}, {"user.segment": "paid"}, {"http.route": "/ask"}])))  # fmt: skip
        for _ in range(self._draw(st.integers(1, 4))):
            self._part(root, 0)
        self.spans.insert(place, root.but(ms=self._clock - begin + 5))

    def _part(self, parent: S, depth: int) -> None:
        kind = self._draw(_KINDS)
        begin = self._clock = self._clock + (1000 if self._apart else self._draw(st.sampled_from([1, 30, 700])))
        if kind == "call" or depth == 3:
            getattr(self, "_" + self._draw(_SHAPES).replace(" ", "_"))(parent)
            if not self._apart and self._draw(st.booleans()):
                self._clock = begin + 3  # the next one runs beside it
            return
        place, usage = len(self.spans), self.usage
        role = {"layers": "agent", "twin tools": "tool", "work": ""}.get(kind, kind)
        attrs: dict[str, str] = {}
        if role in ("agent", "tool"):
            attrs[f"gen_ai.{role}.name"] = f"{role} {self._next()}"
        outer = parent.but(id=self._next(), parent=parent.id, at=begin, role=role, scope="framework", attrs=attrs,
                           name=f"{role} span", kind=1)  # fmt: skip
        for _ in range(self._draw(st.integers(0, 2))):
            self._part(outer, depth + 1)
        length = self._clock - begin + 5
        spent = (self.usage[0] - usage[0], self.usage[1] - usage[1])
        sums = spent if role == "agent" and any(spent) and self._draw(st.booleans()) else None
        self.spans.insert(place, outer.but(ms=length, tokens=sums))
        self._clock += 5
        if kind == "layers":
            self._add(outer.but(id=self._next(), parent=outer.id, at=begin + 1, ms=length - 2))
        elif kind == "twin tools":
            self._add(outer.but(id=self._next(), scope="sdk", at=begin + 1, ms=length - 2))

    # -- one provider call, or its attempts ----------------------------------------------------------------------

    def _call(self, parent: S, *, at: float, ms: float = 200) -> S:
        figures = (100 + self._next(), 5) if self._distinct else self._draw(_FIGURES)
        self._spend(figures)
        self._clock = max(self._clock, at + ms)
        return parent.but(id=self._next(), parent=parent.id, at=at, ms=ms, role="chat", scope="sdk", name="chat",
                          tokens=figures, attrs={}, kind=CLIENT)  # fmt: skip

    def _spend(self, figures: tuple[int, int], calls: int = 1) -> None:
        self.calls += calls
        self.usage = (self.usage[0] + figures[0], self.usage[1] + figures[1])

    def _response_id(self) -> str:
        return f"chatcmpl-{self._next():024d}"

    def _single(self, parent: S) -> S:
        return self._add(self._call(parent, at=self._clock).but(rid=self._draw(st.sampled_from(["", "chatcmpl-639"]))))

    def _failed(self, parent: S) -> None:
        call = self._call(parent, at=self._clock)
        self._spend((-(call.tokens or (0, 0))[0], -(call.tokens or (0, 0))[1]), 0)
        self._add(call.but(tokens=None, error="rate_limit"))

    def _around(self, call: S, layers: int = 1) -> S:
        """Wrap a call; returns it with its new parent."""
        for layer in range(layers):
            wrapper = call.but(id=self._next(), at=call.at - 0.1, ms=call.ms + 0.2, scope=f"framework{layer}", rid="")
            self._add(wrapper)
            call = call.but(parent=wrapper.id)
        return call

    def _wrapped(self, parent: S) -> None:
        self._add(self._around(self._call(parent, at=self._clock + 1).but(rid=self._response_id())))

    def _deep(self, parent: S) -> None:
        call = self._call(parent, at=self._clock + 1)
        wrapper = self._add(call.but(id=self._next(), at=call.at - 0.5, ms=call.ms + 1, scope="framework"))
        between = self._add(call.but(id=self._next(), parent=wrapper.id, role="", tokens=None))
        self._add(call.but(parent=between.id))

    def _attempts(self, parent: S) -> None:
        begin = self._clock
        wrapper = parent.but(id=self._next(), parent=parent.id, at=begin, role="chat", scope="framework", kind=CLIENT,
                             attrs={})  # fmt: skip
        for number in range(self._draw(st.integers(1, 3))):
            attempt = wrapper.but(id=self._next(), parent=wrapper.id, at=begin + 1 + 20 * number, ms=10, scope="sdk")
            self._add(attempt.but(error="overloaded"))
            self.calls += 1
        last = self._call(wrapper, at=begin + 100)
        self._add(last)
        self._add(wrapper.but(ms=310, tokens=self._draw(st.sampled_from([last.tokens, None]))))
        self._clock = begin + 312

    def _wrapper_knows(self, parent: S) -> None:
        call = self._around(self._call(parent, at=self._clock + 1))
        self._add(call.but(tokens=None))

    def _siblings(self, parent: S) -> None:
        call = self._add(self._call(parent, at=self._clock))
        self._add(call.but(id=self._next(), at=call.at - 0.5, ms=call.ms + 1, scope="framework"))

    def _sibling_ids(self, parent: S) -> None:
        call = self._add(self._call(parent, at=self._clock).but(rid=self._response_id()))
        self._add(call.but(id=self._next(), at=call.at - 0.5, ms=call.ms + 9, scope="framework", tokens=None))

    def _no_figures(self, parent: S) -> None:
        call = self._call(parent, at=self._clock)
        self._add(call.but(id=self._next(), at=call.at - 0.5, ms=call.ms + 1, scope="framework", tokens=None))
        self._add(call)

    def _lost_root(self, parent: S) -> None:
        call = self._add(self._call(parent, at=self._clock).but(scope="framework"))
        self._add(call.but(id=self._next(), parent=0, trace=self._new_trace(), at=call.at + 0.5, ms=call.ms - 1,
                           scope="sdk"))  # fmt: skip

    def _gateway(self, parent: S) -> None:
        call = self._add(self._call(parent, at=self._clock))
        self._add(call.but(id=self._next(), parent=call.id, at=call.at + 1, ms=call.ms - 2, scope="proxy",
                           service="gateway", rid=self._response_id()))  # fmt: skip

    def _stream(self, parent: S, *, lost: bool = False) -> None:
        call = self._call(parent, at=self._clock, ms=900)
        self._add(call.but(ms=20, tokens=None, scope="logfire.openai"))
        tail = call.but(id=self._next(), at=call.at + 900, ms=0, scope="logfire.openai",
                        attrs={"logfire.span_type": "log", "duration": 0.879})  # fmt: skip
        self._add(tail.but(parent=0, trace=self._new_trace()) if lost else tail)

    def _lost_stream(self, parent: S) -> None:
        self._stream(parent, lost=True)


@st.composite
def stories(draw: st.DrawFn, *, distinct: bool, apart: bool = False) -> Story:
    return Story(draw, distinct, apart).tell()


def poorer(span: S) -> S:
    """What an exporter sends of a span that is not finished yet."""
    return span.but(ms=span.ms / 2, tokens=None, rid="", model="", attrs={}, error="")


@st.composite
def arrivals(draw: st.DrawFn, spans: list[S]) -> list[list[S]]:
    """The spans as requests: shuffled, split, merged, some of them twice, some of these unfinished at first or last."""
    copies = list(spans)
    for span in draw(st.lists(st.sampled_from(spans), max_size=6)):
        copies.append(poorer(span) if draw(st.booleans()) else span)
    copies = draw(st.permutations(copies))
    return list(_split(copies, draw(st.lists(st.integers(1, len(copies)), max_size=6))))


def _split(spans: list[S], borders: list[int]) -> Iterator[list[S]]:
    start = 0
    for border in [*sorted(set(borders)), len(spans)]:
        if border > start:
            yield spans[start:border]
            start = border
