# SPDX-License-Identifier: Apache-2.0
from Conformance.properties.parts import pair
from Support.suite import check, v5


@v5("MQTT-3.1.2-26", "MQTT-3.1.2-27", "MQTT-3.3.2-11")
def no_topic_alias_to_a_client_that_takes_none(case):
    """A client that announced no Topic Alias Maximum gets no topic aliases."""
    receiver, sender = pair(case)
    for number in range(5):
        sender.publish(case.topic(), str(number).encode())
        check("topic_alias" not in receiver.receive(str(number), topic=case.topic()).properties, "a topic alias")
