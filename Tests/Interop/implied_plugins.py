# SPDX-License-Identifier: Apache-2.0
# Without a list of plugins the keys of the config say which are loaded.
import re

from Support.broker import BINARY, Isthmus, config, scratch
from Support.suite import behaviour, check
from Support.tools import isthmus
from Support.wait import until

KEYS = {"ClusterLink": ("cluster.links", '[{ name = there, server = "127.0.0.1:1,", topics = [] }]'),
        "FileACL": ("authorization", "{ no_match = deny }"),
        "PasswordAuth": ("authentication", "[{ mechanism = password_based, backend = built_in_database }]")}


def without_list(port, extra):
    return re.sub(r"(?m)^plugins = .*\n", "", config(port, extra=extra))


@behaviour()
def keys_load_their_plugins(case):
    """Without `plugins` each key of a shipped plugin loads it, and no other; the banner says which, and for which key."""
    for asked in [[name] for name in KEYS] + [list(KEYS), []]:
        extra = "".join(f"{KEYS[name][0]} = {KEYS[name][1]}\n" for name in asked)
        broker = Isthmus("implied", lambda port: without_list(port, extra))
        case.finally_(broker.kill)
        broker.start()
        until(lambda: "may connect" in broker.log, "the banner is written")
        for name, (key, _) in KEYS.items():
            named = re.search(rf"plugins  .*{name} \S+ \(for {re.escape(key)}\)", broker.log)
            check(bool(named) == (name in asked), f"{asked}: {broker.log}")
        broker.kill()


@behaviour()
def empty_list_loads_none(case):
    """`plugins = []` loads none: a key of a plugin is refused, with the plugin's name."""
    path = scratch("implied") / "isthmus.conf"
    path.write_text("plugins = []\nauthorization { no_match = deny }\n")
    said = isthmus("check", "--config", path, "--plugin-dir", BINARY.parent, status=1).said
    check(re.search(r"isthmus\.conf:2:1: \"authorization\" belongs to the plugin FileACL", said), said)


@behaviour()
def mistake_in_a_key_of_an_implied_plugin(case):
    """A mistake in such a key is told as with a list."""
    path = scratch("implied") / "isthmus.conf"
    path.write_text("authorization { no_mach = deny }\n")
    said = isthmus("check", "--config", path, "--plugin-dir", BINARY.parent, status=1).said
    check(re.search(r"isthmus\.conf:1:17: unknown key .*no_match", said), said)
