# SPDX-License-Identifier: Apache-2.0
"""What is measured: one row per situation, with the arguments of the load generator and the measures it yields.

Nothing here starts a process or knows a broker.
"""

import dataclasses
import fnmatch
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One figure of a row: its key in the generator's JSON, and how to read it."""

    key: str
    title: str
    unit: str
    higher_is_better: bool
    cpu_key: str = ""  # the broker's CPU time that belongs to the figure


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    mode: str
    arguments: tuple[str, ...]
    measures: tuple[Measure, ...]
    duration: float = 1.0  # times the seconds of a round
    tls: bool = False


RATE = (Measure("rate", "", "msg/s", True, "broker_ns"),)
LATENCY = (
    Measure("p50", "p50", "µs", False, "broker_ns"),
    Measure("p99", "p99", "µs", False),
    Measure("p999", "p99.9", "µs", False),
    Measure("max", "max", "µs", False),
)
IDLE = (
    Measure("connects", "connect rate", "conn/s", True, "broker_ns"),
    Measure("bytes", "memory", "B/conn", False),
)


HANDSHAKES = (
    Measure("connects", "handshakes", "conn/s", True, "broker_ns"),
    Measure("bytes", "memory", "B/conn", False),
)


def _throughput(name: str, title: str, window: int, *arguments: str) -> Row:
    return Row(name, title, "throughput", (*arguments, "--window", str(window)), RATE)


def _sizes(name: str, title: str, windows: dict[int, int], *arguments: str) -> list[Row]:
    """The same situation at several payload lengths; `windows` is messages in the window by payload length."""
    return [
        _throughput(f"{name}-{_short(size)}", f"{title}, {_long(size)}", window, "--size", str(size), *arguments)
        for size, window in windows.items()
    ]


def _secure(name: str, title: str, windows: dict[int, int], *arguments: str) -> list[Row]:
    plain = _sizes(f"tls-{name}", f"TLS 1.3, {title}", windows, "--tls", "13", *arguments)
    return [dataclasses.replace(row, tls=True) for row in plain]


def _short(size: int) -> str:
    return f"{size // 1024}k" if size >= 1024 else str(size)


def _long(size: int) -> str:
    return f"{size // 1024} KB" if size >= 1024 else f"{size} B"


def all_rows(connections: int) -> list[Row]:
    """Every row, in the order of the table. Windows are 128 to 512 KB of payload and headers on the way at most."""
    return [
        *_sizes("qos0-1-1", "QoS 0, 1→1", {16: 4096, 256: 1024}),
        *_sizes("qos0-1-100", "QoS 0, 1→100", {16: 1024, 256: 512, 16384: 16}, "--subscribers", "100"),
        *_sizes("qos0-100-1", "QoS 0, 100→1", {16: 128, 256: 16}, "--publishers", "100"),
        *_sizes("qos0-pairs", "QoS 0, 50 pairs, saturated", {16: 256, 256: 32}, "--groups", "50"),
        *_sizes("qos0-pairs-one", "QoS 0, 50 pairs, one in flight", {16: 1, 256: 1}, "--groups", "50"),
        *_sizes("qos1-1-1", "QoS 1, 1→1", {16: 1000, 256: 1000}, "--qos", "1"),
        *_sizes("qos1-1-100", "QoS 1, 1→100", {16: 500, 256: 500}, "--qos", "1", "--subscribers", "100"),
        *_sizes("qos2-1-1", "QoS 2, 1→1", {16: 1000, 256: 1000}, "--qos", "2"),
        Row("latency-5000", "Latency, 5,000 msg/s over 50 pairs", "latency",
            ("--groups", "50", "--rate", "5000"), LATENCY, duration=2.0),
        Row("idle-10000", f"{connections:,} connections, one subscription each", "idle",
            ("--connections", str(connections)), IDLE),
        *_secure("qos0-1-1", "QoS 0, 1→1", {16: 4096, 256: 1024, 16384: 16}),
        *_secure("qos0-1-100", "QoS 0, 1→100", {256: 512}, "--subscribers", "100"),
        *_secure("qos0-pairs-one", "QoS 0, 50 pairs, one in flight", {16: 1}, "--groups", "50"),
        Row("tls-idle-2000", f"TLS 1.3, {min(connections, 2000):,} connections, full handshakes", "idle",
            ("--tls", "13", "--connections", str(min(connections, 2000))), HANDSHAKES, tls=True),
    ]


def select(rows: list[Row], patterns: str) -> list[Row]:
    """Rows whose name matches one of the comma-separated shell patterns."""
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    chosen = [row for row in rows if any(fnmatch.fnmatchcase(row.name, pattern) for pattern in wanted)]
    for pattern in wanted:
        if not any(fnmatch.fnmatchcase(row.name, pattern) for row in rows):
            raise ValueError(f"No row matches \"{pattern}\"; --list shows their names.")
    return chosen
