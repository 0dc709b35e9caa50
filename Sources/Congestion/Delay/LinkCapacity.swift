/// What the link was seen to carry when it was full, with its spread (draft-ietf-rmcat-gcc-02 §5.5: "the average …
/// and the standard deviation of the incoming bitrate when the system is in the Decrease state").
struct LinkCapacity: Sendable {
    /// bit/s; nil where nothing is known.
    private(set) var estimate: Double?
    /// The variance over the estimate, in kbit/s.
    private var normalizedVariance = 0.4

    private static let smoothing = 0.05
    private static let probeSmoothing = 0.5
    private static let variances = 0.4...2.5

    /// draft §5.5: "three standard deviations around this average"
    var bounds: ClosedRange<Double>? {
        guard let estimate else { return nil }
        let deviation = 3 * 1000 * (normalizedVariance * estimate / 1000).squareRoot()
        return max(estimate - deviation, 0)...(estimate + deviation)
    }

    mutating func overuseDetected(acknowledged bitrate: Double) {
        update(bitrate, smoothing: Self.smoothing)
    }

    mutating func probed(_ bitrate: Double) {
        update(bitrate, smoothing: Self.probeSmoothing)
    }

    mutating func forget() {
        estimate = nil
    }

    private mutating func update(_ bitrate: Double, smoothing: Double) {
        guard let old = estimate else {
            estimate = bitrate
            return
        }
        let new = (1 - smoothing) * old + smoothing * bitrate
        let error = (new - bitrate) / 1000
        let variance = (1 - smoothing) * normalizedVariance + smoothing * error * error / max(new / 1000, 1)
        normalizedVariance = min(max(variance, Self.variances.lowerBound), Self.variances.upperBound)
        estimate = new
    }
}
