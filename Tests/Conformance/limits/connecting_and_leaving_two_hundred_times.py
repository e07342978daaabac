# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both()
def connecting_and_leaving_two_hundred_times(case):
    """Clients that come and go in quick succession leave nothing behind that disturbs."""
    for number in range(200):
        client = case.client("same")
        client.subscribe(case.topic())
        if number % 2:
            client.disconnect() if number % 3 else client.close()
    last, sender = case.client("same"), case.client("sender")
    sender.publish(case.topic(), b"stale")
    case.fence(last, sender)
