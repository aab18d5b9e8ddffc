"""What a process prints, kept line by line, for a test to wait for."""

import threading
from typing import IO


class Printed:
    def __init__(self, stream: IO[str]) -> None:
        self.lines: list[str] = []
        self._stream = stream
        self._heard = threading.Condition()
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        for line in self._stream:
            with self._heard:
                self.lines.append(line.rstrip("\n"))
                self._heard.notify_all()
        with self._heard:
            self._stream.close()
            self._heard.notify_all()

    def hear(self, words: str, seconds: float) -> str:
        """Waits for a line with these words, and gives it; AssertionError when the process ends first, or time does."""
        def found() -> str | None:
            return next((line for line in self.lines if words in line), None)

        with self._heard:
            self._heard.wait_for(lambda: found() is not None or self._stream.closed, seconds)
            line = found()
        if line is None:
            raise AssertionError(f"no line with {words!r}:\n" + "\n".join(self.lines))
        return line

    def join(self) -> None:
        """Waits until all is read that was printed."""
        self._listening.join()
