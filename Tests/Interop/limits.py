# SPDX-License-Identifier: Apache-2.0
# Who may connect, how often, and how much one client may ask of a broker; nobody else notices who is over the limit.
import re
import select
import signal
import socket
import time

from Support import mqtt
from Support.broker import Isthmus, config
from Support.client import Client
from Support.ports import free_port
from Support.suite import behaviour, check
from Support.wait import equal, until

MANY = 60


def limited(case, options, extra=""):
    """A broker with a second listener `limited`; its port is `broker.limited`."""
    port = free_port()
    broker = Isthmus("limits", lambda own: config(own, extra=(
        f'listeners.tcp.limited {{ bind = "127.0.0.1:{port}"\n{options}\n}}\n' + extra)))
    broker.limited = port
    case.finally_(broker.kill)
    broker.start()
    until(lambda: f"tcp:limited 127.0.0.1:{port}" in broker.log, "the listener is open")
    return broker


def connected(port, name, version=5, **options):
    return Client(("127.0.0.1", port), version, name).open(**options)


def over_its_rate(case, options, payload):
    broker = limited(case, options)
    receiver = connected(broker.port, "receiver")
    receiver.subscribe("t")
    fast, other = connected(broker.limited, "fast"), connected(broker.limited, "other")
    fast.send(b"".join(mqtt.publish(5, "t", b"%d " % i + payload, 1, pid=i + 1) for i in range(MANY)))
    fast.take(mqtt.PUBACK, pid=1)
    # The other client of the same listener is served at once, while the fast one waits.
    other.publish("elsewhere", b"x", qos=1)
    came = sum(1 for one in receiver.inbox if one.type == mqtt.PUBLISH)
    check(came < MANY, "the fast client was not slowed down")
    for i in range(MANY):
        equal(receiver.receive().payload, b"%d " % i + payload, "the next message")
    for i in range(1, MANY):
        fast.take(mqtt.PUBACK, pid=i + 1)
    fast.ping()


@behaviour()
def messages_rate(case):
    """A client over messages_rate is not read for a while, others are; all its messages arrive, in order."""
    over_its_rate(case, 'messages_rate = "50/s"', b"")


@behaviour()
def bytes_rate(case):
    """A client over bytes_rate is not read for a while, others are; all its messages arrive, in order."""
    over_its_rate(case, 'bytes_rate = "20KB/s"', b"x" * 400)


@behaviour()
def messages_burst(case):
    """A burst lets a client publish beyond its rate for once."""
    broker = limited(case, 'messages_rate = "1/h", messages_burst = "50/h"')
    client = connected(broker.limited, "c")
    for _ in range(51):
        client.publish("t", b"x", qos=1)
    client.send(mqtt.publish(5, "t", b"x", 1, pid=1000))
    other = connected(broker.limited, "other")
    for _ in range(51):
        other.publish("t", b"x", qos=1)
    check(not client.inbox, f"the 52nd message was taken: {client.inbox!r}")


@behaviour()
def a_slow_client_is_not_a_silent_one(case):
    """A client that waits for its rate is not cut off for silence."""
    broker = limited(case, 'bytes_rate = "1KB/s"', "mqtt.keepalive_multiplier = 1\n")
    client = connected(broker.limited, "c", keepalive=1)
    client.publish("t", b"x" * 3000, qos=1)
    # It is heard again in two seconds, and its keep-alive is one.
    client.publish("t", b"y", qos=1)


@behaviour()
def max_conn_rate(case):
    """Connections over max_conn_rate wait in the backlog until it is their turn; none is lost."""
    broker = limited(case, 'max_conn_rate = "5/s"')
    started = time.monotonic()
    sockets = []
    for i in range(12):
        client = Client(("127.0.0.1", broker.limited), 5, f"c{i}")
        client.send(mqtt.connect(5, f"c{i}", True))
        sockets.append(client)
    # The other listener has no limit.
    connected(broker.port, "other").ping()
    for client in sockets:
        client.expect(mqtt.CONNACK, reason=0)
    # 5 at once, then 5 a second: the twelfth after 1.4 s.
    check(time.monotonic() - started > 1.2, "twelve connections came in at once")


@behaviour()
def access_rules(case):
    """Who is not let in by access_rules is closed at once."""
    broker = limited(case, 'access_rules = ["deny 127.0.0.66", "allow 127.0.0.0/8", "deny all"]')
    connected(broker.limited, "c")
    client = socket.create_connection(("127.0.0.1", broker.limited), source_address=("127.0.0.66", 0), timeout=15)
    try:
        equal(client.recv(1), b"", "what the broker sends")
    except ConnectionResetError:
        pass
    until(lambda: re.search(r"127\.0\.0\.66:\d+ is turned away by access_rules", broker.log), "the log says so")


@behaviour()
def a_client_that_never_reads(case):
    """A client that asks and never reads is not read itself; the broker stays small and serves others. When it
    reads, every answer is there."""
    broker = limited(case, "tcp_options { sndbuf = 16KB, recbuf = 16KB, high_watermark = 64KB, send_timeout = 60s }")
    greedy = socket.socket()
    greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    greedy.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
    greedy.connect(("127.0.0.1", broker.limited))
    greedy.sendall(mqtt.connect(4, "greedy", True))
    case.finally_(greedy.close)
    other = connected(broker.port, "other")
    before = broker.resident_kib()
    greedy.setblocking(False)
    pings, asked, stuck = mqtt.pingreq() * 4096, 0, 0
    # Nothing is taken from it any more, while the other client goes round many times.
    while stuck < 50:
        try:
            asked += greedy.send(pings[asked % 2:])
            stuck = 0
            check(asked < 64 << 20, "64 MB of PINGREQ were read from a client that reads nothing")
        except BlockingIOError:
            stuck += 1
            other.ping()
    grown = broker.resident_kib() - before
    check(grown < 8 << 10, f"the broker has grown by {grown} KiB")
    # The CONNACK, then as many answers as questions.
    greedy.setblocking(True)
    greedy.settimeout(15)
    answers = b""
    while len(answers) < 4 + asked // 2 * 2:
        answers += greedy.recv(1 << 16)
    equal(answers[:4], b"\x20\x02\x00\x00", "the CONNACK")
    check(answers[4:] == b"\xd0\x00" * (asked // 2), "there is something else among the PINGRESP")


@behaviour()
def a_packet_that_never_ends(case):
    """Large packets that are announced and never sent take no memory."""
    broker = limited(case, "")
    connected(broker.limited, "c")
    before = broker.resident_kib()
    clients = [connected(broker.limited, f"c{i}") for i in range(200)]
    for client in clients:
        client.send(b"\x30\x80\x80\x3f\x00\x01t")
    connected(broker.limited, "c").ping()
    grown = broker.resident_kib() - before
    check(grown < 20 << 10, f"200 announced megabytes have cost {grown} KiB")


@behaviour()
def a_slow_connect(case):
    """A CONNECT that dribbles in has no more time than one that does not come."""
    broker = limited(case, "", "mqtt.idle_timeout = 1s\n")
    slow = Client(("127.0.0.1", broker.limited), 5, "slow")
    # 65,535 bytes are announced: at one a while the packet is never complete, and so never malformed.
    slow.send(b"\x10\xff\xff\x03")

    def is_closed():
        slow.send(b"\x00")
        return bool(select.select([slow.socket], [], [], 0.1)[0])
    until(is_closed, "the connection is closed while bytes are coming", interval=0)
    until(lambda: "no CONNECT came in time" in broker.log, "the log says so")


@behaviour()
def limits_can_be_changed(case):
    """After SIGHUP new connections meet the new rules; those that were there before stay."""
    broker = limited(case, "")
    old = connected(broker.limited, "old")
    text = broker.conf_path.read_text()
    broker.write(text.replace("\n\n}", '\naccess_rules = ["deny 127.0.0.1"]\n}'))
    broker.child.send_signal(signal.SIGHUP)

    def is_closed():
        try:
            return socket.create_connection(("127.0.0.1", broker.limited), timeout=0.1).recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True
    until(is_closed, "new connections are closed")
    old.ping()


@behaviour()
def flapping(case):
    """A client whose connections end too often is kept out, and others are not."""
    broker = limited(case, "", "flapping_detect { enable = true, max_count = 3, window_time = 1h }\n")
    for _ in range(3):
        connected(broker.limited, "flaps").disconnect()
    Client(("127.0.0.1", broker.limited), 5, "flaps").open(expect=0x8A)
    Client(("127.0.0.1", broker.limited), 4, "flaps").open(expect=5)
    connected(broker.limited, "other").ping()


@behaviour()
def wrong_limits_stop_the_start(case):
    """A rule or rate that is none stops the start, by file and line."""
    for line, pattern in (
            ('access_rules = ["allow 10.0.0.0/33"]', r'access_rules has a rule that is none: "allow 10\.0\.0\.0/33"'),
            ('access_rules = ["permit all"]', 'access_rules has a rule that is none: "permit all": a rule is allow or deny'),
            ('messages_rate = "fast"', "messages_rate is not a rate"),
            ('messages_rate = "1MB/s"', "messages_rate is not a rate"),
            ('max_conn_burst = "1/0s"', "max_conn_burst is not a rate"),
            ('bytes_rate = "-1/s"', "bytes_rate is not a rate")):
        broker = Isthmus("wrong", lambda port: config(port, extra=f"listeners.tcp.limited {{ bind = 1884\n{line}\n}}\n"))
        case.finally_(broker.kill)
        check(broker.launch().wait() != 0, f"the broker ended with status 0 for {line}")
        check(re.search(r"isthmus\.conf:7:\d+: listeners\.tcp\.limited\." + pattern, broker.log), f"{line}: {broker.log}")
