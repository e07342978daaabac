#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What hostile clients cost others, and the broker: a well-behaved pair's latency and the broker's memory beside each.

The table is written to ATTACKS.md beside this file, or to --output.
"""

import argparse
import fnmatch
import os
import pathlib
import sys
import threading
import time
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests"))
os.environ.setdefault("TEST_PATIENCE", "120")

from Support.broker import Isthmus, clean_up, config  # noqa: E402
from hostile.attacks import ATTACKS, Attack  # noqa: E402
from hostile.pair import Pair  # noqa: E402

HEADER = """# Beside an attack

Written by `Benchmarks/attack.py`: what a well-behaved pair of clients, 500 messages a second, meets beside each attack
(`hostile/attacks.py`), and what the broker holds. Everything runs on the same cores, the attackers and the pair too, so
the pair waits for a core as well; a latency counts from when a message was due. Limits are the defaults, or the row
says so.

- Date: {date}
- Machine: {machine}
- {loops} event loops

| Attack | takes | pair p50 | p99 | max | memory at most | after |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures what attacks cost others.")
    parser.add_argument("--only", metavar="PATTERNS", default="*", help="names with wildcards, by commas (default: all)")
    parser.add_argument("--loops", type=int, default=2, help="event loops of the broker (default: 2)")
    parser.add_argument("--output", metavar="FILE", default=str(ROOT / "Benchmarks/ATTACKS.md"))
    parser.add_argument("--list", action="store_true", help="name the attacks and measure nothing")
    return parser.parse_args()


class Memory:
    """The largest resident memory while it is watched, in MB."""

    def __init__(self, broker: Isthmus):
        self.broker, self.most = broker, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.most = max(self.most, self.broker.resident_kib() // 1024)


def measured(attack: Attack, loops: int) -> str:
    extra = f"node.event_loops = {loops}\nlog.console.level = error\n{attack.extra}\n"
    broker = Isthmus(attack.name, lambda port: config(port, extra=extra)).start()
    try:
        pair = Pair(broker.address, attack.topic, attack.qos)
        pair.start()
        with Memory(broker) as memory:
            begin = time.monotonic()
            attack.run(broker)
            seconds = time.monotonic() - begin
        pair.stop()
        after = broker.resident_kib() // 1024
    finally:
        broker.kill()
    about = attack.about + (f" (`{attack.extra}`)" if attack.extra else "")
    return (f"| {about} | {seconds:.1f} s | {pair.quantile(0.5):.1f} ms | {pair.quantile(0.99):.1f} ms "
            f"| {pair.latencies[-1]:.0f} ms | {memory.most} MB | {after} MB |")


def rows(arguments: argparse.Namespace) -> Iterator[str]:
    patterns = arguments.only.split(",")
    for attack in ATTACKS:
        if any(fnmatch.fnmatch(attack.name, pattern) for pattern in patterns):
            row = measured(attack, arguments.loops)
            print(row, flush=True)
            yield row


def main() -> int:
    arguments = parse_arguments()
    if arguments.list:
        print("\n".join(f"{attack.name:24} {attack.about}" for attack in ATTACKS))
        return 0
    header = HEADER.format(date=time.strftime("%Y-%m-%d"), loops=arguments.loops,
                           machine=f"{os.cpu_count()} cores, Linux {os.uname().release}")
    try:
        table = list(rows(arguments))
    finally:
        clean_up(False)
    pathlib.Path(arguments.output).write_text(header + "\n".join(table) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
