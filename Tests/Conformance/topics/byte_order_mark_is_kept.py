# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-1.5.4-3")
def byte_order_mark_is_kept(case):
    """U+FEFF at the start of a topic is a character: it is neither stripped nor overlooked."""
    marked, plain = case.client("marked"), case.client("plain")
    topic = "\ufeff" + case.topic()
    marked.subscribe(topic)
    plain.subscribe(case.topic())
    sender = case.client("sender")
    sender.publish(topic, b"with")
    sender.publish(case.topic(), b"without")
    marked.receive("with", topic=topic)
    plain.receive("without", topic=case.topic())
    case.fence(marked, sender)
    case.fence(plain, sender)
