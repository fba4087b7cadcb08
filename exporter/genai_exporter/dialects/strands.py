"""Strands Agents: names itself as the provider, and reports milliseconds under a server metric's name."""

from genai_exporter.dialects.fields import Dialect, ScopeRule

DIALECT = Dialect(
    name="strands",
    source="https://strandsagents.com/latest/documentation/docs/user-guide/observability-evaluation/traces/",
    rows=(),
    # The first-token time is reported for answers that were not streamed, too, and then comes with the last token.
    scopes=(ScopeRule("strands", "strands", untimed_first_token=True),),
)
