import Wire

/// The pairs of the one component of the one data stream (RFC 8445 §6.1.2).
///
/// Local candidates always pair with their base, since that is where their checks leave from; so server-reflexive ones
/// add no pairs (RFC 8445 §6.1.2.4), and one (base, remote address) is one pair.
struct CheckList {
    private(set) var pairs: [CheckPair] = []
    private var nextID = 0

    subscript(id: Int) -> CheckPair? {
        get { pairs.first { $0.id == id } }
        set {
            guard let index = pairs.firstIndex(where: { $0.id == id }) else { return }
            if let newValue { pairs[index] = newValue } else { pairs.remove(at: index) }
        }
    }

    /// The pair whose checks travel so.
    func pair(on path: Path) -> CheckPair? {
        guard path.stream == nil else { return pairs.first { $0.stream == path.stream } }
        return pairs.first { !$0.base.transport.isTCP && $0.path.isSame(as: path) }
    }

    private func pair(from base: Base, to remote: SocketAddress, on stream: StreamID?) -> CheckPair? {
        if let stream, let known = pairs.first(where: { $0.stream == stream }) { return known }
        return pairs.first { $0.base == base && $0.destination.unscoped == remote.unscoped }
    }

    /// Adds the pair of a base and a remote candidate, unless it is there or the list is full of better ones. Returns
    /// its identifier, also where it was there.
    @discardableResult
    mutating func add(
        base: Base, local: ICECandidate, remote: ICECandidate, at destination: SocketAddress,
        on stream: StreamID? = nil, role: ICERole, limit: Int
    ) -> Int? {
        if let known = pair(from: base, to: destination, on: stream) {
            if let stream { self[known.id]?.stream = stream }
            return known.id
        }
        var pair = CheckPair(
            id: nextID, base: base, local: local, remote: remote, destination: destination.scoped(like: base.address),
            state: .frozen, stream: stream)
        if pairs.count >= limit {
            // RFC 8445 §6.1.2.5: the list is limited "by discarding the lower-priority candidate pairs".
            let worst = pairs.filter { $0.valid == nil }.min { $0.priority(as: role) < $1.priority(as: role) }
            guard let worst, worst.priority(as: role) < pair.priority(as: role) else { return nil }
            self[worst.id] = nil
        }
        // RFC 8838 §12: a new pair waits if it is the only one of its foundation, or if that has succeeded already.
        let siblings = pairs.filter { $0.foundation == pair.foundation }
        if siblings.allSatisfy({ !$0.isActive }) || siblings.contains(where: { $0.valid != nil }) {
            pair.state = .waiting
        }
        nextID += 1
        pairs.append(pair)
        return pair.id
    }

    /// RFC 8445 §7.2.5.3.3: a success lets the other pairs of its foundation be checked.
    mutating func unfreeze(_ foundation: CheckPair.Foundation) {
        for index in pairs.indices where pairs[index].isFrozen && pairs[index].foundation == foundation {
            pairs[index].state = .waiting
        }
    }

    /// The pair of the next ordinary check (RFC 8445 §6.1.4.2): the best that waits; else the best frozen one of a
    /// foundation that is not being checked.
    func next(as role: ICERole) -> CheckPair? {
        let waiting = pairs.filter(\.isWaiting)
        let candidates =
            waiting.isEmpty
            ? pairs.filter { pair in
                pair.isFrozen && !pairs.contains { $0.foundation == pair.foundation && $0.isInProgress }
            } : waiting
        return candidates.max { $0.priority(as: role) < $1.priority(as: role) }
    }

    /// Whether `next` has a pair.
    var hasNext: Bool {
        // by index, for whoever asks after a deadline does so often: the pairs are read where they are
        pairs.indices.contains { pairs[$0].isWaiting }
            || pairs.indices.contains { index in
                pairs[index].isFrozen
                    && !pairs.indices.contains {
                        pairs[$0].isInProgress && pairs[$0].foundation == pairs[index].foundation
                    }
            }
    }

    /// The valid pair of the highest priority.
    func bestValid(as role: ICERole) -> (pair: CheckPair, valid: CheckPair.Valid, priority: UInt64)? {
        pairs.compactMap { pair in
            guard let valid = pair.valid, let priority = pair.validPriority(as: role) else { return nil }
            return (pair, valid, priority)
        }
        .max { $0.priority < $1.priority }
    }

    /// How many pairs wait or are being checked, for the retransmission time (RFC 8445 §14.3).
    var waitingOrInProgress: Int { pairs.count { $0.isWaiting || $0.isInProgress } }

    /// Whether some pair's outcome is open.
    var isActive: Bool { pairs.contains(where: \.isActive) }

    /// Gives a remote candidate that was learned from a check the type, priority and foundation that the peer has told.
    mutating func replaceRemote(_ candidate: ICECandidate) {
        for index in pairs.indices where pairs[index].remote.isAtPlace(of: candidate) {
            pairs[index].remote = candidate
        }
    }

    /// Takes out the pairs that `isUnwanted` and returns their identifiers.
    mutating func removeAll(where isUnwanted: (CheckPair) -> Bool) -> [Int] {
        let unwanted = pairs.filter(isUnwanted).map(\.id)
        pairs.removeAll { unwanted.contains($0.id) }
        return unwanted
    }
}

extension SocketAddress {
    /// Without the scope of a link-local address, which a candidate or a mapped address does not tell.
    var unscoped: SocketAddress {
        if case .v6(let high, let low, _) = ip { SocketAddress(.v6(high: high, low: low), port: port) } else { self }
    }

    /// With the scope that `base` has, where this is link-local and has none of its own.
    func scoped(like base: SocketAddress) -> SocketAddress {
        guard case .v6(let high, let low, 0) = ip, case .v6(_, _, let scope) = base.ip, ip.isLinkLocal else {
            return self
        }
        return SocketAddress(.v6(high: high, low: low, scope: scope), port: port)
    }
}
