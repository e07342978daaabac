# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both()
def good_packets_before_a_bad_one_count(case):
    """What a client sent before its malformed packet is done."""
    watcher, client = case.client("watcher"), case.client()
    watcher.subscribe(case.topic())
    client.send(mqtt.publish(case.version, case.topic(), b"good") + b"\x00\x00"
                + mqtt.publish(case.version, case.topic(), b"after"))
    watcher.receive("good")
    case.fence(watcher)
