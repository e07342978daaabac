# SPDX-License-Identifier: Apache-2.0
from Support.suite import v5


@v5()
def share_and_plain_of_one_client(case):
    """A client with the shared and the plain subscription gets both."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic())
    client.subscribe(f"$share/g/{case.topic()}")
    sender.publish(case.topic(), b"x")
    client.receive("x")
    client.receive("x")
