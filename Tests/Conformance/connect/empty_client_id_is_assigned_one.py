# SPDX-License-Identifier: Apache-2.0
from Support.suite import check, v5


@v5("MQTT-3.1.3-6", "MQTT-3.1.3-7", "MQTT-3.2.2-16")
def empty_client_id_is_assigned_one(case):
    """An empty client identifier is replaced by one that the CONNACK tells."""
    first, second = case.client(client_id=""), case.client(client_id="")
    ids = [c.connack.properties.get("assigned_client_id") for c in (first, second)]
    check(all(ids) and ids[0] != ids[1], f"Assigned Client Identifiers: {ids!r}")
