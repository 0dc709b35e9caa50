/// What `getStats` returns: statistics objects by their identifiers (W3C WebRTC §8.4, Identifiers for WebRTC's
/// Statistics API).
///
/// Its coded form is what a browser's `Object.fromEntries(await connection.getStats())` is: an object whose keys are the
/// identifiers. A member that cannot be known is absent.
public struct RTCStatsReport: Sendable, Codable {
    /// The statistics, in the order: connection, transports, candidates and pairs, certificates, data channels,
    /// codecs, sources, streams.
    public private(set) var stats: [RTCStats]

    init(_ stats: [RTCStats]) {
        self.stats = stats
    }

    /// The object with the identifier `id`; nil where there is none.
    public subscript(id: String) -> RTCStats? { stats.first { $0.id == id } }

    /// All of the type `Dictionary`, such as `RTCInboundRtpStreamStats`.
    public func all<Dictionary: RTCStatsDictionary>(_ type: Dictionary.Type = Dictionary.self) -> [Dictionary] {
        stats.compactMap { $0.dictionary as? Dictionary }
    }

    private struct Identifier: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Writes each object under its identifier.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Identifier.self)
        for object in stats { try container.encode(object, forKey: Identifier(stringValue: object.id)) }
    }

    /// Reads what a browser or `encode` wrote; objects of types that are not known here are passed over.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Identifier.self)
        stats = []
        for key in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
            if let object = try? container.decode(RTCStats.self, forKey: key) { stats.append(object) }
        }
    }
}

/// The members that every statistics object has (W3C RTCStats).
public protocol RTCStatsDictionary: Sendable, Codable, Hashable {
    /// The same for the same object in every report of a connection.
    var id: String { get }
    /// What the object is about.
    var type: RTCStatsType { get }
    /// When it was so, in milliseconds: of what the other side reported, when the report came.
    var timestamp: Double { get }
}

/// What a statistics object is about (W3C RTCStatsType).
public enum RTCStatsType: String, Sendable, Codable, CaseIterable {
    /// `RTCCodecStats`
    case codec
    /// `RTCInboundRtpStreamStats`
    case inboundRTP = "inbound-rtp"
    /// `RTCOutboundRtpStreamStats`
    case outboundRTP = "outbound-rtp"
    /// `RTCRemoteInboundRtpStreamStats`
    case remoteInboundRTP = "remote-inbound-rtp"
    /// `RTCRemoteOutboundRtpStreamStats`
    case remoteOutboundRTP = "remote-outbound-rtp"
    /// `RTCMediaSourceStats`
    case mediaSource = "media-source"
    /// `RTCDataChannelStats`
    case dataChannel = "data-channel"
    /// `RTCPeerConnectionStats`
    case peerConnection = "peer-connection"
    /// `RTCTransportStats`
    case transport
    /// `RTCIceCandidatePairStats`
    case candidatePair = "candidate-pair"
    /// `RTCIceCandidateStats` of a candidate of this side
    case localCandidate = "local-candidate"
    /// `RTCIceCandidateStats` of a candidate of the other side
    case remoteCandidate = "remote-candidate"
    /// `RTCCertificateStats`
    case certificate
}

/// One statistics object.
public enum RTCStats: Sendable, Hashable, Codable {
    /// A codec of a stream.
    case codec(RTCCodecStats)
    /// A stream that arrives.
    case inboundRTP(RTCInboundRtpStreamStats)
    /// A stream that leaves.
    case outboundRTP(RTCOutboundRtpStreamStats)
    /// How the other side receives a stream of ours.
    case remoteInboundRTP(RTCRemoteInboundRtpStreamStats)
    /// What the other side says it sends.
    case remoteOutboundRTP(RTCRemoteOutboundRtpStreamStats)
    /// What a stream of ours is made of.
    case mediaSource(RTCMediaSourceStats)
    /// A data channel.
    case dataChannel(RTCDataChannelStats)
    /// The connection.
    case peerConnection(RTCPeerConnectionStats)
    /// A transport.
    case transport(RTCTransportStats)
    /// A pair of candidates.
    case candidatePair(RTCIceCandidatePairStats)
    /// A candidate of either side.
    case candidate(RTCIceCandidateStats)
    /// A certificate of either side.
    case certificate(RTCCertificateStats)

    /// The object itself.
    public var dictionary: any RTCStatsDictionary {
        switch self {
        case .codec(let stats): stats
        case .inboundRTP(let stats): stats
        case .outboundRTP(let stats): stats
        case .remoteInboundRTP(let stats): stats
        case .remoteOutboundRTP(let stats): stats
        case .mediaSource(let stats): stats
        case .dataChannel(let stats): stats
        case .peerConnection(let stats): stats
        case .transport(let stats): stats
        case .candidatePair(let stats): stats
        case .candidate(let stats): stats
        case .certificate(let stats): stats
        }
    }

    /// Its identifier.
    public var id: String { dictionary.id }

    private enum Member: String, CodingKey {
        case type
    }

    /// Reads the object that its `type` names.
    public init(from decoder: any Decoder) throws {
        switch try decoder.container(keyedBy: Member.self).decode(RTCStatsType.self, forKey: .type) {
        case .codec: self = .codec(try .init(from: decoder))
        case .inboundRTP: self = .inboundRTP(try .init(from: decoder))
        case .outboundRTP: self = .outboundRTP(try .init(from: decoder))
        case .remoteInboundRTP: self = .remoteInboundRTP(try .init(from: decoder))
        case .remoteOutboundRTP: self = .remoteOutboundRTP(try .init(from: decoder))
        case .mediaSource: self = .mediaSource(try .init(from: decoder))
        case .dataChannel: self = .dataChannel(try .init(from: decoder))
        case .peerConnection: self = .peerConnection(try .init(from: decoder))
        case .transport: self = .transport(try .init(from: decoder))
        case .candidatePair: self = .candidatePair(try .init(from: decoder))
        case .localCandidate, .remoteCandidate: self = .candidate(try .init(from: decoder))
        case .certificate: self = .certificate(try .init(from: decoder))
        }
    }

    /// Writes the object's members.
    public func encode(to encoder: any Encoder) throws {
        try dictionary.encode(to: encoder)
    }
}
