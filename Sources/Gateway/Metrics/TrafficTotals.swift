import PeerConnection
import Wire

/// What peers sent and refused, those that are gone among them: sums that only rise.
struct TrafficTotals {
    private(set) var packetsSent: UInt64 = 0
    /// Payload, without headers.
    private(set) var bytesSent: UInt64 = 0
    private(set) var retransmissions: UInt64 = 0
    private(set) var packetsReceived: UInt64 = 0
    /// What came and was discarded, by the reason.
    private(set) var discards: [String: UInt64] = [:]

    /// Adds what `peer` did.
    mutating func add(_ peer: RTCPeerConnection) {
        let statistics = peer.statistics
        for stream in statistics.outbound {
            packetsSent += stream.sent.packetsSent
            bytesSent += stream.sent.bytesSent
            retransmissions += stream.sent.retransmittedPacketsSent
        }
        packetsReceived += statistics.packetsReceived
        for (reason, count) in peer.discards { discards[reason.rawValue, default: 0] += UInt64(count) }
    }
}
