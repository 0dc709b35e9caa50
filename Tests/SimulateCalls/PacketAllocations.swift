import CAllocations
import Congestion
import PeerConnection
import RTP
import SimulatedPeers
import Wire

/// What sending costs in allocations: a frame may take some, a packet of it none, however many there are.
struct PacketAllocations {
    private static let (few, many) = (8, 40)
    private static let rounds = 50
    private static let payloadSize = 1140

    /// Prints what a frame and a packet allocate; false where a packet allocates anything.
    func run() -> Bool {
        let simulation = Simulation(seed: 1, policy: .maxBundle) { configuration, _ in
            // of a path that is known nothing is to be found out, and a frame leaves at once
            configuration.bandwidth.startBitrate = 100e6
            configuration.bandwidth.maximumBitrate = 100e6
        }
        let track = simulation.act(.impolite) { door, _ in door.peer.addTrack(.video, streamID: "door") }
        guard simulation.run(for: .seconds(10), until: { $0[.impolite].peer.canSend(on: track) }) else {
            print("no connection came about")
            return false
        }
        // the history, the buffers and the queues have grown to their sizes
        for _ in 0..<Self.rounds { _ = send(Self.many, on: track, of: simulation) }
        var counts = (few: 0, many: 0)
        for _ in 0..<Self.rounds {
            guard let few = send(Self.few, on: track, of: simulation),
                let many = send(Self.many, on: track, of: simulation)
            else {
                print("a frame did not leave at once")
                return false
            }
            counts = (counts.few + few, counts.many + many)
        }
        let each = Double(counts.many - counts.few) / Double(Self.rounds * (Self.many - Self.few))
        print(
            "a frame of \(Self.few) packets allocates \(Double(counts.few) / Double(Self.rounds)) blocks, a packet \(each)"
        )
        return each <= 0
    }

    /// Sends a frame of `count` packets. Returns the blocks that this allocated; nil where not all of them left.
    private func send(_ count: Int, on track: TransceiverID, of simulation: Simulation) -> Int? {
        simulation.run(for: .milliseconds(33))
        let size = Self.payloadSize
        let counted = allocation_count()
        let frame = PacketizedFrame(
            storage: [UInt8](repeating: 0x41, count: count * size),
            payloads: (0..<count).map { $0 * size..<($0 + 1) * size }, markedPayload: count - 1,
            timestamp: RTPTimestamp(simulation.now, clockRate: 90_000), captured: simulation.now, isKeyFrame: false)
        precondition(allocation_count() > counted, "what makes a frame is counted")
        return simulation.act(.impolite) { door, now in
            let before = allocation_count()
            door.peer.send(frame, on: track, at: now)
            let blocks = Int(allocation_count() - before)
            return door.peer.outbox.entries.count == count ? blocks : nil
        }
    }
}
