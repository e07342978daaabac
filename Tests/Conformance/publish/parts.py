# SPDX-License-Identifier: Apache-2.0
# What the behaviours of this chapter share.


def pair(case, filter_=None, qos=0, receiver_version=None, **subscribe):
    receiver, sender = case.client("receiver", receiver_version), case.client("sender")
    receiver.subscribe(filter_ or case.topic(), qos=qos, **subscribe)
    return receiver, sender
