"""Secrets that a sink sends along, from the settings or from a file that may change while the exporter runs."""

from __future__ import annotations

from pathlib import Path

from genai_exporter.config import ConfigError, Secret


def read_secret(setting: str, file: str) -> str:
    """The text of a secret's file, without white space around it. Raises ConfigError, naming ``setting``."""
    try:
        text = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{setting}: {file!r} cannot be read: {error}"]) from error
    if not text:
        raise ConfigError([f"{setting}: {file!r} is empty"])
    return text


class Credentials:
    """The value of an ``Authorization`` header. A file is read again when it changes; raises ConfigError at first."""

    def __init__(self, section: str, given: Secret | None, file: str | None) -> None:
        self._setting = f"{section}.authorization_file"
        self._file = file
        self._text = given.reveal() if given is not None else None
        self._stamp: tuple[int, int] | None = None
        if file is not None:
            self._text = read_secret(self._setting, file)
            self._stamp = self._look()

    def header(self) -> str | None:
        """The value now; the last one that could be read when the file is being replaced."""
        if self._file is not None:
            stamp = self._look()
            if stamp is not None and stamp != self._stamp:
                try:
                    self._text = read_secret(self._setting, self._file)
                except ConfigError:
                    return self._text  # half written: the next look finds it
                self._stamp = stamp
        return self._text

    def _look(self) -> tuple[int, int] | None:
        assert self._file is not None
        try:
            found = Path(self._file).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino
