"""Does the memory of a loaded service keep growing?

A real service gets a constant stream of traces in which everything that can be new is new: trace, span and response
ids, users, conversations, now and then a model nobody has heard of. Its memories (response ids, counted traces, label
values) are set small, and those of fixed size (text that repeats, models without a price) are full when warming up
ends; from then on resident memory must stay level. The level is the median of a tenth of the samples: one garbage
collection more or less does not decide.

    python -m bench.soak --seconds 600 --spans-per-second 3000 --allowed-growth 0.05
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import statistics
import sys
import time

from bench import payload, sender
from bench.service import Scrape, Service

ENVIRONMENT = {
    "GENAI_EXPORTER_ASSEMBLY__SETTLE_SECONDS": "3",
    "GENAI_EXPORTER_ASSEMBLY__LATE_SECONDS": "5",
    "GENAI_EXPORTER_ASSEMBLY__RESPONSE_ID_MEMORY": "5000",
    "GENAI_EXPORTER_METRICS__IDLE_SECONDS": "20",
    "GENAI_EXPORTER_LOG__LEVEL": "error",
}
STAMPS = 0x30000000
WARM_UP = 0.6


def main(arguments: list[str] | None = None) -> int:
    """Run the soak; 0 when memory stayed level and nothing was lost, else 1."""
    parser = argparse.ArgumentParser(prog="soak", description="Watch the memory of a loaded service.")
    parser.add_argument("--seconds", type=float, default=600, help="how long (default 600)")
    parser.add_argument("--spans-per-second", type=float, default=3000, help="constant load (default 3000)")
    parser.add_argument(
        "--allowed-growth", type=float, default=0.05, help="share by which memory may grow after warming up (0.05)"
    )
    options = parser.parse_args(arguments)
    with Service(environment=ENVIRONMENT) as service:
        levels, sent, reading = _run(service, options.seconds, options.spans_per_second)
    warm = levels[int(len(levels) * WARM_UP) :]
    tenth = max(1, len(warm) // 10)
    first, last = statistics.median(warm[:tenth]), statistics.median(warm[-tenth:])
    growth = last / first - 1
    lost = sent.spans - reading.total("genai_exporter_spans_total", result="recorded")
    print(f"{sent.spans} spans in {options.seconds:.0f} s; {sent.waits} times asked to wait")
    print(
        f"resident: {levels[0] / 1e6:.1f} MB at start, {first / 1e6:.1f} MB when warm, {last / 1e6:.1f} MB at the end"
    )
    print(f"growth after warming up: {growth:+.1%} (allowed {options.allowed_growth:+.1%})")
    print(f"failed requests: {sent.failed}, spans rejected: {sent.rejected}, spans not recorded: {lost:.0f}")
    if growth > options.allowed_growth or sent.failed or sent.rejected or lost:
        print("FAILED")
        return 1
    return 0


def _run(service: Service, seconds: float, spans_per_second: float) -> tuple[list[int], sender.Sent, Scrape]:
    """Load the service at a steady pace; resident bytes after every second of it."""
    originals = payload.bodies("off", 10, now=time.time(), churn=True)
    levels = [service.resident_bytes()]
    sent = sender.Sent()
    start = time.monotonic()
    for number in itertools.count():
        ahead = number * originals[0].spans / spans_per_second
        if ahead >= seconds:
            break
        time.sleep(max(0.0, start + ahead - time.monotonic()))
        body = originals[number % len(originals)].restamped(STAMPS + number)
        try:
            one = sender.send(service.http_port, [(body, sender.compress(body.raw, 1))])
        except (OSError, http.client.HTTPException) as error:
            raise SystemExit(f"the service stopped answering after {sent.spans} spans: {error}") from error
        sent = sender.Sent(*(a + b for a, b in zip(sent, one, strict=True)))
        if ahead >= len(levels):
            levels.append(service.resident_bytes())
            service.scrape()
    return levels, sent, service.settled(sent.spans)


if __name__ == "__main__":
    sys.exit(main())
