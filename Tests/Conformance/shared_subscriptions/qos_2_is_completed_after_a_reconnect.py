# SPDX-License-Identifier: Apache-2.0
from Conformance.shared_subscriptions.parts import members
from Support import mqtt
from Support.suite import v5
from Support.wait import equal, until


@v5("MQTT-4.8.2-4")
def qos_2_is_completed_after_a_reconnect(case):
    """A QoS 2 message under way to a member that lost its connection is completed with that member."""
    sender = case.client("sender")
    first = case.client("first", props={"session_expiry": 60})
    first.subscribe(f"$share/g/{case.topic()}", qos=2)
    sender.publish(case.topic(), b"x", qos=2)

    def has_it():
        first.ping()
        return [p for p in first.inbox if p.type == mqtt.PUBLISH]
    until(has_it, "the member has the message")
    other, = members(case, 1, qos=2)
    first.close()
    case.fence(other, sender)
    back = case.client("first", clean=False, props={"session_expiry": 60})
    back.receive("x", qos=2)
    equal([p for p in other.inbox if p.type == mqtt.PUBLISH], [], "messages to the other member")
