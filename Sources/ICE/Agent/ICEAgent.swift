import Wire

/// An ICE agent (RFC 8445, trickle RFC 8838, consent RFC 7675) for one component over UDP, as WebRTC with BUNDLE and
/// rtcp-mux needs it. It opens no socket: the shell gives it the addresses of sockets that may be shared by many agents.
public struct ICEAgent {
    /// Which side nominates.
    public private(set) var role: ICERole
    /// The current local credentials.
    public private(set) var credentials: ICECredentials
    /// The remote credentials that belong to the current local ones; nil until they are known.
    public private(set) var remoteCredentials: ICECredentials?
    /// W3C's `RTCIceTransport.state`.
    public private(set) var connectionState: ICEConnectionState = .new
    /// W3C's `RTCIceTransport.gatheringState`.
    public private(set) var gatheringState: ICEGatheringState = .new
    /// The pair that everything goes by; nil until one is nominated and again when consent is lost. An ICE restart keeps
    /// it until the new session has its own.
    public private(set) var selectedPair: ICECandidatePair?
    /// The local candidates of the current session, peer-reflexive ones included.
    public private(set) var localCandidates: [ICECandidate] = []
    /// The remote candidates of the current session that can be used, peer-reflexive ones included.
    public private(set) var remoteCandidates: [ICECandidate] = []
    /// What was counted.
    public private(set) var statistics = ICEStatistics()
    private let random: any RandomSource

    /// An agent with its first credentials.
    public init(
        role: ICERole, credentials: ICECredentials, random: any RandomSource, configuration: ICEConfiguration = .init()
    ) {
        self.role = role
        self.credentials = credentials
        self.random = random
    }

    /// The username fragments that requests to this agent may be for: the current one and, while the selected pair is one
    /// from before an ICE restart, that one's.
    public var localUsernameFragments: [String] { [credentials.usernameFragment] }

    /// When `handle(.timePassed, at:)` wants to be called; nil for never.
    public var deadline: Instant? { nil }

    /// Takes in what has happened; `nextOutput` then tells what to do.
    public mutating func handle(_ input: Input, at now: Instant) {
    }

    /// The next thing to do; nil when nothing is left.
    public mutating func nextOutput() -> Output? {
        nil
    }

    /// Whether the response in `datagram` answers a request of this agent. On a socket that agents share, this finds the
    /// one that a response belongs to.
    public func awaits(_ datagram: [UInt8]) -> Bool {
        false
    }
}
