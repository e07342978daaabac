# SPDX-License-Identifier: Apache-2.0
from Conformance.shared_subscriptions.parts import members
from Support import mqtt
from Support.suite import v5
from Support.wait import until


@v5("MQTT-4.8.2-6")
def refused_message_is_not_given_to_a_second_member(case):
    """A message that a member refuses with a reason code of 0x80 or more goes to nobody else."""
    (first, second), sender = members(case, 2, qos=1), case.client("sender")
    sender.publish(case.topic(), b"x", qos=1)

    def has_it():
        first.ping()
        second.ping()
        return [one for one in (first, second) if one.inbox]
    chosen = until(has_it, "a member has the message")[0]
    chosen.send(mqtt.ack(5, mqtt.PUBACK, chosen.inbox.pop().pid, 0x80))
    chosen.ping()
    case.fence(second if chosen is first else first, sender)
    case.fence(chosen, sender)
