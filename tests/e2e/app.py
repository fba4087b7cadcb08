"""An LLM application as a user would write it: a provider SDK, an instrumentation library, OTLP to the exporter.

Run as a process of its own, because instrumentation libraries patch the SDK for the rest of the process's life:
``python app.py LIBRARY[+LIBRARY] PROVIDER_URL OTLP_URL SERVICE CASE...``. A case is ``[stream:|embed:]SCENARIO``, see
``fake_provider``. Each case is one request to the application, ``POST /ask``, with a root span of its own; with
``bare+`` before the first library there is no such span. With ``in-process`` for OTLP_URL the application counts by
itself. Prints one line of JSON per case: the case, and the exception's class name or null; then one line with its own
metrics page or null.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import prometheus_client
import requests
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from genai_exporter.inprocess import GenAISpanProcessor

IN_PROCESS = "in-process"
TIMEOUT_SECONDS = 0.4  # for the scenario in which the provider never answers
OPENAI_MODEL = "gpt-4o"
EMBEDDING_MODEL = "text-embedding-3-small"
ANTHROPIC_MODEL = "claude-sonnet-4-5"


# The Anthropic SDK traces by itself as soon as there is a tracer provider, so "native" needs no instrumentor.
LIBRARIES = {
    "otel-openai": ("opentelemetry.instrumentation.genai.openai", "OpenAIInstrumentor"),
    "openinference-openai": ("openinference.instrumentation.openai", "OpenAIInstrumentor"),
    "openllmetry-openai": ("opentelemetry.instrumentation.openai", "OpenAIInstrumentor"),
    "otel-anthropic": ("opentelemetry.instrumentation.genai.anthropic", "AnthropicInstrumentor"),
    "openllmetry-anthropic": ("opentelemetry.instrumentation.anthropic", "AnthropicInstrumentor"),
    "native-anthropic": None,
}


def instrument(library: str) -> None:
    place = LIBRARIES[library]
    if place:
        module, name = place
        getattr(importlib.import_module(module), name)().instrument()


def call_openai(url: str, case: str, number: int) -> None:
    how, _, scenario = case.rpartition(":")
    retries = 1 if scenario == "retry" else 0
    openai = importlib.import_module("openai")
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=retries, timeout=timeout(scenario))
    question = f"{scenario} {number}"
    if how == "embed":
        client.embeddings.create(model=EMBEDDING_MODEL, input=question)
        return
    options: dict[str, Any] = {"model": OPENAI_MODEL, "messages": [{"role": "user", "content": question}]}
    if scenario == "tools":
        options["tools"] = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
    if how == "stream":
        for _ in client.chat.completions.create(**options, stream=True, stream_options={"include_usage": True}):
            pass
    else:
        client.chat.completions.create(**options)


def call_anthropic(url: str, case: str, number: int) -> None:
    how, _, scenario = case.rpartition(":")
    retries = 1 if scenario == "retry" else 0
    anthropic = importlib.import_module("anthropic")
    client = anthropic.Anthropic(base_url=url, api_key="none", max_retries=retries, timeout=timeout(scenario))
    options: dict[str, Any] = {
        "model": ANTHROPIC_MODEL,
        "max_tokens": 256,
        "messages": [{"role": "user", "content": f"{scenario} {number}"}],
    }
    if scenario == "tools":
        options["tools"] = [{"name": "get_weather", "description": "", "input_schema": {"type": "object"}}]
    if how == "stream":
        for _ in client.messages.create(**options, stream=True):
            pass
    else:
        client.messages.create(**options)


def timeout(scenario: str) -> float:
    return TIMEOUT_SECONDS if scenario == "slow" else 30.0


@contextlib.contextmanager
def tracing(otlp_url: str, service: str) -> Iterator[None]:
    resource = Resource.create(
        {"service.name": service, "service.version": "1.4.2", "deployment.environment.name": "test"}
    )
    provider = TracerProvider(resource=resource)
    if otlp_url == IN_PROCESS:
        provider.add_span_processor(GenAISpanProcessor())
    else:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{otlp_url}/v1/traces")))
    trace.set_tracer_provider(provider)
    yield
    provider.shutdown()


def own_page() -> str:
    """The page of this process's default registry, over HTTP as Prometheus would read it."""
    server, thread = prometheus_client.start_http_server(0, "127.0.0.1")
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    page = requests.get(f"http://127.0.0.1:{server.server_port}/metrics", headers=accept, timeout=30).text
    server.shutdown()
    thread.join()
    return page


@contextlib.contextmanager
def request(bare: bool) -> Iterator[None]:
    if bare:
        yield
        return
    attributes = {"http.request.method": "POST", "http.route": "/ask"}
    tracer = trace.get_tracer("app")
    with tracer.start_as_current_span("POST /ask", kind=trace.SpanKind.SERVER, attributes=attributes):
        yield


def main(libraries: str, provider_url: str, otlp_url: str, service: str, *cases: str) -> int:
    names = libraries.split("+")
    bare = names[0] == "bare"
    call = call_anthropic if names[-1].endswith("anthropic") else call_openai
    with tracing(otlp_url, service):
        for name in names[bare:]:
            instrument(name)
        for number, case in enumerate(cases):
            outcome = None
            with request(bare):
                try:
                    call(provider_url, case, number)
                except Exception as error:  # a user's application survives a failed call, whatever it was
                    outcome = type(error).__name__
            print(json.dumps({"case": case, "error": outcome}), flush=True)
    print(json.dumps({"page": own_page() if otlp_url == IN_PROCESS else None}), flush=True)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TRACELOOP_TRACE_CONTENT", "false")
    sys.exit(main(*sys.argv[1:]))
