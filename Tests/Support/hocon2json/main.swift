// SPDX-License-Identifier: Apache-2.0
// Prints each HOCON file named on the command line as one line of JSON; a file that is wrong gives its error on the
// standard error stream and an exit code of 1. The interoperability tests compare its output with other parsers'.

import Config
import Glibc

var failed = false
for path in CommandLine.arguments.dropFirst() {
    do throws(ConfigError) {
        print(try ConfigSource.load(path).json)
    } catch {
        let line = Array("\(error)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        failed = true
    }
}
exit(failed ? 1 : 0)
