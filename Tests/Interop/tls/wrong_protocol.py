# SPDX-License-Identifier: Apache-2.0
# TLS to a plain port and the reverse: closed, and the log says what to change.
import re
import ssl

from Interop.tls.parts import Secure
from Support import mqtt
from Support.client import Client
from Support.suite import behaviour, check
from Support.tls import TLSClient
from Support.wait import TestFailure, equal


@behaviour()
def plain_client_on_a_tls_port(case):
    """Plain MQTT on a TLS port is closed; a few warnings name listener, peer and remedy, however many come."""
    broker = Secure(case, extra="node.event_loops = 1\nlog.console.level = warning")
    for _ in range(20):
        client = Client(broker.tls_address)
        case.clients.append(client)
        client.send(mqtt.connect(5, "x"))
        client.expect_end()
    lines = [line for line in broker.log.splitlines() if "speaks plain text to a TLS listener" in line]
    equal(len(lines), 3, "warnings")
    check(re.search(r"listener ssl:default: 127\.0\.0\.1:\d+ .*\(listeners\.ssl\.default\).* TLS", lines[0]), lines[0])


@behaviour()
def tls_client_on_a_plain_port(case):
    """TLS on a plain port is closed; a few warnings name listener, peer and the key to set, however many come."""
    broker = Secure(case, extra="node.event_loops = 1\nlog.console.level = warning")
    for _ in range(20):
        try:
            TLSClient(broker.address, 5)
            raise TestFailure("the handshake went through")
        except (ssl.SSLError, ConnectionError):
            pass
    lines = [line for line in broker.log.splitlines() if "speaks TLS to a listener without TLS" in line]
    equal(len(lines), 3, "warnings")
    check(re.search(r"127\.0\.0\.1:\d+ on tcp:default: .*listeners\.ssl", lines[0]), lines[0])
