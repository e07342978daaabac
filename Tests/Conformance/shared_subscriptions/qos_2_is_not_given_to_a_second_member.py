# SPDX-License-Identifier: Apache-2.0
from Conformance.shared_subscriptions.parts import members
from Support.suite import v5
from Support.wait import until


@v5("MQTT-4.8.2-5")
def qos_2_is_not_given_to_a_second_member(case):
    """A QoS 2 message that was under way to a member whose session ended goes to nobody else."""
    (first, second), sender = members(case, 2, qos=2), case.client("sender")
    sender.publish(case.topic(), b"x", qos=2)

    def has_it():
        first.ping()
        second.ping()
        return [one for one in (first, second) if one.inbox]
    chosen = until(has_it, "a member has the message")[0]
    other = second if chosen is first else first
    chosen.inbox.clear()
    chosen.disconnect()
    case.fence(other, sender)
