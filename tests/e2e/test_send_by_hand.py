"""The example for sending spans with the plain OpenTelemetry SDK does what its page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from e2e.harness import Exporter, clean_environment
from genai_exporter import catalogue

PAGE = Path(__file__).resolve().parents[2] / "docs" / "send-your-spans" / "otel-sdk.md"
# What the reader brings along: a search, and a model that streams two chunks, the last with usage.
READERS_PART = """
from types import SimpleNamespace as Some

def search(question):
    return ["a document"]

def call_the_model(question, documents):
    yield Some(text="An ")
    yield Some(
        text="answer.", model="gpt-4o-2024-11-20", id="chatcmpl-by-hand", finish_reason="stop",
        usage=Some(prompt_tokens=1200, completion_tokens=80, prompt_tokens_details=Some(cached_tokens=1024)),
    )
"""
FINISH = '\nanswer("How?", "session-1", "user-1")\nprovider.shutdown()\n'


def test_example_is_counted_as_promised(exporter: Exporter, tmp_path: Path) -> None:
    """R26, R46, R100 to R103: root, retrieval and model call, with all three versions."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    program = tmp_path / "by_hand.py"
    program.write_text(READERS_PART + found.group(1) + FINISH)
    environment = clean_environment() | {"OTEL_EXPORTER_OTLP_ENDPOINT": exporter.otlp_url}
    before = int(exporter.page().total(catalogue.SPANS_RECEIVED.name))
    done = subprocess.run(
        [sys.executable, program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    page = exporter.settled(before + 3)

    calls = page.select(f"{catalogue.CALL_DURATION.name}_count", service_name="support-bot")
    (call,) = [sample for sample in calls if sample.value]
    assert call.value == 1
    assert call.labels["gen_ai_prompt_version"] == "v2.3"
    assert call.labels["llm_flow"] == "answer"
    tokens = f"{catalogue.TOKEN_USAGE.name}_sum"
    assert page.by("gen_ai_token_type", tokens, service_name="support-bot") == {"input": 1200, "output": 80}
    assert page.total(catalogue.CACHED_TOKENS.name, service_name="support-bot") == 1024
    assert page.total(f"{catalogue.TIME_TO_FIRST_CHUNK.name}_count", service_name="support-bot") == 1
    assert page.by("finish_reason", catalogue.CALL_FINISH_REASONS.name, service_name="support-bot") == {"stop": 1}
    assert page.total(f"{catalogue.RETRIEVAL_DURATION.name}_count", service_name="support-bot") == 1
    assert page.total(catalogue.TRACES_WITHOUT_VERSION.name) == 0
    (deployment,) = page.select(catalogue.DEPLOYMENT_INFO.name, service_name="support-bot")
    assert deployment.labels["service_version"] == "1.4.2"
    assert deployment.labels["gen_ai_prompt_version"] == "v2.3"
