# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.4-6")
def nothing_is_done_after_a_refusal(case):
    """What a client sends behind a CONNECT that is refused is not done."""
    watcher = case.client("watcher")
    watcher.subscribe(case.topic())
    client = case.dial()
    client.send(mqtt.connect(case.version, client.client_id, level=99 if case.version == 5 else 2)
                + mqtt.publish(case.version, case.topic(), b"too late", retain=True)
                + mqtt.publish(case.version, case.topic(), b"too late", 1, pid=1))
    client.expect_end()
    case.fence(watcher)
    late = case.client("late")
    late.subscribe(case.topic())
    case.fence(late)
