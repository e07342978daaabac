# SPDX-License-Identifier: Apache-2.0
from Support.suite import check, v5


@v5("MQTT-3.1.2-29")
def no_problem_information_when_not_wanted(case):
    """With Request Problem Information 0 no reason string comes with a SUBACK or PUBACK."""
    client = case.client(props={"request_problem_information": 0})
    suback = client.subscribe(case.topic(), qos=1)
    puback = client.publish(case.topic("nobody"), b"x", qos=1)
    for packet in (suback, puback):
        check(not packet.properties.keys() & {"reason_string", "user_property"}, f"{packet!r}")
