# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.2.0-1")
def packets_may_follow_connect_at_once(case):
    """A client need not wait for the CONNACK before it sends more."""
    client = case.dial()
    client.send(mqtt.connect(case.version, client.client_id) + mqtt.subscribe(case.version, 1, [(case.topic(), 0)])
                + mqtt.publish(case.version, case.topic(), b"one") + mqtt.pingreq())
    client.expect(mqtt.CONNACK, reason=0)
    client.take(mqtt.SUBACK, pid=1)
    client.take(mqtt.PINGRESP)
    client.take(mqtt.PUBLISH, payload=b"one")
