# SPDX-License-Identifier: Apache-2.0
# Keep Alive. What must stay open is watched for as long as it takes another, silent client to be closed.
import time

from Support import mqtt
from Support.suite import behaviour, both, check


def silent_client(case):
    """A client that says nothing, and the instant of its last packet."""
    return case.client("silent", keepalive=1), time.monotonic()


@behaviour("MQTT-3.12.4-1", versions=(3, 4, 5))
def ping_is_answered(case):
    """A PINGREQ is answered with a PINGRESP."""
    client = case.client()
    for _ in range(3):
        client.send(mqtt.pingreq())
        client.expect(mqtt.PINGRESP)


@both("MQTT-3.1.2-22")
def silent_client_is_disconnected(case):
    """A client that is silent for one and a half times its Keep Alive is disconnected, not earlier."""
    client, start = silent_client(case)
    client.expect_end(reasons=[0x8D])
    elapsed = time.monotonic() - start
    check(elapsed >= 1.45, f"after {elapsed:.2f} s already")
    check(elapsed < 6, f"after {elapsed:.2f} s only")


@both("MQTT-3.1.2-22")
def pings_keep_the_connection(case):
    """A client that sends PINGREQ in time is not disconnected."""
    client = case.client(keepalive=1)
    start = time.monotonic()
    while time.monotonic() - start < 3:
        client.ping()
        case.context.pause(0.4)
    client.ping()


@both("MQTT-3.1.2-22")
def other_packets_keep_the_connection(case):
    """Any packet of the client counts as a sign of life."""
    client = case.client(keepalive=1)
    start = time.monotonic()
    while time.monotonic() - start < 3:
        client.send(mqtt.publish(case.version, case.topic(), b"alive"))
        case.context.pause(0.4)
    client.ping()


@both("MQTT-3.1.2-22")
def deliveries_do_not_count(case):
    """What the broker sends to a silent client does not keep it connected."""
    client, sender = case.client(keepalive=1), case.client("sender")
    client.subscribe(case.topic())
    while True:
        sender.publish(case.topic(), b"tick")
        try:
            client.take(mqtt.PUBLISH)
        except AssertionError:
            break
        case.context.pause(0.2)
        check(len(client.log) < 100, "it is still connected")


@both()
def keep_alive_0_never_ends(case):
    """With Keep Alive 0 a client may be silent for as long as it likes."""
    forever = case.client("forever", keepalive=0)
    client, _ = silent_client(case)
    client.expect_end()
    forever.ping()


@both()
def long_keep_alive_outlasts_a_short_one(case):
    """Each connection has a Keep Alive of its own."""
    patient = case.client("patient", keepalive=30)
    client, _ = silent_client(case)
    client.expect_end()
    patient.ping()


@both("MQTT-3.1.2-22")
def half_a_packet_does_not_hold_the_connection(case):
    """A client that stops in the middle of a packet is disconnected too."""
    client = case.client(keepalive=1)
    client.send(mqtt.publish(case.version, case.topic(), b"x" * 100)[:50])
    client.expect_end()
