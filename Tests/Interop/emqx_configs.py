# SPDX-License-Identifier: Apache-2.0
# Configs as EMQX users have them: what is of no use here is accepted, what would guard is refused, and what asks for a
# function that is not here is told.
import re

from Support.broker import Isthmus, config, scratch
from Support.suite import behaviour, check
from Support.tools import isthmus

USUAL = """
node { name = "emqx@127.0.0.1", cookie = "emqxsecretcookie", data_dir = "data", process_limit = 2097152, role = core }
cluster { name = emqxcl, discovery_strategy = manual, autoheal = true, proto_dist = inet_tcp }
dashboard { listeners.http { bind = 18083 }, default_password = "public-secret" }
mqtt {
  strict_mode = false, keepalive_check_interval = 30s, keepalive_backoff = 0.75, idle_timeout = infinity
  max_subscriptions = infinity, message_expiry_interval = infinity, retry_interval = infinity
  clientid_override = disabled, client_attrs_init = []
}
broker { enable_session_registry = true, session_locking_strategy = quorum, perf { trie_compaction = true } }
log { console { level = warning, formatter = text }, file { enable = false }, throttling { msgs = [x] } }
rpc { mode = async }, sysmon { os { cpu_check_interval = 60s } }, force_gc { enable = true, count = 16000 }
conn_congestion { enable_alarm = true }, overload_protection { enable = false }, durable_sessions { enable = false }
zones {}, rewrite = [], banned {}
"""


def checked(text, status):
    path = scratch("emqx") / "emqx.conf"
    path.write_text(text)
    return isthmus("check", "--config", path, status=status).said


@behaviour()
def usual_config_is_accepted(case):
    """What stands in a usual EMQX config is accepted; that there is no dashboard is told, and no secret."""
    said = checked(USUAL, 0)
    check(re.search(r"emqx\.conf:\d+:\d+: dashboard has no effect", said), said)
    check(said.count("no effect") == 1 and "public-secret" not in said, said)


@behaviour()
def functions_that_are_not_here(case):
    """Each function of EMQX that is asked for and not here is told when the broker starts."""
    keys = {"cluster.discovery_strategy": "static", "log.file": "{ level = info }", "durable_sessions": "{ enable = true }",
            "rule_engine": '{ rules { a { sql = "SELECT" } } }', "gateway": "{ stomp { enable = true } }"}
    extra = "".join(f"{key} = {value}\n" for key, value in keys.items())
    broker = Isthmus("functions", lambda port: config(port, extra=extra))
    case.finally_(broker.kill)
    broker.start()
    for key in keys:
        check(re.search(rf"\[warning\] .*:\d+:\d+: {re.escape(key)} has no effect", broker.log), f"{key}: {broker.log}")


@behaviour()
def what_would_guard_is_refused(case):
    """Keys that would guard, or change what clients say, stop the start, each with its place."""
    keys = {"zones": "{ other { mqtt { max_packet_size = 1KB } } }", "banned": '{ bootstrap_file = "x.csv" }',
            "mqtt.clientid_override": '"username"', "mqtt.client_attrs_init": '[{ expression = "username", set_as_attr = a }]',
            "rewrite": "[{ action = all }]", "psk_authentication": "{ enable = true }",
            "schema_validation": "{ validations = [{ name = a }] }", "exhook": "{ servers = [{ name = a }] }"}
    said = checked("".join(f"{key} = {value}\n" for key, value in keys.items()), 1)
    for line, key in enumerate(keys, 1):
        check(re.search(rf"emqx\.conf:{line}:\d+: {re.escape(key)} is not served", said), f"{key}: {said}")


@behaviour()
def zone_of_a_listener(case):
    """A listener in a zone other than default is refused."""
    said = checked("listeners.tcp.default.zone = inside\n", 1)
    check(re.search(r"emqx\.conf:1:\d+: listeners\.tcp\.default\.zone .*one zone", said), said)
