# SPDX-License-Identifier: Apache-2.0
# FileACL: what rules allow and deny, by the reason codes that clients see.
from Support import mqtt
from Support.broker import Isthmus, config, scratch
from Support.client import Client
from Support.ports import free_port
from Support.suite import ROOT, behaviour, check
from Support.wait import equal, until

LINK = "$LINK/cluster/route/other"


def guarded(case, rules, no_match="deny", more=""):
    broker = Isthmus("acl", "")
    case.finally_(broker.kill)
    (broker.folder / "acl.conf").write_text(rules)
    broker.write(config(broker.port, plugins=["FileACL"], extra=(
        f"authorization {{ no_match = {no_match}, "
        f'sources = [{{ type = file, path = "{broker.folder}/acl.conf" }}] {more} }}\n')))
    return broker.start()


def may(client, publish=(), subscribe=(), deny=False):
    """All of these are allowed; or with `deny` all are denied."""
    for topic in publish:
        reason = client.publish(topic, b"x", qos=1, accepted=False).reason
        check((reason == 0x87) == deny, f"PUBLISH to {topic} by {client.client_id}: 0x{reason:02X}")
    for filter_ in subscribe:
        reason = client.subscribe(filter_, granted=False).reasons[0]
        check((reason == 0x87) == deny, f"SUBSCRIBE to {filter_} by {client.client_id}: 0x{reason:02X}")


@behaviour()
def first_rule_decides(case):
    """Rules are asked from top to bottom, and the first that fits decides."""
    broker = guarded(case, '{deny, all, publish, ["a/secret"]}.\n{allow, all, publish, ["a/#"]}.\n'
                           '{deny, all, subscribe, ["#", {eq, "b/#"}]}.\n{allow, all, subscribe, ["b/+"]}.\n')
    client = broker.client("c")
    may(client, publish=["a/x"])
    may(client, publish=["a/secret", "elsewhere"], subscribe=["b/#", "c"], deny=True)


@behaviour()
def no_match_decides_the_rest(case):
    """What no rule is about is decided by no_match."""
    for no_match in ("allow", "deny"):
        client = guarded(case, '{allow, all, subscribe, ["a"]}.\n', no_match).client("c")
        may(client, subscribe=["a"])
        may(client, publish=["b"], subscribe=["b"], deny=no_match == "deny")


@behaviour()
def users_and_clients(case):
    """Rules can name users and clients, exactly or by a regular expression."""
    broker = guarded(case, '{allow, {username, "ann"}, all, ["u"]}.\n{allow, {clientid, "c1"}, all, ["c"]}.\n'
                           '{allow, {username, {re, "^adm"}}, all, ["r"]}.\n'
                           "{allow, {'and', [{username, \"ann\"}, {clientid, \"c2\"}]}, all, [\"both\"]}.\n")
    may(broker.client("x", username="ann"), publish=["u"], subscribe=["u"])
    may(broker.client("x", username="bob"), publish=["u", "r"], subscribe=["u"], deny=True)
    may(broker.client("c1"), publish=["c"])
    may(broker.client("c11"), publish=["c"], deny=True)
    may(broker.client("x", username="admin"), publish=["r"])
    may(broker.client("c2", username="ann"), publish=["both"])
    may(broker.client("c3", username="ann"), publish=["both"], deny=True)


@behaviour()
def addresses(case):
    """Rules can name addresses and networks."""
    broker = guarded(case, '{allow, {ipaddr, "127.0.0.1"}, all, ["here"]}.\n'
                           '{allow, {ipaddrs, ["10.0.0.0/8", "192.168.0.0/16"]}, all, ["there"]}.\n'
                           '{allow, {ipaddr, "127.0.0.0/8"}, all, ["net"]}.\n')
    client = broker.client("c")
    may(client, publish=["here", "net"])
    may(client, publish=["there"], deny=True)


@behaviour()
def placeholders(case):
    """${clientid} and ${username} in a rule's topic stand for the client's own."""
    broker = guarded(case, '{allow, all, all, ["home/${username}/${clientid}/#"]}.\n')
    client = broker.client("c1", username="ann")
    may(client, publish=["home/ann/c1/x"], subscribe=["home/ann/c1/#"])
    may(client, publish=["home/bob/c1/x", "home/ann/c2/x"], subscribe=["home/#"], deny=True)


@behaviour()
def placeholder_cannot_widen_a_rule(case):
    """A client whose identifier is a wildcard gains nothing by it."""
    broker = guarded(case, '{allow, all, all, ["own/${clientid}"]}.\n')
    for name in ("#", "+", "a/b"):
        may(broker.client(name), publish=["own/x"], subscribe=["own/#", "own/+", "own/a/b"], deny=True)


@behaviour()
def qos_and_retain_conditions(case):
    """Rules can ask for the QoS and the RETAIN flag."""
    broker = guarded(case, '{allow, all, {publish, [{qos, [0, 1]}, {retain, false}]}, ["t"]}.\n'
                           '{allow, all, {subscribe, [{qos, 0}]}, ["t"]}.\n')
    client = broker.client("c")
    equal(client.publish("t", b"x", qos=1, accepted=False).reason in (0, 0x10), True, "QoS 1 is allowed")
    equal(client.publish("t", b"x", qos=2, accepted=False).reason, 0x87, "QoS 2")
    equal(client.publish("t", b"x", qos=1, retain=True, accepted=False).reason, 0x87, "retained")
    equal(client.subscribe("t", qos=0, granted=False).reasons, [0], "SUBSCRIBE at QoS 0")
    equal(client.subscribe("t", qos=1, granted=False).reasons, [0x87], "SUBSCRIBE at QoS 1")


@behaviour("MQTT3-3.3.5-2")
def refusals_of_mqtt_3_1_1(case):
    """A denied MQTT 3.1.1 client gets 0x80 in the SUBACK, and its publish is acknowledged but not routed."""
    broker = guarded(case, '{deny, all, all, ["no"]}.\n{allow, all}.\n')
    watcher, client = broker.client("watcher", 4), broker.client("c", 4)
    equal(client.subscribe("no", "yes", granted=False).reasons, [0x80, 0], "SUBACK return codes")
    watcher.subscribe("#")
    client.publish("no", b"hidden", qos=1)
    client.publish("yes", b"seen", qos=1)
    watcher.receive("seen")


@behaviour()
def refusals_of_mqtt_3_1(case):
    """A denied MQTT 3.1 client, whose version has no code for it, is granted what it asked for and gets nothing."""
    broker = guarded(case, '{deny, all, subscribe, ["no"]}.\n{allow, all}.\n')
    client, sender = broker.client("c", 3), broker.client("sender", 3)
    equal(client.subscribe("no", "yes", qos=1).reasons, [1, 1], "granted QoS")
    sender.publish("no", b"hidden", qos=1)
    sender.publish("yes", b"seen", qos=1)
    client.receive("seen")


@behaviour()
def denied_message_reaches_nobody(case):
    """A denied PUBLISH is not delivered, not retained, and the connection stays."""
    broker = guarded(case, '{deny, all, publish, ["no"]}.\n{allow, all}.\n')
    watcher, client = broker.client("watcher"), broker.client("c")
    watcher.subscribe("+")
    client.publish("no", b"0", qos=0, retain=True)
    for qos in (1, 2):
        equal(client.publish("no", b"x", qos=qos, retain=True, accepted=False).reason, 0x87, "reason code")
    client.publish("yes", b"seen")
    watcher.receive("seen")
    late = broker.client("late")
    late.subscribe("no")
    late.ping()
    equal(late.inbox, [], "retained messages")


@behaviour("MQTT-4.3.3-9")
def identifier_of_a_denied_publish_is_free(case):
    """After a PUBREC of 0x87 the same packet identifier is a new message."""
    broker = guarded(case, '{deny, all, publish, ["no"]}.\n{allow, all}.\n')
    watcher, client = broker.client("watcher"), broker.client("c")
    watcher.subscribe("+")
    equal(client.publish("no", b"hidden", qos=2, pid=7, accepted=False).reason, 0x87, "reason code")
    client.publish("yes", b"seen", qos=2, pid=7)
    watcher.receive("seen", topic="yes")


@behaviour()
def denied_will_reaches_nobody(case):
    """A will to a topic that is denied is not published, or the CONNECT is refused."""
    broker = guarded(case, '{deny, all, publish, ["no"]}.\n{allow, all}.\n')
    watcher = broker.client("watcher")
    watcher.subscribe("+")
    mortal = Client(broker.address, 5, "mortal")
    mortal.send(mqtt.connect(5, "mortal", will={"topic": "no", "payload": b"gone"}))
    connack = mortal.expect(mqtt.CONNACK)
    check(connack.reason in (0, 0x87), f"{connack!r}")
    mortal.close()
    broker.client("c").publish("yes", b"seen", qos=1)
    watcher.receive("seen")


@behaviour()
def deny_action_disconnect(case):
    """With deny_action = disconnect a denied client is disconnected with 0x87."""
    broker = guarded(case, '{deny, all, all, ["no"]}.\n{allow, all}.\n', more=", deny_action = disconnect")
    client = broker.client("c")
    client.send(mqtt.publish(5, "no", b"x"))
    client.expect_end(reasons=[0x87])


@behaviour()
def shared_subscription_is_asked_without_its_group(case):
    """A rule for a filter holds for its shared form as well."""
    client = guarded(case, '{allow, all, subscribe, ["t"]}.\n').client("c")
    may(client, subscribe=["$share/g/t"])
    may(client, subscribe=["$share/g/u"], deny=True)


@behaviour()
def link_topics_are_closed(case):
    """$LINK/# is open to nobody unless a rule names it, whatever else is allowed."""
    broker = guarded(case, '{allow, {username, "clink"}, all, ["$LINK/#"]}.\n{allow, all}.\n', "allow")
    may(broker.client("c", username="ann"), publish=[LINK, "$LINK/cluster/msg/x"],
        subscribe=["$LINK/#", "$LINK/cluster/resp/other/actor"], deny=True)
    may(broker.client("l", username="clink"), publish=[LINK], subscribe=["$LINK/cluster/resp/other/actor"])


@behaviour()
def link_topics_are_closed_by_the_broker_itself(case):
    """Without any plugin that guards, and with one whose every rule allows everything, $LINK/# is closed all the same."""
    plain = Isthmus("plain", lambda port: config(port))
    case.finally_(plain.kill)
    plain.start()
    for broker in (plain, guarded(case, "{allow, all}.\n", "allow")):
        client = broker.client("c", username="ann")
        may(client, publish=["t", "$other/x"], subscribe=["#"])
        may(client, publish=[LINK, "$LINK/cluster/msg/x", f"$delayed/0/{LINK}"],
            subscribe=["$LINK/#", "$share/g/$LINK/#", "$LINK/cluster/resp/other/actor"], deny=True)


@behaviour("MQTT-4.7.2-1")
def shipped_rules_keep_others_off_the_brokers_own_topics(case):
    """Under the shipped acl.conf nobody from another machine reads or publishes below $SYS/; local programs may."""
    rules = scratch("rules") / "acl.conf"
    rules.write_text((ROOT / "etc/acl.conf").read_text())
    behind = free_port()
    broker = Isthmus("shipped", lambda port: config(port, plugins=["FileACL"], extra=(
        f'listeners.tcp.behind {{ bind = "127.0.0.1:{behind}", proxy_protocol = true, enable_authn = false }}\n'
        f'authorization {{ no_match = deny, sources = [{{ type = file, path = "{rules}" }}] }}\n')))
    case.finally_(broker.kill)
    broker.start()
    until(lambda: f"tcp:behind 127.0.0.1:{behind}" in broker.log, "the listener is open")
    far = Client(("127.0.0.1", behind), 5, "far")
    far.send(b"PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n")
    far.open()
    may(far, publish=["a/b"], subscribe=["a/b", "a/#"])
    may(far, publish=["$SYS/x", "$SYS/brokers/test/version"], subscribe=["$SYS/#", "#", "+/#"], deny=True)
    may(broker.client("near"), publish=["$SYS/x", "a/b"], subscribe=["$SYS/#", "#"])


@behaviour()
def shipped_rules(case):
    """The shipped acl.conf lets local clients do their work, and keeps $LINK closed."""
    broker = guarded(case, (ROOT / "etc/acl.conf").read_text(), "allow")
    client = broker.client("c")
    may(client, publish=["a/b"], subscribe=["a/b", "a/#"])
    may(client, publish=[LINK], subscribe=["$LINK/#"], deny=True)
