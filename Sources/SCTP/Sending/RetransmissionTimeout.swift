import Wire

/// How long to wait for an acknowledgement (RFC 9260 §6.3.1).
struct RetransmissionTimeout: Sendable {
    /// The timeout, backed off.
    private(set) var value: Duration
    /// The smoothed round trip time; nil before one was measured.
    private(set) var smoothedRoundTripTime: Duration?
    private var variation: Duration = .zero
    private let minimum: Duration
    private let maximum: Duration

    init(_ configuration: SCTPConfiguration) {
        value = configuration.initialRetransmissionTimeout
        minimum = configuration.minimumRetransmissionTimeout
        maximum = configuration.maximumRetransmissionTimeout
    }

    mutating func measured(_ roundTripTime: Duration) {
        if let smoothed = smoothedRoundTripTime {
            // C3, with RTO.Alpha = 1/8 and RTO.Beta = 1/4
            let deviation = smoothed > roundTripTime ? smoothed - roundTripTime : roundTripTime - smoothed
            variation = variation * 3 / 4 + deviation / 4
            smoothedRoundTripTime = smoothed * 7 / 8 + roundTripTime / 8
        } else {
            // C2
            smoothedRoundTripTime = roundTripTime
            variation = roundTripTime / 2
        }
        let timeout = (smoothedRoundTripTime ?? roundTripTime) + variation * 4
        value = min(max(timeout, minimum), maximum)
    }

    /// §6.3.3 E2: the timer ran out.
    mutating func backOff() {
        value = min(value * 2, maximum)
    }
}
