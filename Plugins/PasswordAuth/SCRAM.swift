// SPDX-License-Identifier: Apache-2.0
// SCRAM as an authentication method of MQTT 5: the exchange hangs in the connection's slot between its two steps.

import PasswordAuthUsers
import PluginAPI
import PluginKit

extension PasswordAuth {
    func step(
        _ client: UnsafePointer<isth_client>,
        _ ticket: isth_id,
        _ phase: Int32,
        _ method: BytesView,
        _ data: BytesView
    ) -> isth_result {
        switch AuthenticationPhase(rawValue: phase) {
        case .goOn: return finish(client, ticket, data)
        case .start:
            let tables = scramTables(method)
            return tables.isEmpty ? isth_result(ISTH_NEXT) : begin(client, ticket, SCRAMExchange(data.array, tables))
        case .restart:
            let exchange = SCRAMExchange(data.array, scramTables(method))
            // A session and its authorisations belong to one user.
            guard exchange?.userName == client.pointee.username.view.array else { return isth_result(ISTH_DENY) }
            return begin(client, ticket, exchange)
        case nil: return isth_result(ISTH_ERROR)
        }
    }

    private func begin(
        _ client: UnsafePointer<isth_client>,
        _ ticket: isth_id,
        _ exchange: SCRAMExchange?
    ) -> isth_result {
        guard let exchange, ClientSlot.set(Pending(exchange: exchange), of: client) else {
            return isth_result(ISTH_DENY)
        }
        host.answer(ticket, .goOn(exchange.answer))
        return isth_result(ISTH_LATER)
    }

    private func finish(
        _ client: UnsafePointer<isth_client>,
        _ ticket: isth_id,
        _ data: BytesView
    ) -> isth_result {
        let success = ClientSlot<Pending>.object(of: client)?.exchange?.finish(data.array)
        ClientSlot<Pending>.set(nil, of: client)
        guard let success else { return isth_result(ISTH_DENY) }
        host.answer(ticket, .success(success.data, userName: success.userName, superuser: success.isSuperuser))
        return isth_result(ISTH_LATER)
    }
}
