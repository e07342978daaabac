# SPDX-License-Identifier: Apache-2.0
# The isthmus program at the shell: its commands, their exit statuses, and messages that point at the place.
import re
import signal

from Support import mqtt
from Support.broker import BINARY, Isthmus, config, scratch
from Support.suite import ROOT, behaviour, check
from Support.tools import isthmus
from Support.wait import equal, until


def check_config(text, status):
    path = scratch("check") / "test.conf"
    path.write_text(text)
    return isthmus("check", "--config", path, "--plugin-dir", BINARY.parent, status=status), path


@behaviour()
def version_is_told(case):
    """isthmus --version names the version and the plugin ABI."""
    said = isthmus("--version").said
    check(re.search(r"isthmus \d+\.\d+\.\d+.*ABI 1\.", said), said)


@behaviour()
def help_names_the_commands(case):
    """isthmus --help names the commands run, check and plugins."""
    said = isthmus("--help").said
    for command in ("run", "check", "plugins"):
        check(re.search(rf"^\s+{command}\b", said, re.M), f"no {command} in: {said}")


@behaviour()
def good_config_is_accepted(case):
    """isthmus check ends with 0 for a good config."""
    check_config(config(1883), 0)


@behaviour()
def shipped_configs_are_good(case):
    """isthmus check ends with 0 for every config in etc/."""
    for path in [ROOT / "etc/isthmus.conf", *sorted((ROOT / "etc/demo").glob("*.conf"))]:
        if not path.name.startswith("acl"):
            isthmus("check", "--config", path, "--plugin-dir", BINARY.parent)


@behaviour()
def syntax_error_is_placed(case):
    """A config that does not parse is refused with file:line:column."""
    done, path = check_config('node.name = "x"\nlisteners.tcp.default { bind = \n', 1)
    check(re.search(re.escape(str(path)) + r":\d+:\d+", done.said), done.said)


@behaviour()
def unknown_key_gets_a_suggestion(case):
    """An unknown key is refused with its place and the nearest known key."""
    done, path = check_config('node.name = "x"\nlisteners.tcp.default { bnd = "127.0.0.1:1883" }\nplugins = []\n', 1)
    check(re.search(re.escape(str(path)) + r":2:\d+", done.said), done.said)
    check("bind" in done.said, f"no suggestion: {done.said}")


@behaviour()
def wrong_type_is_placed(case):
    """A value of the wrong type is refused with its place."""
    done, path = check_config('sys_topics.sys_msg_interval = "soon"\nplugins = []\n', 1)
    check(re.search(re.escape(str(path)) + r":1:\d+", done.said), done.said)


@behaviour()
def missing_config_file_is_named(case):
    """A config file that does not exist is named."""
    done = isthmus("check", "--config", "/nowhere/at-all.conf", status=1)
    check("/nowhere/at-all.conf" in done.said, done.said)


@behaviour()
def bad_config_stops_the_start(case):
    """isthmus run with a config that does not parse ends at once, with the place and without listening."""
    broker = Isthmus("bad", "listeners.tcp.default { bind = [1 }\n")
    case.finally_(broker.kill)
    check(broker.launch().wait() != 0, "exit status 0")
    check(re.search(re.escape(str(broker.conf_path)) + r":1:\d+", broker.log), broker.log)


@behaviour()
def plugins_are_listed(case):
    """isthmus plugins lists the three plugins with version and ABI."""
    said = isthmus("plugins", "--plugin-dir", BINARY.parent).said
    for name in ("ClusterLink", "FileACL", "PasswordAuth"):
        check(re.search(rf"^{name} .*ABI 1\.", said, re.M), f"no {name} in: {said}")


@behaviour()
def port_in_use_is_told(case):
    """A listener whose port is in use stops the start with a sentence that names it."""
    first = Isthmus("first").start()
    case.finally_(first.kill)
    second = Isthmus("second", config(first.port), port=first.port)
    case.finally_(second.kill)
    check(second.launch().wait() != 0, "exit status 0")
    check(str(first.port) in second.log, second.log)


@behaviour(versions=(4, 5))
def sigterm_says_goodbye(case):
    """SIGTERM disconnects the clients, MQTT 5 ones with 0x8B, and ends with status 0."""
    broker = Isthmus("term").start()
    case.finally_(broker.kill)
    client = broker.client("c", case.version)
    equal(broker.stop(), 0, "exit status")
    client.expect_end(reasons=[0x8B])


@behaviour()
def sigint_ends_too(case):
    """SIGINT, as of Ctrl-C, ends the broker with status 0."""
    broker = Isthmus("int").start()
    case.finally_(broker.kill)
    broker.child.send_signal(signal.SIGINT)
    equal(broker.wait(), 0, "exit status")


@behaviour()
def start_is_told_in_few_lines(case):
    """At its start the broker says its version and its listener."""
    broker = Isthmus("lines").start()
    case.finally_(broker.kill)
    until(lambda: str(broker.port) in broker.log, "the log names the port")
    check(re.search(r"isthmus \d+\.\d+", broker.log, re.I), broker.log)
    check("kept in memory only" in broker.log, broker.log)
    check(len(broker.log.splitlines()) <= 20, f"{len(broker.log.splitlines())} lines:\n{broker.log}")


@behaviour()
def works_without_any_plugin(case):
    """A broker without plugins serves clients of the loopback address."""
    broker = Isthmus("bare").start()
    case.finally_(broker.kill)
    client = broker.client("c")
    client.subscribe("t", qos=2)
    client.publish("t", b"x", qos=2)
    client.take(mqtt.PUBLISH, payload=b"x")


@behaviour()
def restart_is_quick_and_forgets(case):
    """A broker that was killed starts again on the same port at once."""
    broker = Isthmus("again").start()
    case.finally_(broker.kill)
    for _ in range(3):
        broker.restart_after_kill()
        broker.client("c").ping()
