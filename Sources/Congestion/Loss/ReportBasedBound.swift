import Wire

/// The rate that a receiver's reports allow, for peers without transport-wide feedback (draft-ietf-rmcat-gcc-02 §6).
struct ReportBasedBound: Sendable {
    /// draft §6: "packet loss ratio … between 2 % and 10 %": As_hat(i) "will remain unchanged".
    static let unchanged = 0.02...0.1
    /// draft §6: 1.05 with each report, which come about once a second; libwebrtc has 8 %.
    private static let increaseFactor = 1.05
    private static let decreaseInterval = Duration.milliseconds(300)
    private static let increaseInterval = Duration.seconds(1)

    /// bit/s
    private(set) var bitrate: Double
    private var lastIncrease: Instant?
    private var lastDecrease: Instant?

    init(bitrate: Double) {
        self.bitrate = bitrate
    }

    /// Allows what was measured by other means, in bit/s.
    mutating func raise(to measured: Double) {
        bitrate = max(bitrate, measured)
    }

    /// Takes the part of the packets that was lost, 0 to 1. Nothing is tried beyond `ceiling`, in bit/s.
    mutating func handle(_ loss: Double, roundTripTime: Duration, upTo ceiling: Double, at now: Instant) {
        if loss > Self.unchanged.upperBound {
            // what is reported within a round trip is an effect of the rate before
            guard lastDecrease.map({ now - $0 >= Self.decreaseInterval + roundTripTime }) ?? true else { return }
            lastDecrease = now
            bitrate *= 1 - 0.5 * loss
        } else if loss < Self.unchanged.lowerBound {
            guard lastIncrease.map({ now - $0 >= Self.increaseInterval }) ?? true else { return }
            lastIncrease = now
            bitrate = max(min(bitrate * Self.increaseFactor, ceiling), min(bitrate, ceiling))
        }
    }
}
