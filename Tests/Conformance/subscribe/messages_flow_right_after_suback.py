# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-3.8.4-1")
def messages_flow_right_after_suback(case):
    """A message published after the SUBACK is never missed."""
    sender = case.client("sender")
    for number in range(30):
        client = case.client(f"r{number}")
        client.subscribe(case.topic(str(number)))
        sender.publish(case.topic(str(number)), b"now")
        client.receive("now")
        client.close()
