import Calls
import PeerConnection
import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

/// Two peers in a simulated network: the door (impolite) sends picture and sound, the page (polite) answers with a
/// voice.
@Suite struct CallTests {
    /// A frame of three packets that says which it is.
    private func frame(_ number: Int, isKeyFrame: Bool, at now: Instant) -> PacketizedFrame {
        let payloads = (0..<3).map { part -> [UInt8] in
            // FU-A fragments of one slice, so that a depacketizer could make something of them
            let header: UInt8 = part == 0 ? 0x85 : part == 2 ? 0x45 : 0x05
            return [0x7C, header, UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
                + [UInt8](repeating: UInt8(part), count: 600)
        }
        var ranges: [Range<Int>] = []
        for payload in payloads {
            let start = ranges.last?.upperBound ?? 0
            ranges.append(start..<(start + payload.count))
        }
        return PacketizedFrame(
            storage: payloads.flatMap(\.self), payloads: ranges, markedPayload: 2,
            timestamp: RTPTimestamp(now, clockRate: 90_000), captured: now, isKeyFrame: isKeyFrame)
    }

    /// A call as the page makes it: the page offers a microphone and wants the picture.
    private func call(seed: UInt64, _ conditions: PathConditions) -> Simulation {
        let simulation = Simulation(seed: seed, conditions: conditions)
        simulation.act(.polite) { page, _ in
            _ = page.peer.addTransceiver(.video, direction: .recvonly)
            _ = page.peer.addTransceiver(.audio, direction: .sendrecv)
        }
        simulation[.impolite].negotiatesByItself = false
        _ = simulation[.impolite].peer.addTrack(.video, streamID: "door")
        _ = simulation[.impolite].peer.addTrack(.audio, streamID: "door")
        return simulation
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `a call connects through loss, reordering and duplication, and media flows both ways`(seed: UInt64) throws {
        let simulation = call(seed: seed, .hostile)
        try #require(simulation.run(for: .seconds(60)) { $0.areConnected })
        #expect(simulation.endpoints.flatMap(\.negotiationErrors).isEmpty)

        let door = simulation[.impolite].peer.allTransceivers
        let page = simulation[.polite].peer.allTransceivers
        let video = try #require(door.first { $0.kind == .video })
        let audio = try #require(door.first { $0.kind == .audio })
        let voice = try #require(page.first { $0.kind == .audio })
        #expect(video.currentDirection == .sendonly)
        #expect(audio.currentDirection == .sendrecv)

        var keyFramesAsked = 0
        for number in 0..<60 {
            simulation.act(.impolite) { door, now in
                let isKeyFrame = number == 0 || door.keyFrameRequests > keyFramesAsked
                keyFramesAsked = door.keyFrameRequests
                door.peer.send(frame(number, isKeyFrame: isKeyFrame, at: now), on: video.id, at: now)
                door.peer.send(
                    PacketizedFrame(
                        sound: [0xFC, UInt8(number)], timestamp: RTPTimestamp(UInt32(number) * 960), captured: now),
                    on: audio.id, at: now)
            }
            simulation.act(.polite) { page, now in
                page.peer.send(
                    PacketizedFrame(
                        sound: [0xFC, UInt8(number)], timestamp: RTPTimestamp(UInt32(number) * 960), captured: now),
                    on: voice.id, at: now)
            }
            simulation.run(for: .milliseconds(20))
        }
        simulation.run(for: .seconds(1))

        // Video is asked for again until it is there; sound is not, and a fifth of it is lost.
        let pictures = simulation[.polite].packets.filter { $0.1.header.ssrc.rawValue != 0 && $0.1.payload.count > 100 }
        let sounds = simulation[.polite].packets.filter { $0.1.payload.count == 2 }
        // What is lost before the first packet came, nobody knows to be missing; nor what is lost after the last.
        let numbers = pictures.map(\.sequence).sorted().dropFirst(12)
        let gaps = zip(numbers, numbers.dropFirst()).filter { $0 + 1 != $1 }
        // At this loss one request and answer in three fails, the path is taken to bear less than is sent, and after a
        // second a packet is past saving: then a key frame is asked for.
        #expect(gaps.count <= 8, "nothing is delivered twice, and few gaps are left")
        #expect(gaps.isEmpty || simulation[.impolite].keyFrameRequests > 0)
        #expect(numbers.count >= 100)
        #expect((30...60).contains(sounds.count))
        #expect((30...60).contains(simulation[.impolite].packets.count))
        #expect(simulation[.impolite].peer.statistics.retransmittedPacketsSent > 0)
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `offers that cross converge to stable and lose no track`(seed: UInt64) throws {
        let simulation = Simulation(seed: seed)
        simulation.signalDelay = .milliseconds(Int(seed % 20) + 1)
        // both sides add tracks, at moments that may or may not let their offers cross
        simulation.act(.polite) { page, _ in
            _ = page.peer.addTrack(.audio, streamID: "page")
            _ = page.peer.addTransceiver(.video, direction: .recvonly)
        }
        simulation.run(for: .milliseconds(simulation.random.below(25)))
        simulation.act(.impolite) { door, _ in
            _ = door.peer.addTrack(.video, streamID: "door")
            _ = door.peer.addTrack(.audio, streamID: "door")
        }
        try #require(simulation.run(for: .seconds(20)) { $0.areConnected && $0.areStable })
        simulation.run(for: .seconds(1))
        #expect(simulation.areStable)
        #expect(simulation.endpoints.flatMap(\.negotiationErrors).isEmpty)
        #expect(simulation[.polite].tracks == [.video: true, .audio: true])
        #expect(simulation[.impolite].tracks[.audio] == true)
        let sending = simulation[.impolite].peer.allTransceivers.filter { $0.currentDirection?.sends == true }
        #expect(Set(sending.map(\.kind)) == [.audio, .video])
    }

    @Test func `a candidate of no use that comes before the offer does not keep it from its answer`() throws {
        let simulation = call(seed: 6, .perfect)
        try simulation.act(.impolite) { door, now in
            for text in ["nonsense", "candidate:1 1 udp 1 198.51.100.1 5 typ host"] {
                let early = RTCIceCandidate(candidate: text, sdpMid: "unheard-of", sdpMLineIndex: nil)
                try door.negotiation.received(early, on: &door.peer, at: now)
            }
        }
        #expect(simulation.run(for: .seconds(10)) { $0.areConnected })
        #expect(simulation.endpoints.allSatisfy { $0.negotiationErrors.isEmpty })
    }

    @Test func `closing one side closes the other`() throws {
        let simulation = call(seed: 1, .perfect)
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected })
        simulation.act(.polite) { page, now in page.peer.close(at: now) }
        #expect(simulation.run(for: .seconds(2)) { $0[.impolite].peer.connectionState == .closed })
    }

    @Test func `a side that vanishes is noticed, and given up within thirty seconds`() throws {
        let simulation = call(seed: 2, .perfect)
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected })
        simulation.run(for: .seconds(12))
        simulation.network.unplugged = [simulation[.polite].address]
        let unplugged = simulation.now
        #expect(simulation.run(for: .seconds(15)) { $0[.impolite].peer.connectionState == .disconnected })
        #expect(simulation.run(for: .seconds(30)) { $0[.impolite].peer.connectionState == .failed })
        #expect(simulation.now - unplugged <= .seconds(30))
        #expect(simulation[.impolite].peer.failureReason == .ice)
    }

    @Test func `a short outage is survived`() throws {
        let simulation = call(seed: 3, .perfect)
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected })
        simulation.network.unplugged = [simulation[.polite].address]
        try #require(simulation.run(for: .seconds(20)) { $0[.impolite].peer.connectionState == .disconnected })
        simulation.network.unplugged = []
        #expect(simulation.run(for: .seconds(5)) { $0.areConnected })
    }

    @Test func `an ICE restart in mid-call changes the credentials and keeps the call`() throws {
        let simulation = call(seed: 4, .perfect)
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected })
        simulation[.impolite].negotiatesByItself = true
        let before = simulation.endpoints.map(\.peer.localUsernameFragments)
        simulation.act(.impolite) { door, _ in door.peer.restartIce() }
        simulation.run(for: .seconds(3))
        let after = simulation.endpoints.map(\.peer.localUsernameFragments)
        #expect(zip(before, after).allSatisfy { $0 != $1 })
        #expect(simulation.areConnected && simulation.areStable)
        #expect(simulation.endpoints.allSatisfy { !$0.connectionStates.contains(.failed) })
    }

    @Test func `a picture that cannot be decoded is asked for again`() throws {
        let simulation = call(seed: 5, .perfect)
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected })
        let video = try #require(simulation[.impolite].peer.allTransceivers.first { $0.kind == .video })
        let wanted = try #require(simulation[.polite].peer.allTransceivers.first { $0.kind == .video })
        simulation.act(.impolite) { door, now in
            door.peer.send(frame(0, isKeyFrame: true, at: now), on: video.id, at: now)
        }
        simulation.run(for: .milliseconds(50))
        simulation.act(.polite) { page, now in page.peer.requestKeyFrame(on: wanted.id, at: now) }
        simulation.run(for: .milliseconds(50))
        #expect(simulation[.impolite].keyFrameRequests == 1)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `whatever strangers send, the call goes on`(seed: UInt64) throws {
        let simulation = call(seed: seed, .perfect)
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected })
        let stranger = SocketAddress(.v4(0xC633_6401), port: 9)
        for _ in 0..<2000 {
            var bytes = simulation.random.bytes(simulation.random.below(200))
            // half of them begin as STUN, DTLS, RTP or RTCP do
            if !bytes.isEmpty, simulation.random.below(2) == 0 {
                bytes[0] = [0, 1, 22, 23, 128, 144][simulation.random.below(6)]
            }
            simulation.act(.impolite) { door, now in
                door.peer.handle(.datagram(bytes, local: door.address, remote: stranger), at: now)
            }
        }
        simulation.run(for: .seconds(8))
        #expect(simulation.areConnected)
    }
}
