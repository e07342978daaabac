// SPDX-License-Identifier: Apache-2.0
// The identity of a route between two clusters: the filter that is matched, and the identifier that tells apart several
// subscriptions of one cluster that were narrowed to the same filter. Kept as one run of bytes: there may be millions.

package struct RouteKey: Hashable {
    private let bytes: [UInt8]
    private let filterCount: Int

    package init(filter: Bytes, id: Bytes) {
        bytes = [UInt8](unsafeUninitializedCapacity: filter.count + id.count) { buffer, count in
            if let base = buffer.baseAddress {
                base.update(from: filter.base, count: filter.count)
                (base + filter.count).update(from: id.base, count: id.count)
            }
            count = filter.count + id.count
        }
        filterCount = filter.count
    }

    package init(filter: Filter, id: Filter) {
        bytes = filter + id
        filterCount = filter.count
    }

    package var filter: Filter { Filter(bytes[..<filterCount]) }
    package var id: Filter { Filter(bytes[filterCount...]) }

    /// What the route takes in a batch, with its tags and lengths.
    package var encodedSize: Int { bytes.count + 16 }

    package func withParts<Result>(_ body: (_ filter: Bytes, _ id: Bytes) -> Result) -> Result {
        bytes.withView { body($0.slice(0, filterCount), $0.dropFirst(filterCount)) }
    }

    /// What a local subscription is called towards a peer: its own filter, or `$s/GROUP/FILTER` if it is shared.
    package static func id(filter: Bytes, shareGroup: Bytes) -> Filter {
        shareGroup.isEmpty ? filter.array : Array("$s/".utf8) + shareGroup.array + [UInt8(ascii: "/")] + filter.array
    }
}
