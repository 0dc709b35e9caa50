import Wire

/// A wallclock time as 32 bits of seconds and 32 bits of their fraction (RFC 3550 §4).
///
/// The epoch need not be 1900: RFC 3550 §6.4.1 lets a sender without a wallclock use the time elapsed since it started,
/// and receivers use only differences. All streams of one CNAME must use the same clock, for lip sync.
public struct NTPTime: Hashable, Sendable {
    /// Seconds in the upper, fraction in the lower 32 bits.
    public let rawValue: UInt64

    /// The time `rawValue`.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The time elapsed since the instants' epoch.
    public init(_ instant: Instant) {
        let (seconds, rest) = instant.nanoseconds.flooredQuotientAndRemainder(1_000_000_000)
        rawValue = UInt64(truncatingIfNeeded: seconds) << 32 | (UInt64(rest) << 32) / 1_000_000_000
    }

    /// The middle 32 bits: 1/65536 s, wrapping every 18 hours; how LSR and round-trip times count (RFC 3550 §6.4.1).
    public var middle: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 16) }
}

extension Int64 {
    /// Division that rounds towards negative infinity, so that the remainder is never negative.
    func flooredQuotientAndRemainder(_ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

extension Duration {
    /// The duration that `units` of 1/65536 s last (RFC 3550 §6.4.1: DLSR).
    init(ntpShort units: UInt32) {
        self = .nanoseconds(Int64(units) * 1_000_000_000 / 65536)
    }

    /// This duration in units of 1/65536 s, from zero to what 32 bits hold.
    var ntpShort: UInt32 {
        let (seconds, rest) = Swift.max(nanoseconds, 0).quotientAndRemainder(dividingBy: 1_000_000_000)
        guard seconds < 65536 else { return .max }
        return UInt32(seconds) << 16 | UInt32(rest * 65536 / 1_000_000_000)
    }
}
