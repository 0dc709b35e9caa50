public import Wire

/// The times and limits of an ICE agent; the defaults are the RFCs'.
public struct ICEConfiguration: Hashable, Sendable {
    /// Ta, the least time between two ordinary checks, and between two requests to STUN servers (RFC 8445 §14.2).
    public var pacingInterval: Duration = .milliseconds(50)
    /// The least first retransmission time of a request on a path that was not measured yet (RFC 8445 §14.3).
    public var initialRTO: Duration = .milliseconds(500)
    /// Rc, how often a request is sent in all (RFC 8489 §6.2.1).
    public var maximumTransmissions = 7
    /// Rm, how many initial retransmission times the last transmission is given to be answered (RFC 8489 §6.2.1).
    public var finalWait = 16
    /// Ti, how long a response over TCP may take, the opening of the connection included (RFC 8489 §6.2.2).
    public var streamResponseTimeout: Duration = .milliseconds(39_500)
    /// Whether TCP connections to the peer's passive candidates are tried (RFC 6544).
    public var usesActiveTCP = false
    /// Addresses that the network forwards to this host, every port to the same port: of a router with one-to-one NAT, or
    /// of what a container runs on.
    public var externalAddresses: [IPAddress] = []
    /// Whether the peer is told of the external addresses in place of this host's own; else in addition.
    public var externalAddressesReplaceHosts = false
    /// How long a STUN server may take before its candidates are given up and gathering completes without them.
    public var gatheringTimeout: Duration = .seconds(5)
    /// Tr, how often a server-reflexive candidate's binding is refreshed until a pair is selected (RFC 8445 §5.1.1.4).
    public var bindingRefreshInterval: Duration = .seconds(15)
    /// How long a controlling agent whose best valid pair is between two host addresses (or learned from checks of one)
    /// waits for a better pair that is still being checked.
    public var hostNominationPatience: Duration = .milliseconds(10)
    /// The same for every other valid pair, where a direct one is worth waiting for.
    public var reflexiveNominationPatience: Duration = .milliseconds(100)
    /// The same for a pair over TCP, where losing one packet delays all that follow: time enough for a check over UDP
    /// that was lost to be sent again.
    public var streamNominationPatience: Duration = .milliseconds(600)
    /// How long an agent without any pair left to check still waits for a candidate or for the peer's own checks before
    /// it fails, counted from when the remote credentials are known (RFC 8863 §4).
    public var connectivityPatience: Duration = .seconds(30)
    /// The mean time between two consent checks; each is drawn from 0.8 to 1.2 times of it (RFC 7675 §5.1).
    public var consentInterval: Duration = .seconds(5)
    /// How soon an unanswered consent check is followed by the next.
    public var unansweredConsentInterval: Duration = .milliseconds(500)
    /// How long consent outlives the last answered check (RFC 7675 §5.1).
    public var consentTimeout: Duration = .seconds(30)
    /// How long the selected pair may be silent, with consent checks unanswered, before the agent is `disconnected`.
    public var disconnectedTimeout: Duration = .seconds(5)
    /// The most candidate pairs of a check list (RFC 8445 §6.1.2.5).
    public var maximumPairs = 100
    /// The most remote candidates that are kept, told and learned.
    public var maximumRemoteCandidates = 64

    /// The defaults.
    public init() {}
}
