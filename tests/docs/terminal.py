"""A terminal of a page: one bash for all its snippets, so that folders and variables last from one to the next."""

import os
import select
import subprocess
import time
from pathlib import Path

# Stops a snippet at the first command that fails, and leaves the shell alive.
STRICT = "trap 'return' ERR\n"
ANSWERS = """
import sys, time, urllib.error, urllib.request
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    try:
        urllib.request.urlopen(sys.argv[1], timeout=10)
    except urllib.error.HTTPError:
        pass
    except (OSError, ValueError):
        time.sleep(0.05)
        continue
    sys.exit()
sys.exit(1)
"""


class Ended(Exception):
    """What was to run did not end in time, or took the shell with it."""


class Terminal:
    def __init__(self, command: list[str], environment: dict[str, str], runs: Path, inside) -> None:
        self._runs = runs
        self._inside = inside  # makes a command line run in the page's network
        self._status, told = os.pipe()
        self._told = told
        self._shell = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(told,), text=True, start_new_session=True,
        )
        os.close(told)

    def run(self, text: str, limit: float = 120) -> tuple[int, str]:
        """Runs it, strictly; its status, and all that it printed."""
        script, output = self._files(STRICT + text)
        told = self._told
        self._say(f". {script} </dev/null >{output} 2>&1 {told}>&-; echo $? >&{told}; trap - ERR\n")
        ready, _, _ = select.select([self._status], [], [], limit)
        answer = os.read(self._status, 16) if ready else b""
        printed = output.read_text(errors="replace")
        if not answer:
            raise Ended(f"{'the shell ended' if ready else f'it did not end within {limit:.0f} s'}\n{printed}")
        return int(answer), printed

    def start(self, text: str) -> Path:
        """Leaves it running; the file that gets what it prints."""
        script, output = self._files(text)
        self._say(f"( . {script} ) </dev/null >{output} 2>&1 {self._told}>&- &\n")
        return output

    def answers(self, url: str, limit: float) -> bool:
        """Whether the URL is answered, with whatever status, within the limit."""
        return subprocess.run(self._inside("python3", "-c", ANSWERS, url, str(limit)), check=False).returncode == 0

    def state(self) -> str:
        """What makes another terminal begin where this one is."""
        _, state = self.run("trap - ERR; declare -p | grep -Ev '^declare -[^ ]*(r|[aA])'; printf 'cd %q\\n' \"$PWD\"")
        return state

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        self._shell.stdin.close()
        os.close(self._status)

    def _files(self, text: str) -> tuple[Path, Path]:
        number = len(list(self._runs.iterdir()))
        script, output = self._runs / f"{number}.sh", self._runs / f"{number}.out"
        script.write_text(text)
        output.touch()
        return script, output

    def _say(self, line: str) -> None:
        try:
            self._shell.stdin.write(line)
            self._shell.stdin.flush()
        except BrokenPipeError:
            raise Ended("the shell has ended") from None


def appears(output: Path, wanted, limit: float) -> bool:
    """Whether `wanted(what was printed)` comes true within the limit."""
    end = time.monotonic() + limit
    while not (there := wanted(output.read_text(errors="replace"))) and time.monotonic() < end:
        time.sleep(0.05)
    return there
