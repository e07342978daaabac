// SPDX-License-Identifier: Apache-2.0
// Why a file cannot be a plugin, as far as its bytes tell. A case is what tests and logs count; the sentence is what
// the operator reads: it continues "plugin FileACL: plugins/libFileACL.so ...".

enum ELFProblem: Error, Equatable {
    case empty
    case text
    case notELF(firstBytes: [UInt8])
    case foreignFormat(String)
    case truncated(String)
    case malformed(String)
    case thirtyTwoBit(machine: UInt16)
    case bigEndian
    case wrongMachine(UInt16)
    case objectFile
    case executable
    case notLoadable(type: UInt16)
    case notDynamic
    case missingExports([String])
    case exportIsNotFunction(String)

    var sentence: String {
        switch self {
        case .empty:
            "is empty; \(Self.build)"
        case .text:
            "is a text file, not a shared library; \(Self.build)"
        case .notELF(let first):
            "is not a shared library (it begins with the bytes \(hexadecimal(first))); \(Self.build)"
        case .foreignFormat(let what):
            "is \(what), not a shared library for Linux; \(Self.build)"
        case .truncated(let place):
            "is cut short (\(place)); copy it again or rebuild it"
        case .malformed(let what):
            "is a damaged shared library (\(what)); copy it again or rebuild it"
        case .thirtyTwoBit(let machine):
            "is a 32-bit \(Machine.name(machine)) library, but this host is 64-bit \(Machine.name(Machine.ours)); "
                + "rebuild it for \(Machine.name(Machine.ours))"
        case .bigEndian:
            "is big-endian, but this host is little-endian \(Machine.name(Machine.ours)); rebuild it for this machine"
        case .wrongMachine(let machine):
            "is built for \(Machine.name(machine)), but this host is \(Machine.name(Machine.ours)); "
                + "rebuild it for \(Machine.name(Machine.ours))"
        case .objectFile:
            "is an object file, not a shared library; link it with `cc -shared`"
        case .executable:
            "is an executable program, not a shared library; \(Self.build)"
        case .notLoadable(let type):
            "is an ELF file of type \(type), not a shared library; \(Self.build)"
        case .notDynamic:
            "has no dynamic section, so nothing can be loaded from it; \(Self.build)"
        case .missingExports(let names):
            Self.missing(names)
        case .exportIsNotFunction(let name):
            "exports \(name), but not as a function; declare it as isthmus_plugin.h does"
        }
    }

    private static let build = "build it with `cc -shared -fPIC` or `swift build`"

    private static func missing(_ names: [String]) -> String {
        if names.count > 1 {
            return "is a shared library, but not an Isthmus plugin: it exports neither "
                + names.joined(separator: " nor ") + "; see isthmus_plugin.h"
        }
        let name = names.first ?? ""
        let mend =
            name == PluginExport.abi
            ? "write ISTH_PLUGIN_STAMP in one of its source files"
            : "define it as isthmus_plugin.h declares it, and keep it visible to the linker"
        return "does not export \(name); \(mend)"
    }
}

/// The two symbols every plugin exports.
enum PluginExport {
    static let abi = "isth_plugin_abi"
    static let open = "isth_plugin_open"
}

/// ELF's e_machine numbers, those an operator may meet.
enum Machine {
    #if arch(x86_64)
    static let ours: UInt16 = 62
    #elseif arch(arm64)
    static let ours: UInt16 = 183
    #endif

    static func name(_ machine: UInt16) -> String {
        switch machine {
        case 3: "x86"
        case 8: "MIPS"
        case 20: "PowerPC"
        case 21: "PowerPC64"
        case 22: "S/390"
        case 40: "ARM"
        case 62: "x86-64"
        case 183: "AArch64"
        case 243: "RISC-V"
        case 258: "LoongArch"
        default: "machine type \(machine)"
        }
    }
}

func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}
