// SPDX-License-Identifier: Apache-2.0
// `isthmus passwd FILE USER`: makes, replaces or removes an entry of a password file. The file is one of mosquitto_passwd,
// too, and PasswordAuth reads it as a `bootstrap_file`. The password comes from the terminal, or from standard input.

import ArgumentParser
import Glibc

struct Passwd: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set or remove a user's password in a password file.",
        discussion: """
            The password is asked for, or read from standard input if that is no terminal. A file that is not there is made, \
            for its owner's eyes only. A running broker reads it again at SIGHUP.
            """
    )

    @Argument(help: "The file; its name must not end with .csv or .json.")
    var file: String

    @Argument(help: "The user name, without a colon.")
    var user: String

    @Flag(help: "Remove the user instead.")
    var delete = false

    @Option(help: "How often the password is hashed (PBKDF2 with SHA-512): each login costs so much, and each guess.")
    var iterations = 100_000

    func run() throws {
        do throws(PasswordFileError) {
            var entries = try PasswordFile(file)
            if delete {
                try entries.remove(user)
            } else {
                try PasswordFile.check(user)
                guard (1...10_000_000).contains(iterations) else {
                    throw PasswordFileError("--iterations is \(iterations); it may be from 1 to 10000000")
                }
                try entries.set(user, try PasswordPrompt.password(for: user), iterations: iterations)
            }
            try entries.write()
        } catch {
            writeAll("isthmus: \(error.sentence)\n", to: 2)
            throw ExitCode.failure
        }
    }
}

struct PasswordFileError: Error {
    let sentence: String

    init(_ sentence: String) { self.sentence = sentence }

    /// With what the last system call said.
    init(_ what: String, errno code: Int32) { sentence = "\(what): \(String(cString: strerror(code)))" }
}

/// Where the password comes from.
enum PasswordPrompt {
    static func password(for user: String) throws(PasswordFileError) -> [UInt8] {
        guard isatty(0) == 1 else { return try line("no password came on standard input") }
        let first = try asked("Password for \(user): ")
        guard try asked("The same again: ") == first else {
            throw PasswordFileError("the two passwords differ; nothing was changed")
        }
        return first
    }

    private static func asked(_ prompt: String) throws(PasswordFileError) -> [UInt8] {
        var shown = termios()
        tcgetattr(0, &shown)
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        // Before the prompt: what is typed from then on is not shown, and not thrown away either.
        tcsetattr(0, TCSAFLUSH, &hidden)
        writeAll(prompt, to: 2)
        defer {
            tcsetattr(0, TCSADRAIN, &shown)
            writeAll("\n", to: 2)
        }
        return try line("no password was typed; nothing was changed")
    }

    private static func line(_ nothing: String) throws(PasswordFileError) -> [UInt8] {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(0, &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        guard !line.isEmpty else { throw PasswordFileError(nothing) }
        guard line.count <= 65_535 else { throw PasswordFileError("the password has more than 65535 bytes") }
        return line
    }
}
