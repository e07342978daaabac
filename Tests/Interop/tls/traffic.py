# SPDX-License-Identifier: Apache-2.0
# What crosses a TLS listener, and connections that are slow, cut or damaged on it.
import hashlib
import os
import socket
import struct

from Interop.tls.parts import Secure, VERSIONS, refused, words
from Support.client import Client
from Support.suite import behaviour, check
from Support.tools import Subscriber, mosquitto_pub
from Support.wait import equal


@behaviour(versions=(4, 5))
def mosquitto_speaks_tls(case):
    """mosquitto_pub and mosquitto_sub with --cafile talk over TLS 1.2 (MQTT 3.1.1) and 1.3 (MQTT 5.0)."""
    broker = Secure(case)
    more = ["--tls-version", f"tlsv{VERSIONS[case.version]}", "-V", {4: "mqttv311", 5: "mqttv5"}[case.version]]
    ears = Subscriber(case, broker, "-t", "t", "-q", "1", *words(broker, *more))
    mosquitto_pub(broker, "-t", "t", "-m", "over TLS", "-q", "1", *words(broker, *more))
    mosquitto_pub(broker, "-t", "t", "-m", "from the plain port", "-q", "1")
    equal(ears.wait_for(2), ["over TLS", "from the plain port"], "lines of mosquitto_sub")
    check(broker.stop() == 0, "a clean end")


@behaviour(versions=(4, 5))
def version_of_tls_is_the_clients(case):
    """TLS 1.2 and 1.3 are spoken, each with a cipher of its own."""
    broker = Secure(case)
    client = broker.dial(case, version=VERSIONS[case.version]).open()
    equal(client.socket.version(), f"TLSv{VERSIONS[case.version]}", "version")
    client.ping()


@behaviour()
def versions_may_be_narrowed(case):
    """versions = ["tlsv1.3"] turns TLS 1.2 away."""
    broker = Secure(case, 'versions = ["tlsv1.3"]\n')
    broker.dial(case, version="1.3").open().ping()
    refused(broker, case, version="1.2")


@behaviour(versions=(4, 5))
def ciphers_may_be_named(case):
    """ciphers are OpenSSL's names of both kinds, in an array or in one string."""
    broker = Secure(case, 'ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384, TLS_CHACHA20_POLY1305_SHA256"\n')
    client = broker.dial(case, version=VERSIONS[case.version]).open()
    equal(client.socket.cipher()[0],
          {4: "ECDHE-ECDSA-AES256-GCM-SHA384", 5: "TLS_CHACHA20_POLY1305_SHA256"}[case.version], "cipher")


@behaviour(versions=(4, 5))
def big_payloads_cross_both_ways(case):
    """A payload of 3 MB goes in over TLS and comes out over TLS, unchanged."""
    broker = Secure(case, extra="mqtt.max_packet_size = 4MB")
    ears = broker.dial(case, version=VERSIONS[case.version], protocol=case.version).open()
    ears.subscribe("big", qos=1)
    mouth = broker.dial(case, version=VERSIONS[case.version], protocol=case.version).open()
    payload = os.urandom(3 << 20)
    mouth.publish("big", payload, qos=1)
    got = ears.receive(topic="big").payload
    equal(hashlib.sha256(got).hexdigest(), hashlib.sha256(payload).hexdigest(), "payload")


@behaviour()
def slow_reader_gets_everything(case):
    """A reader that sleeps through 6 MB of QoS 1 messages has every one of them when it wakes."""
    broker = Secure(case, extra="mqtt.max_inflight = 200")
    slow = broker.dial(case, receive_buffer=65536).open(props={"receive_maximum": 200})
    slow.subscribe("s", qos=1)
    mouth = broker.dial(case).open()
    payload = os.urandom(60_000)
    for _ in range(100):
        mouth.publish("s", payload, qos=1)
    for number in range(100):
        check(slow.receive(topic="s").payload == payload, f"message {number} is damaged")


@behaviour()
def reader_that_takes_nothing_is_closed(case):
    """A client that takes no byte for send_timeout is closed; the others go on."""
    broker = Secure(case, listener="tcp_options { send_timeout = 300ms, sndbuf = 4KB }")
    stuck = broker.dial(case, client_id="stuck", receive_buffer=2048).open()
    stuck.subscribe("s")
    mouth = broker.client("mouth")
    case.clients.append(mouth)
    for _ in range(40):
        mouth.publish("s", b"x" * 20_000, qos=1)
    broker.said("the peer took nothing of what it was sent for 300 ms")
    check("client stuck from" in broker.log, "the line names the client")
    mouth.ping()


@behaviour()
def bytes_trickling_through_keep_a_slow_reader(case):
    """A client that takes a little now and then outlives send_timeout many times over."""
    broker = Secure(case, extra="listeners.tcp.default.tcp_options { send_timeout = 800ms, sndbuf = 16KB }")
    slow = broker.client("slow")
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    slow.subscribe("s")
    mouth = broker.client("mouth")
    case.clients.extend([slow, mouth])
    for _ in range(80):
        mouth.publish("s", b"x" * 20_000, qos=1)
    for _ in range(40):
        slow.socket.recv(16_000)
        case.context.pause(0.06)
    check("took nothing" not in broker.log, f"it was closed: {broker.tail()}")


@behaviour(versions=(4, 5))
def cut_inside_a_record_harms_nobody(case):
    """A client that is gone in the middle of a TLS record costs the others nothing, and its will is published."""
    broker = Secure(case)
    ears = broker.client("ears")
    case.clients.append(ears)
    ears.subscribe("will")
    client = broker.dial(case, version=VERSIONS[case.version], protocol=case.version, client_id="cut")
    client.open(will={"topic": "will", "payload": b"gone"})
    raw = socket.socket(fileno=os.dup(client.socket.fileno()))
    raw.sendall(b"\x17\x03\x03\x40\x00" + b"half a record")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
    client.close()
    ears.receive(b"gone", topic="will")
    broker.dial(case).open().ping()


@behaviour()
def handshake_that_never_ends_is_closed(case):
    """Half a ClientHello, or none, is closed after handshake_timeout."""
    broker = Secure(case, "handshake_timeout = 200ms\n")
    for start in (b"", b"\x16\x03\x01\x02\x00\x01\x00"):
        stranger = Client(broker.tls_address)
        case.clients.append(stranger)
        stranger.send(start)
        stranger.expect_end()
    broker.said("the TLS handshake was not finished within 200 ms")


@behaviour()
def damaged_records_close_the_connection(case):
    """A record that does not decrypt ends its connection with an alert, and only that one."""
    broker = Secure(case)
    client = broker.dial(case, client_id="damaged").open()
    raw = socket.socket(fileno=os.dup(client.socket.fileno()))
    raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
    client.expect_end()
    raw.close()
    broker.said("the TLS connection failed")
    broker.dial(case).open().ping()
