/// What takes bytes from strangers, or from an owner's files, one part after the other. A target traps where the part under test has broken a
/// rule; whatever the bytes are, it must not.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// STUN messages.
    case stun
    /// Session descriptions, as text.
    case sdp
    /// Session descriptions that a connection is to negotiate with.
    case negotiation
    /// Candidates, and trickled fragments of descriptions.
    case candidate
    /// RTP packets, their extensions, and what receives them.
    case rtp
    /// RTCP packets.
    case rtcp
    /// RTP payloads of H.264.
    case h264
    /// Byte streams of H.264, in pieces.
    case annexb
    /// RTP payloads of Opus, and the jitter buffer they go into.
    case opus
    /// SCTP packets, given to an association that is established.
    case sctp
    /// Messages that open data channels.
    case dcep
    /// Messages of the call protocol.
    case message
    /// What a broker passes on to the door at a meeting point.
    case meeting
    /// What a TURN server sends to its client.
    case turn
    /// Datagrams of multicast DNS.
    case mdns
    /// Addresses of servers, as text.
    case url
    /// What comes on the connections of TCP candidates, and how it is cut.
    case stream
    /// Everything that the other side of a call can do to a connection.
    case peer

    /// Gives `bytes` to the part under test.
    package func run(_ bytes: [UInt8]) {
        switch self {
        case .stun: fuzzSTUN(bytes)
        case .sdp: fuzzSDP(bytes)
        case .negotiation: fuzzNegotiation(bytes)
        case .candidate: fuzzCandidate(bytes)
        case .rtp: fuzzRTP(bytes)
        case .rtcp: fuzzRTCP(bytes)
        case .h264: fuzzH264(bytes)
        case .annexb: fuzzAnnexB(bytes)
        case .opus: fuzzOpus(bytes)
        case .sctp: fuzzSCTP(bytes)
        case .dcep: fuzzDCEP(bytes)
        case .message: fuzzMessage(bytes)
        case .meeting: fuzzMeeting(bytes)
        case .turn: fuzzTURN(bytes)
        case .mdns: fuzzMDNS(bytes)
        case .url: fuzzURL(bytes)
        case .stream: fuzzStream(bytes)
        case .peer: fuzzPeer(bytes)
        }
    }

    /// The longest input that makes sense, in bytes.
    package var maximumLength: Int {
        switch self {
        case .stun, .rtp, .rtcp: 1500
        case .sdp, .negotiation: 12_000
        case .candidate: 1024
        case .dcep, .url: 512
        case .h264, .annexb, .opus, .sctp, .message, .meeting, .turn, .mdns, .stream, .peer: 4096
        }
    }
}

/// The parts of an input: each begins with its length in two bytes, the last may be cut short.
func parts(of bytes: [UInt8]) -> [[UInt8]] {
    var rest = bytes[...]
    var parts: [[UInt8]] = []
    while rest.count > 2 {
        let length = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
        rest = rest.dropFirst(2)
        parts.append(Array(rest.prefix(length)))
        rest = rest.dropFirst(length)
    }
    return parts
}
