/// A time of day and date, in seconds since 1970-01-01 00:00 UTC: what is kept has to mean something after a restart, which
/// `Instant` does not.
public struct Timestamp: Hashable, Comparable, Codable, Sendable {
    /// Seconds since 1970-01-01 00:00 UTC.
    public let seconds: Int64

    /// The time `seconds` after 1970-01-01 00:00 UTC.
    public init(seconds: Int64) {
        self.seconds = seconds
    }

    /// Reads the seconds.
    public init(from decoder: any Decoder) throws {
        seconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    /// Writes the seconds.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(seconds)
    }

    /// Whether `left` comes first.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.seconds < right.seconds
    }

    /// The time `duration` later, to the whole second; saturates at the ends.
    public static func + (time: Timestamp, duration: Duration) -> Timestamp {
        let (sum, overflow) = time.seconds.addingReportingOverflow(duration.components.seconds)
        return Timestamp(seconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// The time from `earlier` to `later`.
    public static func - (later: Timestamp, earlier: Timestamp) -> Duration {
        .seconds(later.seconds) - .seconds(earlier.seconds)
    }
}
