"""A model provider on loopback that speaks the OpenAI and Anthropic protocols and remembers what it served.

What a request asks for is chosen by the first word of its last user message (``Scenario``), so that unmodified client
libraries can be driven into every situation. Token counts differ from request to request; the provider's own record
(``Served``) is the truth that tests compare metrics with.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, NamedTuple

FIRST_CHUNK_SECONDS = 0.06
CHUNKS = 5
HANG_SECONDS = 10.0
RESPONSE_MODELS = {
    "gpt-4o": "gpt-4o-2024-11-20",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
}


class Served(NamedTuple):
    """One HTTP request as the provider answered it.

    Tokens have the meaning of the exporter: ``input`` includes cached ones, ``output`` includes reasoning; all are 0
    when nothing was billed. ``first_chunk_s`` is the time from the request's arrival to the first streamed byte and
    ``None`` for an answer in one piece. ``finish`` is the folded finish reason.
    """

    provider: str
    operation: str
    scenario: str
    request_model: str
    response_model: str
    streaming: bool
    status: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    finish: str
    first_chunk_s: float | None


class Refused(NamedTuple):
    status: int
    kind: str
    code: str
    message: str


REFUSALS = {
    "429": Refused(429, "rate_limit_error", "rate_limit_exceeded", "Rate limit reached for requests"),
    "500": Refused(500, "api_error", "server_error", "The server had an error"),
    "context": Refused(
        400, "invalid_request_error", "context_length_exceeded", "This model's maximum context length is 8192 tokens"
    ),
}


class FakeProvider(ThreadingHTTPServer):
    """The server; ``url`` is its address and ``served`` its record, in the order in which answers were finished."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.served: list[Served] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._count = 0
        # An exporter remembers response ids, so two providers must not issue the same ones.
        self.mark = secrets.token_hex(4)
        self._seen_retries: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def number(self) -> int:
        """Counts requests; token counts are derived from it so that no two requests report the same."""
        with self._lock:
            self._count += 1
            return self._count

    def first_attempt(self, key: str) -> bool:
        """Whether ``key`` is asked for the first time."""
        with self._lock:
            known = key in self._seen_retries
            self._seen_retries.add(key)
            return not known

    def record(self, served: Served) -> None:
        with self._lock:
            self.served.append(served)


@contextlib.contextmanager
def running() -> Iterator[FakeProvider]:
    server = FakeProvider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeProvider
    # One header for both protocols: clients of either ignore the other's.
    retry_headers: ClassVar = {"Retry-After": "0", "retry-after-ms": "1"}

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: test output is for failures."""

    def do_POST(self) -> None:
        self.arrived = time.monotonic()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        number = self.server.number()
        routes = {
            "/v1/chat/completions": OpenAIChat,
            "/v1/embeddings": OpenAIEmbeddings,
            "/v1/messages": AnthropicMessages,
        }
        route = routes.get(self.path.partition("?")[0])
        if route is None:
            self.reply(404, {"error": {"message": f"no such path {self.path}"}})
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a client that gave up waiting
            route(self, body, number).answer()

    def reply(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def start_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, data: dict[str, Any] | str, name: str = "") -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        self.wfile.write(((f"event: {name}\n" if name else "") + f"data: {text}\n\n").encode())
        self.wfile.flush()


class Exchange:
    """One request of one protocol: what it asks for, how many tokens it costs, and the answer."""

    provider = ""
    operation = "chat"

    def __init__(self, handler: Handler, body: dict[str, Any], number: int) -> None:
        self.http = handler
        self.body = body
        self.number = number
        self.model = str(body["model"])
        self.response_model = RESPONSE_MODELS.get(self.model, self.model)
        self.streaming = bool(body.get("stream"))
        words = self.last_text().split()
        self.scenario = words[0] if words else "plain"
        self.case = words[-1] if words else ""
        self.input_tokens = 100 + 7 * number
        self.output_tokens = 20 + 3 * number
        self.cached_tokens = 64 if self.scenario == "cached" else 0
        self.reasoning_tokens = 11 if self.scenario == "reasoning" else 0
        self.finish = {"tools": "tool_call", "length": "length"}.get(self.scenario, "stop")
        self.first_chunk_s: float | None = None

    def last_text(self) -> str:
        content = self.body["messages"][-1]["content"]
        return content if isinstance(content, str) else str(content[-1]["text"])

    def answer(self) -> None:
        refusal = REFUSALS.get(self.scenario)
        if self.scenario == "retry" and self.http.server.first_attempt(self.case):
            refusal = REFUSALS["429"]
        if refusal:
            self.record(refusal.status, billed=False)
            self.http.reply(refusal.status, self.refusal(refusal), self.http.retry_headers)
        elif self.scenario == "slow":
            self.record(0, billed=False)
            self.http.server.closing.wait(HANG_SECONDS)
            self.http.close_connection = True
        elif self.streaming:
            self.http.start_stream()
            self.stream()
        else:
            self.record(200)
            self.http.reply(200, self.whole())

    def record(self, status: int, *, billed: bool = True) -> None:
        self.http.server.record(
            Served(
                provider=self.provider,
                operation=self.operation,
                scenario=self.scenario,
                request_model=self.model,
                response_model=self.response_model if billed else "",
                streaming=self.streaming,
                status=status,
                input_tokens=self.input_tokens if billed else 0,
                output_tokens=self.output_tokens if billed else 0,
                cached_tokens=self.cached_tokens if billed else 0,
                reasoning_tokens=self.reasoning_tokens if billed else 0,
                finish=self.finish if billed else "",
                first_chunk_s=self.first_chunk_s,
            )
        )

    def wait_for_first_chunk(self) -> None:
        """A real model thinks before it streams; the delay is part of what the provider serves."""
        self.http.server.closing.wait(FIRST_CHUNK_SECONDS)
        self.first_chunk_s = time.monotonic() - self.http.arrived

    def refusal(self, refusal: Refused) -> dict[str, Any]:
        raise NotImplementedError

    def whole(self) -> dict[str, Any]:
        raise NotImplementedError

    def stream(self) -> None:
        raise NotImplementedError


class OpenAIChat(Exchange):
    provider = "openai"

    def refusal(self, refusal: Refused) -> dict[str, Any]:
        return {"error": {"message": refusal.message, "type": refusal.kind, "code": refusal.code, "param": None}}

    def usage(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.input_tokens,
            "completion_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning_tokens},
        }

    @property
    def wire_finish(self) -> str:
        return "tool_calls" if self.finish == "tool_call" else self.finish

    def tool_calls(self) -> list[dict[str, Any]]:
        function = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
        return [{"index": 0, "id": f"call_{self.number}", "type": "function", "function": function}]

    def head(self, kind: str) -> dict[str, Any]:
        name = f"chatcmpl-{self.http.server.mark}{self.number:06d}"
        return {"id": name, "object": kind, "created": 1_760_000_000, "model": self.response_model}

    def whole(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "A fine answer."}
        if self.finish == "tool_call":
            message = {"role": "assistant", "content": None, "tool_calls": self.tool_calls()}
        choice = {"index": 0, "message": message, "finish_reason": self.wire_finish, "logprobs": None}
        return {**self.head("chat.completion"), "choices": [choice], "usage": self.usage()}

    def stream(self) -> None:
        def chunk(delta: dict[str, Any], finish: str | None = None) -> None:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            self.http.event({**self.head("chat.completion.chunk"), "choices": [choice]})

        self.wait_for_first_chunk()
        chunk({"role": "assistant", "content": ""})
        if self.finish == "tool_call":
            chunk({"tool_calls": self.tool_calls()})
        else:
            for part in range(CHUNKS):
                chunk({"content": f"word{part} "})
        chunk({}, self.wire_finish)
        # Recorded before the client can see the end, so that a finished client implies a complete record.
        self.record(200)
        if (self.body.get("stream_options") or {}).get("include_usage"):
            self.http.event({**self.head("chat.completion.chunk"), "choices": [], "usage": self.usage()})
        self.http.event("[DONE]")


class OpenAIEmbeddings(OpenAIChat):
    operation = "embeddings"

    def __init__(self, handler: Handler, body: dict[str, Any], number: int) -> None:
        super().__init__(handler, body, number)
        self.output_tokens = 0
        self.finish = ""

    def last_text(self) -> str:
        text = self.body["input"]
        return text if isinstance(text, str) else str(text[-1])

    def whole(self) -> dict[str, Any]:
        vector = [0.5, -0.5, 0.25]
        return {
            "object": "list",
            "model": self.response_model,
            "data": [{"object": "embedding", "index": 0, "embedding": vector}],
            "usage": {"prompt_tokens": self.input_tokens, "total_tokens": self.input_tokens},
        }


class AnthropicMessages(Exchange):
    """Anthropic's own ``input_tokens`` leaves cached tokens out, so the wire shows the difference."""

    provider = "anthropic"

    def refusal(self, refusal: Refused) -> dict[str, Any]:
        return {"type": "error", "error": {"type": refusal.kind, "message": refusal.message}}

    def usage(self, output_tokens: int) -> dict[str, Any]:
        return {
            "input_tokens": self.input_tokens - self.cached_tokens,
            "cache_read_input_tokens": self.cached_tokens,
            "cache_creation_input_tokens": 0,
            "output_tokens": output_tokens,
        }

    @property
    def wire_finish(self) -> str:
        return {"tool_call": "tool_use", "length": "max_tokens"}.get(self.finish, "end_turn")

    def message(self, content: list[dict[str, Any]], stop: str | None, output_tokens: int) -> dict[str, Any]:
        return {
            "id": f"msg_{self.http.server.mark}{self.number:06d}",
            "type": "message",
            "role": "assistant",
            "model": self.response_model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": self.usage(output_tokens),
        }

    def whole(self) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "text", "text": "A fine answer."}]
        if self.finish == "tool_call":
            tool = {"type": "tool_use", "id": f"toolu_{self.number}", "name": "get_weather", "input": {"city": "Paris"}}
            content.append(tool)
        return self.message(content, self.wire_finish, self.output_tokens)

    def stream(self) -> None:
        self.wait_for_first_chunk()
        self.http.event({"type": "message_start", "message": self.message([], None, 1)}, "message_start")
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        self.http.event(block, "content_block_start")
        for part in range(CHUNKS):
            delta = {"type": "text_delta", "text": f"word{part} "}
            self.http.event({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta")
        self.http.event({"type": "content_block_stop", "index": 0}, "content_block_stop")
        ending = {"stop_reason": self.wire_finish, "stop_sequence": None}
        usage = {"output_tokens": self.output_tokens}
        self.http.event({"type": "message_delta", "delta": ending, "usage": usage}, "message_delta")
        self.record(200)
        self.http.event({"type": "message_stop"}, "message_stop")
