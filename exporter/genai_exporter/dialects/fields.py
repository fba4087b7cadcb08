"""The canonical fields a span's attributes are read into, and the form of a dialect table.

A field is a slot number: an index into the list of values that ``normalise`` fills for every span. The tables in this
package say which attribute key feeds which field; ``plan`` validates and compiles them once, at start.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from genai_exporter.records import Role

(
    IGNORED,  # slot 0 is never read: attributes that mean nothing here are "written" to it
    ROLE,  # (Role, operation name, dialect)
    PROVIDER,
    REQUEST_MODEL,
    RESPONSE_MODEL,
    MODEL,  # a dialect's only model attribute, which may hold either name
    RESPONSE_ID,
    STREAMING,
    TTFT,  # seconds
    INPUT,  # tokens, from here to REASONING
    OUTPUT,
    TOTAL,
    CACHE_READ,
    CACHE_WRITE,
    CACHE_WRITE_1H,
    REASONING,
    EXCLUSIVE,  # True when INPUT is known to exclude the cached tokens
    EXCLUSIVE_OUTPUT,  # True when OUTPUT is known to exclude the reasoning tokens
    COST,  # US dollars
    FINISH,
    ERROR_TYPE,
    HTTP_STATUS,
    TOOL,
    AGENT,  # from here to REGENERATED: what a span hands down to the spans below it
    WORKFLOW,
    ENTITY,  # a name whose meaning depends on the role: agent, tool or workflow
    PROMPT_NAME,
    PROMPT_VERSION,
    MODEL_VERSION,
    SERVICE_VERSION,
    ENVIRONMENT,
    SESSION,
    USER,
    SEGMENT,
    FLOW,
    ROUTE,
    REGENERATED,
    SERVICE_TIER,
    BATCH,
    CACHE_HIT,
    FEEDBACK,
    REFUSAL,
    RETRIES,
    DURATION,  # seconds; only where a dialect's span does not last as long as the call
    COMPLETION_START,  # Unix nanoseconds of the first token
    LOG_SPAN,  # True on a zero-length span that reports the end of a stream
    BARE_MODEL,  # keys without a prefix mean something only next to their dialect's own kind attribute
    BARE_INPUT,
    BARE_OUTPUT,
    BARE_CACHE_READ,
    BARE_CACHE_WRITE,
    BARE_STREAMING,
    BARE_DURATION,
) = range(53)
SLOTS: Final = 53
#: The fields that spans below inherit, as one range.
INHERITED: Final = slice(AGENT, REGENERATED + 1)

FIELD_NAMES: Final = {
    number: name.lower() for name, number in list(globals().items()) if name.isupper() and isinstance(number, int)
}

#: What ``Kind.BUCKET`` stores in EXCLUSIVE and EXCLUSIVE_OUTPUT.
BUCKETS: Final = "buckets"

#: Fields that make a span a GenAI span when any of them is set.
GENAI_FIELDS: Final = frozenset(
    {ROLE, PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, MODEL, INPUT, OUTPUT, AGENT, TOOL, WORKFLOW, RESPONSE_ID, COST}
)


class Kind(enum.Enum):
    """How the value of an attribute is read."""

    TEXT = "text"  # few distinct values: remembered
    IDENTIFIER = "identifier"  # many distinct values: never remembered
    TOKENS = "tokens"  # non-negative integer, also from a float or a numeric string
    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    TTFT_BY_TYPE = "ttft_by_type"  # a double is seconds, an integer milliseconds
    MONEY = "money"
    FLAG = "flag"
    FINISH = "finish"  # array, JSON text of an array, or one string
    TIMESTAMP = "timestamp"  # ISO 8601, possibly JSON-quoted
    ROLE = "role"  # looked up in the row's vocabulary
    STATUS = "status"  # an HTTP status among other codes: what is no number is no status
    BUCKET = "bucket"  # ``BUCKETS`` where a count is above zero: the key says that it stands beside the others
    EXPAND = "expand"  # JSON (or a printed Python dict) whose members feed several fields
    EVALUATION = "evaluation"  # a score: collected, not stored in a slot
    RATING = "rating"


@dataclass(frozen=True)
class Row:
    """One attribute key of a dialect and the canonical field that it feeds.

    ``rank`` orders the keys that compete for one field on one span: the smaller wins, whatever the order on the wire.
    ``vocabulary`` maps values (for ``Kind.ROLE`` to a role and an operation); a value that it lacks stands for itself,
    or for what ``"*"`` says, and ``None`` means that the value tells nothing. ``members`` are the paths inside a JSON
    value. ``pattern`` marks a key in which ``*`` stands for an index. A table may have several rows for one key: then
    each value is read by all of them.
    """

    key: str
    field: int
    rank: int = 10
    kind: Kind = Kind.TEXT
    vocabulary: Mapping[str, object] = dataclasses.field(default_factory=dict)
    members: tuple[tuple[str, int, int, Kind], ...] = ()
    tag: object = None
    pattern: bool = False


@dataclass(frozen=True)
class ScopeRule:
    """What the name of an instrumentation scope tells that attributes do not.

    ``prefix`` is matched against the scope's name, whole words of it.

    - ``exclusive_input``: input tokens leave out the cached ones
    - ``untimed_first_token``: the reported time to first token is not one
    - ``status_unreliable``: an exception event means failure even where the status is OK
    - ``steps``: suffixes of the names of spans that look like model calls or tools and are none
    - ``agents``: suffixes of the names of chains that are agent runs
    - ``root_is_agent``: the span of a whole run calls itself an agent; it has no agent's name, or is of kind SERVER
    - ``reasoning_twice``: for models of other makers than Google, output tokens contain the reasoning tokens twice
    """

    prefix: str
    dialect: str
    exclusive_input: bool = False
    untimed_first_token: bool = False
    status_unreliable: bool = False
    steps: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    root_is_agent: bool = False
    reasoning_twice: bool = False


@dataclass(frozen=True)
class Dialect:
    """One table: rows, scope rules, and the page that documents the attributes."""

    name: str
    source: str
    rows: tuple[Row, ...]
    scopes: tuple[ScopeRule, ...] = ()


RoleValue = tuple[Role, str]
