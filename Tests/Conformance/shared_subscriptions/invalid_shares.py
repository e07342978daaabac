# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import check, v5


def refused_share(label, filter_):
    def is_refused(case):
        client = case.client()
        client.send(mqtt.subscribe(5, 1, [(filter_, 0)]))
        answer = client.next()
        code = answer.reasons[0] if answer.type == mqtt.SUBACK else answer.reason
        check(code in (0x8F, 0x81, 0x82, 0x9E), f"{answer!r}")
    is_refused.__name__ = "invalid_share_" + label
    is_refused.__doc__ = f"A SUBSCRIBE to {filter_!r} is refused."
    v5("MQTT-4.8.2-1", "MQTT-4.8.2-2")(is_refused)


for name, invalid in {"no_filter": "$share/g", "empty_filter": "$share/g/", "empty_group": "$share//t",
                      "plus_in_group": "$share/g+/t", "hash_in_group": "$share/#/t"}.items():
    refused_share(name, invalid)
