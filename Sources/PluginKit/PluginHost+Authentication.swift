// SPDX-License-Identifier: Apache-2.0
// Answers to the steps of an enhanced authentication, and an object that lives from one step to the next.

import PluginAPI

/// Why `client_auth_step` is called.
public enum AuthenticationPhase: Int32, Sendable {
    /// CONNECT named the method.
    case start = 1
    /// The client answered what it was sent.
    case goOn = 2
    /// A connected client authenticates again.
    case restart = 3
}

/// What a step comes to.
public enum AuthenticationStep: Sendable {
    /// The client is sent this and is to answer.
    case goOn([UInt8])
    /// The client is in, under this name (empty: as it says itself), and is sent this.
    case success([UInt8], userName: [UInt8] = [], superuser: Bool = false)
    /// 0 as the reason code stands for 0x87.
    case deny(reasonCode: UInt8 = 0, reason: StaticString = "")
}

extension PluginHost {
    /// Answers a step, inside the hook, which then returns ISTH_LATER, or from any thread afterwards. False: the client
    /// left, or it was answered before, or too late.
    @discardableResult
    public func answer(_ ticket: isth_id, _ step: AuthenticationStep) -> Bool {
        var decision = isth_decision()
        decision.size = UInt32(MemoryLayout<isth_decision>.size)
        switch step {
        case .goOn(let data):
            decision.result = isth_result(ISTH_ALLOW)
            decision.auth_continue = 1
            return give(ticket, &decision, data)
        case .success(let data, let userName, let superuser):
            decision.result = isth_result(ISTH_ALLOW)
            decision.superuser = superuser ? 1 : 0
            return userName.withBytes { name in
                decision.username = isth_str(name.view)
                return give(ticket, &decision, data)
            }
        case .deny(let reasonCode, let reason):
            decision.result = isth_result(ISTH_DENY)
            decision.reason_code = reasonCode
            decision.reason = isth_str(BytesView(reason))
            return give(ticket, &decision, [])
        }
    }

    private func give(_ ticket: isth_id, _ decision: inout isth_decision, _ data: [UInt8]) -> Bool {
        data.withBytes { data in
            decision.auth_data = data
            return table.pointee.answer(ctx, ticket, &decision) == ISTH_OK
        }
    }
}

/// A plugin's object that hangs in a connection's slot. The hooks of one connection never overlap, so it needs no lock.
/// Take it out in `client_closed` at the latest, or it is never freed.
public enum ClientSlot<Object: AnyObject> {
    /// The object, which stays; nil if there is none.
    public static func object(of client: UnsafePointer<isth_client>) -> Object? {
        client.pointee.slot?.pointee.map { Unmanaged<Object>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Replaces the object; nil frees it. False: this host gives the hook no slot.
    @discardableResult
    public static func set(_ object: Object?, of client: UnsafePointer<isth_client>) -> Bool {
        guard let slot = client.pointee.slot else { return false }
        let old = slot.pointee
        slot.pointee = object.map { Unmanaged.passRetained($0).toOpaque() }
        if let old { Unmanaged<Object>.fromOpaque(old).release() }
        return true
    }
}
