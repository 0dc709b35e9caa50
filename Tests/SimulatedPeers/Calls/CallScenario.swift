internal import Wire

/// What a simulated call meets; its details are drawn from the seed.
package enum CallKind: String, CaseIterable, Sendable {
    /// Both in one network.
    case sameNetwork = "same-network"
    /// A round trip of 100 ms, of which one in ten datagrams is lost in either direction.
    case reference = "100ms-10%-loss"
    /// Translators with endpoint-independent mapping on both sides.
    case cones
    /// Translators of every kind.
    case translators
    /// Two translators in a row, the outer one shared.
    case providerNAT = "provider-nat"
    /// Hosts that have IPv6 too.
    case dualStack = "dual-stack"
    /// Up to 30 % loss, single or in bursts.
    case loss
    /// Datagrams overtake each other and come twice.
    case reordering
    /// The link stalls for up to a second and a half.
    case spikes
    /// A slow link with a queue, short or long.
    case rateLimit = "rate-limit"
    /// Larger datagrams vanish.
    case blackHole = "black-hole"
    /// A host gets another address, in another network, in mid-call.
    case addressChange = "address-change"
    /// A translator forgets its mappings in mid-call.
    case translatorRestart = "translator-restart"
    /// A call in which nobody says anything, behind translators that forget soon.
    case silence
    /// Nothing passes for a while.
    case outage
    /// Either side, or both, restart ICE.
    case iceRestart = "ice-restart"
    /// Tracks come and go in mid-call, from both sides at once.
    case renegotiation
    /// One side is gone and comes back as another.
    case reload
    /// Three or four peers, each with every other.
    case mesh
}

/// A simulated call that was run.
package struct CallOutcome: Sendable {
    package let kind: CallKind
    package let seed: UInt64
    /// Whether the networks let every two ends reach each other.
    package internal(set) var hasPath = true
    package internal(set) var isConnected = false
    /// From the first end's start until the last one was connected, in virtual time.
    package internal(set) var setup: Duration?
    /// From the event in mid-call until every end was connected again and media flowed.
    package internal(set) var recovery: Duration?
    /// How often an application had to restart ICE.
    package internal(set) var recoveries = 0
    /// What went wrong.
    package internal(set) var failures: [String] = []
}

/// One simulated call of a kind, all drawn from a seed.
package struct CallScenario {
    package let kind: CallKind
    package let seed: UInt64
    let random: SeededRandomSource
    var topology = Topology([.public, .public])
    /// The conditions between any two hosts, one way.
    var conditions = PathConditions(delay: .milliseconds(20) ... .milliseconds(20))
    var signalDelay: ClosedRange<Duration>

    package init(_ kind: CallKind, seed: UInt64) {
        self.kind = kind
        self.seed = seed
        random = SeededRandomSource(seed: seed &* 0x9E37_79B9_7F4A_7C15 ^ 0x646F_6F72)
        let delay = Duration.milliseconds(5 + random.below(60))
        conditions.delay = delay...delay
        signalDelay = delay...(delay + .milliseconds(20))
        draw()
    }

    private mutating func draw() {
        topology = drawTopology()
        switch kind {
        case .sameNetwork:
            conditions.delay = .microseconds(200) ... .milliseconds(2)
        case .reference:
            conditions.delay = .milliseconds(50) ... .milliseconds(50)
            conditions.loss = 0.1
            signalDelay = .milliseconds(50) ... .milliseconds(50)
        case .loss:
            conditions.loss = 0.05 + Double(random.below(26)) / 100
            if random.below(2) == 0 { conditions.lossBurst = .milliseconds(20 + random.below(280)) }
        case .reordering:
            conditions.delay = .milliseconds(10) ... .milliseconds(40 + random.below(120))
            conditions.duplication = Double(random.below(31)) / 100
        case .spikes:
            conditions.spikes = .init(
                interval: .milliseconds(500 + random.below(3000)), length: .milliseconds(100) ... .milliseconds(1500))
        case .rateLimit:
            let rate = 150_000 + random.below(850_000)
            // from 60 ms to the bloat of 1.5 s
            let queue = max(rate / 8 * (60 + random.below(1440)) / 1000, 4000)
            conditions.rate = .init(bitsPerSecond: rate, queueBytes: queue)
        case .blackHole:
            conditions.maximumTransmissionUnit = 1280 + random.below(220)
            conditions.loss = Double(random.below(10)) / 100
        case .iceRestart, .renegotiation, .mesh:
            conditions.loss = Double(random.below(16)) / 100
            conditions.delay = .milliseconds(5) ... .milliseconds(10 + random.below(60))
        case .addressChange, .translatorRestart, .outage, .reload:
            conditions.loss = Double(random.below(6)) / 100
        case .cones, .translators, .providerNAT, .dualStack, .silence:
            break
        }
    }

    private func drawTopology() -> Topology {
        switch kind {
        case .sameNetwork:
            return Topology([.shared, .shared])
        case .reference, .cones:
            var topology = Topology([.behind(cone()), .behind(cone())])
            topology.repeatsAddresses = random.below(2) == 0
            return topology
        case .translators:
            var topology = Topology([.behind(translator()), .behind(translator())])
            topology.repeatsAddresses = random.below(2) == 0
            return topology
        case .providerNAT:
            var topology = Topology([
                .behindProvider(cone()), random.below(3) == 0 ? .behind(translator()) : .behindProvider(cone()),
            ])
            topology.providerNAT = cone()
            topology.providerNAT.hairpins = random.below(3) > 0
            return topology
        case .dualStack:
            var topology = Topology([place(), place()])
            topology.hasIPv6 = [random.below(3) > 0, random.below(3) > 0]
            return topology
        case .mesh:
            return Topology((0..<(3 + random.below(2))).map { _ in place() })
        case .translatorRestart:
            return Topology([.behind(cone()), random.below(2) == 0 ? .public : .behind(cone())])
        case .silence:
            let soon = Duration.seconds(15 + random.below(20))
            var behaviours = [cone(), cone()]
            for index in behaviours.indices { behaviours[index].timeout = soon }
            return Topology(behaviours.map { .behind($0) })
        case .loss, .reordering, .spikes, .rateLimit, .blackHole, .addressChange, .outage, .iceRestart,
            .renegotiation, .reload:
            return Topology([place(), place()])
        }
    }

    /// A place from which most others can be reached.
    func place(isShared: Bool = true) -> Topology.Place {
        switch random.below(4) {
        case 0: .public
        case 1 where isShared: .shared
        default: .behind(cone())
        }
    }

    private func cone() -> NATBehaviour {
        var behaviour = [NATBehaviour.fullCone, .restrictedCone, .portRestrictedCone][random.below(3)]
        behaviour.preservesPorts = random.below(2) == 0
        return behaviour
    }

    private func translator() -> NATBehaviour {
        let all = NATBehaviour.Dependence.allCases
        var behaviour = NATBehaviour(
            mapping: all[random.below(all.count)], filtering: all[random.below(all.count)])
        behaviour.hairpins = random.below(2) == 0
        behaviour.preservesPorts = random.below(2) == 0
        return behaviour
    }

    /// The half of the conditions that each host's link has, so that a path over two links has the whole.
    var linkConditions: PathConditions {
        var link = conditions
        link.delay = (conditions.delay.lowerBound / 2)...(conditions.delay.upperBound / 2)
        link.loss = 1 - (1 - conditions.loss).squareRoot()
        link.duplication = conditions.duplication / 2
        return link
    }
}
