# SPDX-License-Identifier: Apache-2.0
from Support.suite import v4


@v4("MQTT-3.1.3-6")
def empty_client_id_with_clean_session_is_accepted(case):
    """An empty client identifier with CleanSession 1 gets a session of its own."""
    first, second = case.client(client_id=""), case.client(client_id="")
    first.ping()
    second.ping()
