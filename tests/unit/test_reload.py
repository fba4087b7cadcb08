"""Reloading: all of the new configuration, or none of it."""

from __future__ import annotations

import logging

import pytest

from genai_exporter.config import ConfigError, Settings, load
from genai_exporter.reload import Reloader


class Bench:
    """A reloader whose next configuration, and whose acceptance of it, the test decides."""

    def __init__(self) -> None:
        self.now = 100.0
        self.next: Settings | ConfigError = Settings()
        self.applied: list[Settings] = []
        self.apply_error: ConfigError | None = None
        self.reloader = Reloader(Settings(), self.load, self.apply, lambda: self.now)

    def load(self) -> Settings:
        if isinstance(self.next, ConfigError):
            raise self.next
        return self.next

    def apply(self, settings: Settings) -> None:
        if self.apply_error:
            raise self.apply_error
        self.applied.append(settings)

    @property
    def state(self) -> tuple[bool, float]:
        return self.reloader.successful, self.reloader.succeeded_at


def settings(**environ: str) -> Settings:
    return load(None, environ={f"GENAI_EXPORTER_{name}": text for name, text in environ.items()})


def test_the_start_counts_as_a_successful_reading() -> None:
    assert Bench().state == (True, 100.0)


def test_a_live_setting_takes_effect(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.next = settings(METRICS__MAX_SERIES="777", LOG__LEVEL="debug")
    bench.now = 200.0
    with caplog.at_level(logging.INFO):
        assert bench.reloader.reload() is None
    assert bench.applied == [bench.next]
    assert bench.reloader.settings is bench.next
    assert bench.state == (True, 200.0)
    assert caplog.messages == ["configuration reloaded: metrics.max_series, log.level changed"]


def test_files_that_the_settings_name_are_read_again_though_no_setting_changed() -> None:
    bench = Bench()
    assert bench.reloader.reload() is None
    assert bench.applied == [Settings()]


def refused_with(bench: Bench, caplog: pytest.LogCaptureFixture, *parts: str) -> None:
    bench.now = 200.0
    before = bench.reloader.settings
    with caplog.at_level(logging.INFO):
        problem = bench.reloader.reload()
    assert problem is not None
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    for part in parts:
        assert part in problem
        assert part in record.getMessage()
    assert bench.reloader.settings is before
    assert bench.state == (False, 100.0)


def test_an_invalid_configuration_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.next = ConfigError(["config.yml:2: wrong", "config.yml:3: wrong too"])
    refused_with(bench, caplog, "config.yml:2: wrong", "config.yml:3: wrong too")
    assert bench.applied == []


def test_a_setting_that_needs_a_restart_is_refused_and_nothing_else_changes(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.next = settings(METRICS__LISTEN="127.0.0.1:1", RELOAD__HTTP="true", LOG__LEVEL="debug")
    refused_with(bench, caplog, "metrics.listen, reload.http: changed, and takes effect only by a restart")
    assert bench.applied == []


def test_a_named_file_that_is_bad_refuses_the_reload(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.apply_error = ConfigError(["prices.yml: prices[0]: wrong"])
    refused_with(bench, caplog, "prices.yml: prices[0]: wrong")


def test_a_good_reading_after_a_bad_one_recovers() -> None:
    bench = Bench()
    bench.next = ConfigError(["wrong"])
    bench.reloader.reload()
    bench.next, bench.now = Settings(), 300.0
    assert bench.reloader.reload() is None
    assert bench.state == (True, 300.0)
