# SPDX-License-Identifier: Apache-2.0
# proxy_protocol: behind a proxy a client is who the proxy says it is, and nobody gets in by what a proxy has not said.
import ipaddress
import re
import socket
import struct

from Support import mqtt
from Support.broker import Isthmus, config, scratch
from Support.client import Client
from Support.haproxy import HAProxy
from Support.ports import free_port
from Support.suite import behaviour, check
from Support.tls import TLSClient, certificates, context
from Support.transports import Address, listener
from Support.wait import equal, until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V2 = {4: (0x11, 4), 6: (0x21, 16)}


def binary_header(source, port=40000, command=0x21, fields=b""):
    """Version 2, with the source address given."""
    address = ipaddress.ip_address(source)
    family, _ = V2[address.version]
    body = address.packed * 2 + struct.pack(">HH", port, 1883) + fields
    return SIGNATURE + bytes([command, family]) + struct.pack(">H", len(body)) + body


def field(kind, value):
    return bytes([kind]) + struct.pack(">H", len(value)) + value


def behind_proxy(case, more="", extra="", plugins=()):
    """A broker whose listener `behind` waits for a PROXY header; its port is `broker.behind`."""
    behind = free_port()
    broker = Isthmus("behind", lambda port: config(port, plugins=plugins, extra=(
        f'listeners.tcp.behind {{ bind = "127.0.0.1:{behind}", proxy_protocol = true\n{more}\n}}\n' + extra)))
    broker.behind = behind
    case.finally_(broker.kill)
    return started(broker)


def started(broker):
    broker.start()
    until(lambda: f"tcp:behind 127.0.0.1:{broker.behind}" in broker.log, "the listener is open")
    return broker


class Raw(Client):
    """A client that sends `first` before its own packets; from `source`, if the address of loopback matters."""

    def __init__(self, port, first=b"", source=None, client_id="c", version=5):
        self.first, self.source = first, source
        super().__init__(("127.0.0.1", port), version, client_id)
        if source:
            self.socket.close()
            self.socket = socket.create_connection(("127.0.0.1", port), source_address=(source, 0), timeout=15)
        if first:
            self.send(first)


def logged(broker, pattern):
    return until(lambda: re.search(pattern, broker.log), f"the log says {pattern!r}:\n{broker.tail()}")


def through_haproxy(case, send):
    broker = behind_proxy(case)
    proxy = HAProxy(broker.behind, send)
    case.finally_(proxy.kill)
    client = Raw(proxy.port, source="127.0.0.77", client_id="far").open()
    own = client.socket.getsockname()
    equal(own[0], "127.0.0.77", "the client's own address")
    client.subscribe("t")
    client.publish("t", b"through", qos=1)
    client.receive(b"through")
    logged(broker, rf"client far from 127\.0\.0\.77:{own[1]} on tcp:behind: connected")
    client.disconnect()


@behaviour()
def haproxy_version_1(case):
    """Behind HAProxy with send-proxy a client has its own address."""
    through_haproxy(case, "send-proxy")


@behaviour()
def haproxy_version_2(case):
    """Behind HAProxy with send-proxy-v2 a client has its own address."""
    through_haproxy(case, "send-proxy-v2")


@behaviour()
def haproxy_with_every_field(case):
    """Checksum, identifier, authority and certificate fields of HAProxy's header are understood."""
    through_haproxy(case, "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority,ssl,cert-cn,ssl-cipher,cert-sig")


@behaviour()
def haproxy_names_the_certificate(case):
    """A certificate that HAProxy has verified names its client, as one does that the broker has verified itself."""
    broker = behind_proxy(case, extra="mqtt.peer_cert_as_username = cn\n", plugins=["FileACL"])
    (broker.folder / "acl.conf").write_text('{allow, {username, "device 7"}, all, ["own"]}.\n{deny, all}.\n')
    broker.kill()
    broker.write(broker.conf_path.read_text() + "authorization { no_match = deny, sources = [{ type = file, path = "
                 f'"{broker.folder}/acl.conf" }}] }}\n')
    started(broker)
    made = certificates()
    pem = broker.folder / "haproxy.pem"
    pem.write_text((made / "server.pem").read_text() + (made / "server.key").read_text())
    proxy = HAProxy(broker.behind, "send-proxy-v2-ssl-cn", f"ssl crt {pem} ca-file {made}/ca.pem verify optional")
    case.finally_(proxy.kill)
    known = TLSClient(proxy.address, 5, "known", context("device")).open(username="somebody else")
    equal(known.publish("own", b"x", qos=1).reason, 0x10, "PUBACK of a client with a certificate")
    for options in ({}, {"username": "anybody"}):
        unknown = TLSClient(proxy.address, 5, "unknown", context()).open(**options)
        equal(unknown.publish("own", b"x", qos=1, accepted=False).reason, 0x87, "PUBACK of one without")


@behaviour()
def haproxy_health_checks(case):
    """HAProxy's own connections, which it makes to see whether the broker lives, disturb nobody."""
    broker = behind_proxy(case)
    proxy = HAProxy(broker.behind, "send-proxy-v2 check inter 50ms check-send-proxy")
    case.finally_(proxy.kill)
    client = Client(proxy.address, 5, "c").open()
    for _ in range(20):
        client.publish("t", b"x", qos=1)
    check("turned away" not in broker.log, f"a health check was turned away:\n{broker.tail()}")


@behaviour()
def the_header_comes_before_tls_and_websocket(case):
    """On listeners of ssl, ws and wss the header is the first thing; what HAProxy passes on comes right behind it."""
    for transport in ("ssl", "ws", "wss"):
        port = free_port()
        text, _ = listener(transport, port, scratch("listener"), "proxy_protocol = true")
        broker = Isthmus("behind", lambda own: config(own, extra=text))
        case.finally_(broker.kill)
        broker.start()
        until(lambda: f"{transport}:under_test 127.0.0.1:{port}" in broker.log, "the listener is open")
        proxy = HAProxy(port, "send-proxy-v2")
        case.finally_(proxy.kill)
        client = Client(Address("127.0.0.1", proxy.port, transport), 5, "far").open()
        client.publish("t", b"x" * 100_000, qos=1)
        own = client.socket.getsockname()
        logged(broker, rf"client far from 127\.0\.0\.1:{own[1]} on {transport}:under_test: connected")
        client.disconnect()
        # Without the header the handshake does not even begin.
        Raw(port, b"\x16\x03\x01\0\x05hello").expect_end()


@behaviour()
def header_and_packets_in_any_pieces(case):
    """The header may come byte by byte, and packets right behind it."""
    broker = behind_proxy(case)
    connect = mqtt.connect(5, "c", True)
    for header in (b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", binary_header("127.0.0.1")):
        whole = Raw(broker.behind, header + connect + mqtt.pingreq())
        whole.expect(mqtt.CONNACK, reason=0)
        whole.expect(mqtt.PINGRESP)
        pieces = Raw(broker.behind)
        for byte in header + connect:
            pieces.send(bytes([byte]))
        pieces.expect(mqtt.CONNACK, reason=0)
        pieces.close()
        whole.close()


@behaviour()
def what_is_no_header_is_turned_away(case):
    """A connection without a good header is closed without a word, and the log names the setting."""
    broker = behind_proxy(case)
    for first in (mqtt.connect(5, "c", True), b"GET / HTTP/1.1\r\n\r\n", b"PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n",
                  SIGNATURE + b"\x31\x11\0\0", SIGNATURE + b"\x21\x11\xff\xff", b"PROXY " + b"x" * 200):
        Raw(broker.behind, first).expect_end()
    logged(broker, r"tcp:behind.*turned away: it does not begin with a PROXY header.*"
                   r"listeners\.tcp\.behind\.proxy_protocol")
    Raw(broker.behind, binary_header("127.0.0.1")).open()


@behaviour()
def a_header_has_its_time(case):
    """Who does not send the whole header in proxy_protocol_timeout is turned away, however busily it sends."""
    broker = behind_proxy(case, "proxy_protocol_timeout = 200ms")
    silent = Raw(broker.behind)
    begun = Raw(broker.behind, b"PROXY TCP4 ")
    silent.expect_end()
    begun.expect_end()
    logged(broker, "did not come within 200 ms")


@behaviour()
def a_header_nobody_expects(case):
    """A PROXY header on a listener without proxy_protocol ends the connection and is named in the log."""
    broker = behind_proxy(case)
    for header in (b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", binary_header("127.0.0.1")):
        Raw(broker.port, header + mqtt.connect(5, "c", True)).expect_end()
    logged(broker, "a PROXY header comes to a listener without proxy_protocol")


@behaviour()
def a_far_client_is_not_local(case):
    """Without authentication clients of this machine only are admitted: it is the proxied address that counts."""
    broker = behind_proxy(case)
    for header in (binary_header("192.0.2.1"), b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n", b"PROXY UNKNOWN\r\n",
                   SIGNATURE + b"\x21\x00\0\0", SIGNATURE + b"\x20\x00\0\0", binary_header("127.0.0.1", command=0x20)):
        client = Raw(broker.behind, header, client_id="far")
        client.open(expect=0x87)
        client.expect_end()
    for header in (binary_header("127.0.0.1"), binary_header("::1"), SIGNATURE + b"\x21\x31\0\xd8" + bytes(216)):
        Raw(broker.behind, header, client_id="near").open().close()


@behaviour()
def the_address_is_the_one_of_rules(case):
    """FileACL's ipaddr conditions see the proxied address, and never the proxy's own loopback one for a client of which
    the proxy says nothing."""
    rules = ('{allow, {ipaddr, "192.0.2.0/24"}, all, ["far"]}.\n{allow, {ipaddr, "127.0.0.0/8"}, all, ["far"]}.\n'
             '{deny, all}.\n')
    broker = behind_proxy(case, "enable_authn = false")
    (broker.folder / "acl.conf").write_text(rules)
    broker.kill()
    broker.write(config(broker.port, plugins=["FileACL"], extra=(
        f'listeners.tcp.behind {{ bind = "127.0.0.1:{broker.behind}", proxy_protocol = true, enable_authn = false }}\n'
        f'authorization {{ no_match = deny, sources = [{{ type = file, path = "{broker.folder}/acl.conf" }}] }}\n')))
    started(broker)
    for source, reason in (("192.0.2.9", 0x10), ("198.51.100.9", 0x87)):
        client = Raw(broker.behind, binary_header(source)).open()
        equal(client.publish("far", b"x", qos=1, accepted=False).reason, reason, f"PUBACK for {source}")
    for header, reason in ((binary_header("127.0.0.9"), 0x10), (b"PROXY UNKNOWN\r\n", 0x87),
                           (SIGNATURE + b"\x20\x00\0\0", 0x87)):
        client = Raw(broker.behind, header).open()
        equal(client.publish("far", b"x", qos=1, accepted=False).reason, reason, f"PUBACK for {header}")


@behaviour()
def access_rules_see_the_client(case):
    """access_rules are asked for the proxied address, once it is known."""
    broker = behind_proxy(case, 'enable_authn = false, access_rules = ["deny 192.0.2.0/24", "allow all"]')
    Raw(broker.behind, binary_header("192.0.2.1") + mqtt.connect(5, "c", True)).expect_end()
    logged(broker, r"192\.0\.2\.1:40000 is turned away by access_rules")
    Raw(broker.behind, binary_header("192.0.3.1")).open()
