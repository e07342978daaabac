// SPDX-License-Identifier: Apache-2.0
// What the host offers, as Swift methods: log, config, messages, clients, verdicts, services. Work on loops, threads
// and timers is in PluginHost+Tasks.swift, typed config values in PluginHost+Decoding.swift. It adds no state of its
// own: each method is one call through the host's table. `table` and `ctx` are open for what has no wrapper here.

import PluginAPI

/// The host as one opened plugin sees it. Its methods may be called from any thread unless they say otherwise.
public struct PluginHost: @unchecked Sendable {
    public let table: UnsafePointer<isth_host>

    @inlinable
    public init(_ table: UnsafePointer<isth_host>) { self.table = table }

    @inlinable
    public var ctx: OpaquePointer { table.pointee.ctx }

    public var version: String { String(cString: table.pointee.version) }

    public var loopCount: UInt32 { table.pointee.loop_count }

    /// Milliseconds of a clock that never steps.
    public var now: UInt64 { table.pointee.now_ms(ctx) }

    // MARK: Log

    public enum Level: Int32, Sendable {
        case debug
        case info
        case notice
        case warning
        case error
    }

    /// The text is made only if somebody reads that level.
    public func log(_ level: Level, _ text: @autoclosure () -> String) {
        guard table.pointee.log_enabled(ctx, level.rawValue) != 0 else { return }
        text().withStr { table.pointee.log(ctx, level.rawValue, $0) }
    }

    /// A line that clients or peers can cause again and again: of those of one `kind` about one subject a few are written
    /// in a while, and then how many were left out. The kind as a summary would name it: "peers that break the protocol".
    public func log(_ level: Level, _ kind: StaticString, about subject: String, _ text: @autoclosure () -> String) {
        guard table.pointee.log_enabled(ctx, level.rawValue) != 0 else { return }
        guard let service = service("log/1", as: isth_log_service.self) else { return log(level, text()) }
        subject.withStr { subject in
            text().withStr { service.pointee.repeated(ctx, level.rawValue, isth_str(BytesView(kind)), subject, $0) }
        }
    }

    // MARK: Config

    /// The JSON text of a checked value, such as `"deny"` with its quotes; nil if the key is absent.
    public func configJSON(_ path: String) -> String? {
        var json = isth_str()
        guard path.withStr({ table.pointee.config(ctx, $0, &json) }) == ISTH_OK else { return nil }
        return json.string
    }

    /// Where a value was written, `etc/isthmus.conf:12:7`, or `default`: for error sentences.
    public func origin(_ path: String) -> String {
        var origin = isth_str()
        guard path.withStr({ table.pointee.config_origin(ctx, $0, &origin) }) == ISTH_OK else { return "default" }
        return origin.string
    }

    // MARK: Verdicts

    /// The verdict of a hook that answered, or is about to answer, ISTH_LATER. False: the client left, or it was
    /// answered before, or too late.
    @discardableResult
    public func answer(
        _ ticket: isth_id,
        _ result: Int,
        reasonCode: UInt8 = 0,
        superuser: Bool = false,
        reason: StaticString = ""
    ) -> Bool {
        var decision = isth_decision()
        decision.size = UInt32(MemoryLayout<isth_decision>.size)
        decision.result = isth_result(truncatingIfNeeded: result)
        decision.reason_code = reasonCode
        decision.superuser = superuser ? 1 : 0
        decision.reason = isth_str(BytesView(reason))
        return table.pointee.answer(ctx, ticket, &decision) == ISTH_OK
    }

    // MARK: Messages

    public struct PublishFlags: OptionSet, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let skipHooks = PublishFlags(rawValue: UInt32(ISTH_PUB_SKIP_HOOKS))
        public static let localOnly = PublishFlags(rawValue: UInt32(ISTH_PUB_LOCAL_ONLY))
        public static let noRetain = PublishFlags(rawValue: UInt32(ISTH_PUB_NO_RETAIN))
    }

    /// ISTH_OK, or on a loop's thread ISTH_E_NOT_FOUND when nobody wanted it.
    @discardableResult
    public func publish(_ message: isth_msg, _ flags: PublishFlags = []) -> Int32 {
        withUnsafePointer(to: message) { table.pointee.publish(ctx, $0, flags.rawValue) }
    }

    @discardableResult
    public func publish(
        topic: String,
        payload: [UInt8],
        qos: UInt8 = 0,
        retain: Bool = false,
        _ flags: PublishFlags = []
    ) -> Int32 {
        topic.withStr { topic in
            payload.withBytes { payload in
                publish(isth_msg(topic: topic, payload: payload, qos: qos, retain: retain), flags)
            }
        }
    }

    /// Restricts this plugin's `message_publish` hook to topics that match `filter`; in `start`.
    public func filterPublishHook(_ filter: String) throws {
        guard filter.withStr({ table.pointee.hook_filter(ctx, $0) }) == ISTH_OK else {
            throw PluginError("The host refused \"\(filter)\" as a filter of the publish hook: it is no topic filter.")
        }
    }

    /// A reference to a message seen in a hook, good on any thread while it is held.
    public func retain(_ message: UnsafePointer<isth_msg>) -> RetainedMessage { RetainedMessage(message, self) }

    // MARK: Clients

    /// Closes a client's connection, wherever it is, if there is one.
    public func kick(_ clientID: String, reasonCode: UInt8, dropSession: Bool = false) {
        _ = clientID.withStr { table.pointee.kick(ctx, $0, reasonCode, dropSession ? 1 : 0) }
    }

    // MARK: Services

    /// A service of the host or of another plugin, `host.service("route/1", as: isth_route_service.self)`; nil if
    /// nobody offers it. Look up in `ready`.
    public func service<Table>(_ name: StaticString, as type: Table.Type) -> UnsafePointer<Table>? {
        table.pointee.service(ctx, name.cString)?.assumingMemoryBound(to: Table.self)
    }

    /// Offers a table to other plugins, in `start`. It must stay valid for ever.
    public func provide(_ name: StaticString, _ service: UnsafeRawPointer) throws {
        guard table.pointee.provide(ctx, name.cString, service) == ISTH_OK else {
            throw PluginError("The service \"\(name)\" is offered by another plugin already: remove one of the two.")
        }
    }
}

/// One reference to a message of the host.
public final class RetainedMessage: @unchecked Sendable {
    public let pointer: UnsafePointer<isth_msg>
    private let host: PluginHost

    init(_ message: UnsafePointer<isth_msg>, _ host: PluginHost) {
        self.host = host
        pointer = host.table.pointee.msg_retain(host.ctx, message)
    }

    public var message: isth_msg { pointer.pointee }

    deinit { host.table.pointee.msg_release(host.ctx, pointer) }
}
