# SPDX-License-Identifier: Apache-2.0
"""What a row is: one situation, the arguments of the load generator, the measures it yields, what it needs of a broker.

Nothing here starts a process or knows a broker. The rows themselves are in rows.py.
"""

from dataclasses import dataclass

CHAPTERS = ("Messages", "Latency", "Connections", "State", "TLS and WebSocket", "With the stock plugins", "Loops and fairness")

# Chapters that hold a variant of a broker against the broker itself: what stands behind its name in the variant's.
VARIANTS = {"With the stock plugins": "-plugins"}


@dataclass(frozen=True)
class Measure:
    """One figure of a row: its key in the generator's JSON, and how to read it."""

    key: str
    title: str
    unit: str
    higher_is_better: bool
    cpu_key: str = ""  # the broker's CPU time that belongs to the figure
    of_process: bool = False  # there is no such figure without the broker's process id


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    chapter: str
    mode: str
    arguments: tuple[str, ...]
    measures: tuple[Measure, ...]
    duration: float = 1.0  # times the seconds of a round
    needs: frozenset[str] = frozenset()  # what not every broker offers; see brokers.py
    rounds: int = 0  # at most; 0 = as many as are asked for
    times: int = 1  # as many, so many times over: what single moments of the machine would decide
    quick: bool = False  # part of a QUICK run: one size of a situation

    def __post_init__(self) -> None:
        if self.chapter not in CHAPTERS:
            raise ValueError(f"Row {self.name}: there is no chapter \"{self.chapter}\"; there are {', '.join(CHAPTERS)}.")


RATE = (Measure("rate", "", "msg/s", True, "broker_ns"),)
LATENCY = (
    Measure("p50", "p50", "µs", False, "broker_ns"),
    Measure("p99", "p99", "µs", False),
    Measure("p999", "p99.9", "µs", False),
    Measure("max", "max", "µs", False),
)
IDLE = (
    Measure("connects", "connect rate", "conn/s", True, "broker_ns"),
    Measure("bytes", "memory", "B/conn", False, of_process=True),
)
HANDSHAKES = (
    Measure("connects", "handshakes", "conn/s", True, "broker_ns"),
    Measure("bytes", "memory", "B/conn", False, of_process=True),
)
