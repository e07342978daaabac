// SPDX-License-Identifier: Apache-2.0
// What a listener puts before the topics of its clients, `listeners.KIND.NAME.mountpoint`. The broker behind the client
// knows whole topics only: publishes, wills and filters are mounted on their way in, behind authorisation, and messages
// lose the prefix on their way out, when they are encoded.

import MQTT

/// Of one connection. Those of listeners without a mountpoint have none.
struct Mountpoint {
    let template: MountpointTemplate
    /// Made when the client is authenticated; never empty from then on.
    private(set) var prefix = OwnedBytes.empty

    init(_ template: MountpointTemplate) { self.template = template }

    enum Fault {
        case noUserName
        /// A name of the client's own would reach out of what it is to be kept in, or is too long.
        case unfit
    }

    /// Puts the client's names in. A wildcard in one of them would subscribe to what is others', and a `$` at the
    /// beginning would turn the client's topics into the broker's or a link's.
    mutating func adopt(clientIdentifier: ByteView, userName: ByteView?) -> Fault? {
        var bytes: [UInt8] = []
        for part in template.parts {
            switch part {
            case .text(let text): bytes += text
            case .clientIdentifier: bytes += clientIdentifier.buffer
            case .userName:
                guard let userName, !userName.isEmpty else { return .noUserName }
                bytes += userName.buffer
            }
        }
        return bytes.withUnsafeBytes { raw in
            let rendered = ByteView(raw)
            guard rendered.count < Int(UInt16.max), TopicName.validate(rendered), rendered[0] != UInt8(ascii: "$")
            else { return .unfit }
            prefix.deallocate()
            prefix = OwnedBytes(copying: rendered)
            return nil
        }
    }

    /// The topic as the client knows it; one without the prefix, or that is nothing else, stays whole.
    func unmounted(_ topic: ByteView) -> ByteView {
        topic.count > prefix.count && topic.hasPrefix(prefix.view) ? topic.dropFirst(prefix.count) : topic
    }

    /// The filter as the broker knows it; nil if it is too long, or none: behind a prefix without a slash at its end
    /// `#` would be part of a level.
    func mounted(filter: [UInt8]) -> [UInt8]? {
        let whole = Array(prefix.view.buffer) + filter
        return whole.withUnsafeBytes { TopicFilter.validate(ByteView($0)) } ? whole : nil
    }

    func deallocate() { prefix.deallocate() }
}

extension Broker {
    /// The client is authenticated: what its topics begin with is known. Returns false if the client is refused.
    func adoptMountpoint(_ connection: ConnectionPointer) -> Bool {
        guard let mountpoint = connection.pointee.mountpoint, mountpoint.pointee.prefix.isEmpty else { return true }
        let userName = connection.pointee.hasUserName ? connection.pointee.userName.view : nil
        switch mountpoint.pointee.adopt(
            clientIdentifier: connection.pointee.clientIdentifier.view,
            userName: userName
        ) {
        case nil: return true
        case .noUserName?:
            refuse(connection, .notAuthorized, "the listener's mountpoint needs a user name")
        case .unfit?:
            refuse(
                connection,
                .notAuthorized,
                "the client's name cannot stand in the listener's mountpoint: it has a wildcard, begins with $ or is too long"
            )
        }
        return false
    }

    /// Puts the prefix before the publication's topic. Returns false if no topic name is that long.
    @inline(never)
    func mount(_ publication: inout Publication, _ mountpoint: UnsafeMutablePointer<Mountpoint>) -> Bool {
        let prefix = mountpoint.pointee.prefix.view
        guard prefix.count + publication.topic.count <= Int(UInt16.max) else { return false }
        mountedTopic.removeAll()
        mountedTopic.append(prefix)
        mountedTopic.append(publication.topic)
        publication.topic = mountedTopic.view
        return true
    }

    /// A will's topic with the prefix; nil if no topic name is that long.
    func mounted(_ topic: ByteView, _ connection: ConnectionPointer) -> [UInt8]? {
        guard let mountpoint = connection.pointee.mountpoint else { return Array(topic.buffer) }
        let prefix = mountpoint.pointee.prefix.view
        guard topic.count + prefix.count <= Int(UInt16.max) else { return nil }
        return Array(prefix.buffer) + Array(topic.buffer)
    }

    /// As the client knows it.
    @inline(__always)
    func unmounted(_ topic: ByteView, for connection: ConnectionPointer) -> ByteView {
        guard let mountpoint = connection.pointee.mountpoint else { return topic }
        return mountpoint.pointee.unmounted(topic)
    }

    /// The filters as the broker knows them. One that cannot be mounted is refused.
    func mount(_ resolved: inout [ResolvedSubscription], _ connection: ConnectionPointer) {
        guard let mountpoint = connection.pointee.mountpoint else { return }
        for i in resolved.indices where !resolved[i].reason.isError {
            if let filter = mountpoint.pointee.mounted(filter: resolved[i].filter) {
                resolved[i].filter = filter
            } else {
                resolved[i].reason = .topicFilterInvalid
            }
        }
    }
}
