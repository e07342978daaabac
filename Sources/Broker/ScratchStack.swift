// SPDX-License-Identifier: Apache-2.0
// Working memory of one publish: a stack that grows and never shrinks. A publish inside a publish, made by a plugin that
// was called for it, works above the mark of the outer one and leaves the stack as it found it.

package struct ScratchStack<Element: BitwiseCopyable> {
    private var base: UnsafeMutablePointer<Element> = .allocate(capacity: 64)
    private var capacity = 64
    package private(set) var count = 0

    package init() {}

    @inline(__always)
    package subscript(i: Int) -> Element {
        get {
            assert(i >= 0 && i < count)
            return base[i]
        }
        set {
            assert(i >= 0 && i < count)
            base[i] = newValue
        }
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity { grow() }
        (base + count).initialize(to: element)
        count &+= 1
    }

    /// Drops what lies above `mark`, a former `count`.
    @inline(__always)
    package mutating func drop(to mark: Int) {
        assert(mark >= 0 && mark <= count)
        count = mark
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
        capacity *= 2
    }

    func deallocate() { base.deallocate() }
}
