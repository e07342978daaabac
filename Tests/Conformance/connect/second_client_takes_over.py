# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-3.1.4-3", "MQTT-3.14.4-1", "MQTT-3.14.4-2")
def second_client_takes_over(case):
    """A second connection with the same client identifier ends the first one."""
    first = case.client("same")
    second = case.client("same")
    first.expect_end(reasons=[0x8E])
    second.ping()
