"""Load by h2load and wrk, bounded in number and time."""

import re
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

from asked import CHECK, HOST


@dataclass(frozen=True)
class Measured:
    """What a load printed: requests, requests a second, and latencies in microseconds."""

    requests: int
    rate: float
    p50: float
    p99: float


class Refused(Exception):
    """Something was not answered as it should have been."""


def grpc(
    address: str, body: Path, requests: int, connections: int = 1, streams: int = 8, rate: float | None = None
) -> Measured:
    """So many checks over HTTP/2; at this many a second in all, where a rate is given."""
    log = body.with_suffix(".log")
    log.unlink(missing_ok=True)
    command = ["h2load", "--data", str(body), "--requests", str(requests), "--clients", str(connections)]
    command += ["--threads", "1", "--max-concurrent-streams", str(streams), "--log-file", str(log)]
    command += ["--header", "content-type: application/grpc", "--header", "te: trailers"]
    if rate:
        command += ["--rps", str(max(1, round(rate / connections)))]
    said = _run([*command, f"http://{address}{CHECK}"])
    if f"{requests} succeeded" not in said or f"{requests} 2xx" not in said:
        raise Refused(f"not every check was answered:\n{said}")
    found = re.search(r"([\d.]+) req/s", said)
    latencies = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
    log.unlink()
    return Measured(requests, float(found[1]) if found else 0.0, statistics.median(latencies), _share(latencies, 0.99))


def http(
    address: str, path: str, headers: dict[str, str], seconds: float, connections: int = 8, status: int = 200
) -> Measured:
    """As fast as so many connections can, for so long; every answer has to have this class of status."""
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds:g}s"]
    command += ["--latency", "--header", f"Host: {HOST}"]
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    said = _run([*command, f"http://{address}{path}"])
    # wrk counts as an error what is neither 2xx nor 3xx.
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    total = re.search(r"(\d+) requests in", said)
    is_denial = status >= 400
    if "Socket errors" in said or not total or (int(failed[1]) if failed else 0) != int(total[1]) * is_denial:
        raise Refused(f"{path} was not always answered with {status}:\n{said}")
    latency = dict(re.findall(r"^\s+(50|99)%\s+(\S+)$", said, re.MULTILINE))
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p50, p99 = _microseconds(latency["50"]), _microseconds(latency["99"])
    return Measured(int(total[1]), float(rate[1]) if rate else 0.0, p50, p99)


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise Refused(f"{' '.join(command[:1])} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def _share(values: list[int], share: float) -> float:
    return float(values[min(len(values) - 1, int(len(values) * share))])


def _microseconds(text: str) -> float:
    units = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7}
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * units[unit]
