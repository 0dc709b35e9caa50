/// The W3C's enumerations and dictionaries (WebRTC: Real-Time Communication in Browsers), by their own names.

/// Where an offer/answer exchange stands (W3C §4.3.1).
///
/// ```
///              setLocal(offer)                     setRemote(answer)
///   stable ─────────────────────► have-local-offer ──────────────────► stable
///     │    ◄───────────────────── (rollback)
///     │        setRemote(offer)                    setLocal(answer)
///     └─────────────────────────► have-remote-offer ─────────────────► stable
///
///   have-local-offer  ── setRemote(pranswer) ──► have-remote-pranswer ── setRemote(answer) ──► stable
///   have-remote-offer ── setLocal(pranswer)  ──► have-local-pranswer  ── setLocal(answer)  ──► stable
/// ```
///
/// A provisional answer may come again, but cannot be taken back: with it media has begun.
public enum RTCSignalingState: String, Sendable {
    /// No exchange is under way.
    case stable
    /// Our offer waits for its answer.
    case haveLocalOffer = "have-local-offer"
    /// The other side's offer waits for our answer.
    case haveRemoteOffer = "have-remote-offer"
    /// We have answered the other side's offer provisionally.
    case haveLocalPranswer = "have-local-pranswer"
    /// The other side has answered our offer provisionally.
    case haveRemotePranswer = "have-remote-pranswer"
    /// The connection was closed.
    case closed
}

/// The state of ICE and DTLS together (W3C §4.3.3).
public enum RTCPeerConnectionState: String, Sendable {
    /// Nothing has begun.
    case new
    /// ICE or DTLS is under way.
    case connecting
    /// Media can flow.
    case connected
    /// Connectivity is in doubt; it may come back by itself.
    case disconnected
    /// ICE or DTLS has failed.
    case failed
    /// The connection was closed.
    case closed
}

/// How many transports media is offered on before the other side has agreed to a bundle (W3C §4.2.5, RFC 8829 §4.1.1).
public enum RTCBundlePolicy: String, Sendable, Codable {
    /// One for each kind of media.
    case balanced
    /// One for each media description.
    case maxCompat = "max-compat"
    /// One: a side that does not bundle gets a single media description.
    case maxBundle = "max-bundle"
}

/// Whether RTCP shares the transport of RTP (W3C §4.2.6, RFC 8829 §4.1.1).
public enum RTCRtcpMuxPolicy: String, Sendable {
    /// Transports for both kinds are gathered; this implementation does not.
    case negotiate
    /// It does; a media description without `rtcp-mux` is rejected.
    case require
}

/// Which candidates are gathered and used (W3C §4.2.5).
public enum RTCIceTransportPolicy: String, CaseIterable, Sendable, Codable {
    /// All.
    case all
    /// Only addresses on TURN servers: the other side learns none of ours.
    case relay
}

/// What a session description is (W3C §4.6.1).
public enum RTCSdpType: String, Sendable, Codable {
    /// A proposal.
    case offer
    /// A reply to an offer that another will follow (RFC 8829 §4.1.8): media may flow by it already.
    case pranswer
    /// The final reply to an offer.
    case answer
    /// Takes the pending offer back.
    case rollback
}

/// A session description as it travels (W3C §4.6.2).
public struct RTCSessionDescription: Hashable, Sendable, Codable {
    /// What it is.
    public let type: RTCSdpType
    /// Its text in SDP (RFC 8866); empty for a rollback.
    public let sdp: String

    /// A description of the type `type` with the text `sdp`.
    public init(type: RTCSdpType, sdp: String) {
        self.type = type
        self.sdp = sdp
    }
}

/// A candidate as it travels (W3C §4.8.1.1, RTCIceCandidateInit).
public struct RTCIceCandidate: Hashable, Sendable, Codable {
    /// The candidate-attribute (RFC 8839 §5.1) with its `candidate:`; empty for the end of candidates.
    public let candidate: String
    /// The identification tag of the media description it is for.
    public let sdpMid: String?
    /// The index of that media description, from 0.
    public let sdpMLineIndex: UInt16?
    /// The username fragment of the ICE generation it belongs to.
    public let usernameFragment: String?

    /// A candidate with the attribute `candidate`.
    public init(candidate: String, sdpMid: String?, sdpMLineIndex: UInt16?, usernameFragment: String? = nil) {
        self.candidate = candidate
        self.sdpMid = sdpMid
        self.sdpMLineIndex = sdpMLineIndex
        self.usernameFragment = usernameFragment
    }
}

/// Why a server has not told a candidate (W3C §4.8.2, RTCPeerConnectionIceErrorEvent).
public struct RTCIceCandidateError: Hashable, Sendable, Codable {
    /// The local address that asked.
    public let address: String
    /// Its port.
    public let port: UInt16
    /// The server.
    public let url: String
    /// The STUN error code (RFC 8489 §14.8); 701 where the server does not answer.
    public let errorCode: UInt16
    /// What is known of the reason.
    public let errorText: String

    /// An error of the server at `url`.
    public init(address: String, port: UInt16, url: String, errorCode: UInt16, errorText: String) {
        self.address = address
        self.port = port
        self.url = url
        self.errorCode = errorCode
        self.errorText = errorText
    }
}

/// A call that the connection's state or the description's content does not allow; the names are the W3C's DOMException
/// names.
public enum RTCError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The connection is closed, or in a signalling state that does not allow this.
    case invalidState(String)
    /// The description could not be parsed, or breaks a rule that the other side MUST follow.
    case invalidAccess(String)
    /// What cannot be changed (any more) is to be changed.
    case invalidModification(String)
    /// What is asked for this implementation does not do.
    case notSupported(String)
    /// What was asked for fails at present: a candidate or description that does not fit, no stream or room left.
    case operation(String)
    /// An argument that contradicts another, is beyond its range, or not of the kind that is asked for.
    case type(String)

    /// The name and the reason.
    public var description: String {
        switch self {
        case .invalidState(let reason): "InvalidStateError: \(reason)"
        case .invalidAccess(let reason): "InvalidAccessError: \(reason)"
        case .invalidModification(let reason): "InvalidModificationError: \(reason)"
        case .notSupported(let reason): "NotSupportedError: \(reason)"
        case .operation(let reason): "OperationError: \(reason)"
        case .type(let reason): "TypeError: \(reason)"
        }
    }
}
