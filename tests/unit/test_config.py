"""Defaults, precedence, environment, secrets, and what may change while the service runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import inspect

from genai_exporter import catalogue
from genai_exporter.config import ConfigError, Secret, Settings, changed, effective, environment, load, schema
from genai_exporter.config.load import FLAGS, value_at
from genai_exporter.config.model import KNOWN_EVALUATIONS

DEFAULTS = Settings()


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "config.yml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_nothing_has_to_be_configured() -> None:
    settings = load(None, environ={})
    assert settings == DEFAULTS
    assert settings.receiver.http.listen == "127.0.0.1:4318"
    assert settings.receiver.grpc.listen == "127.0.0.1:4317"
    assert settings.metrics.listen == "127.0.0.1:9464"
    assert settings.metrics.dimensions == catalogue.DEFAULT_DIMENSIONS


@pytest.mark.parametrize("text", ["", "# nothing\n", "assembly:\n", "metrics:\n  dimensions:\nquotas:\n", "{}"])
def test_what_is_left_empty_has_its_default(tmp_path: Path, text: str) -> None:
    assert load(written(tmp_path, text), environ={}) == DEFAULTS


def test_a_flag_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "assembly: {settle_seconds: 1, late_seconds: 1}\nmetrics: {max_series: 1000}\n")
    environ = {
        "GENAI_EXPORTER_ASSEMBLY__SETTLE_SECONDS": "2",
        "GENAI_EXPORTER_ASSEMBLY__LATE_SECONDS": "2",
        "PATH": "/bin",
    }
    settings = load(file, environ=environ, flags={"--settle-seconds": "3"})
    assert settings.assembly.settle_seconds == 3.0
    assert settings.assembly.late_seconds == 2.0
    assert settings.metrics.max_series == 1000
    assert settings.metrics.max_label_values == DEFAULTS.metrics.max_label_values


def test_the_file_itself_can_come_from_the_environment(tmp_path: Path) -> None:
    file = written(tmp_path, "log: {level: debug}")
    assert load(None, environ={"GENAI_EXPORTER_CONFIG": file}).log.level == "debug"
    other = tmp_path / "other.yml"
    other.write_text("log: {level: error}")
    assert load(str(other), environ={"GENAI_EXPORTER_CONFIG": file}).log.level == "error"


def as_text(value: Any) -> str:
    """A value as one would write it into an environment variable."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def other_value(key: schema.Key) -> Any:
    """A valid value that is not the default."""
    special: dict[tuple[str, ...], Any] = {
        ("receiver", "http", "listen"): "127.0.0.1:0",
        ("receiver", "grpc", "listen"): None,
        ("receiver", "http", "extra_prefixes"): ["/x"],
        ("receiver", "http", "cors_origins"): ["*"],
        ("receiver", "max_body_bytes"): 2048,
        ("metrics", "listen"): "[::1]:9000",
        ("metrics", "dimensions"): ["llm_flow"],
        ("metrics", "label_limits"): {"llm_flow": 3},
        ("quotas",): [{"provider": "openai", "model": "*", "tokens_per_minute": 5}],
        ("evaluations",): [{"name": "tone", "min_score": 1.0, "max_score": 5.0, "pass_threshold": 4.0}],
        ("telemetry", "traces_endpoint"): "https://traces.example.com/v1/traces",
        ("telemetry", "traces_authorization"): "Bearer x",
        ("forward", "endpoint"): "https://tempo.example.com/v1/traces",
        ("forward", "headers"): {"X-Scope-OrgID": "team-a"},
        ("forward", "authorization"): "Bearer x",
        ("store", "dsn"): "dbname=ledger",
        ("store", "data_dir"): "/var/lib/genai-exporter",
        ("store", "user_ids"): "drop",
        ("store", "user_hash_key"): "x",
        ("log", "level"): "debug",
        ("log", "format"): "json",
    }
    if key.path in special:
        return special[tuple(str(part) for part in key.path)]
    match key.type:
        case inspect.BoolType():
            return not key.default
        case inspect.IntType():
            return key.default + 1
        case inspect.FloatType():
            return key.default / 2
        case inspect.VarTupleType():
            return ["app.one", "app.two"]
        case inspect.UnionType():
            return "/dev/null"  # the files that can be named
    raise AssertionError(f"no other value for {key.path}")


@pytest.mark.parametrize("key", schema.all_keys(), ids=lambda key: ".".join(map(str, key.path)))
def test_every_key_can_be_set_by_file_and_by_environment_alike(tmp_path: Path, key: schema.Key) -> None:
    value = other_value(key)
    nested: Any = value
    for part in reversed(key.path):
        nested = {part: nested}
    by_file = load(written(tmp_path, yaml.safe_dump(nested)), environ={})
    by_environment = load(None, environ={environment.variable(key.path): as_text(value)})
    assert by_file == by_environment
    assert [found.path for found in changed(DEFAULTS, by_file)] == [key.path]


@pytest.mark.parametrize("flag", list(FLAGS))
def test_every_flag_sets_its_key(flag: str) -> None:
    key = next(key for key in schema.all_keys() if key.path == FLAGS[flag])
    value = other_value(key)
    settings = load(None, environ={}, flags={flag: as_text(value)})
    assert value_at(settings, key.path) == value


@pytest.mark.parametrize("key", schema.all_keys(), ids=lambda key: ".".join(map(str, key.path)))
def test_every_key_is_explained_and_every_number_is_bounded(key: schema.Key) -> None:
    assert key.description.endswith(".")
    assert schema.accepted(key.type)
    if isinstance(key.type, (inspect.IntType, inspect.FloatType)):
        assert key.type.ge is not None
        assert key.type.le is not None
        assert key.type.ge <= key.default <= key.type.le


def test_lists_are_comma_separated_or_json() -> None:
    name = "GENAI_EXPORTER_METRICS__DIMENSIONS"
    for text in ("service_name, llm_flow", '["service_name", "llm_flow"]'):
        assert load(None, environ={name: text}).metrics.dimensions == ("service_name", "llm_flow")
    assert load(None, environ={name: ""}).metrics.dimensions == ()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("METRICS__MAX_SERIES", "1e3", "'1e3' is refused. Accepted: a whole number from 100 to 100000000"),
        ("ASSEMBLY__SETTLE_SECONDS", "nan", "nan is refused. Accepted: a number from 0 to 3600"),
        ("ASSEMBLY__SETTLE_SECONDS", "", "'' is refused. Accepted: a number from 0 to 3600"),
        ("RELOAD__HTTP", "yes", "'yes' is refused. Accepted: true or false"),
        ("QUOTAS", "openai", "'openai' is no JSON list. Accepted: a list of at most 1000"),
        ("QUOTAS", "[{", "'[{' is no JSON (Input data was truncated)"),
        ("QUOTAS", '[{"provider": "x"}]', "quotas[0].tokens_per_minute: missing. Accepted: a whole number"),
        ("METRICS__LABEL_LIMITS", "5", "5 is refused. Accepted: a mapping from text to a whole number"),
    ],
)
def test_a_bad_variable_is_refused_by_its_name(name: str, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(None, environ={f"GENAI_EXPORTER_{name}": text})
    (line,) = refused.value.lines
    assert line.startswith(f"environment variable GENAI_EXPORTER_{name}: ")
    assert expected in line


def test_a_bad_flag_is_refused_by_its_name() -> None:
    with pytest.raises(ConfigError) as refused:
        load(None, environ={}, flags={"--settle-seconds": "-1", "--max-series": "lots"})
    assert refused.value.lines == (
        "flag --max-series: 'lots' is refused. Accepted: a whole number from 100 to 100000000",
        "flag --settle-seconds: assembly.settle_seconds: -1.0 is refused. Accepted: a number from 0 to 3600",
    )


def test_a_misspelt_variable_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=r"'GENAI_EXPORTER_LOG__LEVL'; did you mean 'GENAI_EXPORTER_LOG__LEVEL'\?"):
        load(None, environ={"GENAI_EXPORTER_LOG__LEVL": "info"})


@pytest.mark.parametrize(
    "name",
    [
        "GENAI_EXPORTER_SERVICE_HOST",
        "GENAI_EXPORTER_SERVICE_PORT",
        "GENAI_EXPORTER_SERVICE_PORT_OTLP_GRPC",
        "GENAI_EXPORTER_PORT",
        "GENAI_EXPORTER_PORT_4317_TCP",
        "GENAI_EXPORTER_PORT_4317_TCP_ADDR",
        "GENAI_EXPORTER_METRICS_PORT_9464_TCP_PROTO",
    ],
)
def test_variables_that_kubernetes_injects_for_a_service_of_our_name_are_passed_over(name: str) -> None:
    assert load(None, environ={name: "tcp://10.0.0.1:4317"}) == DEFAULTS


def test_no_setting_has_a_name_that_kubernetes_may_inject() -> None:
    for key in schema.all_keys():
        assert not environment.is_service_link(environment.variable(key.path))


def test_a_bad_value_in_the_file_is_told_even_when_a_flag_goes_before_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"assembly\.settle_seconds: 'soon' is refused"):
        load(written(tmp_path, "assembly: {settle_seconds: soon}"), environ={}, flags={"--settle-seconds": "1"})


def test_own_evaluations_are_added_to_the_known_ones(tmp_path: Path) -> None:
    text = "evaluations: [{name: tone, max_score: 5}, {name: safety, pass_threshold: 1}]"
    evaluations = {entry.name: entry for entry in load(written(tmp_path, text), environ={}).evaluations}
    assert set(evaluations) == {entry.name for entry in KNOWN_EVALUATIONS} | {"tone"}
    assert evaluations["tone"].max_score == 5
    assert evaluations["safety"].pass_threshold == 1


def test_secrets_are_not_shown_anywhere() -> None:
    settings = load(None, environ={"GENAI_EXPORTER_TELEMETRY__TRACES_AUTHORIZATION": "Bearer hidden-token"})
    assert settings.telemetry.traces_authorization == Secret("Bearer hidden-token")
    for shown in (repr(settings), str(settings), effective(settings)):
        assert "hidden-token" not in shown
        assert "<secret>" in shown


def test_the_effective_configuration_is_a_configuration(tmp_path: Path) -> None:
    settings = load(None, environ={"GENAI_EXPORTER_METRICS__LABEL_LIMITS": '{"llm_flow": 7}'})
    assert load(written(tmp_path, effective(settings)), environ={}) == settings


def test_addresses_and_files_need_a_restart_and_limits_do_not() -> None:
    live = {".".join(map(str, key.path)): key.live for key in schema.all_keys()}
    for name in (
        "receiver.http.listen",
        "receiver.grpc.listen",
        "metrics.listen",
        "metrics.dimensions",
        "receiver.web_config_file",
        "telemetry.traces_endpoint",
        "reload.http",
    ):
        assert not live[name], name
    for name in (
        "log.level",
        "prices.file",
        "prices.use_reported",
        "quotas",
        "evaluations",
        "attributes.segment",
        "metrics.max_series",
        "assembly.settle_seconds",
        "receiver.max_spans_per_request",
    ):
        assert live[name], name
