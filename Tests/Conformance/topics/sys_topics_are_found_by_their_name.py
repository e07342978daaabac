# SPDX-License-Identifier: Apache-2.0
from Support.suite import both, check


@both("MQTT-4.7.2-1")
def sys_topics_are_found_by_their_name(case):
    """A filter that begins with $SYS/ matches the broker's own topics."""
    client = case.client()
    client.subscribe("$SYS/#")
    check(client.receive().topic.startswith("$SYS/"), "another topic")
