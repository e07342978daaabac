# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both()
def publisher_gets_its_own_message(case):
    """A client that subscribes to what it publishes gets it too."""
    client = case.client()
    client.subscribe(case.topic())
    client.publish(case.topic(), b"mine")
    client.receive("mine")
