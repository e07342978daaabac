# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import will_of
from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.2-12")
def will_of_qos_3_is_malformed(case):
    """A Will QoS of 3 ends the connection."""
    client = case.dial()
    client.send(mqtt.connect(case.version, client.client_id, will=will_of(case, qos=3)))
    client.expect_end(reasons=[0x81, 0x82])
