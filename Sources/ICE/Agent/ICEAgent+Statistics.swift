import Wire

/// A pair of candidates and what became of it, as W3C's RTCIceCandidatePairStats tells it.
public struct ICECandidatePairStatistics: Hashable, Sendable {
    /// Where the pair stands (RFC 8445 §6.1.2.6), by W3C's names.
    public enum State: String, Hashable, Sendable, Codable {
        /// It waits for another of its foundation.
        case frozen
        /// It waits for its turn.
        case waiting
        /// A check is under way.
        case inProgress = "in-progress"
        /// A check has failed.
        case failed
        /// A check has succeeded.
        case succeeded
    }

    /// The checks that went over a pair.
    public struct Checks: Hashable, Sendable {
        /// Requests sent for the first time; checks of consent are not among them.
        public internal(set) var requestsSent: UInt64 = 0
        /// Authentic requests received.
        public internal(set) var requestsReceived: UInt64 = 0
        /// Responses sent.
        public internal(set) var responsesSent: UInt64 = 0
        /// Authentic responses received, to checks of consent as well.
        public internal(set) var responsesReceived: UInt64 = 0
        /// Checks of consent sent (RFC 7675).
        public internal(set) var consentRequestsSent: UInt64 = 0
        /// The last round trip that was measured; nil before the first.
        public internal(set) var currentRoundTripTime: Duration?
        /// The sum of all round trips measured.
        public internal(set) var totalRoundTripTime: Duration = .zero
    }

    /// The local candidate: of a valid pair the one that the peer sees, else the base's.
    public let local: ICECandidate
    /// The remote candidate.
    public let remote: ICECandidate
    /// The socket that it sends from.
    public let localAddress: SocketAddress
    /// Where it sends to.
    public let remoteAddress: SocketAddress
    /// Where it stands.
    public let state: State
    /// Whether it was nominated.
    public let isNominated: Bool
    /// Whether media goes by it.
    public let isSelected: Bool
    /// The checks that went over it.
    public let checks: Checks
}

extension ICEAgent {
    /// Paths whose checks are counted, at most: a peer that checks from a new address each time fills no memory.
    private static let maximumCountedPaths = 256

    /// The pairs of the check list, and the selected one from before an ICE restart.
    public var candidatePairs: [ICECandidatePairStatistics] {
        var pairs = session.checkList.pairs.map { pair in
            let state: ICECandidatePairStatistics.State =
                switch pair.state {
                case .frozen: .frozen
                case .waiting: .waiting
                case .inProgress: .inProgress
                case .succeeded: .succeeded
                case .failed: .failed
                }
            let isSelected = selected?.runs(on: pair.path) ?? false
            return ICECandidatePairStatistics(
                local: pair.valid?.local ?? pair.local, remote: pair.remote, localAddress: pair.base.address,
                remoteAddress: pair.destination, state: state, isNominated: isSelected || pair.nominatedAt != nil,
                isSelected: isSelected, checks: checks[pair.path] ?? .init())
        }
        if let selected, !pairs.contains(where: \.isSelected) {
            pairs.append(
                ICECandidatePairStatistics(
                    local: selected.pair.local, remote: selected.pair.remote,
                    localAddress: selected.pair.localAddress, remoteAddress: selected.pair.remoteAddress,
                    state: .succeeded, isNominated: true, isSelected: true, checks: checks[selected.path] ?? .init()))
        }
        return pairs
    }

    mutating func count(on path: Path, _ change: (inout ICECandidatePairStatistics.Checks) -> Void) {
        guard checks[path] != nil || checks.count < Self.maximumCountedPaths else { return }
        change(&checks[path, default: .init()])
    }
}
