"""Read the files of the next model while the current one runs, so that loading it finds them in memory.

It only reads: building a model in a thread would change defaults of torch under the model that runs. What goes wrong
here is left to the load itself, which says it as any load does.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

CHUNK = 1 << 22


@dataclass
class ReadAhead:
    """One thread that reads files into the system's cache; `read` counts its bytes."""

    read: int = 0
    _thread: threading.Thread | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self, files: Sequence[Path]) -> None:
        """Begin with these files; what was being read is given up."""
        self.stop()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(tuple(files), self._stop), name="read-ahead", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Give up, and return when the thread is gone."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def finish(self) -> None:
        """Wait until all is read: the load would read the same bytes beside it."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, files: tuple[Path, ...], stop: threading.Event) -> None:
        buffer = bytearray(CHUNK)
        for path in files:
            try:
                with open(path, "rb", buffering=0) as file:
                    while not stop.is_set() and (count := file.readinto(buffer)):
                        self.read += count
            except OSError:
                return
