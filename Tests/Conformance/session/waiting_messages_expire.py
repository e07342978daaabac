# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import check, v5


@v5("MQTT-3.3.2-5")
def waiting_messages_expire(case):
    """A message that waited longer than its expiry interval is not delivered."""
    client = keeping(case)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    sender = case.client("sender")
    sender.publish(case.topic(), b"short", qos=1, props={"message_expiry": 1})
    sender.publish(case.topic(), b"long", qos=1, props={"message_expiry": 1000})
    clock = case.client("clock", will={"topic": case.topic("clock"), "payload": b"", "props": {"will_delay": 2}},
                        props={"session_expiry": 60})
    watcher = case.client("watcher")
    watcher.subscribe(case.topic("clock"))
    clock.close()
    watcher.receive(b"")
    left = keeping(case).receive("long").properties.get("message_expiry", 0)
    check(900 < left < 1000, f"Message Expiry Interval of the one that came: {left}")
