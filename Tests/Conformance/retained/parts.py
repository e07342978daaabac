# SPDX-License-Identifier: Apache-2.0
# What the behaviours of this chapter share.
from Support import mqtt

RAP, RH1, RH2 = 0x08, 0x10, 0x20


def stored(case, payload=b"kept", name="t", qos=1, **options):
    sender = case.client("storing")
    sender.publish(case.topic(name), payload, qos=qos, retain=True, **options)
    return sender


def _has_retained(case, name):
    probe = case.client(f"probe{len(case.clients)}")
    probe.subscribe(case.topic(name))
    probe.subscribe(case.topic("probe-end"))
    probe.publish(case.topic("probe-end"), b"end")
    return probe.take(mqtt.PUBLISH).payload != b"end"
