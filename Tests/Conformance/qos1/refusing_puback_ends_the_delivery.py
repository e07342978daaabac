# SPDX-License-Identifier: Apache-2.0
from Conformance.qos1.parts import keeping
from Support import mqtt
from Support.suite import v5


@v5("MQTT-4.4.0-2")
def refusing_puback_ends_the_delivery(case):
    """A PUBACK with a reason code of 0x80 or more ends the delivery as well."""
    receiver, sender = keeping(case), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    sender.publish(case.topic(), b"no thanks", qos=1)
    message = receiver.expect(mqtt.PUBLISH)
    receiver.send(mqtt.ack(5, mqtt.PUBACK, message.pid, 0x97, {"reason_string": "full"}))
    receiver.ping()
    receiver.close()
    case.fence(keeping(case), sender)
