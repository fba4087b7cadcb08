"""Reading the configuration again while the service runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from genai_exporter.config import ConfigError, Settings, changed, dotted

_log = logging.getLogger(__name__)

Apply = Callable[[Settings], None]
"""Puts new settings in force, wholly or not at all. Raises ConfigError."""


class Reloader:
    """Holds the settings in force. ``successful`` and ``succeeded_at`` (Unix seconds) tell of the last reading."""

    def __init__(
        self, settings: Settings, load: Callable[[], Settings], apply: Apply, clock: Callable[[], float] = time.time
    ) -> None:
        self.settings = settings
        self.successful = True
        self.succeeded_at = clock()
        self._load = load
        self._apply = apply
        self._clock = clock

    def reload(self) -> str | None:
        """Read the configuration again and put it in force; returns None, or why the old one stays."""
        try:
            new = self._load()
            differing = changed(self.settings, new)
            fixed = [dotted(key.path) for key in differing if not key.live]
            if fixed:
                raise ConfigError([f"{', '.join(fixed)}: changed, and takes effect only by a restart"])
            self._apply(new)
        except ConfigError as error:
            self.successful = False
            _log.error("configuration not reloaded, the running one stays: %s", "; ".join(error.lines))
            return str(error)
        self.settings = new
        self.successful = True
        self.succeeded_at = self._clock()
        names = ", ".join(dotted(key.path) for key in differing) or "no setting"
        _log.info("configuration reloaded: %s changed", names)
        return None
