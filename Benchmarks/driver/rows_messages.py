# SPDX-License-Identifier: Apache-2.0
"""The rows of messages: how many a second, how late, how fair, whatever lies under MQTT.

Windows are messages by payload length: 128 to 512 KB of PUBLISH packets on the way to a subscriber, 8 to 16 KB to each of
50 pairs, 4 to 8 KB from each of 100 publishers. At QoS 1 and 2 there are 1,000 messages in flight at most, or the same
number of bytes.
"""

import dataclasses

from .row import HANDSHAKES, IDLE, LATENCY, Measure, RATE, Row

SHARES = (
    *RATE,
    Measure("least_share", "smallest share of a member, of an even one", "%", True),
)
FAIRNESS = (
    Measure("alone_p99", "p99 alone", "µs", False),
    Measure("p99", "p99 beside it", "µs", False, "broker_ns"),
    Measure("ratio", "p99 beside it / alone", "×", False),
)
SLOW = (
    Measure("kept", "what the 10 keep of their rate", "%", True, "broker_ns"),
    Measure("kept_late", "what they keep in the second half", "%", True),
    Measure("longest_pause", "longest pause", "ms", False),
    Measure("bytes", "memory for each that does not read", "B/conn", False, of_process=True),
    Measure("bytes_late", "of that in the second half", "B/conn", False, of_process=True),
)
LOOPS = (
    Measure("ns_one", "CPU time of a message, one loop", "ns", False, of_process=True),
    Measure("ns_two", "CPU time of a message, two loops", "ns", False, of_process=True),
    Measure("ns_ratio", "two loops / one", "×", False, of_process=True),
    Measure("computed_rate", "rate with a core for each loop (computed)", "msg/s", True, of_process=True),
)

FAN_OUT = ("--subscribers", "100")
FAN_IN = ("--publishers", "100")
PAIRS = ("--groups", "50")
QUEUES = frozenset({"limited-queues"})


def _sizes(name: str, title: str, windows: dict[int, int], *arguments: str, quick: bool = True,
           chapter: str = "Messages", needs: frozenset[str] = frozenset()) -> list[Row]:
    """The same situation at several payload lengths; `windows` is messages in the window by payload length."""
    return [
        Row(f"{name}-{_short(size)}", f"{title}, {_long(size)}", chapter, "throughput",
            ("--size", str(size), *arguments, "--window", str(window)), RATE, needs=needs, quick=quick and number == 0)
        for number, (size, window) in enumerate(windows.items())
    ]


def _short(size: int) -> str:
    return f"{size // 1024}k" if size >= 1024 else str(size)


def _long(size: int) -> str:
    return f"{size // 1024} KB" if size >= 1024 else f"{size} B"


def messages() -> list[Row]:
    return [
        *_sizes("qos0-1-1", "QoS 0, 1→1", {16: 4096, 256: 1024, 4096: 64}),
        *_sizes("qos0-1-100", "QoS 0, 1→100", {16: 1024, 256: 512, 4096: 64, 16384: 16}, *FAN_OUT),
        *_sizes("qos0-100-1", "QoS 0, 100→1", {16: 128, 256: 16, 4096: 2}, *FAN_IN, quick=False),
        *_sizes("qos0-pairs", "QoS 0, 50 pairs, saturated", {16: 256, 256: 32, 4096: 4}, *PAIRS),
        *_acknowledged(1),
        *_acknowledged(2),
        *_one_in_flight(0),
        *_one_in_flight(1),
        *_one_in_flight(2),
        *_shared(),
    ]


def _acknowledged(qos: int) -> list[Row]:
    arguments, title = ("--qos", str(qos)), f"QoS {qos}"
    return [
        *_sizes(f"qos{qos}-1-1", f"{title}, 1→1", {16: 1000, 256: 1000, 4096: 64}, *arguments),
        *_sizes(f"qos{qos}-1-100", f"{title}, 1→100", {16: 500, 256: 500, 4096: 32}, *arguments, *FAN_OUT, quick=False),
        *_sizes(f"qos{qos}-100-1", f"{title}, 100→1", {16: 10, 256: 10, 4096: 2}, *arguments, *FAN_IN, quick=False),
        *_sizes(f"qos{qos}-pairs", f"{title}, 50 pairs, saturated", {16: 100, 256: 100, 4096: 4}, *arguments, *PAIRS,
                quick=False),
    ]


def _one_in_flight(qos: int) -> list[Row]:
    windows = {16: 1, 256: 1, 4096: 1}
    arguments, title = ("--qos", str(qos)), f"QoS {qos}"
    return [
        *_sizes(f"qos{qos}-1-1-one", f"{title}, 1→1, one in flight", windows, *arguments, quick=False),
        *_sizes(f"qos{qos}-1-100-one", f"{title}, 1→100, one in flight", {16: 1}, *arguments, *FAN_OUT, quick=False),
        *_sizes(f"qos{qos}-pairs-one", f"{title}, 50 pairs, one in flight", windows, *arguments, *PAIRS, quick=qos == 0),
    ]


def _shared() -> list[Row]:
    group = ("--subscribers", "10", "--shared")
    rows = [
        *_sizes("qos0-shared", "QoS 0, 1→shared group of 10", {16: 4096}, *group, needs=frozenset({"shared"})),
        *_sizes("qos1-shared", "QoS 1, 1→shared group of 10", {16: 1000}, *group, "--qos", "1", quick=False,
                needs=frozenset({"shared"})),
    ]
    return [dataclasses.replace(row, measures=SHARES) for row in rows]


def latency() -> list[Row]:
    def row(name: str, title: str, *arguments: str, measures: tuple[Measure, ...] = LATENCY, quick: bool = False) -> Row:
        return Row(f"latency-{name}", title, "Latency", "latency", (*PAIRS, *arguments), measures, duration=2.0, times=4,
                   quick=quick)

    published = Measure("published_rate", "published", "msg/s", True)
    return [
        row("1000", "1,000 msg/s over 50 pairs", "--rate", "1000"),
        row("5000", "5,000 msg/s over 50 pairs", "--rate", "5000", quick=True),
        row("40000", "40,000 msg/s over 50 pairs", "--rate", "40000"),
        row("half", "half of each broker's saturation over 50 pairs", "--percent", "50", "--window", "256",
            measures=(published, *LATENCY)),
    ]


def tls(connections: int) -> list[Row]:
    def sizes(name: str, title: str, windows: dict[int, int], *arguments: str, quick: bool = True) -> list[Row]:
        return _sizes(f"tls-{name}", f"TLS 1.3, {title}", windows, "--tls", "13", *arguments, quick=quick,
                      chapter="TLS and WebSocket", needs=frozenset({"tls"}))

    return [
        *sizes("qos0-1-1", "QoS 0, 1→1", {16: 4096, 256: 1024, 16384: 16}),
        *sizes("qos0-1-100", "QoS 0, 1→100", {256: 512}, *FAN_OUT, quick=False),
        *sizes("qos0-pairs-one", "QoS 0, 50 pairs, one in flight", {16: 1}, *PAIRS, quick=False),
        Row("tls-idle-2000", f"TLS 1.3, {connections:,} connections, full handshakes", "TLS and WebSocket", "idle",
            ("--tls", "13", "--connections", str(connections)), HANDSHAKES, needs=frozenset({"tls"}), quick=True),
    ]


def websocket(connections: int) -> list[Row]:
    needs = frozenset({"websocket"})
    return [
        *_sizes("ws-qos0-1-1", "WebSocket, QoS 0, 1→1", {16: 4096, 256: 1024}, "--ws", chapter="TLS and WebSocket",
                needs=needs),
        Row("ws-idle-10000", f"WebSocket, {connections:,} connections, one subscription each", "TLS and WebSocket", "idle",
            ("--ws", "--connections", str(connections)), IDLE, needs=needs, rounds=3),
    ]


def fairness() -> list[Row]:
    chapter = "Loops and fairness"
    return [
        Row("fairness", "A quiet pair (1,000 msg/s) beside a saturating one", chapter, "fairness",
            ("--rate", "1000", "--window", "4096"), FAIRNESS, duration=2.0, quick=True),
        *[Row(f"slow-qos{qos}", f"10 receivers beside 1,000 that do not read, QoS {qos}, 5,000 msg/s of 256 B", chapter,
              "slow", ("--subscribers", "10", "--slow-receivers", "1000", "--qos", str(qos), "--size", "256", "--rate", "5000",
                       "--window", "500"), SLOW, duration=12.0, needs=QUEUES, rounds=3)
          for qos in (0, 1)],
        Row("loops-pairs-16", "Two loops, QoS 0, 50 pairs, 16 B", chapter, "throughput", (*PAIRS, "--window", "256"), LOOPS,
            needs=frozenset({"two-loops"})),
    ]
