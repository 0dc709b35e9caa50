import Wire

/// The requests to STUN servers that tell server-reflexive candidates (RFC 8445 §5.1.1.2), and the refreshing of the
/// bindings that they made on NATs.
struct Gatherer {
    /// One base asking one server.
    struct Binding {
        enum State {
            case waiting
            case asked(until: Instant)
            case bound(refreshAt: Instant)
            case unanswered
        }

        let base: SocketAddress
        let server: SocketAddress
        var state: State
    }

    private(set) var bindings: [Binding] = []
    /// Whether the shell has told all addresses and servers.
    var hasEnded = false

    /// Whether no local candidate is to come any more.
    var isComplete: Bool {
        hasEnded
            && bindings.allSatisfy {
                switch $0.state {
                case .waiting, .asked: false
                case .bound, .unanswered: true
                }
            }
    }

    /// A base may come again after it was removed.
    mutating func add(base: SocketAddress, server: SocketAddress) {
        guard base.ip.isIPv6 == server.ip.isIPv6 else { return }
        // A loopback or link-local address reaches no server beyond it.
        guard base.ip.isLoopback == server.ip.isLoopback, base.ip.isLinkLocal == server.ip.isLinkLocal else { return }
        if let known = bindings.firstIndex(where: { $0.base == base && $0.server == server }) {
            bindings[known].state = .waiting
        } else {
            bindings.append(Binding(base: base, server: server, state: .waiting))
        }
    }

    /// The binding whose request may be sent now.
    func next(at now: Instant, refreshes: Bool) -> Int? {
        bindings.firstIndex {
            switch $0.state {
            case .waiting: true
            case .bound(let refreshAt): refreshes && now >= refreshAt
            case .asked, .unanswered: false
            }
        }
    }

    /// When `next` or `expire` has something to do; `pacedAt` is when the next request may go.
    func deadline(pacedAt: Instant, refreshes: Bool) -> Instant? {
        bindings.compactMap { binding -> Instant? in
            switch binding.state {
            case .waiting: pacedAt
            case .asked(let until): until
            case .bound(let refreshAt): refreshes ? max(refreshAt, pacedAt) : nil
            case .unanswered: nil
            }
        }
        .min()
    }

    mutating func asked(_ index: Int, configuration: ICEConfiguration, at now: Instant) {
        switch bindings[index].state {
        case .bound: bindings[index].state = .bound(refreshAt: now + configuration.bindingRefreshInterval)
        default: bindings[index].state = .asked(until: now + configuration.gatheringTimeout)
        }
    }

    mutating func answered(_ index: Int, configuration: ICEConfiguration, at now: Instant) {
        bindings[index].state = .bound(refreshAt: now + configuration.bindingRefreshInterval)
    }

    /// The server has refused.
    mutating func refused(_ index: Int) {
        bindings[index].state = .unanswered
    }

    /// Whether a request only refreshes a binding.
    func isRefresh(_ purpose: STUNTransaction.Purpose) -> Bool {
        guard case .gathering(let index) = purpose, case .bound = bindings[index].state else { return false }
        return true
    }

    /// Gives up the servers that have not answered in time and returns their indices.
    mutating func expire(at now: Instant) -> [Int] {
        bindings.indices.filter { index in
            guard case .asked(let until) = bindings[index].state, now >= until else { return false }
            bindings[index].state = .unanswered
            return true
        }
    }

    /// Forgets the requests from a base that has gone; the indices of the others stay.
    mutating func remove(base: SocketAddress) {
        for index in bindings.indices where bindings[index].base == base {
            bindings[index].state = .unanswered
        }
    }
}
