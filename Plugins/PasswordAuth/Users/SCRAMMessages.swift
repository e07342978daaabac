// SPDX-License-Identifier: Apache-2.0
// The two messages of a SCRAM client (RFC 5802, section 7), taken apart strictly: what this server does not know and
// the client insists upon is refused.

/// `n,,n=user,r=nonce`
struct SCRAMFirstMessage {
    /// With its escapes undone.
    let userName: [UInt8]
    let nonce: [UInt8]
    /// What the last message has to repeat.
    let header: [UInt8]
    /// All behind the header.
    let bare: [UInt8]

    init?(_ message: [UInt8]) {
        let parts = message.split(separator: comma, omittingEmptySubsequences: false)
        guard parts.count >= 4 else { return nil }
        // `y`: the client could bind to the channel and thinks that the server could not, which is so. `p` insists on it.
        guard parts[0].elementsEqual("n".utf8) || parts[0].elementsEqual("y".utf8) else { return nil }
        // An `m` here would be an extension that must be understood.
        guard let name = value("n", parts[2]).flatMap(unescaped), !name.isEmpty, let nonce = value("r", parts[3]),
            isNonce(nonce)
        else { return nil }
        if !parts[1].isEmpty {
            // Acting for somebody else is not offered.
            guard let other = value("a", parts[1]).flatMap(unescaped), other == name else { return nil }
        }
        userName = name
        self.nonce = Array(nonce)
        header = Array(message[..<parts[2].startIndex])
        bare = Array(message[parts[2].startIndex...])
    }
}

/// `c=biws,r=nonce,p=proof`
struct SCRAMFinalMessage {
    let header: [UInt8]
    let nonce: [UInt8]
    let proof: [UInt8]
    let withoutProof: [UInt8]

    init?(_ message: [UInt8]) {
        let parts = message.split(separator: comma, omittingEmptySubsequences: false)
        guard parts.count >= 3, let last = parts.last, let header = value("c", parts[0]).flatMap(Base64.decode),
            let nonce = value("r", parts[1]), let proof = value("p", last).flatMap(Base64.decode)
        else { return nil }
        self.header = header
        self.nonce = Array(nonce)
        self.proof = proof
        withoutProof = Array(message[..<(last.startIndex - 1)])
    }
}

private let comma = UInt8(ascii: ",")

private func value(_ name: Unicode.Scalar, _ part: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    part.starts(with: [UInt8(ascii: name), UInt8(ascii: "=")]) ? part.dropFirst(2) : nil
}

/// Visible characters.
private func isNonce(_ text: ArraySlice<UInt8>) -> Bool {
    !text.isEmpty && text.allSatisfy { (0x21...0x7E).contains($0) }
}

/// `=2C` is a comma and `=3D` an equals sign, which stand in no other way in a name.
private func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "=") else {
            guard byte != 0 else { return nil }
            result.append(byte)
            continue
        }
        if rest.starts(with: "2C".utf8) {
            result.append(comma)
        } else if rest.starts(with: "3D".utf8) {
            result.append(UInt8(ascii: "="))
        } else {
            return nil
        }
        rest = rest.dropFirst(2)
    }
    return String(validating: result, as: UTF8.self) == nil ? nil : result
}
