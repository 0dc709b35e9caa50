/// A transmission sequence number (RFC 9260 §2.3), unwrapped so that numbers compare without regard to 2³².
struct TSN: Hashable, Comparable, Sendable {
    /// The number, its low 32 bits as they travel.
    let unwrapped: Int64

    private init(unwrapped: Int64) {
        self.unwrapped = unwrapped
    }

    /// The first number of an association.
    init(initial rawValue: UInt32) {
        unwrapped = Int64(rawValue)
    }

    /// The number that travels as `rawValue` and lies nearest to `reference`.
    init(_ rawValue: UInt32, near reference: TSN) {
        unwrapped = reference.unwrapped + Int64(Int32(bitPattern: rawValue &- reference.rawValue))
    }

    /// The number as it travels.
    var rawValue: UInt32 { UInt32(truncatingIfNeeded: unwrapped) }

    static func < (left: TSN, right: TSN) -> Bool { left.unwrapped < right.unwrapped }
    static func + (tsn: TSN, distance: Int) -> TSN { TSN(unwrapped: tsn.unwrapped + Int64(distance)) }
    static func - (tsn: TSN, distance: Int) -> TSN { TSN(unwrapped: tsn.unwrapped - Int64(distance)) }
    static func - (later: TSN, earlier: TSN) -> Int { Int(later.unwrapped - earlier.unwrapped) }
}
