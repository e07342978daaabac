# SPDX-License-Identifier: Apache-2.0
# SIGHUP: config, rules and users are read again; what is not in order changes nothing.
import signal

from Support.broker import Isthmus, config
from Support.suite import behaviour, check
from Support.wait import equal, until

ALLOW, DENY = '{allow, all, publish, ["t"]}.\n', '{deny, all, publish, ["t"]}.\n'


class Reloading(Isthmus):
    def __init__(self, case, rules=ALLOW, more=""):
        super().__init__("reload", "")
        case.finally_(self.kill)
        (self.folder / "acl.conf").write_text(rules)
        self.set(more)
        self.start()

    def set(self, more):
        self.write(config(self.port, plugins=["FileACL"], extra=(
            f'authorization {{ no_match = deny, sources = [{{ type = file, path = "{self.folder}/acl.conf" }}] }}\n'
            f'{more}\n')))

    def hang_up(self, expected):
        """Sends SIGHUP; returns when the log says `expected` once more."""
        before = self.log.count(expected)
        self.child.send_signal(signal.SIGHUP)
        until(lambda: self.log.count(expected) > before, f"the log says {expected!r}: {self.tail()}")


def may_publish(client):
    return client.publish("t", b"x", qos=1, accepted=False).reason != 0x87


@behaviour()
def new_rules_are_in_force_at_once(case):
    """A changed acl.conf is in force after SIGHUP, also for clients that have published before."""
    broker = Reloading(case)
    client = broker.client("c")
    check(may_publish(client), "allowed at first")
    (broker.folder / "acl.conf").write_text(DENY)
    broker.hang_up("is in force as it is now")
    check(not may_publish(client), "denied after the reload")


@behaviour()
def broken_rules_change_nothing(case):
    """A mistake in acl.conf is named by file:line:column, and the rules from before stay in force."""
    broker = Reloading(case, DENY)
    client = broker.client("c")
    (broker.folder / "acl.conf").write_text("{allow, all}.\n{allow, everybody}.\n")
    broker.hang_up("plugin FileACL keeps its old settings")
    check(f"{broker.folder}/acl.conf:2:" in broker.log, f"no place in {broker.tail()}")
    check(not may_publish(client), "still denied")


@behaviour()
def empty_config_changes_nothing(case):
    """A config file that is empty, as while it is being written anew, leaves everything as it is."""
    broker = Reloading(case)
    client = broker.client("c")
    broker.write("# nothing yet\n")
    broker.hang_up("the one from before stays in force")
    check("is empty; write what is to be in force into it" in broker.log, f"no reason in {broker.tail()}")
    check(may_publish(client), "allowed as before")


@behaviour()
def broken_config_changes_nothing(case):
    """A config that does not parse is named by file:line:column, and the one from before stays in force."""
    broker = Reloading(case)
    client = broker.client("c")
    path = broker.folder / "isthmus.conf"
    path.write_text(path.read_text() + "\nmqtt { max_qos_allowed = \n")
    broker.hang_up("the one from before stays in force")
    check(f"{path}:" in broker.log, f"no place in {broker.tail()}")
    check(may_publish(client), "still allowed")


@behaviour()
def limits_change_while_it_runs(case):
    """mqtt.* takes effect for the next connections; what needs a restart is named."""
    broker = Reloading(case)
    equal(broker.client("before").connack.properties.get("maximum_qos"), None, "maximum QoS before")
    broker.set("mqtt.max_qos_allowed = 1\nnode.name = other")
    broker.hang_up("is in force as it is now")
    equal(broker.client("after").connack.properties.get("maximum_qos"), 1, "maximum QoS after")
    check("node.name has changed; that takes a restart" in broker.log, f"nothing of node.name: {broker.tail()}")


@behaviour()
def sessions_that_are_away_lose_what_is_denied(case):
    """Who comes back after a reload gets nothing by a subscription that the new rules deny, queued or new."""
    broker = Reloading(case, "{allow, all}.\n")
    away = broker.client("away", props={"session_expiry": 100})
    away.subscribe("open", "secret", qos=1)
    away.close()
    mouth = broker.client("mouth")
    for topic in ("secret", "open"):
        mouth.publish(topic, topic.encode(), qos=1)
    (broker.folder / "acl.conf").write_text('{deny, all, subscribe, ["secret"]}.\n{allow, all}.\n')
    broker.hang_up("is in force as it is now")
    back = broker.client("away", clean=False, props={"session_expiry": 100})
    equal(back.connack.session_present, True, "the session is there")
    back.receive("open")
    mouth.publish("secret", b"secret", qos=1)
    mouth.publish("open", b"again", qos=1)
    back.receive("again")
    check("may not make 1 of its session's subscriptions any more, such as secret" in broker.log, broker.tail())
