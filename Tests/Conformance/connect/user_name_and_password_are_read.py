# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-3.1.2-19", "MQTT-3.1.3-1", "MQTT-3.1.3-3")
def user_name_and_password_are_read(case):
    """A CONNECT with user name and password is well formed."""
    case.client(username="somebody", password=b"secret\x00\xff")
