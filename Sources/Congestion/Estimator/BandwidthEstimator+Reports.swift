public import Wire

/// What is known of peers without transport-wide feedback.
extension BandwidthEstimator {
    /// Takes the receiver's own estimate (draft-alvestrand-rmcat-remb-03 §2.2), in bit/s. It counts while no
    /// transport-wide feedback comes.
    public mutating func handleREMB(_ bitrate: Double, at now: Instant) {
        guard bitrate.isFinite, bitrate >= 0 else { return }
        receiverEstimate = (bitrate, at: now)
        // He measures the delay, and so much he found the path to carry: while nothing is lost it is not approached in
        // small steps.
        if reportedLoss ?? 0 < ReportBasedBound.unchanged.lowerBound {
            reportBound.raise(to: min(bitrate, configuration.maximumBitrate))
        }
        update(at: now)
    }

    /// Takes a report block (RFC 3550 §6.4.1): the part of the packets that was lost since the one before, 0 to 1, and
    /// the round trip where it was measured. Of several streams, the one that loses most counts.
    public mutating func handleReceiverReport(fractionLost: Double, roundTripTime: Duration?, at now: Instant) {
        guard fractionLost.isFinite else { return }
        let loss = min(max(fractionLost, 0), 1)
        reportedLoss = loss
        if let roundTripTime, roundTripTime >= .zero { reportedRoundTrip = roundTripTime }
        guard statistics.feedbackMessages == 0 else { return }
        let limit = min(receiverEstimate?.bitrate ?? .infinity, min(configuration.maximumBitrate, 1.5 * demand))
        reportBound.handle(
            loss, roundTripTime: self.roundTripTime ?? Self.initialRoundTrip, upTo: limit, at: now)
        update(at: now)
    }
}
