# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import both
from Support.wait import equal


@both()
def retained_with_big_payload(case):
    """A retained message of 300 KB is kept whole."""
    stored(case, b"0123456789" * 30000)
    client = case.client()
    client.subscribe(case.topic())
    equal(len(client.receive(retain=True).payload), 300000, "length")
