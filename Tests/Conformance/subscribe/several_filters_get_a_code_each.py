# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.8.4-5", "MQTT-3.8.4-6", "MQTT-3.9.3-1")
def several_filters_get_a_code_each(case):
    """A SUBSCRIBE of several filters gets a SUBACK with a code for each, in their order."""
    client = case.client()
    wanted = [(case.topic("a"), 2), (case.topic("b/+"), 0), (case.topic("c/#"), 1)]
    client.send(mqtt.subscribe(case.version, 5, wanted))
    client.expect(mqtt.SUBACK, pid=5, reasons=[2, 0, 1])
    sender = case.client("sender")
    for name in ("a", "b/x", "c/y/z"):
        sender.publish(case.topic(name), name.encode(), qos=2)
    client.receive("a", qos=2)
    client.receive("b/x", qos=0)
    client.receive("c/y/z", qos=1)
