# SPDX-License-Identifier: Apache-2.0
"""What is measured: every row in the order of the tables.

A situation that is measured at several payload lengths has its first length in QUICK runs.
"""

import fnmatch

from .row import HANDSHAKES, IDLE, LATENCY, RATE, Row
from .rows_state import state_rows


def _sizes(name: str, title: str, windows: dict[int, int], *arguments: str, quick: bool = True,
           chapter: str = "Messages", needs: frozenset[str] = frozenset()) -> list[Row]:
    """The same situation at several payload lengths; `windows` is messages in the window by payload length."""
    return [
        Row(f"{name}-{_short(size)}", f"{title}, {_long(size)}", chapter, "throughput",
            ("--size", str(size), *arguments, "--window", str(window)), RATE, needs=needs, quick=quick and number == 0)
        for number, (size, window) in enumerate(windows.items())
    ]


def _secure(name: str, title: str, windows: dict[int, int], *arguments: str, quick: bool = True) -> list[Row]:
    return _sizes(f"tls-{name}", f"TLS 1.3, {title}", windows, "--tls", "13", *arguments, quick=quick,
                  chapter="TLS", needs=frozenset({"tls"}))


def _short(size: int) -> str:
    return f"{size // 1024}k" if size >= 1024 else str(size)


def _long(size: int) -> str:
    return f"{size // 1024} KB" if size >= 1024 else f"{size} B"


def _messages() -> list[Row]:
    """Windows are 128 to 512 KB of payload and headers on the way at most."""
    return [
        *_sizes("qos0-1-1", "QoS 0, 1→1", {16: 4096, 256: 1024}),
        *_sizes("qos0-1-100", "QoS 0, 1→100", {16: 1024, 256: 512, 16384: 16}, "--subscribers", "100"),
        *_sizes("qos0-100-1", "QoS 0, 100→1", {16: 128, 256: 16}, "--publishers", "100", quick=False),
        *_sizes("qos0-pairs", "QoS 0, 50 pairs, saturated", {16: 256, 256: 32}, "--groups", "50"),
        *_sizes("qos0-pairs-one", "QoS 0, 50 pairs, one in flight", {16: 1, 256: 1}, "--groups", "50"),
        *_sizes("qos1-1-1", "QoS 1, 1→1", {16: 1000, 256: 1000}, "--qos", "1"),
        *_sizes("qos1-1-100", "QoS 1, 1→100", {16: 500, 256: 500}, "--qos", "1", "--subscribers", "100", quick=False),
        *_sizes("qos2-1-1", "QoS 2, 1→1", {16: 1000, 256: 1000}, "--qos", "2"),
    ]


def _latency() -> list[Row]:
    return [
        Row("latency-5000", "5,000 msg/s over 50 pairs", "Latency", "latency",
            ("--groups", "50", "--rate", "5000"), LATENCY, duration=2.0, quick=True),
    ]


def _connections(connections: int) -> list[Row]:
    return [
        Row("idle-10000", f"{connections:,} connections, one subscription each", "Connections", "idle",
            ("--connections", str(connections)), IDLE, quick=True),
    ]


def _tls(connections: int) -> list[Row]:
    return [
        *_secure("qos0-1-1", "QoS 0, 1→1", {16: 4096, 256: 1024, 16384: 16}),
        *_secure("qos0-1-100", "QoS 0, 1→100", {256: 512}, "--subscribers", "100", quick=False),
        *_secure("qos0-pairs-one", "QoS 0, 50 pairs, one in flight", {16: 1}, "--groups", "50", quick=False),
        Row("tls-idle-2000", f"TLS 1.3, {connections:,} connections, full handshakes", "TLS", "idle",
            ("--tls", "13", "--connections", str(connections)), HANDSHAKES, needs=frozenset({"tls"}), quick=True),
    ]


def all_rows(connections: int) -> list[Row]:
    """Every row; `connections` is how many this machine can open at once."""
    return [*_messages(), *_latency(), *_connections(min(connections, 10_000)), *_tls(min(connections, 2000)),
            *state_rows(connections)]


def select(rows: list[Row], patterns: str) -> list[Row]:
    """Rows whose name matches one of the comma-separated shell patterns."""
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    chosen = [row for row in rows if any(fnmatch.fnmatchcase(row.name, pattern) for pattern in wanted)]
    for pattern in wanted:
        if not any(fnmatch.fnmatchcase(row.name, pattern) for row in rows):
            raise ValueError(f"No row matches \"{pattern}\"; --list shows their names.")
    return chosen
