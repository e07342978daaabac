// SPDX-License-Identifier: Apache-2.0
// From an entry of the config's `plugins` list to code in this process: find the file, judge it, seal a copy, check
// the copy's ELF headers, try it out in a child process, load it, compare ABIs. The first thing that is wrong refuses
// the plugin; what a refused plugin would have done has then happened in the child at most.
// Used by one thread, at start and at reload. It does not open plugins.

struct PluginEntry: Equatable, Sendable {
    let name: String
    /// A file anywhere; without it the plugin directories are searched for lib<name>.so.
    let path: String?
    /// Where the config says so: "etc/isthmus.conf:12:3".
    let origin: String
    /// The key of the config that asks for it, if there is no list of plugins.
    var impliedBy: String?
}

final class PluginLoader {
    private let directories: [PluginDirectory]
    private let probe: PluginProbe
    /// A file that several entries name is one image; an upgraded file is another one.
    private var images: [PluginFile.Identity: (functions: PluginFunctions, abi: UInt32)] = [:]
    private var trials: [PluginFile.Identity: PluginTrial] = [:]

    /// The directories are searched in their order.
    init(directories: [String], probe: PluginProbe = PluginProbe()) {
        self.directories = directories.map { PluginDirectory($0) }
        self.probe = probe
    }

    convenience init(_ pluginDirectory: String) {
        self.init(directories: [pluginDirectory])
    }

    /// The path of the entry's file, which exists.
    func locate(_ entry: PluginEntry) throws(PluginRefusal) -> String {
        if let path = entry.path {
            if PluginDirectory.exists(path) { return path }
            let suggestion = PluginDirectory(containing: path).nearest(to: PluginDirectory.lastName(path))
            throw refusal(entry, path, .notFound(directories: [], suggestion: suggestion, available: []))
        }
        let fileName = "lib\(entry.name).so"
        if !PluginDescription.isName(entry.name) { throw refusal(entry, fileName, .badName) }
        for directory in directories {
            let path = directory.path(of: fileName)
            if PluginDirectory.exists(path) { return path }
        }
        let problem = PluginProblem.notFound(
            directories: directories.map(\.path),
            suggestion: directories.lazy.compactMap { $0.nearest(to: fileName) }.first,
            available: directories.flatMap { $0.libraries() }
        )
        throw refusal(entry, fileName, problem)
    }

    /// Starts the trials of these plugins side by side; each takes longer than all that this process does to load a
    /// plugin. `load` then asks for the results; whatever is wrong here is wrong there too, and said there.
    func prepare(_ entries: [PluginEntry]) {
        for entry in entries {
            do {
                let path = try locate(entry)
                let file = try PluginFile(opening: path)
                if images[file.identity] != nil || trials[file.identity] != nil { continue }
                trials[file.identity] = try trial(of: file, path, opening: false)
            } catch {
                continue
            }
        }
    }

    func load(_ entry: PluginEntry) throws(PluginRefusal) -> PluginImage {
        let path = try locate(entry)
        do throws(PluginProblem) {
            let (functions, abi) = try image(at: path)
            return PluginImage(functions, abi: abi, path: path, entry: entry)
        } catch {
            throw PluginRefusal(name: entry.name, file: path, problem: error)
        }
    }

    /// What the plugin at `path` tells of itself. It is opened in a child process only.
    func inspect(_ path: String) throws(PluginProblem) -> ProbeReport {
        try passed(try trial(of: PluginFile(opening: path), path, opening: true), path)
    }

    /// The paths of all shared libraries in the plugin directories.
    func libraries() -> [String] {
        directories.flatMap { directory in directory.libraries().map(directory.path(of:)) }
    }

    // MARK: - Steps

    private func image(at path: String) throws(PluginProblem) -> (PluginFunctions, UInt32) {
        let file = try PluginFile(opening: path)
        let identity = file.identity
        if let known = images[identity] { return (known.functions, known.abi) }
        let prepared = trials.removeValue(forKey: identity)
        let trial = if let prepared { prepared } else { try self.trial(of: file, path, opening: false) }
        try passed(trial, path)
        trial.leaveCopyOpen()
        let functions: PluginFunctions
        do throws(LinkerFailure) {
            functions = try PluginFunctions(loading: trial.copyPath)
        } catch {
            throw .link(problem(error.text, trial.needed, path))
        }
        // The child got the same answer from the same code, but perhaps not in the same surroundings.
        let abi = functions.abi()
        try PluginABI.check(abi)
        images[identity] = (functions, abi)
        return (functions, abi)
    }

    /// The checks that leave nothing behind in this process.
    private func trial(
        of file: borrowing PluginFile,
        _ path: String,
        opening: Bool
    ) throws(PluginProblem) -> PluginTrial {
        let copy = try SealedCopy(of: file, name: PluginDirectory.lastName(path))
        let needed = try copy.checkedImage().needed
        let process = try probe.start(copy, opening: opening)
        return PluginTrial(copy, needed: needed, process)
    }

    @discardableResult
    private func passed(_ trial: PluginTrial, _ path: String) throws(PluginProblem) -> ProbeReport {
        let report = trial.process.report()
        if let linkError = report.linkError { throw .link(problem(linkError, trial.needed, path)) }
        if let problem = report.problem { throw problem }
        return report
    }

    private func problem(_ dlerror: String, _ needed: [String], _ path: String) -> LinkProblem {
        let directory = PluginDirectory(containing: path)
        return LinkProblem(dlerror: dlerror, needed: needed) { PluginDirectory.exists(directory.path(of: $0)) }
    }

    private func refusal(_ entry: PluginEntry, _ file: String, _ problem: PluginProblem) -> PluginRefusal {
        PluginRefusal(name: entry.name, file: file, problem: problem, origin: entry.origin)
    }
}
