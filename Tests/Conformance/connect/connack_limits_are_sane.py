# SPDX-License-Identifier: Apache-2.0
from Support.suite import check, v5


@v5()
def connack_limits_are_sane(case):
    """The CONNACK's limits keep to their ranges."""
    found = case.client().connack.properties
    check(found.get("receive_maximum", 1) > 0, "Receive Maximum is 0")
    check(found.get("maximum_packet_size", 1) > 0, "Maximum Packet Size is 0")
    check(found.get("maximum_qos", 0) in (0, 1), "Maximum QoS is neither 0 nor 1 [MQTT-3.2.2-9]")
