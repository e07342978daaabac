# SPDX-License-Identifier: Apache-2.0
from Support.suite import v5


@v5("MQTT-3.1.2-19")
def password_without_user_name_is_allowed(case):
    """In 5.0 a password may stand alone."""
    case.client(password=b"secret")
