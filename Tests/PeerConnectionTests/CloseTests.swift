import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// `close` (W3C §4.4.2): clean at every moment.
@Suite struct CloseTests {
    private let now = Fixture.now

    /// A call with everything in it, up to the `limit`th event: the connections of both sides.
    private func call(seed: UInt64, upTo limit: Int) -> (simulation: Simulation, isOver: Bool) {
        let simulation = Simulation(seed: seed, policy: .balanced)
        var steps = 0
        func step(_ side: Simulation.Side, _ body: (inout RTCPeerConnection, Instant) -> Void) -> Bool {
            guard steps < limit else { return false }
            steps += 1
            simulation.act(side) { body(&$0.peer, $1) }
            return true
        }
        func wait() -> Bool {
            for _ in 0..<40 {
                guard steps < limit else { return false }
                steps += 1
                simulation.run(for: .milliseconds(4))
            }
            return true
        }
        let isOver =
            step(.impolite) { peer, _ in _ = peer.addTrack(.video, streamID: "s") }
            && step(.polite) { peer, _ in _ = peer.addTrack(.audio, streamID: "s") }
            && wait()
            && step(.impolite) { peer, _ in _ = peer.addTrack(.video, streamID: "t") }
            && step(.polite) { peer, _ in peer.restartIce() }
            && wait()
            && step(.impolite) { peer, now in try? peer.stop(peer.allTransceivers[0].id, at: now) }
            && wait()
        return (simulation, isOver)
    }

    @Test(arguments: [Simulation.Side.polite, .impolite])
    func `at every step of a call it ends everything, and the other side goes on undisturbed or closes too`(
        side: Simulation.Side
    ) {
        var limit = 0
        var isOver = false
        var othersClosed = 0
        while !isOver {
            let (simulation, isWhole) = call(seed: 3, upTo: limit)
            isOver = isWhole
            limit += 1
            let before = simulation[side].connectionStates.count
            simulation.act(side) { endpoint, now in endpoint.peer.close(at: now) }
            let peer = simulation[side].peer
            #expect(
                peer.connectionState == .closed && peer.signalingState == .closed && peer.iceConnectionState == .closed)
            #expect(peer.deadline == nil, "step \(limit)")
            #expect(simulation[side].connectionStates.count == before + 1)
            simulation.run(for: .seconds(40))
            #expect(simulation[side].connectionStates.count == before + 1, "step \(limit)")
            #expect(simulation[side].peer.outbox.isEmpty)
            if simulation[side.other].peer.connectionState == .closed { othersClosed += 1 }
        }
        // where there was an association its end was told
        #expect(limit > 120 && othersClosed > 60)
    }

    @Test func `afterwards every method is an InvalidStateError or does nothing`() throws {
        var peer = Fixture.peer()
        let audio = try peer.transceiver(.audio).id
        _ = try peer.answer(Fixture.chromium())
        peer.close(at: now)
        _ = peer.drain()
        let calls: [(inout RTCPeerConnection) throws -> Void] = [
            { try $0.setLocalDescription(at: Fixture.now) },
            { try $0.setRemoteDescription(Fixture.chromium(), at: Fixture.now) },
            { try $0.addIceCandidate(.init(candidate: "", sdpMid: "0", sdpMLineIndex: nil), at: Fixture.now) },
            { try $0.setConfiguration($0.getConfiguration(), at: Fixture.now) },
            { try $0.replaceTrack(of: audio, with: nil) },
            { try $0.removeTrack(audio) },
            { try $0.stop(audio, at: Fixture.now) },
        ]
        for call in calls { #expect(failure { try call(&peer) } == "InvalidStateError") }
        peer.restartIce()
        peer.setDirection(.inactive, of: audio)
        peer.handle(.timePassed, at: now + .seconds(60))
        #expect(peer.drainNames().isEmpty && peer.outbox.isEmpty)
        #expect(!peer.getStats(at: now).stats.isEmpty, "what was can still be looked at")
    }

    @Test func `perfect negotiation takes what comes late for nothing, but a description`() throws {
        var peer = Fixture.peer()
        var negotiation = PerfectNegotiation(isPolite: true)
        _ = try negotiation.received(Fixture.chromium(), on: &peer, at: now)
        peer.close(at: now)
        try negotiation.received(.init(candidate: "", sdpMid: "0", sdpMLineIndex: nil), on: &peer, at: now)
        #expect(failure { _ = try negotiation.received(Fixture.chromium(), on: &peer, at: now) } == "InvalidStateError")
    }
}
