import Wire

/// A candidate pair on its way through the check list (RFC 8445 §6.1.2.6):
///
///     frozen ──► waiting ──► in progress ──► succeeded
///                   ▲            │  │
///                   │            │  └──────► failed
///                   └─ 487 ──────┘              │
///     any but succeeded ◄── the peer's check ───┘ (a triggered check: in progress again)
struct CheckPair {
    enum State {
        case frozen
        case waiting
        case inProgress(since: Instant)
        case succeeded(Valid)
        case failed
    }

    /// What a successful check has shown.
    struct Valid {
        /// The candidate of the address that the peer saw (RFC 8445 §7.2.5.3.1).
        var local: ICECandidate
        /// When the first check succeeded.
        let since: Instant
        /// The last round trip; nil while it was not measured.
        var roundTrip: Duration?
        /// When the last check was answered, and so consent given (RFC 7675 §5.1).
        var answeredAt: Instant
    }

    let id: Int
    let base: Base
    /// The base's own candidate, of type host.
    let local: ICECandidate
    var remote: ICECandidate
    /// Where checks go: the remote candidate's address, with the scope of the base where it is link-local.
    let destination: SocketAddress
    var state: State
    /// The connection that its checks go along; nil for UDP, and for TCP while there is none.
    var stream: StreamID?
    /// When the peer has last sent USE-CANDIDATE on this pair.
    var nominatedAt: Instant?

    /// How its checks travel.
    var path: Path { Path(local: base.address, remote: destination, stream: stream) }

    var foundation: Foundation { Foundation(local: local.foundation, remote: remote.foundation) }

    /// RFC 8445 §6.1.2.6: pairs of one foundation likely share their fate.
    struct Foundation: Hashable {
        let local: String
        let remote: String
    }

    /// The check's priority (RFC 8445 §6.1.2.3).
    func priority(as role: ICERole) -> UInt64 {
        ICECandidatePair.priority(local: local.priority, remote: remote.priority, role: role)
    }

    var valid: Valid? {
        if case .succeeded(let valid) = state { valid } else { nil }
    }

    var isFrozen: Bool {
        if case .frozen = state { true } else { false }
    }

    var isWaiting: Bool {
        if case .waiting = state { true } else { false }
    }

    var isInProgress: Bool {
        if case .inProgress = state { true } else { false }
    }

    /// Whether its outcome is still open.
    var isActive: Bool { isFrozen || isWaiting || isInProgress }

    /// The pair as the outside sees it; nil unless it is valid.
    var candidatePair: ICECandidatePair? {
        valid.map {
            ICECandidatePair(
                local: $0.local, remote: remote, localAddress: base.address, remoteAddress: destination, stream: stream)
        }
    }

    /// The priority of the valid pair: a peer-reflexive local candidate's counts, not the base's.
    func validPriority(as role: ICERole) -> UInt64? {
        valid.map { ICECandidatePair.priority(local: $0.local.priority, remote: remote.priority, role: role) }
    }
}
