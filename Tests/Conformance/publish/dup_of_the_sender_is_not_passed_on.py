# SPDX-License-Identifier: Apache-2.0
from Conformance.publish.parts import pair
from Support import mqtt
from Support.suite import both


@both("MQTT-3.3.1-3")
def dup_of_the_sender_is_not_passed_on(case):
    """The DUP flag of an incoming PUBLISH does not reach the subscribers."""
    receiver, sender = pair(case, qos=1)
    sender.send(mqtt.publish(case.version, case.topic(), b"again", qos=1, dup=True, pid=9))
    sender.expect(mqtt.PUBACK, pid=9)
    receiver.receive("again", dup=False)
