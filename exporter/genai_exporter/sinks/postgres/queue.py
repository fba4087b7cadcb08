"""What settled and waits to be written, bounded in rows, between the thread that settles and the one that writes.

No lock: appending and popping are atomic, and each number is written by one side only.
"""

from __future__ import annotations

from collections import deque

from .batch import Entry


class EntryQueue:
    """First in, first out; when a new entry does not fit, the oldest that wait make room.

    ``put`` belongs to one thread; ``take``, ``done`` and the rest to another.
    """

    def __init__(self, max_rows: int) -> None:
        self.max_rows = max_rows
        self._entries: deque[Entry] = deque()
        self._came = 0
        self._dropped = 0
        self._done = 0

    @property
    def rows(self) -> int:
        """Rows that wait or are being written."""
        return self._came - self._dropped - self._done

    def put(self, entry: Entry) -> int:
        """Add ``entry``. Returns how many rows were dropped for it: its own when it does not fit at all."""
        self._entries.append(entry)
        self._came += entry.rows
        before = self._dropped
        while self.rows > self.max_rows:
            try:
                oldest = self._entries.popleft()
            except IndexError:  # all that is left is being written
                break
            self._dropped += oldest.rows
        return self._dropped - before

    def take(self, most_rows: int) -> list[Entry]:
        """The oldest entries, until they have ``most_rows`` rows or more; each row must be counted by ``done``."""
        taken: list[Entry] = []
        rows = 0
        while rows < most_rows:
            try:
                entry = self._entries.popleft()
            except IndexError:
                break
            taken.append(entry)
            rows += entry.rows
        return taken

    def done(self, rows: int) -> None:
        """Note that rows which were taken are written, or will never be."""
        self._done += rows
