// The dictionaries of Identifiers for WebRTC's Statistics API, by their own names. What cannot be known is nil.

/// The connection.
public struct RTCPeerConnectionStats: RTCStatsDictionary {
    /// The same in every report.
    public let id: String
    /// What it is about.
    public let type: RTCStatsType
    /// When it was so, in milliseconds.
    public let timestamp: Double
    /// Data channels that were opened.
    public internal(set) var dataChannelsOpened: UInt32?
    /// Of these, those that were closed.
    public internal(set) var dataChannelsClosed: UInt32?

    init(id: String, timestamp: Double) {
        self.id = id
        self.type = .peerConnection
        self.timestamp = timestamp
    }
}

/// A transport: ICE, DTLS and what went by them.
public struct RTCTransportStats: RTCStatsDictionary {
    /// The same in every report.
    public let id: String
    /// What it is about.
    public let type: RTCStatsType
    /// When it was so, in milliseconds.
    public let timestamp: Double
    /// Datagrams of DTLS, SRTP and SRTCP.
    public internal(set) var packetsSent: UInt64?
    /// Datagrams of DTLS, SRTP and SRTCP.
    public internal(set) var packetsReceived: UInt64?
    /// Their bytes.
    public internal(set) var bytesSent: UInt64?
    /// Their bytes.
    public internal(set) var bytesReceived: UInt64?
    /// `controlling` or `controlled`.
    public internal(set) var iceRole: String?
    /// The username fragment of this side.
    public internal(set) var iceLocalUsernameFragment: String?
    /// RTCIceTransportState.
    public internal(set) var iceState: String?
    /// RTCDtlsTransportState.
    public internal(set) var dtlsState: String
    /// The pair that media goes by.
    public internal(set) var selectedCandidatePairId: String?
    /// The certificate of this side.
    public internal(set) var localCertificateId: String?
    /// That of the other side.
    public internal(set) var remoteCertificateId: String?
    /// The version of DTLS, four hexadecimal digits.
    public internal(set) var tlsVersion: String?
    /// The cipher suite by its name at IANA.
    public internal(set) var dtlsCipher: String?
    /// `client` or `server`.
    public internal(set) var dtlsRole: String?
    /// The protection profile by its name at IANA.
    public internal(set) var srtpCipher: String?
    /// How often the selected pair was another one than before.
    public internal(set) var selectedCandidatePairChanges: UInt32?

    init(id: String, timestamp: Double, dtlsState: String) {
        self.id = id
        self.type = .transport
        self.timestamp = timestamp
        self.dtlsState = dtlsState
    }
}

/// A candidate.
public struct RTCIceCandidateStats: RTCStatsDictionary {
    /// The same in every report.
    public let id: String
    /// What it is about.
    public let type: RTCStatsType
    /// When it was so, in milliseconds.
    public let timestamp: Double
    /// The transport.
    public internal(set) var transportId: String
    /// Its address, or the name that stands for it.
    public internal(set) var address: String?
    /// Its port.
    public internal(set) var port: Int?
    /// `udp` or `tcp`.
    public internal(set) var `protocol`: String?
    /// `host`, `srflx`, `prflx` or `relay`.
    public internal(set) var candidateType: String
    /// Its priority (RFC 8445 §5.1.2).
    public internal(set) var priority: UInt32?
    /// Its foundation.
    public internal(set) var foundation: String?
    /// What it derives from.
    public internal(set) var relatedAddress: String?
    /// The port of that.
    public internal(set) var relatedPort: Int?
    /// The generation that it belongs to.
    public internal(set) var usernameFragment: String?
    /// `active`, `passive` or `so`.
    public internal(set) var tcpType: String?

    init(id: String, type: RTCStatsType, timestamp: Double, transportId: String, candidateType: String) {
        self.id = id
        self.type = type
        self.timestamp = timestamp
        self.transportId = transportId
        self.candidateType = candidateType
    }
}

/// A pair of candidates.
public struct RTCIceCandidatePairStats: RTCStatsDictionary {
    /// The same in every report.
    public let id: String
    /// What it is about.
    public let type: RTCStatsType
    /// When it was so, in milliseconds.
    public let timestamp: Double
    /// The transport.
    public internal(set) var transportId: String
    /// Its local candidate.
    public internal(set) var localCandidateId: String
    /// Its remote candidate.
    public internal(set) var remoteCandidateId: String
    /// RTCStatsIceCandidatePairState.
    public internal(set) var state: String
    /// Whether it was nominated.
    public internal(set) var nominated: Bool?
    /// Datagrams sent, those of STUN not counted.
    public internal(set) var packetsSent: UInt64?
    /// Datagrams received, those of STUN not counted.
    public internal(set) var packetsReceived: UInt64?
    /// Their bytes.
    public internal(set) var bytesSent: UInt64?
    /// Their bytes.
    public internal(set) var bytesReceived: UInt64?
    /// When the last of them came.
    public internal(set) var lastPacketReceivedTimestamp: Double?
    /// The sum of the round trips of its checks in seconds.
    public internal(set) var totalRoundTripTime: Double?
    /// The last of them.
    public internal(set) var currentRoundTripTime: Double?
    /// What the path carries, in bit/s, as far as it is known; of the selected pair.
    public internal(set) var availableOutgoingBitrate: Double?
    /// Checks received.
    public internal(set) var requestsReceived: UInt64?
    /// Checks sent, those of consent not counted.
    public internal(set) var requestsSent: UInt64?
    /// Responses received.
    public internal(set) var responsesReceived: UInt64?
    /// Responses sent.
    public internal(set) var responsesSent: UInt64?
    /// Checks of consent sent.
    public internal(set) var consentRequestsSent: UInt64?

    init(
        id: String, timestamp: Double, transportId: String, localCandidateId: String, remoteCandidateId: String,
        state: String
    ) {
        self.id = id
        self.type = .candidatePair
        self.timestamp = timestamp
        self.transportId = transportId
        self.localCandidateId = localCandidateId
        self.remoteCandidateId = remoteCandidateId
        self.state = state
    }
}

/// A certificate.
public struct RTCCertificateStats: RTCStatsDictionary {
    /// The same in every report.
    public let id: String
    /// What it is about.
    public let type: RTCStatsType
    /// When it was so, in milliseconds.
    public let timestamp: Double
    /// Its fingerprint in hexadecimal with colons.
    public internal(set) var fingerprint: String
    /// The hash function of the fingerprint.
    public internal(set) var fingerprintAlgorithm: String
    /// The certificate in DER, in base 64.
    public internal(set) var base64Certificate: String

    init(id: String, timestamp: Double, fingerprint: String, fingerprintAlgorithm: String, base64Certificate: String) {
        self.id = id
        self.type = .certificate
        self.timestamp = timestamp
        self.fingerprint = fingerprint
        self.fingerprintAlgorithm = fingerprintAlgorithm
        self.base64Certificate = base64Certificate
    }
}
