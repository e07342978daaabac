# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-3.1.2-17")
def user_name_without_password_is_read(case):
    """A CONNECT with a user name alone is well formed."""
    case.client(username="somebody")
