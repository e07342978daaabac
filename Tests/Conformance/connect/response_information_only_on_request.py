# SPDX-License-Identifier: Apache-2.0
from Support.suite import check, v5


@v5("MQTT-3.1.2-28")
def response_information_only_on_request(case):
    """Without Request Response Information, or with 0, the CONNACK has no Response Information."""
    for props in (None, {"request_response_information": 0}):
        connack = case.client(props=props).connack
        check("response_information" not in connack.properties, f"{connack!r}")
