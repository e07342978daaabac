# SPDX-License-Identifier: Apache-2.0
# What the behaviours of this chapter share. MQTT 3.1 (protocol name MQIsdp, level 3) has no numbered statements.


def pair(case, qos, clean=True):
    """A receiver that has subscribed, and a sender; both speak MQTT 3.1."""
    receiver, sender = case.client("receiver", clean=clean), case.client("sender")
    receiver.subscribe(case.topic(), qos=qos)
    return receiver, sender
