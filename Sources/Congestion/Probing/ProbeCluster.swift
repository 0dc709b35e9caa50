import Wire

/// Packets that are to leave at a rate that was not tried yet, to see whether they arrive at it.
public struct ProbeCluster: Hashable, Sendable {
    /// Tells clusters apart.
    public struct ID: Hashable, Sendable {
        let rawValue: Int32
    }

    /// Which one it is; `BandwidthEstimator.packetSent` wants it back with each of its packets.
    public let id: ID
    /// The rate to send at, in bit/s.
    public let bitrate: Double
    /// Packets at least.
    public let minimumPackets: Int
    /// Bytes at least.
    public let minimumBytes: Int

    /// Fewer show no rate.
    static let leastPackets = 5
    static let leastDuration = Duration.milliseconds(15)

    init(id: ID, bitrate: Double) {
        self.id = id
        self.bitrate = bitrate
        minimumPackets = Self.leastPackets
        minimumBytes = Int(clamping: Int64(min(bitrate * Self.leastDuration.inSeconds / 8, 1e9)))
    }
}
