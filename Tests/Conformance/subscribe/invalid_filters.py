# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.client import Closed
from Support.suite import both, check


def refused_filter(name, filter_):
    def refused(case):
        client = case.client()
        client.send(mqtt.subscribe(case.version, 1, [(filter_, 0)]))
        answer = client.next()
        if answer.type == mqtt.SUBACK:
            check(answer.reasons[0] in ((0x8F, 0x80, 0x9E) if case.version == 5 else (0x80,)), f"{answer!r}")
        else:
            check(answer.type == mqtt.DISCONNECT and answer.reason in (0x81, 0x82, 0x8F), f"{answer!r}")

    def refused_or_closed(case):
        try:
            refused(case)
        except Closed:
            check(case.version == 4, "closed without a reason code")
    refused_or_closed.__name__ = "invalid_filter_" + name
    refused_or_closed.__doc__ = f"A SUBSCRIBE to the invalid filter {filter_!r} is refused."
    return refused_or_closed


for label, invalid in {
    "hash_not_last": "a/#/b", "hash_in_word": "a/b#", "plus_in_word": "a/b+/c", "plus_before_word": "+a", "empty": "",
    "two_hashes": "#/#",
}.items():
    both("MQTT-4.7.1-1", "MQTT-4.7.1-2")(refused_filter(label, invalid))
