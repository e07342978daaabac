// SPDX-License-Identifier: Apache-2.0
// A plugin's file, opened once and judged by its descriptor: what is checked here is what is read afterwards, however
// its path changes meanwhile. Symbolic links are followed; it is the file at their end that is judged.

import Glibc

struct PluginFile: ~Copyable {
    /// Tells whether a path still leads to the same, unchanged file.
    struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64
        let size: Int
        let changedSeconds: Int
        let changedNanoseconds: Int
    }

    static let sizeLimit = 1 << 30

    let descriptor: Int32
    let identity: Identity

    init(opening path: String) throws(PluginProblem) {
        // A pipe would hold up the opener until somebody writes, hence O_NONBLOCK; regular files do not mind.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            if errno == ENOENT { throw .notFound(directories: [], suggestion: nil, available: []) }
            throw .cannotOpen(reason: systemError(errno))
        }
        identity = try Self.judge(descriptor)
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Closes `descriptor` if it throws: there is no file then whose end could do so.
    private static func judge(_ descriptor: Int32) throws(PluginProblem) -> Identity {
        do throws(PluginProblem) {
            return try identity(of: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
    }

    private static func identity(of descriptor: Int32) throws(PluginProblem) -> Identity {
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw .cannotOpen(reason: systemError(errno)) }
        let kind = status.st_mode & S_IFMT
        if kind != S_IFREG { throw .notRegularFile(kind: name(of: kind)) }
        if status.st_uid != 0 && status.st_uid != geteuid() { throw .foreignOwner(uid: status.st_uid) }
        if status.st_mode & S_IWOTH != 0 { throw .worldWritable }
        let size = Int(status.st_size)
        if size > sizeLimit { throw .tooLarge(bytes: size, limit: sizeLimit) }
        return Identity(
            device: UInt64(status.st_dev),
            inode: UInt64(status.st_ino),
            size: size,
            changedSeconds: status.st_ctim.tv_sec,
            changedNanoseconds: status.st_ctim.tv_nsec
        )
    }

    private static func name(of kind: mode_t) -> String {
        switch kind {
        case S_IFDIR: "a directory"
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }
}
