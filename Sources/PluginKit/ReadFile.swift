// SPDX-License-Identifier: Apache-2.0
// Reading a whole file that the config names: rules, users, keys. Blocking, so for `start` and `reload` only.

import Glibc

/// The absolute form of a path; a relative one counts from the working directory of the process.
public func resolvedPath(_ path: String) -> String {
    guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
    defer { free(directory) }
    return "\(String(cString: directory))/\(path)"
}

/// The bytes of a regular file; nil if there is none of that name.
public func readFile(ifPresent path: String, limit: Int = 64 << 20) throws -> [UInt8]? {
    let place = resolvedPath(path)
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
        if errno == ENOENT { return nil }
        throw PluginError("\(place) cannot be opened: \(String(cString: strerror(errno))).")
    }
    defer { _ = Glibc.close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw PluginError("\(place) is not a regular file: name a file.")
    }
    guard status.st_size <= limit else {
        throw PluginError("\(place) has more than \(limit >> 20) MiB, which is the limit: split it.")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = read(file, &chunk, chunk.count)
        if count > 0, bytes.count + count <= limit {
            bytes += chunk[..<count]
        } else if count == 0 {
            return bytes
        } else if count > 0 || errno != EINTR {
            throw PluginError("\(place) cannot be read: it failed, or grew over its limit, while being read.")
        }
    }
}

/// The bytes of a regular file that must be there.
public func readFile(_ path: String, limit: Int = 64 << 20) throws -> [UInt8] {
    guard let bytes = try readFile(ifPresent: path, limit: limit) else {
        throw PluginError("There is no file \(resolvedPath(path)): create it, or correct the path.")
    }
    return bytes
}
