# SPDX-License-Identifier: Apache-2.0
# What the behaviours of this chapter share.


def keeping(case, name="c", expiry=300, clean=False, **options):
    return case.client(name, clean=clean, props={"session_expiry": expiry} if case.version == 5 else None, **options)
