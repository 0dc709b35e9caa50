import DTLS
import ICE
import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// One transport for all: telling protocols apart (RFC 7983), strangers, and ICE restarts.
@Suite struct TransportTests {
    @Test(arguments: 0..<10 as Range<UInt64>)
    func `a stranger's ClientHello does not come between the peers`(seed: UInt64) throws {
        let simulation = Simulation(seed: seed)
        let stranger = SocketAddress(.v4(0xC633_6401), port: 9)
        let client = DTLSTransport(role: .client, certificate: Fixture.certificate)
        client.handle(.start, at: simulation.now)
        var hellos: [[UInt8]] = []
        while let output = client.nextOutput() { if case .transmit(let bytes) = output { hellos.append(bytes) } }
        try #require(!hellos.isEmpty)
        simulation.act(.polite) { page, _ in _ = page.peer.addTransceiver(.video, direction: .recvonly) }
        _ = simulation.act(.impolite) { door, _ in door.peer.addTrack(.video, streamID: "door") }
        simulation[.impolite].negotiatesByItself = false
        for _ in 0..<40 {
            for bytes in hellos {
                simulation.act(.impolite) { door, now in
                    door.peer.handle(.datagram(bytes, local: door.address, remote: stranger), at: now)
                }
            }
            simulation.run(for: .milliseconds(1))
        }
        #expect(simulation.run(for: .seconds(1)) { $0.areConnected })
        #expect(simulation[.impolite].peer.discards[.unknownSource] == 40 * hellos.count)
        #expect(simulation[.impolite].peer.transport?.earlyDTLS.isEmpty == true)
    }

    @Test(
        arguments: [
            ([], RTCPeerConnection.DiscardReason.unknownProtocol), ([4], .unknownProtocol), ([19], .unknownProtocol),
            ([64], .unknownProtocol), ([127], .unknownProtocol), ([192], .unknownProtocol), ([255], .unknownProtocol),
            ([20], .unknownSource), ([63], .unknownSource), ([128], .noKeys), ([191, 200], .noKeys),
        ] as [([UInt8], RTCPeerConnection.DiscardReason)])
    func `the first byte tells protocols apart`(bytes: [UInt8], reason: RTCPeerConnection.DiscardReason) {
        // RFC 7983 §7
        var peer = Fixture.peer()
        let (local, remote) = (SocketAddress(.v4(0xC000_0201), port: 5000), SocketAddress(.v4(9), port: 9))
        peer.handle(.datagram(bytes, local: local, remote: remote), at: Fixture.now)
        #expect(peer.discards == [reason: 1])
        #expect(peer.drainNames().isEmpty)
    }

    @Test func `STUN that is none is ICE's to count`() throws {
        var peer = Fixture.peer()
        try peer.setLocalDescription(at: Fixture.now)
        let (local, remote) = (SocketAddress(.v4(0xC000_0201), port: 5000), SocketAddress(.v4(9), port: 9))
        for first in 0...3 as ClosedRange<UInt8> {
            peer.handle(.datagram([first, 1], local: local, remote: remote), at: Fixture.now)
        }
        #expect(peer.discards.isEmpty)
        #expect(peer.ice?.statistics.discards == [.malformed: 4])
    }

    @Test func `a forged or repeated packet is discarded and counted`() throws {
        let call = try Call()
        let datagrams = try call.intercept(.polite) { page, now in page.send(call.sound(), on: call.page.audio, at: now)
        }
        let (page, door) = (call.simulation[.polite].address, call.simulation[.impolite].address)
        var forged = datagrams.protected[0]
        forged[forged.count - 1] ^= 1
        for bytes in [forged, datagrams.protected[0], datagrams.protected[0]] {
            call.simulation.act(.impolite) { endpoint, now in
                endpoint.peer.handle(.datagram(bytes, local: door, remote: page), at: now)
            }
        }
        #expect(call.doorPeer.discards == [.srtp: 2])
        #expect(call.received(by: .impolite, on: call.door.audio).count == 1)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `ICE restarts that cross each other, and offers, end with a call that goes on`(seed: UInt64) throws {
        let simulation = Simulation(seed: seed)
        simulation.act(.polite) { page, _ in _ = page.peer.addTransceiver(.audio, direction: .sendrecv) }
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected && $0.areStable })
        let before = simulation.endpoints.map(\.peer.localUsernameFragment)
        simulation.act(.polite) { page, _ in page.peer.restartIce() }
        simulation.run(for: .milliseconds(simulation.random.below(12)))
        simulation.act(.impolite) { door, _ in
            if seed % 2 == 0 { door.peer.restartIce() } else { _ = door.peer.addTrack(.video, streamID: "door") }
        }
        simulation.run(for: .seconds(60))
        #expect(simulation.areConnected && simulation.areStable)
        #expect(simulation.endpoints.allSatisfy { !$0.connectionStates.contains(.failed) })
        #expect(simulation.endpoints.allSatisfy { $0.negotiationErrors.isEmpty })
        #expect(zip(before, simulation.endpoints).allSatisfy { $0 != $1.peer.localUsernameFragment })
        for (left, right) in [(0, 1), (1, 0)] {
            let peers = simulation.endpoints.map(\.peer)
            #expect(peers[left].ice?.remoteCredentials == peers[right].ice?.credentials)
        }
    }
}
