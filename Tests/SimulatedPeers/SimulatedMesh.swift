import CVirtualClock
import DTLS
package import PeerConnection
package import SDP
package import Wire

/// Sets of peers that find each other over a simulated network, each set one participant of a mesh, with a signalling channel
/// that is reliable and keeps its order. Everything follows from the seed.
package final class SimulatedMesh {
    package typealias PeerSet = RTCPeerConnectionSet<String>

    /// One participant.
    package struct Participant {
        package let name: String
        package let address: SocketAddress
        package var set: PeerSet
        package var events: [PeerSet.Event] = []
    }

    package private(set) var participants: [Participant]
    package private(set) var now = Instant.zero + .seconds(1000)
    package var network: SimulatedNetwork
    /// What is under way between two participants, in order.
    private var signals: [(arrives: Instant, from: String, to: String, signal: PeerSet.Signal)] = []
    package var signalDelay = Duration.milliseconds(10)

    /// Certificates take time to make; what is simulated does not depend on whose they are.
    private static let certificate = try! DTLSCertificate(generatedAt: 0)

    /// Participants of these names, who do not know each other yet; each sends `tracks`.
    package init(
        _ names: [String], seed: UInt64, conditions: PathConditions = .perfect, tracks: [MediaKind] = [.audio],
        maximumPeers: Int = 32
    ) {
        let random = SeededRandomSource(seed: seed)
        network = SimulatedNetwork(conditions: conditions, random: random)
        virtual_clock_set(now.nanoseconds)
        var configuration = RTCPeerConnection.Configuration(certificate: Self.certificate)
        configuration.bundlePolicy = .maxBundle
        participants = names.enumerated().map { index, name in
            Participant(
                name: name, address: SocketAddress(.v4(0xC000_0201 + UInt32(index)), port: 5000),
                set: PeerSet(
                    configuration: configuration, random: random, maximumPeers: maximumPeers))
        }
        for index in participants.indices {
            participants[index].set.handle(.localAddressAdded(participants[index].address, preference: 65535), at: now)
            participants[index].set.handle(.localAddressesEnded, at: now)
            for kind in tracks { _ = participants[index].set.addTrack(kind, streamID: names[index], at: now) }
        }
    }

    deinit {
        virtual_clock_clear()
    }

    package subscript(name: String) -> Participant {
        get { participants[index(of: name)] }
        set { participants[index(of: name)] = newValue }
    }

    private func index(of name: String) -> Int {
        guard let index = participants.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("nobody is called \(name)")
        }
        return index
    }

    /// Has `caller` and `called` add each other.
    package func connect(_ caller: String, _ called: String) throws {
        try act(called) { set, now throws(PeerSet.Failure) in try set.addPeer(caller, isInitiator: false, at: now) }
        try act(caller) { set, now throws(PeerSet.Failure) in try set.addPeer(called, isInitiator: true, at: now) }
    }

    /// Has every two participants add each other.
    package func connectAll() throws {
        for (index, caller) in participants.enumerated() {
            for called in participants[(index + 1)...] { try connect(caller.name, called.name) }
        }
    }

    /// Changes one participant's set as its application would, and lets it tell what came of it.
    package func act<Result, Failure: Error>(
        _ name: String, _ body: (inout PeerSet, Instant) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let index = index(of: name)
        defer { drain(index) }
        return try body(&participants[index].set, now)
    }

    /// Runs until `condition` holds; false where it does not within `limit` of virtual time.
    @discardableResult
    package func run(for limit: Duration, until condition: (SimulatedMesh) -> Bool = { _ in false }) -> Bool {
        let end = now + limit
        while !condition(self) {
            let deadlines = participants.map(\.set.deadline) + [network.nextArrival, signals.map(\.arrives).min()]
            guard let next = deadlines.compactMap(\.self).min(), next <= end else {
                move(to: end)
                return condition(self)
            }
            move(to: max(next, now))
            step()
        }
        return true
    }

    /// Whether every participant is connected with every other.
    package var isWhole: Bool {
        participants.allSatisfy { participant in
            participant.set.peers.count == participants.count - 1
                && participant.set.peers.allSatisfy { participant.set.connectionState(of: $0) == .connected }
        }
    }

    private func move(to instant: Instant) {
        now = instant
        virtual_clock_set(now.nanoseconds)
    }

    private func step() {
        for datagram in network.arrivals(at: now) {
            guard let index = participants.firstIndex(where: { $0.address == datagram.to }) else { continue }
            participants[index].set.handle(
                .datagram(datagram.bytes, local: datagram.to, remote: datagram.from), at: now)
            drain(index)
        }
        let due = signals.filter { $0.arrives <= now }
        signals.removeAll { $0.arrives <= now }
        for signal in due {
            let index = index(of: signal.to)
            participants[index].set.handle(.signal(signal.signal, from: signal.from), at: now)
            drain(index)
        }
        for index in participants.indices {
            guard let deadline = participants[index].set.deadline, deadline <= now else { continue }
            participants[index].set.handle(.timePassed, at: now)
            drain(index)
        }
    }

    private func drain(_ index: Int) {
        let name = participants[index].name
        while let event = participants[index].set.nextOutput() {
            if case .signal(let signal, let other) = event {
                signals.append((now + signalDelay, name, other, signal))
            } else {
                participants[index].events.append(event)
            }
        }
        let batch = participants[index].set.outbox
        participants[index].set.outbox.removeAll()
        for entry in batch.entries {
            network.send(Array(batch.storage[entry.range]), from: entry.local, to: entry.remote, at: now)
        }
    }
}
