"""The command line: what it imports, what it prints, and its exit status."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from genai_exporter.cli import COMMANDS, main

HEAVY = ("aiohttp", "grpc", "genai_prices", "requests", "rich", "opentelemetry", "genai_exporter.config")


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_help_imports_nothing_that_a_command_needs() -> None:
    loaded = python(
        "import contextlib, io, sys\n"
        "from genai_exporter.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): main(['--help'])\n"
        "print(*sys.modules)"
    ).split()
    assert not [name for name in loaded if name.startswith(HEAVY)]


def test_replay_does_not_import_the_servers() -> None:
    loaded = python("import sys, genai_exporter.replay; print(*sys.modules)").split()
    assert not [name for name in loaded if name.startswith(("aiohttp", "grpc", "genai_prices"))]


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n    {command.name}" in text


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself(command: object, capsys: pytest.CaptureFixture[str]) -> None:
    name = getattr(command, "name")  # noqa: B009 (pytest passes it untyped)
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: genai-exporter {name} ")


def test_serve_has_the_promised_flags(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["serve", "--help"])
    text = capsys.readouterr().out
    for flag in (
        "--config",
        "--otlp-http-listen",
        "--otlp-grpc-listen",
        "--metrics-listen",
        "--settle-seconds",
        "--max-label-values",
        "--max-series",
    ):
        assert flag in text


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["serve", "--nonsense"], ["serve", "--settle", "1"], ["replay"]])
def test_wrong_usage_ends_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(argv)
    assert "usage: genai-exporter" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["version"], ["--version"]])
def test_version(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(argv)
    except SystemExit as ended:
        status = int(str(ended.code))
    assert status == 0
    assert capsys.readouterr().out.startswith(f"genai-exporter {metadata.version('genai-exporter')} ")


def test_check_config_prints_what_is_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENAI_EXPORTER_TELEMETRY__TRACES_AUTHORIZATION", "Bearer hidden-token")
    file = tmp_path / "config.yml"
    file.write_text("assembly: {settle_seconds: 4}\n")
    for argv in (["check-config", "--config", str(file)], ["check-config", str(file), "--max-series", "777"]):
        assert main(argv) == 0
        printed = capsys.readouterr().out
        assert printed.startswith("OK\n")
        assert "settle_seconds: 4.0\n" in printed
        assert "hidden-token" not in printed
    assert "max_series: 777\n" in printed


@pytest.mark.parametrize(
    ("key", "content", "message"),
    [
        ("prices: {{file: {file}}}", "prices: [{model: x}]", "prices[0]"),
        ("prices: {{file: {file}}}", "price: []", "price"),
        ("metrics: {{web_config_file: {file}}}", "tls_config: {}", "tls_config"),
        ("receiver: {{web_config_file: {file}}}", "basic_auth_users: {a: b}", "basic_auth_users"),
        ("assembly: {{settle_seconds: -1}}", "", "assembly.settle_seconds: -1 is refused"),
    ],
)
def test_check_config_reads_the_files_that_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, content: str, message: str
) -> None:
    named, file = tmp_path / "named.yml", tmp_path / "config.yml"
    named.write_text(content)
    file.write_text(key.format(file=named))
    assert main(["check-config", str(file)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert str(tmp_path) in shown.err


def test_check_config_takes_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "a.yml", "--config", "b.yml"]) == 2
    assert "once" in capsys.readouterr().err


def test_serve_refuses_a_bad_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--settle-seconds", "soon"]) == 2
    assert capsys.readouterr().err == "flag --settle-seconds: 'soon' is refused. Accepted: a number from 0 to 3600\n"


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    command = [sys.executable, "-m", "genai_exporter", "check-config"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
        status = process.wait(60)
    assert (status, errors) == (1, "")
