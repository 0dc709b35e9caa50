/// A media section: an `m=` line and everything up to the next one (RFC 8866 §5.14).
public struct MediaDescription: Hashable, Sendable {
    /// What kind of media the section is about.
    public var kind: MediaKind
    /// The port of the default candidate; 9 (discard) while it does not matter, 0 for a rejected section.
    public var port: UInt16
    /// The transport protocol, `UDP/TLS/RTP/SAVPF` or `UDP/DTLS/SCTP` in WebRTC (RFC 8829 §5.1.2).
    public var transportProtocol: String
    /// The codecs, the most wanted first (RTP only).
    public var codecs: [RTPCodec]
    /// The formats that are no codecs: `webrtc-datachannel` (RFC 8841 §4.3), and payload types that nothing explains.
    public var otherFormats: [String]
    /// The value of the `c=` line.
    public var connection: String
    /// The bandwidth limits (`b=`), in order.
    public var bandwidths: [Bandwidth]

    /// The section's name (`a=mid`, RFC 5888).
    public var mid: String?
    /// Who sends (`a=sendrecv`, …; RFC 8866 §6.7).
    public var direction: MediaDirection
    /// `a=bundle-only` (RFC 9143 §6): without the bundle the section is rejected.
    public var isBundleOnly: Bool
    /// `a=rtcp-mux` (RFC 5761): RTP and RTCP share a port.
    public var isRTCPMultiplexed: Bool
    /// `a=rtcp-mux-only` (RFC 8858).
    public var isRTCPMultiplexedOnly: Bool
    /// `a=rtcp-rsize` (RFC 5506): RTCP packets need not be compound.
    public var isRTCPReducedSize: Bool
    /// `a=extmap-allow-mixed` (RFC 8285 §6): one-byte and two-byte header extensions may alternate.
    public var allowsMixedHeaderExtensions: Bool

    /// `a=ice-ufrag` (RFC 8839 §5.4).
    public var iceUfrag: String?
    /// `a=ice-pwd` (RFC 8839 §5.4).
    public var icePwd: String?
    /// `a=ice-options` (RFC 8839 §5.6): `trickle`, `renomination`, …
    public var iceOptions: [String]
    /// The ICE candidates, each as `RTCIceCandidate.candidate` has it: `candidate:1 1 udp …`, without `a=`.
    public var candidates: [String]
    /// `a=end-of-candidates` (RFC 8840 §8.2).
    public var hasEndOfCandidates: Bool

    /// The fingerprints of the certificates that the endpoint may show (`a=fingerprint`, RFC 8122).
    public var fingerprints: [SDPFingerprint]
    /// Who begins the DTLS handshake (`a=setup`, RFC 8842).
    public var setup: SetupRole?

    /// The RTP header extensions (`a=extmap`, RFC 8285).
    public var headerExtensions: [HeaderExtension]
    /// The streams and the track sent (`a=msid`, RFC 8830).
    public var msids: [MSID]
    /// What is announced of the synchronisation sources sent (`a=ssrc`, RFC 5576), in order.
    public var sources: [Source]
    /// Which sources belong together (`a=ssrc-group`, RFC 5576).
    public var sourceGroups: [SourceGroup]

    /// `a=sctp-port` (RFC 8841 §5).
    public var sctpPort: UInt16?
    /// `a=max-message-size` in bytes (RFC 8841 §6); 0 stands for any size.
    public var maxMessageSize: UInt64?

    /// Attributes without a place of their own here, in order.
    public var attributes: [SessionDescription.Attribute]

    /// A section with a default port and address and nothing else set.
    public init(kind: MediaKind, transportProtocol: String, port: UInt16 = 9, direction: MediaDirection = .sendrecv) {
        self.kind = kind
        self.port = port
        self.transportProtocol = transportProtocol
        self.direction = direction
        connection = "IN IP4 0.0.0.0"
        codecs = []
        otherFormats = []
        bandwidths = []
        isBundleOnly = false
        isRTCPMultiplexed = false
        isRTCPMultiplexedOnly = false
        isRTCPReducedSize = false
        allowsMixedHeaderExtensions = false
        iceOptions = []
        candidates = []
        hasEndOfCandidates = false
        fingerprints = []
        headerExtensions = []
        msids = []
        sources = []
        sourceGroups = []
        attributes = []
    }

    /// The protocol of audio and video sections in WebRTC.
    public static let rtpProtocol = "UDP/TLS/RTP/SAVPF"
    /// The protocol of the data channels' section.
    public static let sctpProtocol = "UDP/DTLS/SCTP"

    /// Whether the section carries RTP (`RTP/AVP` to `TCP/TLS/RTP/SAVPF`).
    public var isRTP: Bool { transportProtocol.hasSuffix("/AVP") || transportProtocol.hasSuffix("AVPF") }

    /// Whether the section is rejected or no longer used: port 0 without `a=bundle-only` (RFC 8829 §5.3.1).
    public var isRejected: Bool { port == 0 && !isBundleOnly }

    /// The formats of the `m=` line: payload types, or names.
    public var formats: [String] { codecs.map { String($0.payloadType) } + otherFormats }

    /// The codec with the payload type `payloadType`.
    public func codec(_ payloadType: UInt8) -> RTPCodec? {
        codecs.first { $0.payloadType == payloadType }
    }

    /// The RTX codec (RFC 4588) that repeats packets of `payloadType`, by its `apt` parameter.
    public func retransmissionCodec(for payloadType: UInt8) -> RTPCodec? {
        codecs.first { $0.isNamed("rtx") && $0.associatedPayloadType == payloadType }
    }
}

/// The kind of a media section.
public enum MediaKind: Hashable, Sendable, CustomStringConvertible {
    /// `audio`
    case audio
    /// `video`
    case video
    /// `application`: the data channels.
    case application
    /// A kind unknown to WebRTC (`text`, `image`, …), which an answer rejects.
    case other(String)

    /// The kind that `m=` calls `name`.
    public init(_ name: String) {
        switch name {
        case "audio": self = .audio
        case "video": self = .video
        case "application": self = .application
        default: self = .other(name)
        }
    }

    /// The kind's name on the `m=` line.
    public var description: String {
        switch self {
        case .audio: "audio"
        case .video: "video"
        case .application: "application"
        case .other(let name): name
        }
    }
}

/// Who sends in a media section.
public enum MediaDirection: String, Hashable, Sendable, CaseIterable {
    /// Both sides.
    case sendrecv
    /// The side whose description it is.
    case sendonly
    /// The other side.
    case recvonly
    /// Nobody.
    case inactive

    /// A direction by its two halves.
    public init(sends: Bool, receives: Bool) {
        self = sends ? (receives ? .sendrecv : .sendonly) : (receives ? .recvonly : .inactive)
    }

    /// Whether the side whose description it is sends.
    public var sends: Bool { self == .sendrecv || self == .sendonly }
    /// Whether the side whose description it is receives.
    public var receives: Bool { self == .sendrecv || self == .recvonly }
    /// The same as the other side sees it.
    public var reversed: MediaDirection { MediaDirection(sends: receives, receives: sends) }
    /// What both directions allow.
    public func intersection(_ other: MediaDirection) -> MediaDirection {
        MediaDirection(sends: sends && other.sends, receives: receives && other.receives)
    }
}

/// Who begins the DTLS handshake (RFC 4145 §4, RFC 8842 §5).
public enum SetupRole: String, Hashable, Sendable {
    /// The client: sends the ClientHello.
    case active
    /// The server.
    case passive
    /// Either, as the answerer likes; only in offers.
    case actpass
    /// Nobody for now.
    case holdconn
}

/// An `a=fingerprint` value (RFC 8122 §5).
public struct SDPFingerprint: Hashable, Sendable {
    /// The hash function's name in lower case: `sha-256`.
    public var hashFunction: String
    /// The hash.
    public var bytes: [UInt8]

    /// The fingerprint `bytes`.
    public init(hashFunction: String, bytes: [UInt8]) {
        self.hashFunction = hashFunction
        self.bytes = bytes
    }
}

/// An `a=extmap` value (RFC 8285 §8).
public struct HeaderExtension: Hashable, Sendable {
    /// The number that stands for the extension in packets, 1…14 for one-byte headers, else up to 255 (4096…4351 in an
    /// offer with more extensions than numbers).
    public var id: UInt16
    /// Who sends it, where that differs from the section's direction.
    public var direction: MediaDirection?
    /// What the extension is.
    public var uri: String
    /// What follows the URI.
    public var parameters: String?

    /// The extension `uri` under the number `id`.
    public init(id: UInt16, uri: String, direction: MediaDirection? = nil, parameters: String? = nil) {
        self.id = id
        self.direction = direction
        self.uri = uri
        self.parameters = parameters
    }
}

/// An `a=msid` value (RFC 8830 §2).
public struct MSID: Hashable, Sendable {
    /// The stream's identifier; `-` where the track belongs to none (RFC 8829 §5.2.1).
    public var stream: String
    /// The track's identifier.
    public var track: String?

    /// The track `track` in the stream `stream`.
    public init(stream: String, track: String? = nil) {
        self.stream = stream
        self.track = track
    }
}

/// A synchronisation source and what `a=ssrc` lines say of it (RFC 5576 §4.1).
public struct Source: Hashable, Sendable {
    /// The synchronisation source identifier.
    public var ssrc: UInt32
    /// The attributes, in order.
    public var attributes: [SessionDescription.Attribute]

    /// The source `ssrc`.
    public init(ssrc: UInt32, attributes: [SessionDescription.Attribute]) {
        self.ssrc = ssrc
        self.attributes = attributes
    }

    /// The source `ssrc` of the endpoint `cname`.
    public init(ssrc: UInt32, cname: String) {
        self.init(ssrc: ssrc, attributes: [.init("cname", cname)])
    }

    /// The RTCP canonical name.
    public var cname: String? { attributes.first { $0.name == "cname" }?.value }
}

/// An `a=ssrc-group` value (RFC 5576 §4.2).
public struct SourceGroup: Hashable, Sendable {
    /// `FID` for a source and its retransmissions, `SIM`, `FEC-FR`, …
    public var semantics: String
    /// The members, in order.
    public var ssrcs: [UInt32]

    /// A group of `ssrcs`.
    public init(_ semantics: String, _ ssrcs: [UInt32]) {
        self.semantics = semantics
        self.ssrcs = ssrcs
    }
}

/// A `b=` line (RFC 8866 §5.8).
public struct Bandwidth: Hashable, Sendable {
    /// `AS` (in kilobits a second), `TIAS` (in bits a second, RFC 3890), …
    public var type: String
    /// The limit.
    public var value: UInt64

    /// The limit `value`.
    public init(_ type: String, _ value: UInt64) {
        self.type = type
        self.value = value
    }
}
