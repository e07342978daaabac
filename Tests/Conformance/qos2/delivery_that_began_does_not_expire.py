# SPDX-License-Identifier: Apache-2.0
from Conformance.qos2.parts import wait_on_the_broker
from Support import mqtt
from Support.suite import v5


@v5("MQTT-4.3.3-7")
def delivery_that_began_does_not_expire(case):
    """A PUBLISH that was sent comes again on the next connection, though its expiry interval has passed since."""
    kept = {"clean": False, "props": {"session_expiry": 300}}
    client = case.client(**kept)
    client.subscribe(case.topic(), qos=2)
    case.client("sender").publish(case.topic(), b"short", qos=2, props={"message_expiry": 1})
    pid = client.expect(mqtt.PUBLISH, payload=b"short").pid
    client.close()
    wait_on_the_broker(case, 2)
    again = case.client(**kept).expect(mqtt.PUBLISH, payload=b"short", pid=pid, dup=True)
    case.clients[-1].acknowledge(again)
