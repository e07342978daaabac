# SPDX-License-Identifier: Apache-2.0
# Will messages: when they are published, when not, and as what.
import time

from Support import mqtt
from Support.suite import both, check, v5
from Support.wait import equal


def will_of(case, **more):
    return {"topic": case.topic("will"), "payload": b"gone", **more}


def watched(case, qos=0, will=None, **options):
    """A watcher of the will's topic, and a client with the will."""
    watcher = case.client("watcher")
    watcher.subscribe(case.topic("will"), qos=qos)
    return watcher, case.client("mortal", will=will or will_of(case), **options)


@both("MQTT-3.1.2-8")
def lost_connection_publishes_the_will(case):
    """A connection that ends without DISCONNECT publishes the will."""
    watcher, mortal = watched(case)
    mortal.close()
    watcher.receive("gone", topic=case.topic("will"), retain=False)


@both("MQTT-3.1.2-10")
def disconnect_deletes_the_will(case):
    """A DISCONNECT deletes the will."""
    watcher, mortal = watched(case)
    mortal.disconnect()
    case.fence(watcher)


@v5("MQTT-3.1.2-8")
def disconnect_with_will_publishes_it(case):
    """A DISCONNECT with reason code 0x04 publishes the will."""
    watcher, mortal = watched(case)
    mortal.disconnect(reason=0x04)
    watcher.receive("gone")


@v5("MQTT-3.1.2-8")
def disconnect_with_an_error_publishes_it(case):
    """A DISCONNECT with a reason code other than 0x00 publishes the will."""
    watcher, mortal = watched(case)
    mortal.disconnect(reason=0x80)
    watcher.receive("gone")


@both("MQTT-3.1.2-8")
def malformed_packet_publishes_the_will(case):
    """A client that is thrown out for a malformed packet leaves its will."""
    watcher, mortal = watched(case)
    mortal.send(b"\x00\x00")
    mortal.expect_end()
    watcher.receive("gone")


@both("MQTT-3.1.2-8")
def protocol_error_publishes_the_will(case):
    """A client that is thrown out for a second CONNECT leaves its will."""
    watcher, mortal = watched(case)
    mortal.send(mqtt.connect(case.version, mortal.client_id))
    mortal.expect_end()
    watcher.receive("gone")


@both("MQTT-3.1.2-8")
def keep_alive_time_out_publishes_the_will(case):
    """A client that is silent for too long leaves its will."""
    watcher, mortal = watched(case, keepalive=1)
    mortal.expect_end(reasons=[0x8D])
    watcher.receive("gone")


@both("MQTT-3.1.2-8", "MQTT-3.1.4-3")
def take_over_publishes_the_will(case):
    """A connection that is taken over by another one with a clean start leaves its will."""
    watcher, mortal = watched(case)
    case.client("mortal")
    mortal.expect_end()
    watcher.receive("gone")


@both("MQTT-3.1.2-10")
def will_of_the_old_connection_is_forgotten(case):
    """A new connection without a will has none, whatever the connection before had."""
    watcher, mortal = watched(case)
    mortal.disconnect()
    case.client("mortal").close()
    case.fence(watcher)


def qos_case(qos):
    def published(case):
        watcher, mortal = watched(case, qos=2, will=will_of(case, qos=qos))
        mortal.close()
        watcher.receive("gone", qos=qos)
    published.__name__ = f"will_of_qos_{qos}"
    published.__doc__ = f"A will of QoS {qos} is published at that QoS."
    return published


for level in range(3):
    both("MQTT-3.1.2-12")(qos_case(level))


@both("MQTT-3.1.2-15")
def retained_will_is_kept(case):
    """A will with Will Retain is published as a retained message."""
    watcher, mortal = watched(case, will=will_of(case, retain=True, qos=1))
    mortal.close()
    watcher.receive("gone", retain=False)
    late = case.client("late")
    late.subscribe(case.topic("will"))
    late.receive("gone", retain=True)


@both("MQTT-3.1.2-14")
def plain_will_is_not_kept(case):
    """A will without Will Retain is not kept."""
    watcher, mortal = watched(case)
    mortal.close()
    watcher.receive("gone")
    late = case.client("late")
    late.subscribe(case.topic("will"))
    case.fence(late)


@both()
def will_may_be_empty_or_binary(case):
    """A will's payload may be empty, or any bytes."""
    for payload in (b"", bytes(range(256))):
        watcher, mortal = watched(case, will=will_of(case, payload=payload))
        mortal.close()
        watcher.receive(payload)


@both("MQTT-3.1.2-12")
def will_of_qos_3_is_malformed(case):
    """A Will QoS of 3 ends the connection."""
    client = case.dial()
    client.send(mqtt.connect(case.version, client.client_id, will=will_of(case, qos=3)))
    client.expect_end(reasons=[0x81, 0x82])


@both("MQTT-3.1.2-11", "MQTT-3.1.2-13")
def will_bits_without_a_will_are_malformed(case):
    """Will QoS or Will Retain without a will end the connection."""
    for flags in (0x0A, 0x22):
        client = case.dial()
        client.send(mqtt.connect(case.version, client.client_id, flags=flags))
        client.expect_end(reasons=[0x81, 0x82])


@both("MQTT-3.1.3-11", "MQTT-4.7.0-1")
def will_topic_with_wildcard_is_refused(case):
    """A will topic with a wildcard is refused."""
    client = case.dial()
    client.send(mqtt.connect(case.version, client.client_id, will={"topic": case.topic("#"), "payload": b""}))
    client.expect_end()


@v5("MQTT-3.1.3-10")
def will_has_its_properties(case):
    """A will is published with the properties that its CONNECT gave it."""
    given = {"payload_format": 1, "content_type": "text/plain", "response_topic": "answers", "correlation_data": b"42",
             "user_property": [("why", "lost"), ("who", "me"), ("why", "again")]}
    watcher, mortal = watched(case, will=will_of(case, props=given))
    mortal.close()
    equal(watcher.receive("gone").properties, given, "properties of the will")


@v5("MQTT-3.3.2-6")
def will_expires_like_a_message(case):
    """A will's Message Expiry Interval is passed on."""
    watcher, mortal = watched(case, will=will_of(case, props={"message_expiry": 600}))
    mortal.close()
    check(590 < watcher.receive("gone").properties.get("message_expiry", 0) <= 600, "another expiry")


@v5("MQTT-3.1.3-9")
def will_delay_is_waited_for(case):
    """A will with a Will Delay Interval is published after it, not before."""
    watcher, mortal = watched(case, will=will_of(case, props={"will_delay": 1}), props={"session_expiry": 60})
    mortal.close()
    lost = time.monotonic()
    case.fence(watcher)
    watcher.receive("gone")
    check(time.monotonic() - lost > 0.9, "the will came before its delay was over")


@v5("MQTT-3.1.3-9")
def coming_back_in_time_cancels_the_will(case):
    """A client that comes back within the Will Delay Interval leaves no will."""
    watcher, mortal = watched(case, will=will_of(case, props={"will_delay": 1}), props={"session_expiry": 60})
    mortal.close()
    case.client("mortal", clean=False, props={"session_expiry": 60})
    # A second will with the same delay, of a client that does not come back, tells that the time is over.
    other = case.client("other", will=will_of(case, payload=b"other", props={"will_delay": 2}),
                        props={"session_expiry": 60})
    other.close()
    watcher.receive("other")


@v5("MQTT-3.1.2-8")
def session_end_ends_the_will_delay(case):
    """The will is published at the end of the session if that comes before the delay is over."""
    watcher, mortal = watched(case, will=will_of(case, props={"will_delay": 3600}), props={"session_expiry": 0})
    mortal.close()
    watcher.receive("gone")


@v5("MQTT-3.1.2-8")
def clean_start_ends_the_will_delay(case):
    """A clean start of the same client ends the session, and publishes the delayed will."""
    watcher, mortal = watched(case, will=will_of(case, props={"will_delay": 3600}), props={"session_expiry": 3600})
    mortal.close()
    case.client("mortal", clean=True)
    watcher.receive("gone")


@v5("MQTT-3.1.2-8")
def take_over_with_delayed_will_publishes_nothing(case):
    """A take-over that goes on with the session within the delay publishes no will."""
    watcher, mortal = watched(case, will=will_of(case, props={"will_delay": 3600}), props={"session_expiry": 3600})
    case.client("mortal", clean=False, props={"session_expiry": 3600})
    mortal.expect_end()
    case.fence(watcher)


@both()
def will_goes_to_shared_and_wildcard_subscribers(case):
    """A will is routed like any message: wildcard subscribers get it."""
    watcher, mortal = case.client("watcher"), case.client("mortal", will=will_of(case))
    watcher.subscribe(case.topic("+"))
    mortal.close()
    watcher.receive("gone")
