# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


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
