// SPDX-License-Identifier: Apache-2.0
// Gives back what a broker holds at its end: the memory, without telling anybody. `shutDown` comes before.

extension Broker {
    func releaseAll() {
        for slot in connections.indices { release(connections[slot]) }
        connections.deallocate()
        listenerNames.deallocate()
        for slot in sessions.indices { sessions[slot].pointee.deallocate() }
        sessions.deallocate()
        for waiting in joining.values.joined() { discard(waiting.state) }
        sessionTable.deallocate()
        for group in groups.indices { groups[group].pointee.deallocate() }
        groups.deallocate()
        groupTable.deallocate()
        index.deallocate()
        retained.deallocate()
        delayed.deallocate()
        destinations.deallocate()
        for buffer in spareBuffers {
            var buffer = buffer
            buffer.deallocate()
        }
        matches.deallocate()
        receivers.deallocate()
        furtherIdentifiers.deallocate()
        picks.deallocate()
        groupMail.deallocate()
        acknowledged.deallocate()
        keptMessages.deallocate()
        forms.deallocate()
        properties.deallocate()
        forwardedProperties.deallocate()
        mountedTopic.deallocate()
    }

    func release(_ connection: ConnectionPointer) {
        connection.pointee.output.discard()
        connection.pointee.isBlocked = false
        countOutput(connection)
        connection.pointee.input.deallocate()
        connection.pointee.deallocate()
    }
}
