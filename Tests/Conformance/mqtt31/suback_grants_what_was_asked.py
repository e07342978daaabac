# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v3
from Support.wait import equal


@v3()
def suback_grants_what_was_asked(case):
    """A SUBACK has a granted QoS for each filter, in their order."""
    client = case.client()
    client.send(mqtt.subscribe(3, 9, [(case.topic("a"), 2), (case.topic("b"), 0), (case.topic("c"), 1)]))
    equal(client.expect(mqtt.SUBACK, pid=9).reasons, [2, 0, 1], "granted QoS")
