public import Wire

/// What of a connection is asked about (W3C §8.2, the `selector` of `getStats`).
public enum RTCStatsSelector: Hashable, Sendable {
    /// What the sender of this transceiver sends.
    case sender(TransceiverID)
    /// What the receiver of this transceiver receives.
    case receiver(TransceiverID)
}

extension RTCPeerConnection {
    /// What the connection knows of one sender or receiver (W3C §8.3, the stats selection algorithm): its streams, and
    /// every object that these tell of. Throws InvalidAccessError where there is no such transceiver.
    public func getStats(
        of selector: RTCStatsSelector, at now: Instant, timeOrigin: Double = 0
    ) throws(RTCError) -> RTCStatsReport {
        let report = getStats(at: now, timeOrigin: timeOrigin)
        var wanted: Set<String> = []
        switch selector {
        case .sender(let id):
            guard let transceiver = transceiver(id) else { throw .invalidAccess("there is no such sender") }
            for stream in report.all(RTCOutboundRtpStreamStats.self) where stream.ssrc == transceiver.ssrc.rawValue {
                wanted.insert(stream.id)
            }
        case .receiver(let id):
            guard transceiver(id) != nil else { throw .invalidAccess("there is no such receiver") }
            let sources = Set(media.streams.filter { $0.value.incoming.transceiver == id }.map(\.key.rawValue))
            for stream in report.all(RTCInboundRtpStreamStats.self) where sources.contains(stream.ssrc) {
                wanted.insert(stream.id)
            }
        }
        var open = Array(wanted)
        while let id = open.popLast() {
            for reference in report[id]?.references ?? [] where wanted.insert(reference).inserted {
                open.append(reference)
            }
        }
        return RTCStatsReport(report.stats.filter { wanted.contains($0.id) })
    }
}

extension RTCStats {
    /// The identifiers of the objects that this one tells of.
    fileprivate var references: [String] {
        let all: [String?] =
            switch self {
            case .inboundRTP(let stats): [stats.transportId, stats.codecId, stats.remoteId]
            case .outboundRTP(let stats): [stats.transportId, stats.codecId, stats.remoteId, stats.mediaSourceId]
            case .remoteInboundRTP(let stats): [stats.transportId, stats.codecId, stats.localId]
            case .remoteOutboundRTP(let stats): [stats.transportId, stats.codecId, stats.localId]
            case .codec(let stats): [stats.transportId]
            case .transport(let stats):
                [stats.selectedCandidatePairId, stats.localCertificateId, stats.remoteCertificateId]
            case .candidatePair(let stats): [stats.transportId, stats.localCandidateId, stats.remoteCandidateId]
            case .candidate(let stats): [stats.transportId]
            default: []
            }
        return all.compactMap(\.self)
    }
}
