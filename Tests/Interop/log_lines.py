# SPDX-License-Identifier: Apache-2.0
# What an operator reads in the log without setting a level: who was refused, by whom and why; and that nothing which
# clients, peers or their names can do fills or forges it.
import re
import signal

from Support import mqtt
from Support.broker import Isthmus, config, scratch
from Support.client import Client
from Support.links import Cluster
from Support.ports import free_port
from Support.suite import behaviour, check
from Support.wait import equal, until

RULES = '{allow, all, subscribe, ["$SYS/#"]}.\n{deny, {clientid, "c"}, publish, ["shut/#"]}.\n'
DEFAULT = "log.console.level = notice\n"


def served(case, more="", rules=RULES, throttling=""):
    """A broker with users, rules and the default level; `broker.rules` is the path of the rules."""
    folder = scratch("files")
    (folder / "acl.conf").write_text(rules)
    (folder / "users.csv").write_text("user_id,password,is_superuser\nann,secret,false\n")
    text = (f'authorization {{ no_match = deny, sources = [{{ type = file, path = "{folder}/acl.conf" }}] }}\n'
            "authentication = [{ mechanism = password_based, backend = built_in_database, bootstrap_type = plain, "
            f'bootstrap_file = "{folder}/users.csv" }}]\n{throttling}{more}')
    broker = Isthmus("log", lambda port: config(port, plugins=["PasswordAuth", "FileACL"], extra=text).replace(
        "log.console.level = info\n", ""))
    broker.rules = folder / "acl.conf"
    case.finally_(broker.kill)
    return broker.start()


def said(broker, pattern):
    return until(lambda: re.search(pattern, broker.log), f"the log says {pattern!r}:\n{broker.tail()}")


def ann(broker, name="c", **options):
    return Client(broker.address, 5, name).open(username="ann", password=b"secret", **options)


@behaviour()
def refusals_name_plugin_and_rule(case):
    """At the default level: who is not admitted or not authorised, by which plugin, and file and line of the rule."""
    broker = served(case)
    Client(broker.address, 5, "who").open(username="eve", password=b"x", expect=0x86)
    said(broker, r'client who from 127\.0\.0\.1:\d+ on tcp:default: not admitted: no plugin knows the user "eve"')
    Client(broker.address, 5, "wrong").open(username="ann", password=b"x", expect=0x86)
    said(broker, r'client wrong .*: not admitted: PasswordAuth refuses the user "ann", reason code 0x86')
    client = ann(broker)
    client.publish("shut/x", b"x", qos=1, accepted=False)
    said(broker, rf"client c .*: not authorised to publish to shut/x by FileACL: {broker.rules}:2:1: denied by the rule "
                 r"\{deny, \{clientid, \"c\"\}, publish, \[\"shut/#\"\]\}")
    client.subscribe("elsewhere", granted=False)
    said(broker, r"client c .*: not authorised to subscribe to elsewhere by FileACL: .*no_match is deny")
    ann(broker, "w", will={"topic": "shut/w", "payload": b"x"}).close()
    said(broker, r"client w .*: not authorised to publish its will, which is dropped, to shut/w by FileACL: ")


@behaviour()
def take_overs_and_broken_protocols_are_told(case):
    """At the default level: whose place another connection takes, and who breaks the protocol."""
    broker = served(case)
    first = ann(broker)
    second = ann(broker)
    first.expect_end()
    said(broker, r"client c .*: another connection with this client identifier takes over")
    second.send(b"\x20\x02\0\0")
    second.expect_end()
    said(broker, r"client c .*: the client sent a packet that only a server sends; closing the connection")


@behaviour()
def a_reload_says_what_it_came_to(case):
    """A reload that went through is told; after mistakes the last line names what stays as it was, and not that all is
    in force."""
    broker = served(case)
    broker.child.send_signal(signal.SIGHUP)
    said(broker, "isthmus.conf is in force as it is now\n")
    broker.write(broker.conf_path.read_text() + "node.name = another\n")
    broker.child.send_signal(signal.SIGHUP)
    said(broker, r"node.name has changed; that takes a restart")
    said(broker, r"is in force as it is now, but for what takes a restart \(1 of its keys\)")
    broker.rules.write_text("{allow, everybody}.\n")
    before = broker.log.count("is in force as it is now")
    broker.child.send_signal(signal.SIGHUP)
    said(broker, r"is in force, but not for plugin FileACL, where all is as it was")
    equal(broker.log.count("is in force as it is now"), before, "lines that say all is in force")


@behaviour()
def links_are_told(case):
    """A link that comes up is told at the default level, and why it goes down."""
    ports = free_port(), free_port()
    left = Cluster("left", ports[0], [{"name": "right", "port": ports[1]}], extra=DEFAULT)
    right = Cluster("right", ports[1], [{"name": "left", "port": ports[0]}], extra=DEFAULT)
    for one in (left, right):
        case.finally_(one.kill)
        one.start()
    said(left, r"Link right: routes are online")
    right.kill()
    said(left, r"Link right: .*(closed|refused|reset|lost)")


@behaviour()
def a_links_state_is_told_at_once(case):
    """A link's state below $SYS does not wait for the interval of the other figures."""
    ports = free_port(), free_port()
    late = DEFAULT + "sys_topics.sys_msg_interval = 1h\n"
    left = Cluster("left", ports[0], [{"name": "right", "port": ports[1]}], extra=late)
    right = Cluster("right", ports[1], [{"name": "left", "port": ports[0]}], extra=late)
    for one in (left, right):
        case.finally_(one.kill)
        one.start()
    left.wait_online("right")
    right.kill()
    with left.watch("right") as seen:
        seen.until(state="connecting")


@behaviour()
def a_client_that_is_refused_for_ever_fills_no_log(case):
    """However often and with whatever a client is refused: a few lines, each of bounded length, and then how many."""
    broker = served(case, throttling="log.throttling.time_window = 1s\n")
    before = len(broker.log)
    client = ann(broker, "c" * 60_000)
    for number in range(400):
        client.send(mqtt.publish(5, f"{number}/" + "t" * 60_000, b"x", 0))
    client.ping()
    for number in range(50):
        ann(broker, f"many-{number}", will={"topic": "w" * 60_000, "payload": b"x"}).close()
    said(broker, r"\d+ more lines were left out, such as: client c+… \(60000 bytes\) from .*: not authorised to publish to")
    grown = len(broker.log) - before
    check(grown < 100_000, f"{grown} bytes of log")
    check(max(map(len, broker.log.splitlines())) < 2000, "a line is too long")
    watch = ann(broker, "watch")
    watch.subscribe("$SYS/brokers/test/metrics/log/lines/left_out")
    until(lambda: int(watch.take(mqtt.PUBLISH).payload) >= 300, "they are counted")


@behaviour()
def a_peer_that_breaks_the_protocol_fills_no_log(case):
    """However often a client breaks the link protocol: a few lines that name it, and none as long as what it sent."""
    broker = Cluster("left", links=[{"name": "right", "port": free_port()}],
                     extra=DEFAULT + "log.throttling.time_window = 1h\n")
    case.finally_(broker.kill)
    broker.start()
    for number in range(50):
        client = Client(broker.address, 5, "intruder").open(username="clink", password=b"x")
        cluster = "right" if number % 2 else "x" * 60_000
        client.send(mqtt.publish(5, f"$LINK/cluster/route/{cluster}", b"rubbish", 1, pid=1))
        client.expect_end(reasons=[0x83])
    equal(broker.log.count("broke the link protocol"), 3, "lines")
    check(max(map(len, broker.log.splitlines())) < 1000, "a line is too long")
    broker.stop()
    said(broker, r"47 more lines were left out, such as: ClusterLink: Link .*: client intruder at 127\.0\.0\.1 broke")


@behaviour()
def names_cannot_forge_lines(case):
    """What turns the direction of writing, or is not seen, stands in the log as a code."""
    broker = served(case)
    client = Client(broker.address, 5, "a\u202e\u200bb\u2028c").open(username="ann", password=b"secret")
    client.publish("shut/\ufeffx", b"x", qos=1, accepted=False)
    said(broker, r"client a\\u\{202e\}\\u\{200b\}b\\u\{2028\}c from .* to shut/\\u\{feff\}x ")
