import ICE
public import RTP
public import SDP
public import Wire

/// What a connection has sent and received, stream by stream.
public struct RTCStatistics: Sendable {
    /// A stream that leaves.
    public struct Outbound: Sendable {
        /// Audio or video.
        public let kind: MediaKind
        /// What was sent.
        public let sent: RTPSender.Statistics
        /// How the other side says that it arrives.
        public let remote: RemoteInboundStatistics
    }

    /// A stream that arrives.
    public struct Inbound: Sendable {
        /// Audio or video.
        public let kind: MediaKind
        /// What was received.
        public let received: RTPReceiver.Statistics
    }

    /// Streams that leave.
    public let outbound: [Outbound]
    /// Streams that arrive.
    public let inbound: [Inbound]
    /// The last round trip of the selected pair; nil before one was measured.
    public let roundTripTime: Duration?

    /// Packets sent of `kind`, retransmissions among them.
    public func packetsSent(_ kind: MediaKind) -> UInt64 {
        outbound.filter { $0.kind == kind }.reduce(0) { $0 + $1.sent.packetsSent }
    }

    /// The part of the sound that the other side says was lost lately: 0 to 1.
    public var soundLoss: Double {
        outbound.lazy.filter { $0.kind == .audio }.map(\.remote.fractionLost).max() ?? 0
    }

    /// Packets that were sent again.
    public var retransmittedPacketsSent: UInt64 { outbound.reduce(0) { $0 + $1.sent.retransmittedPacketsSent } }

    /// Packets received, of all streams.
    public var packetsReceived: UInt64 { inbound.reduce(0) { $0 + $1.received.packetsReceived } }
}

extension RTCPeerConnection {
    /// What was sent and received so far.
    public var statistics: RTCStatistics {
        let kinds = Dictionary(uniqueKeysWithValues: transceivers.map { ($0.id, $0.kind) })
        return RTCStatistics(
            outbound: media.outgoing.compactMap { stream in
                kinds[stream.transceiver].map {
                    .init(kind: $0, sent: stream.sender.statistics, remote: stream.sender.remote)
                }
            },
            inbound: media.streams.values.compactMap { stream in
                kinds[stream.incoming.transceiver].map { .init(kind: $0, received: stream.receiver.statistics) }
            },
            roundTripTime: transports.lazy.compactMap(\.ice.statistics.currentRoundTripTime).first)
    }

    /// Whether the last exchange agreed on anything to send.
    public var sendsAnything: Bool { !media.outgoing.isEmpty }

    /// When each step of the way to the first packet of media was done; nil for a step that was not.
    public struct Milestones: Sendable {
        /// The first exchange of descriptions was complete.
        public internal(set) var negotiated: Instant?
        /// ICE had its first selected pair.
        public internal(set) var paired: Instant?
        /// The keys were there.
        public internal(set) var keyed: Instant?
    }
}
