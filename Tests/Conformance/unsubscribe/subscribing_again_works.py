# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both()
def subscribing_again_works(case):
    """A filter can be subscribed again after it was unsubscribed."""
    client, sender = case.client(), case.client("sender")
    for number in range(3):
        client.subscribe(case.topic())
        sender.publish(case.topic(), str(number).encode())
        client.receive(str(number))
        client.unsubscribe(case.topic())
