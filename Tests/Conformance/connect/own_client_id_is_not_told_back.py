# SPDX-License-Identifier: Apache-2.0
from Support.suite import check, v5


@v5("MQTT-3.2.2-16")
def own_client_id_is_not_told_back(case):
    """A client that brought an identifier is not assigned another one."""
    check("assigned_client_id" not in case.client().connack.properties, "an Assigned Client Identifier was sent")
