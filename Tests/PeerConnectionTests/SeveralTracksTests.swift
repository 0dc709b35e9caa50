import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// Tracks that come and go in mid-call, from either side, several of one kind at once (RFC 8829 §5.2.2).
@Suite struct SeveralTracksTests {
    /// Sends a packet on every sender of `side` that may, and returns how many the other side got on each of its
    /// transceivers, by their tags.
    private func media(from side: Simulation.Side, in simulation: Simulation) -> [String: Int] {
        let before = simulation[side.other].packets.count
        let senders = simulation[side].peer.allTransceivers.map(\.id).filter(simulation[side].peer.canSend)
        for id in senders {
            simulation.act(side) { endpoint, now in
                endpoint.peer.send(PacketizedFrame(sound: [0xFC, 1], timestamp: 960, captured: now), on: id, at: now)
            }
        }
        simulation.run(for: .milliseconds(50))
        let tags = simulation[side.other].packets[before...].map {
            simulation[side.other].peer.transceiver($0.0)?.mid ?? "gone"
        }
        return Dictionary(tags.map { ($0, 1) }, uniquingKeysWith: +)
    }

    private func tag(_ id: TransceiverID, of side: Simulation.Side, in simulation: Simulation) throws -> String {
        try #require(simulation[side].peer.transceiver(id)?.mid)
    }

    @Test(arguments: [RTCBundlePolicy.balanced, .maxBundle, .maxCompat])
    func `three pictures at once from one side and two from the other, each to its own transceiver`(
        policy: RTCBundlePolicy
    ) throws {
        let simulation = Simulation(seed: 11, policy: policy)
        var tracks: [TransceiverID] = []
        tracks.append(simulation.act(.impolite) { door, _ in door.peer.addTrack(.video, streamID: "0") })
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected && $0.areStable })
        // two more in mid-call, while the other side adds two as well
        for number in 1...2 {
            tracks.append(simulation.act(.impolite) { door, _ in door.peer.addTrack(.video, streamID: "\(number)") })
            _ = simulation.act(.polite) { page, _ in page.peer.addTrack(.video, streamID: "page\(number)") }
        }
        simulation.run(for: .seconds(2))
        for side in Simulation.Side.allCases { #expect(simulation[side].negotiationErrors.isEmpty) }
        #expect(simulation.areStable && simulation.areConnected)
        let tags = try tracks.map { try tag($0, of: .impolite, in: simulation) }
        #expect(media(from: .impolite, in: simulation) == Dictionary(uniqueKeysWithValues: tags.map { ($0, 1) }))
        #expect(media(from: .polite, in: simulation).values.sorted() == [1, 1])
        #expect(simulation.areStable)

        // one goes by removeTrack, one by stop, the third stays
        try simulation.act(.impolite) { door, now in
            try door.peer.removeTrack(tracks[0])
            try door.peer.stop(tracks[1], at: now)
        }
        simulation.run(for: .seconds(2))
        #expect(simulation.areStable && simulation.areConnected)
        #expect(media(from: .impolite, in: simulation) == [tags[2]: 1])
        #expect(media(from: .polite, in: simulation).values.reduce(0, +) >= 1)
        #expect(simulation[.impolite].peer.transceiver(tracks[1]) == nil)

        // and another one comes in its place
        let sections = try simulation[.impolite].peer.local.media.count
        let again = simulation.act(.impolite) { door, _ in door.peer.addTrack(.video, streamID: "again") }
        simulation.run(for: .seconds(2))
        #expect(try simulation[.impolite].peer.local.media.count == sections)
        let last = try tag(again, of: .impolite, in: simulation)
        #expect(media(from: .impolite, in: simulation) == [tags[2]: 1, last: 1])
        for side in Simulation.Side.allCases { #expect(simulation[side].negotiationErrors.isEmpty) }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `whatever either side adds, removes and stops at once, both agree and media goes by what is left`(
        seed: UInt64
    ) throws {
        let simulation = Simulation(seed: seed)
        _ = simulation.act(.impolite) { door, _ in door.peer.addTrack(.audio, streamID: "0") }
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected && $0.areStable })
        for _ in 0..<12 {
            for side in Simulation.Side.allCases {
                let choice = simulation.random.below(4)
                try simulation.act(side) { endpoint, now in
                    let sending = endpoint.peer.senders.filter { $0.track != nil }
                    switch choice {
                    case 0: _ = endpoint.peer.addTrack(.video, streamID: "s")
                    case 1: if let last = sending.last { try endpoint.peer.removeTrack(last.transceiver) }
                    case 2: if sending.count > 1 { try endpoint.peer.stop(sending[0].transceiver, at: now) }
                    default: _ = endpoint.peer.addTrack(.audio, streamID: "s")
                    }
                }
            }
            simulation.run(for: .milliseconds(5 + 40 * Int(simulation.random.below(3))))
        }
        simulation.run(for: .seconds(3))
        #expect(simulation.areStable)
        for side in Simulation.Side.allCases {
            #expect(simulation[side].negotiationErrors.isEmpty)
            let peer = simulation[side].peer
            #expect(peer.allTransceivers.allSatisfy { !$0.isStopping && $0.mid != nil })
            let expected = peer.allTransceivers.filter { $0.currentDirection?.sends == true && $0.track != nil }
            for transceiver in expected {
                let mid = try #require(transceiver.mid)
                let counterpart = simulation[side.other].peer.allTransceivers.first { $0.mid == mid }
                #expect(counterpart?.currentDirection?.receives == true)
            }
            let tags = Dictionary(uniqueKeysWithValues: expected.map { ($0.mid ?? "", 1) })
            #expect(media(from: side, in: simulation) == tags)
        }
    }
}
