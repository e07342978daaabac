// SPDX-License-Identifier: Apache-2.0
// What a started broker says: seven lines at most.

enum Banner {
    static func text(_ assembly: Assembly, _ listeners: ListenerSet) -> String {
        let config = assembly.runtime.config
        let node = config.string(at: "node.name") ?? ""
        let cluster = config.string(at: "cluster.name") ?? ""
        let loops = assembly.runtime.loops.count
        var plugins = assembly.plugins.running.joined(separator: ", ")
        if plugins.isEmpty { plugins = "none" }
        if !assembly.plugins.failed.isEmpty {
            plugins += "; FAILED: " + assembly.plugins.failed.joined(separator: ", ")
        }
        let isGuarded = assembly.runtime.loops[0].broker.hooks.authenticates
        var who =
            isGuarded
            ? "clients that the authentication plugins admit"
            : "clients of this machine only; to admit others, set `authentication` in the config"
        if !isGuarded, listeners.asksForCertificates {
            who = "clients of this machine, and those with a certificate where it is required"
        }
        let login = isGuarded ? "-u USER -P PASSWORD " : ""
        return """
            Isthmus \(Version.text), node \(node), cluster \(cluster), \(loops) event loop\(loops == 1 ? "" : "s")
              listening on   \(listeners.descriptions.joined(separator: ", "))
              plugins        \(plugins)
              config         \(assembly.configuration.name)
              state          is kept in memory only: a restart forgets sessions, queues and retained messages
              may connect    \(who)
              try            mosquitto_sub \(login)-t t   and, in another terminal,   mosquitto_pub \(login)-t t -m hi

            """
    }
}
