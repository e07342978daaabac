// SPDX-License-Identifier: Apache-2.0
// A plugin's bytes in memory that nobody can change any more, not even this process. Overwriting or truncating a
// mapped library changes or kills running code; a sealed copy is immune, and what was checked is what is loaded. It
// also has a path of its own (`/proc/self/fd/N`), so that an upgraded file is a new image to the dynamic linker.

import CLinux
import Glibc

struct SealedCopy: ~Copyable {
    let descriptor: Int32
    let count: Int

    /// `name` is shown in /proc/PID/maps.
    init(of file: borrowing PluginFile, name: String) throws(PluginProblem) {
        let descriptor = memfd_create(name, UInt32(LINUX_MFD_CLOEXEC | LINUX_MFD_ALLOW_SEALING))
        guard descriptor >= 0 else { throw .cannotCopy(step: "memfd_create", reason: systemError(errno)) }
        count = try Self.fill(descriptor, from: file.descriptor)
        self.descriptor = descriptor
    }

    /// Closes `descriptor` if it throws: there is no copy then whose end could do so.
    private static func fill(_ descriptor: Int32, from source: Int32) throws(PluginProblem) -> Int {
        do throws(PluginProblem) {
            let count = try copy(from: source, to: descriptor)
            let seals = LINUX_F_SEAL_WRITE | LINUX_F_SEAL_SHRINK | LINUX_F_SEAL_GROW | LINUX_F_SEAL_SEAL
            if fcntl(descriptor, Int32(LINUX_F_ADD_SEALS), Int32(seals)) != 0 {
                throw .cannotCopy(step: "sealing", reason: systemError(errno))
            }
            return count
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    var path: String { "/proc/self/fd/\(descriptor)" }

    /// Gives up the copy but leaves its descriptor open for ever: the dynamic linker knows a library by its path, and
    /// a number used again would bring back the old library under a new one's name.
    consuming func leaveOpen() {
        discard self
    }

    /// Checks the sealed bytes themselves, so that nothing can change between this look and the loading.
    func checkedImage() throws(PluginProblem) -> ELFImage {
        if count == 0 { throw .elf(.empty) }
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw .cannotCopy(step: "mmap", reason: systemError(errno))
        }
        defer { munmap(start, count) }
        do throws(ELFProblem) {
            return try ELFImage(
                UnsafeRawBufferPointer(start: start, count: count),
                exports: [PluginExport.abi, PluginExport.open]
            )
        } catch {
            throw .elf(error)
        }
    }

    private static func copy(from source: Int32, to target: Int32) throws(PluginProblem) -> Int {
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { chunk.deallocate() }
        var total = 0
        while true {
            let got = read(source, chunk.baseAddress, chunk.count)
            if got < 0 && errno == EINTR { continue }
            if got < 0 { throw .cannotOpen(reason: systemError(errno)) }
            if got == 0 { return total }
            total += got
            // The file may have grown since it was judged.
            if total > PluginFile.sizeLimit { throw .tooLarge(bytes: total, limit: PluginFile.sizeLimit) }
            try write(chunk, got, to: target)
        }
    }

    private static func write(
        _ chunk: UnsafeMutableRawBufferPointer,
        _ count: Int,
        to target: Int32
    ) throws(PluginProblem) {
        var done = 0
        while done < count {
            let put = Glibc.write(target, chunk.baseAddress?.advanced(by: done), count - done)
            if put < 0 && errno == EINTR { continue }
            if put < 0 { throw .cannotCopy(step: "write", reason: systemError(errno)) }
            done += put
        }
    }
}
