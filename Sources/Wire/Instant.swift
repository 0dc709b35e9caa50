/// A point on a monotonic clock that never jumps, in nanoseconds since an epoch that only the caller knows.
///
/// The cores never read a clock: the shell passes `CLOCK_MONOTONIC`, a simulation its virtual time.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the clock's epoch.
    public let nanoseconds: Int64

    /// The instant `nanoseconds` after the clock's epoch.
    @inlinable
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The clock's epoch.
    @inlinable
    public static var zero: Instant { Instant(nanoseconds: 0) }

    /// Whether `left` comes first.
    @inlinable
    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant `duration` later; saturates at the clock's ends.
    @inlinable
    public static func + (instant: Instant, duration: Duration) -> Instant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return Instant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// The instant `duration` earlier; saturates at the clock's ends.
    @inlinable
    public static func - (instant: Instant, duration: Duration) -> Instant {
        let (difference, overflow) = instant.nanoseconds.subtractingReportingOverflow(duration.nanoseconds)
        return Instant(nanoseconds: overflow ? (duration < .zero ? .max : .min) : difference)
    }

    /// The time from `earlier` to `later`, negative where `later` comes first.
    @inlinable
    public static func - (later: Instant, earlier: Instant) -> Duration {
        let (difference, overflow) = later.nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        // a duration holds what 64 bits of nanoseconds do not
        return overflow
            ? .nanoseconds(later.nanoseconds) - .nanoseconds(earlier.nanoseconds) : Duration(nanoseconds: difference)
    }

    /// The seconds from `earlier` to this instant, negative where it comes first: for reckoning with rates, where the detour
    /// by a `Duration` of 128 bits is felt.
    @inlinable
    public func seconds(since earlier: Instant) -> Double {
        (Double(nanoseconds) - Double(earlier.nanoseconds)) / 1e9
    }

    /// Moves `instant` on by `duration`.
    @inlinable
    public static func += (instant: inout Instant, duration: Duration) {
        instant = instant + duration
    }
}

extension Duration {
    /// `Duration.nanoseconds`, of which the standard library's own makes calls for every packet.
    @inlinable
    init(nanoseconds: Int64) {
        self.init(attoseconds: Int128(nanoseconds) * 1_000_000_000)
    }

    /// The whole nanoseconds in this duration, saturated to 64 bits (292 years).
    @inlinable
    public var nanoseconds: Int64 {
        // up to nine seconds it takes no division of 128 bits
        if let attoseconds = Int64(exactly: attoseconds) { return attoseconds / 1_000_000_000 }
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || carry ? (seconds < 0 ? .min : .max) : sum
    }

    /// This duration in milliseconds, with its fraction.
    @inlinable
    public var milliseconds: Double { Double(nanoseconds) / 1e6 }

    /// This duration in seconds, with its fraction.
    @inlinable
    public var inSeconds: Double { Double(nanoseconds) / 1e9 }
}

/// The earliest of several deadlines; nil stands for never.
@inlinable
public func earliest(_ first: Instant?, _ second: Instant?) -> Instant? {
    guard let first, let second else { return first ?? second }
    return min(first, second)
}

/// The earliest of many deadlines; nil stands for never.
@inlinable
public func earliest(
    _ first: Instant?, _ second: Instant?, _ third: Instant?, _ fourth: Instant? = nil, _ fifth: Instant? = nil,
    _ sixth: Instant? = nil, _ seventh: Instant? = nil, _ eighth: Instant? = nil
) -> Instant? {
    earliest(
        earliest(earliest(first, second), earliest(third, fourth)),
        earliest(earliest(fifth, sixth), earliest(seventh, eighth)))
}
