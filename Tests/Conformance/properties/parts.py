# SPDX-License-Identifier: Apache-2.0
# What the behaviours of this chapter share.
from Support.suite import Skip

NO_LOCAL = 0x04


def pair(case, qos=0, **subscribe):
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=qos, **subscribe)
    return receiver, sender


def alias_maximum(client):
    maximum = client.connack.properties.get("topic_alias_maximum", 0)
    if not maximum:
        raise Skip("this broker takes no topic aliases")
    return maximum
