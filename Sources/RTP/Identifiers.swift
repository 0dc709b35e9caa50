import Wire

/// A synchronisation source: the stream that a packet belongs to (RFC 3550 §3).
public struct SSRC: Hashable, Sendable, CustomStringConvertible, ExpressibleByIntegerLiteral {
    /// The 32 bits of the packet.
    public let rawValue: UInt32

    /// The source with the identifier `rawValue`.
    public init(_ rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// A literal, for tests and constants.
    public init(integerLiteral value: UInt32) {
        self.init(value)
    }

    /// The identifier in decimal, as `a=ssrc` writes it.
    public var description: String { String(rawValue) }
}

/// What a packet's payload is, by the number that SDP gave it (RFC 3550 §5.1): 0 to 127.
public struct PayloadType: Hashable, Sendable, CustomStringConvertible, ExpressibleByIntegerLiteral {
    /// 0 to 127.
    public let rawValue: UInt8

    /// The payload type `rawValue`; nil above 127.
    public init?(exactly rawValue: Int) {
        guard (0...127).contains(rawValue) else { return nil }
        self.rawValue = UInt8(rawValue)
    }

    /// The low seven bits of a packet's second byte.
    init(secondByte: UInt8) {
        rawValue = secondByte & 0x7F
    }

    /// A literal, for tests and constants.
    public init(integerLiteral value: UInt8) {
        precondition(value <= 127, "a payload type has seven bits")
        rawValue = value
    }

    /// The number in decimal.
    public var description: String { String(rawValue) }
}

/// A packet's sequence number: 16 bits that wrap (RFC 3550 §5.1), so it has no order but only distances (RFC 1982).
public struct SequenceNumber: Hashable, Sendable, CustomStringConvertible, ExpressibleByIntegerLiteral {
    /// The 16 bits of the packet.
    public let rawValue: UInt16

    /// The number `rawValue`.
    public init(_ rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// The low 16 bits of an unwrapped number.
    public init(truncating extended: Int64) {
        rawValue = UInt16(truncatingIfNeeded: extended)
    }

    /// A literal, for tests and constants.
    public init(integerLiteral value: UInt16) {
        self.init(value)
    }

    /// How many steps forward lead from here to `other`, at most half the circle: −32768 to 32767.
    @inlinable
    public func distance(to other: SequenceNumber) -> Int {
        Int(Int16(bitPattern: other.rawValue &- rawValue))
    }

    /// Whether this comes before `other` (RFC 1982 §3.2). Of two numbers half the circle apart neither does.
    @inlinable
    public func precedes(_ other: SequenceNumber) -> Bool {
        distance(to: other) > 0
    }

    /// The number `count` steps on, wrapping.
    @inlinable
    public static func + (number: SequenceNumber, count: Int) -> SequenceNumber {
        SequenceNumber(number.rawValue &+ UInt16(truncatingIfNeeded: count))
    }

    /// The number in decimal.
    public var description: String { String(rawValue) }
}

/// A packet's timestamp: 32 bits of the payload's clock that wrap (RFC 3550 §5.1).
public struct RTPTimestamp: Hashable, Sendable, CustomStringConvertible, ExpressibleByIntegerLiteral {
    /// The 32 bits of the packet.
    public let rawValue: UInt32

    /// The timestamp `rawValue`.
    public init(_ rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// What a clock of `clockRate` ticks a second that was zero at the instants' epoch shows at `instant`.
    public init(_ instant: Instant, clockRate: Int) {
        // Seconds and their rest apart, so that an epoch decades ago does not overflow.
        let (seconds, rest) = instant.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let ticks = seconds &* Int64(clockRate) &+ rest * Int64(clockRate) / 1_000_000_000
        rawValue = UInt32(truncatingIfNeeded: ticks)
    }

    /// A literal, for tests and constants.
    public init(integerLiteral value: UInt32) {
        self.init(value)
    }

    /// How many ticks forward lead from here to `other`, at most half the circle.
    @inlinable
    public func distance(to other: RTPTimestamp) -> Int64 {
        Int64(Int32(bitPattern: other.rawValue &- rawValue))
    }

    /// The timestamp `ticks` later, wrapping.
    @inlinable
    public static func + (timestamp: RTPTimestamp, ticks: Int64) -> RTPTimestamp {
        RTPTimestamp(timestamp.rawValue &+ UInt32(truncatingIfNeeded: ticks))
    }

    /// The number in decimal.
    public var description: String { String(rawValue) }
}

/// Continues a number that wraps into one that does not: each value is taken as the nearest to the last one.
public struct Unwrapper<Wrapped: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    /// What the last value was unwrapped to; nil before the first.
    public private(set) var last: Int64?

    /// An unwrapper that takes the first value as it is.
    public init() {}

    /// What `value` stands for, nearest to `last`, without remembering it.
    public func peek(_ value: Wrapped) -> Int64 {
        guard let last else { return Int64(value) }
        let ahead = value &- Wrapped(truncatingIfNeeded: last)
        let half = Wrapped(1) << (Wrapped.bitWidth - 1)
        return ahead < half ? last &+ Int64(ahead) : last &- Int64(0 &- ahead)
    }

    /// What `value` stands for, remembered as the new `last`.
    public mutating func unwrap(_ value: Wrapped) -> Int64 {
        let extended = peek(value)
        last = extended
        return extended
    }
}
