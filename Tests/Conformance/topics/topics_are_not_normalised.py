# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-4.7.3-4")
def topics_are_not_normalised(case):
    """Upper case, composed letters, spaces, dots and empty levels make different topics."""
    base = case.topic()
    topics = [base + end for end in ("/\u00e9", "/e\u0301", "/E\u0301", "/", "//", "/ ", "/.", "/./", "/..", "/a/../")]
    clients = [case.client(f"c{number}") for number in range(len(topics))]
    for client, topic in zip(clients, topics):
        client.subscribe(topic)
    sender = case.client("sender")
    for topic in topics:
        sender.publish(topic, topic.encode())
    for client, topic in zip(clients, topics):
        client.receive(topic, topic=topic)
        case.fence(client, sender)
