# SPDX-License-Identifier: Apache-2.0
"""Rows about what a broker holds: connections that come, stay or go, retained messages, subscriptions, sessions.

Heavy rows have a few rounds only, and a smaller row of the same situation is part of a QUICK run.
"""

from .row import HANDSHAKES, Measure, Row

CONNECTS = (
    Measure("connects", "answered", "conn/s", True, "broker_ns"),
    Measure("core_connects", "computed from the broker's CPU time", "conn/s", True, of_process=True),
)
STORM = (Measure("rate", "", "clients/s", True, "broker_ns"),)
CHURN = (
    Measure("rate", "clients", "clients/s", True, "broker_ns"),
    Measure("bytes", "left behind", "B/client", False, of_process=True),
)
RETAINED = (
    Measure("set_rate", "set", "msg/s", True, "set_ns"),
    Measure("rate", "received by a new subscriber to #", "msg/s", True, "broker_ns"),
    Measure("bytes", "memory beyond the payload", "B/msg", False, of_process=True),
)
SUBSCRIPTIONS = (
    Measure("subscribes", "made", "sub/s", True, "subscribe_ns"),
    Measure("bytes", "memory", "B/sub", False, of_process=True),
    Measure("hot_rate", "messages to one topic", "msg/s", True, "hot_ns"),
    Measure("rate", "messages to random topics", "msg/s", True, "broker_ns"),
)
SESSIONS = (
    Measure("make_rate", "made", "sessions/s", True, "make_ns"),
    Measure("bytes_session", "memory", "B/session", False, of_process=True),
    Measure("queue_rate", "messages queued", "msg/s", True, "queue_ns"),
    Measure("bytes_message", "memory of a queued message, payload and all", "B/msg", False, of_process=True),
    Measure("rate", "1,000 resumed and emptied", "sessions/s", True, "broker_ns"),
)
START = (
    Measure("start", "exec to first CONNACK", "µs", False, "broker_ns"),
    Measure("bytes", "memory of the fresh process", "B", False, of_process=True),
)

MESSAGES_A_SESSION = 5
SUBSCRIBERS = 1000


def _connections(connections: int) -> list[Row]:
    return [
        Row("connect-backlog", "64 clients that wait in the backlog", "Connections", "backlog",
            ("--connections", str(connections)), CONNECTS, needs=frozenset({"start"}), quick=True),
        Row("storm-10000", f"{connections:,} clients connect and subscribe at once", "Connections", "storm",
            ("--connections", str(connections)), STORM, quick=True),
        Row("churn", "come, subscribe, publish one, go", "Connections", "churn", (), CHURN, duration=2.0, quick=True),
        Row("start", "Start", "Connections", "start", (), START, needs=frozenset({"start"}), quick=True),
        Row("tls-idle-10000", f"TLS 1.3, {connections:,} connections, full handshakes", "TLS and WebSocket", "idle",
            ("--tls", "13", "--connections", str(connections)), HANDSHAKES, needs=frozenset({"tls"}), rounds=3),
    ]


def _retained(qos: int, quick: bool) -> Row:
    return Row(f"retained-{qos}", f"100,000 retained messages of 100 B, received at QoS {qos}", "State", "retained",
               ("--messages", "100000", "--size", "100", "--qos", str(qos)), RETAINED,
               needs=frozenset({"retained", "wildcards"}), quick=quick)


def _subscriptions(filters: int, quick: bool = False, rounds: int = 0) -> Row:
    count = SUBSCRIBERS * filters
    return Row(f"subscriptions-{count}", f"{count:,} subscriptions", "State", "subscriptions",
               ("--connections", str(SUBSCRIBERS), "--filters", str(filters), "--window", "16384"), SUBSCRIPTIONS,
               needs=frozenset({"wildcards"}), quick=quick, rounds=rounds)


def _sessions(count: int, needs: frozenset[str], quick: bool = False, rounds: int = 0) -> Row:
    return Row(f"sessions-{count}", f"{count:,} sessions, {MESSAGES_A_SESSION} queued messages of 100 B each", "State",
               "sessions", ("--connections", str(count), "--messages", str(MESSAGES_A_SESSION), "--size", "100",
                            "--qos", "1"), SESSIONS, needs=needs, quick=quick, rounds=rounds)


def state_rows(connections: int) -> list[Row]:
    """`connections` is how many this machine can open at once."""
    return [
        *_connections(min(connections, 10_000)),
        _retained(0, quick=False),
        _retained(1, quick=True),
        _subscriptions(100, quick=True),
        _subscriptions(1000, rounds=3),
        _sessions(20_000, frozenset({"sessions"}), quick=True),
        _sessions(100_000, frozenset({"sessions", "many-sessions"}), rounds=3),
    ]
