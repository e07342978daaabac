# SPDX-License-Identifier: Apache-2.0
# DISCONNECT, and connections that end without one.
import socket
import struct

from Support import mqtt
from Support.suite import behaviour, both, v5


@behaviour("MQTT-3.14.4-1", versions=(3, 4, 5))
def disconnect_closes_the_connection(case):
    """After a DISCONNECT the broker closes the connection, without an answer."""
    case.client().disconnect()


@both("MQTT-3.14.4-2")
def packets_after_disconnect_are_ignored(case):
    """What a client sends after its DISCONNECT is not done."""
    watcher, client = case.client("watcher"), case.client()
    watcher.subscribe(case.topic())
    client.send(mqtt.disconnect(case.version) + mqtt.publish(case.version, case.topic(), b"late"))
    client.expect_end()
    case.fence(watcher)


@both("MQTT-3.14.1-1")
def wrong_flags_are_malformed(case):
    """A DISCONNECT with flags set ends the connection as malformed."""
    client = case.client()
    client.send(b"\xe1\x00")
    client.expect_end(reasons=[0x81])


@v5("MQTT-3.14.2-1")
def reason_codes_of_a_client_are_accepted(case):
    """Every reason code that a client may send ends the connection quietly."""
    for reason in (0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99):
        client = case.client(f"r{reason}")
        client.disconnect(reason, {"reason_string": "why", "user_property": ("a", "b")})


@v5()
def short_forms_of_disconnect(case):
    """A DISCONNECT may leave out the properties, or the reason code too."""
    for data in (b"\xe0\x00", b"\xe0\x01\x00", b"\xe0\x02\x00\x00"):
        client = case.client()
        client.send(data)
        client.expect_end()


@v5()
def short_forms_of_acknowledgements(case):
    """A PUBACK may leave out the properties, or the reason code too."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    for tail in (b"", b"\x00", b"\x00\x00", b"\x10\x00"):
        sender.publish(case.topic(), b"x", qos=1)
        pid = receiver.expect(mqtt.PUBLISH).pid
        receiver.send(mqtt.packet(mqtt.PUBACK, 0, mqtt.u16(pid) + tail))
        receiver.ping()


@both()
def half_closed_connection_is_served_to_its_end(case):
    """A client that has sent its last byte and waits is still given the acknowledgement, or closed."""
    watcher, client = case.client("watcher"), case.client()
    watcher.subscribe(case.topic())
    client.send(mqtt.publish(case.version, case.topic(), b"last"))
    client.socket.shutdown(socket.SHUT_WR)
    watcher.receive("last")
    client.expect_end()


@both()
def reset_connection_does_no_harm(case):
    """A connection that is reset while messages are on their way to it does not disturb others."""
    other, sender = case.client("other"), case.client("sender")
    other.subscribe(case.topic())
    for number in range(5):
        doomed = case.client(f"doomed{number}")
        doomed.subscribe(case.topic())
        doomed.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sender.publish(case.topic(), str(number).encode())
        doomed.close()
        other.receive(str(number))
