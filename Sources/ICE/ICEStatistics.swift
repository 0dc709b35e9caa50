/// What an agent has counted; names as in W3C's `RTCIceCandidatePairStats` where it has them.
public struct ICEStatistics: Hashable, Sendable {
    /// Why something that came in was not used. None of them is an error: sockets are shared by all peers.
    public enum DiscardReason: Hashable, Sendable, CaseIterable {
        /// The datagram is no STUN message, or a damaged one.
        case malformed
        /// A STUN method or class that ICE does not use.
        case unexpectedMessage
        /// A response to a request that this agent did not send, or sent long ago.
        case unknownTransaction
        /// A response that came from elsewhere than its request went to (RFC 8445 §7.2.5.2.1).
        case asymmetricResponse
        /// A message whose integrity is missing or wrong.
        case unauthenticated
        /// A message with attributes that must be understood and are not.
        case unknownAttribute
        /// A response without an attribute that it must have.
        case missingAttribute
        /// A datagram to a socket that was not given to the agent.
        case unknownLocalAddress
        /// A request for a username fragment that is not (or no longer) this agent's.
        case unknownUsernameFragment
        /// More early checks or candidates than are kept.
        case tooMany
        /// A remote candidate with an mDNS or other name that has no address.
        case unresolvedName
        /// Something about a connection that this agent does not have (any more).
        case unknownStream
        /// A remote candidate of another transport than UDP, and TCP by an active or passive candidate.
        case unsupportedTransport
        /// A remote candidate of a component other than 1.
        case unusedComponent
        /// A remote candidate that cannot be sent to (port 0 or an unspecified address).
        case unusableAddress
        /// A remote candidate that was known already.
        case duplicateCandidate
        /// A remote candidate of a description that is not the current one.
        case staleCandidate
    }

    /// Checks sent, without retransmissions and consent checks.
    public internal(set) var requestsSent = 0
    /// Authentic checks received.
    public internal(set) var requestsReceived = 0
    /// Success and error responses sent.
    public internal(set) var responsesSent = 0
    /// Success responses received to checks and consent checks.
    public internal(set) var responsesReceived = 0
    /// Requests sent again.
    public internal(set) var retransmissionsSent = 0
    /// Consent checks sent.
    public internal(set) var consentRequestsSent = 0
    /// Role conflicts met.
    public internal(set) var roleConflicts = 0
    /// How often the selected pair has changed.
    public internal(set) var selectedCandidatePairChanges = 0
    /// The last round trip measured on the selected pair.
    public internal(set) var currentRoundTripTime: Duration?
    /// The sum of all round trips measured.
    public internal(set) var totalRoundTripTime: Duration = .zero
    /// What was not used, by reason.
    public internal(set) var discards: [DiscardReason: Int] = [:]
}
