"""From a span on the wire to a ``Span`` with canonical fields, whatever dialect it speaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError

from genai_exporter.dialects import fields as f
from genai_exporter.dialects import roles, vocabulary
from genai_exporter.dialects.fields import GENAI_FIELDS, SLOTS, Kind, Row
from genai_exporter.dialects.kinds import CONVERT
from genai_exporter.dialects.plan import IGNORE, WHOLE, WORD, Plan
from genai_exporter.events import check_first_token, read_event
from genai_exporter.otlp import convert, lean
from genai_exporter.otlp.convert import Unusable
from genai_exporter.otlp.values import Malformed, Value, read, split
from genai_exporter.records import Resource, Role
from genai_exporter.trace.span import NO_VALUES, OTHER, STATUS_ERROR, RawEvaluation, ScopeInfo, Span

#: Pairs up to this length are remembered whole when their values repeat: one lookup instead of slicing and decoding.
_MEMO_PAIR_BYTES: Final = 112
_MEMO_PAIRS: Final = 16_384
_MEMO_ENVELOPES: Final = 4_096
_MEMO_ENVELOPE_BYTES: Final = 16_384
#: A span's name up to this length is kept while its trace is in assembly.
_MAX_NAME: Final = 1_024
_PROCESS_KEYS: Final = frozenset(
    {b"service.name", b"service.instance.id", b"host.name", b"process.pid", b"k8s.pod.name"}
)  # fmt: skip
_MAX_SPAN_NS: Final = int(convert.MAX_SECONDS) * 1_000_000_000
_UNSET: Final = 99
_NO_RANKS: Final = [_UNSET] * SLOTS
_NOTHING: Final[list[None]] = [None] * SLOTS
_GENAI: Final = tuple(sorted(GENAI_FIELDS))
_DOCUMENT: Final = ("{", "[", '"')
_REMEMBERED: Final = {Kind.TEXT, Kind.ROLE, Kind.FLAG, Kind.FINISH, Kind.RATING}


class Normaliser:
    """Reads spans by a compiled plan. Holds bounded memories of text that repeats; not for use by several threads."""

    def __init__(self, plan: Plan, *, max_attributes: int = 1024) -> None:
        self._plan = plan
        self._max_attributes = max_attributes
        self._memo: dict[bytes, tuple[int, int, object]] = {}
        self._resources: dict[bytes, Resource] = {}
        self._distinct: dict[Resource, Resource] = {}
        self._numbers = 0
        self._scopes: dict[bytes, ScopeInfo] = {}
        self._scope_names: dict[str, ScopeInfo] = {}
        self._evaluations: list[RawEvaluation] = []
        self._groups: dict[str, RawEvaluation] = {}
        self.invalid: Counter[str] = Counter()

    # -- envelopes -----------------------------------------------------------------------------------------------

    def resource(self, raw: bytes) -> Resource:
        """The resource a batch of spans came with. Unreadable attributes are counted and left out."""
        known = self._resources.get(raw)
        if known is None:
            read = self._read_resource(raw)
            if len(self._resources) >= _MEMO_ENVELOPES or len(self._distinct) >= _MEMO_ENVELOPES:
                self._resources.clear()
                self._distinct.clear()
            known = self._distinct.get(read)
            if known is None:
                self._numbers += 1
                known = self._distinct[read] = msgspec.structs.replace(read, number=self._numbers)
            if len(raw) <= _MEMO_ENVELOPE_BYTES:
                self._resources[raw] = known
        return known

    def _read_resource(self, raw: bytes) -> Resource:
        try:
            pairs = lean.Resource.FromString(raw).attributes
        except DecodeError:
            self.invalid["malformed"] += 1
            pairs = []
        values, _ = self.attributes(pairs)
        self.take_evaluations()  # an evaluation of a process is none: it belongs to no answer
        found: dict[bytes, str] = {}
        for pair in pairs:
            try:
                key, value = split(pair)
            except Malformed:
                continue  # counted by attributes() above
            if key in _PROCESS_KEYS:
                try:
                    found[key] = convert.text(read(value)) or ""
                except Unusable as unusable:
                    self.invalid[unusable.reason] += 1
                except Malformed:
                    self.invalid["malformed"] += 1
        instance = found.get(b"service.instance.id") or "/".join(
            found.get(key, "") for key in (b"k8s.pod.name", b"host.name", b"process.pid")
        )
        return Resource(
            service=found.get(b"service.name", "") or "unknown_service",
            service_version=values[f.SERVICE_VERSION] or "",
            environment=values[f.ENVIRONMENT] or "",
            instance=instance,
            prompt_name=values[f.PROMPT_NAME] or "",
            prompt_version=values[f.PROMPT_VERSION] or "",
            model_version=values[f.MODEL_VERSION] or "",
            segment=values[f.SEGMENT] or "",
            flow=values[f.FLOW] or "",
        )

    def scope(self, raw: bytes) -> ScopeInfo:
        known = self._scopes.get(raw)
        if known is None:
            try:
                name = bytes(lean.Scope.FromString(raw).name).decode("utf-8", "replace")[: convert.MAX_TEXT]
            except DecodeError:
                self.invalid["malformed"] += 1
                name = ""
            if len(self._scopes) >= _MEMO_ENVELOPES or len(self._scope_names) >= _MEMO_ENVELOPES:
                self._scopes.clear()
                self._scope_names.clear()
            known = self._scope_names.get(name) or self._describe_scope(name)
            self._scope_names[name] = known
            if len(raw) <= _MEMO_ENVELOPE_BYTES:
                self._scopes[raw] = known
        return known

    def _describe_scope(self, name: str) -> ScopeInfo:
        rule = self._plan.scope_rule(name)
        number = hash(name)
        if rule is None:
            return ScopeInfo(number, name, "opentelemetry")
        return ScopeInfo(
            number,
            name,
            rule.dialect,
            rule.exclusive_input,
            rule.untimed_first_token,
            rule.status_unreliable,
            tuple(step.encode() for step in rule.steps),
            tuple(agent.encode() for agent in rule.agents),
            rule.root_is_agent,
            rule.reasoning_twice,
        )

    # -- attributes ----------------------------------------------------------------------------------------------

    def attributes(self, pairs: Iterable[bytes]) -> tuple[list[Any], list[int]]:
        """Values by field number, and the rank of the row that wrote each. Evaluations are collected on the side."""
        values: list[Any] = _NOTHING.copy()
        ranks = _NO_RANKS.copy()
        memo = self._memo.get
        quick = self._plan.quick.get
        slow = self._read_pair
        for pair in pairs:
            size = len(pair)
            if size < _MEMO_PAIR_BYTES:
                hit = memo(pair)
                if hit is not None:
                    slot, rank, value = hit
                    if rank < ranks[slot]:
                        ranks[slot] = rank
                        values[slot] = value
                    continue
            # What follows is _read_pair for the commonest shapes, without its calls: a key below 128 bytes, and a
            # value that is nothing to us, a small whole number, or an identifier. Everything else goes the long way.
            if size > 4 and pair[0] == 0x0A:
                end = pair[1] + 2
                reading = quick(pair[2:end])
                if reading is not None and end < 130:
                    slot, rank, kind = reading
                    if kind == IGNORE:
                        continue
                    if end + 3 < size < end + 130 and pair[end] == 0x12 and pair[end + 1] == size - end - 2:
                        tag = pair[end + 2]
                        if kind == WHOLE and tag == 0x18:
                            value = pair[end + 3]
                            if value > 0x7F and size > end + 4:
                                high = pair[end + 4]
                                value += (high << 7) - 0x80
                                if high > 0x7F and size > end + 5:
                                    high = pair[end + 5]
                                    value += (high << 14) - 0x4000
                                    high = 0x80 if high > 0x7F or size != end + 6 else 0
                                elif size != end + 5:
                                    high = 0x80
                            else:
                                high = value if size == end + 4 else 0x80
                            if high < 0x80:
                                if rank < ranks[slot]:
                                    ranks[slot] = rank
                                    values[slot] = value
                                continue
                        elif kind == WORD and tag == 0x0A and pair[end + 3] == size - end - 4 > 0:
                            word = convert.text(pair[end + 4 :].decode("utf-8", "replace"))
                            if word is not None and rank < ranks[slot]:
                                ranks[slot] = rank
                                values[slot] = word
                            continue
            slow(pair, values, ranks)
        return values, ranks

    def _read_pair(self, pair: bytes, values: list[Any], ranks: list[int]) -> None:
        try:
            key, raw = split(pair)
            rows = self._plan.row(key)
            if not rows:
                return
            value = read(raw)
        except Malformed:
            self.invalid["malformed"] += 1
            return
        told: list[tuple[int, int, object]] = []
        repeats = len(pair) < _MEMO_PAIR_BYTES
        for row in rows:
            try:
                result = self._apply(row, key, value, values, ranks)
            except Unusable as unusable:
                self.invalid[unusable.reason] += 1
                repeats = False
                continue
            if result is not None:
                told.append((row.field, row.rank, result))
            repeats = repeats and row.kind in _REMEMBERED
        # A pair that several rows read stands for several values: one entry cannot hold them.
        if repeats and len(told) == 1:
            if len(self._memo) >= _MEMO_PAIRS:
                self._memo.clear()
            self._memo[pair] = told[0]

    def _apply(self, row: Row, key: bytes, value: Value, values: list[Any], ranks: list[int]) -> object:
        """Let one row read a value. Returns what the row's own field was given, ``None`` when nothing."""
        kind = row.kind
        if kind is Kind.EXPAND:
            self._expand(row, value, values, ranks)
            return None
        if kind is Kind.EVALUATION:
            self._collect(row, key, value)
            return None
        result: object
        if kind is Kind.ROLE:
            result = self._role(row, value)
        else:
            result = CONVERT[kind](value)
            if row.vocabulary and isinstance(result, str):
                result = row.vocabulary.get(result.lower(), row.vocabulary.get("*", result))
        if result is None or result == "":
            return None
        if row.rank < ranks[row.field]:
            ranks[row.field] = row.rank
            values[row.field] = result
        return result

    def _expand(self, row: Row, value: Value, values: list[Any], ranks: list[int]) -> None:
        """Read the members of a document, unless better rows have filled all the fields that it could tell."""
        if isinstance(value, str) and value[:64].lstrip()[:1] not in _DOCUMENT:
            return  # the same key holds plain text in other libraries
        if value is None or not any(rank < ranks[slot] for _, slot, rank, _ in row.members):
            return
        document = convert.parse_json(value)
        for path, slot, rank, kind in row.members:
            if rank < ranks[slot]:
                try:
                    found = CONVERT[kind](convert.member(document, path))
                except Unusable as unusable:
                    self.invalid[unusable.reason] += 1
                    continue
                if found is not None:
                    ranks[slot] = rank
                    values[slot] = found

    def _role(self, row: Row, value: Value) -> object:
        word = convert.text(value)
        if word is None:
            return None
        if not row.vocabulary:
            return vocabulary.fold_operation(word)
        word = word.strip('"').lower()
        return row.vocabulary.get(word, row.vocabulary.get("*", (Role.STEP, word)))

    def _collect(self, row: Row, key: bytes, value: Value) -> None:
        """Evaluations come as one attribute each, as three attributes of one event, or as an indexed list."""
        tag = row.tag
        if isinstance(tag, str) and not tag.startswith("."):
            score = value if isinstance(value, bool) else convert.number(value)
            if score is not None:
                self._evaluations.append(RawEvaluation(tag, score))
            return
        group, part = ("", tag[1:]) if isinstance(tag, str) else tuple(key.decode("utf-8", "replace").rsplit(".", 1))
        found = self._groups.setdefault(group, RawEvaluation(""))
        if part == "name":
            found.name = convert.text(value) or ""
        elif part == "score":
            found.value = value if isinstance(value, bool) else convert.number(value)
        elif part == "label":
            found.label = convert.text(value)
        elif part == "annotator_kind":
            found.human = convert.text(value) == "HUMAN"

    def close_group(self, response_id: str | None = None) -> None:
        """End the evaluations read so far: the next event's attributes belong to another one."""
        for group in self._groups.values():
            if group.name:
                group.response_id = response_id
                self._evaluations.append(group)
            elif group.value is not None or group.label:
                self.invalid["no_name"] += 1
        self._groups = {}

    def take_evaluations(self) -> list[RawEvaluation]:
        """What ``attributes`` has collected since the last call."""
        self.close_group()
        found, self._evaluations = self._evaluations, []
        return found

    # -- spans ---------------------------------------------------------------------------------------------------

    def span(self, wire: Any, resource: Resource, scope: ScopeInfo) -> Span | str:
        """The normalised span, or the reason why it cannot be one: ``bad_trace_id``, ``bad_span_id``,
        ``no_time`` or ``too_many_attributes``."""
        trace_id, span_id, parent_id = wire.trace_id, wire.span_id, wire.parent_span_id
        if len(trace_id) != 16 or trace_id == _ZERO_TRACE:
            return "bad_trace_id"
        if len(span_id) != 8 or span_id == _ZERO_SPAN:
            return "bad_span_id"
        if parent_id == _ZERO_SPAN or len(parent_id) != 8:
            parent_id = b""
        start, end = wire.start_time_unix_nano, wire.end_time_unix_nano
        if not start:
            return "no_time"
        pairs = wire.attributes
        if len(pairs) > self._max_attributes:
            return "too_many_attributes"
        values, ranks = self.attributes(pairs)
        status = wire.status
        failures: tuple[str, ...] = ()
        code = status.code
        if code == STATUS_ERROR:
            failures = (bytes(status.message[:512]).decode("utf-8", "replace"),)
        events = wire.events
        if self._groups:
            self.close_group(values[f.RESPONSE_ID])
        if events:
            for event in events:
                failures = read_event(self, event, start, values, ranks, failures)
        evaluations = self.take_evaluations() if self._evaluations or self._groups else None
        genai = evaluations is not None or ranks[f.ROLE] != _UNSET or any(ranks[slot] != _UNSET for slot in _GENAI)
        name = wire.name
        if len(name) > _MAX_NAME:
            name = name[:_MAX_NAME]
        if not start <= end <= start + _MAX_SPAN_NS:
            self.invalid["end_before_start" if end < start else "too_long"] += 1
            end = start
        if not genai:
            # Only what children inherit is worth keeping: session, user, versions, segment, route.
            kept = values if ranks != _NO_RANKS else NO_VALUES
            return Span(
                trace_id, span_id, parent_id, name, wire.kind, start, end, code, OTHER, "", resource, scope, kept,
                None, failures,
            )  # fmt: skip
        role, operation = values[f.ROLE] or roles.infer(values, wire.kind, name)
        if role == Role.STEP:
            # A chain that bears the name of the agent it belongs to is the run of that agent.
            if name.endswith(scope.agents) if scope.agents else roles.named_after_agent(values, name):
                role, operation = Role.AGENT, "invoke_agent"
            elif operation == roles.TASK:
                role, operation = roles.infer_task(values, wire.kind, name)
        elif scope.steps and name.endswith(scope.steps) and role in (Role.CALL, Role.TOOL):
            role, operation = Role.STEP, "step"
        elif scope.root_is_agent and role == Role.AGENT and roles.is_whole_run(values, wire.kind):
            role, operation = Role.WORKFLOW, "invoke_workflow"
        if ranks[f.BARE_INPUT] != _UNSET or ranks[f.BARE_MODEL] != _UNSET or ranks[f.BARE_DURATION] != _UNSET:
            roles.adopt_bare_keys(values, role, scope)
        if values[f.TTFT] is not None or values[f.COMPLETION_START] is not None:
            check_first_token(self, values, start, end)
        return Span(
            trace_id, span_id, parent_id, name, wire.kind, start, end, code, int(role), operation, resource, scope,
            values, evaluations, failures, scope.dialect,
        )  # fmt: skip


_ZERO_TRACE: Final = bytes(16)
_ZERO_SPAN: Final = bytes(8)
