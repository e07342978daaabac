# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both, check


@both("MQTT-3.1.2-22")
def deliveries_do_not_count(case):
    """What the broker sends to a silent client does not keep it connected."""
    client, sender = case.client(keepalive=1), case.client("sender")
    client.subscribe(case.topic())
    while True:
        sender.publish(case.topic(), b"tick")
        try:
            client.take(mqtt.PUBLISH)
        except AssertionError:
            break
        case.context.pause(0.2)
        check(len(client.log) < 100, "it is still connected")
