"""Claude Code and the Claude Agent SDK: bare keys that mean something only next to ``span.type``."""

from genai_exporter.dialects import fields as f
from genai_exporter.dialects.fields import Dialect, Kind, Row, ScopeRule
from genai_exporter.records import Role

_KINDS: dict[str, object] = {}
for _prefix in ("", "claude_code."):
    _KINDS[_prefix + "interaction"] = (Role.AGENT, "invoke_agent")
    _KINDS[_prefix + "llm_request"] = (Role.CALL, "chat")
    _KINDS[_prefix + "tool"] = (Role.TOOL, "execute_tool")
    for _part in ("tool.execution", "tool.blocked_on_user", "hook"):
        _KINDS[_prefix + _part] = (Role.STEP, _part)
_KINDS["*"] = None  # the key is in use for other things, too

DIALECT = Dialect(
    name="claude_code",
    source="https://docs.claude.com/en/docs/claude-code/monitoring-usage",
    rows=(
        Row("span.type", f.ROLE, 30, Kind.ROLE, _KINDS),
        Row("input_tokens", f.BARE_INPUT, 10, Kind.TOKENS),
        Row("output_tokens", f.BARE_OUTPUT, 10, Kind.TOKENS),
        Row("cache_read_tokens", f.BARE_CACHE_READ, 10, Kind.TOKENS),
        Row("cache_creation_tokens", f.BARE_CACHE_WRITE, 10, Kind.TOKENS),
        Row("ttft_ms", f.TTFT, 50, Kind.MILLISECONDS),
        Row("tool_name", f.TOOL, 50),
    ),
    scopes=(ScopeRule("com.anthropic.claude_code", "claude_code", exclusive_input=True),
            ScopeRule("claude_code", "claude_code", exclusive_input=True)),
)  # fmt: skip
