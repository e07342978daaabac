# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v4


@v4("MQTT3-3.1.2-22")
def password_without_user_name_is_refused(case):
    """In 3.1.1 a password needs a user name."""
    client = case.dial()
    client.send(mqtt.connect(4, client.client_id, password=b"secret"))
    client.expect_end()
