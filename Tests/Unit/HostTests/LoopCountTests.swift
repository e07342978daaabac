// SPDX-License-Identifier: Apache-2.0
// How many event loops there are, on small machines and on large ones.

import Broker
import Testing

@testable import Host

@Suite struct LoopCountTests {
    @Test(arguments: [(1, 1), (8, 8), (64, 64), (65, 64), (256, 64), (0, 1), (-1, 1)])
    func isOneACoreUpToTheMost(cores: Int, count: Int) {
        #expect(Assembly.loopCount(wanted: 0, cores: cores) == count)
    }

    @Test(arguments: [1, 3, 64])
    func isWhatIsWanted(count: Int) {
        #expect(Assembly.loopCount(wanted: count, cores: 2) == count)
    }

    /// Each loop has a bit in the sets of loops that subscriptions are told to.
    @Test func theMostIsWhatAWordHolds() {
        let highest = UInt64(1) << UInt64(Broker.maximumLoopCount - 1)
        #expect(highest != 0 && highest << 1 == 0)
    }
}
