# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.2-4")
def clean_start_forgets_half_a_publish(case):
    """After a clean start the packet identifier of an unfinished publish is a new message."""
    receiver = case.client("watcher")
    receiver.subscribe(case.topic(), qos=0)
    sender = case.client("sender")
    sender.publish(case.topic(), b"whole", qos=2, pid=6)
    receiver.receive("whole")
    sender.send(mqtt.publish(case.version, case.topic(), b"half", 2, pid=7))
    sender.expect(mqtt.PUBREC, pid=7)
    sender = case.client("sender")
    sender.publish(case.topic(), b"new", qos=2, pid=7)
    while receiver.take(mqtt.PUBLISH).payload != b"new":
        pass
