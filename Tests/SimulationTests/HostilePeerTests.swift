import CAllocations
import ICE
import PeerConnection
import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

/// A peer that keeps no rule is refused and counted, costs no more than it may, and leaves other calls alone.
@Suite(.serialized) struct HostilePeerTests {
    private func packets(_ peer: HostilePeer) -> Int {
        peer.events.count { if case .packet = $0 { true } else { false } }
    }

    private func keyFrameRequests(_ peer: HostilePeer) -> Int {
        peer.events.count { if case .keyFrameRequested = $0 { true } else { false } }
    }

    /// An RTP packet of the stream that the offer has for `kind`.
    private func packet(_ peer: HostilePeer, _ kind: MediaKind, number: UInt16) throws -> [UInt8] {
        let stream = try #require(peer.stream(kind))
        var bytes: [UInt8] = [0x80, stream.payloadType]
        bytes.append(uint16: number)
        bytes.append(uint32: UInt32(number) * 960)
        bytes.append(uint32: stream.ssrc)
        return bytes + [1, 2, 3]
    }

    /// What the call can still do: an honest packet arrives.
    private func expectAlive(_ peer: HostilePeer, number: UInt16 = 60_000) throws {
        let before = packets(peer)
        for offset in 0..<3 as Range<UInt16> {
            let bytes = try packet(peer, .audio, number: number &+ offset)
            peer.inject(try #require(peer.protected(rtp: bytes)))
        }
        #expect(packets(peer) > before)
        #expect(peer.victim.connectionState == .connected)
    }

    // MARK: Identity

    @Test func `a certificate that the fingerprint does not announce ends the connection, and no media pass`() throws {
        let peer = HostilePeer(seed: 1)
        for index in peer.offer.media.indices {
            peer.offer.media[index].fingerprints = peer.offer.media[index].fingerprints.map {
                SDPFingerprint(hashFunction: $0.hashFunction, bytes: $0.bytes.map { ~$0 })
            }
        }
        #expect(try peer.connect() == false)
        #expect(peer.victim.connectionState == .failed)
        #expect(peer.victim.failureReason == .dtls(.fingerprintMismatch))
        #expect(packets(peer) == 0)
        #expect(peer.mediaSent.isEmpty)
    }

    @Test func `an offer without a fingerprint is refused, and changes nothing`() throws {
        let peer = HostilePeer(seed: 2)
        let honest = peer.offer
        for index in peer.offer.media.indices { peer.offer.media[index].fingerprints = [] }
        #expect(throws: RTCError.self) { try peer.connect() }
        #expect(peer.victim.signalingState == .stable)
        #expect(peer.victim.remoteDescription == nil)
        peer.offer = honest
        #expect(try peer.connect())
    }

    @Test func `an offer with a fingerprint of an unknown hash function only is refused`() {
        let peer = HostilePeer(seed: 3)
        for index in peer.offer.media.indices {
            peer.offer.media[index].fingerprints = [SDPFingerprint(hashFunction: "md2", bytes: [1, 2, 3])]
        }
        #expect(throws: RTCError.self) { try peer.connect() }
        #expect(peer.victim.signalingState == .stable)
    }

    // MARK: Media

    @Test func `a packet that is replayed is delivered once, and counted`() throws {
        let peer = HostilePeer(seed: 4)
        try #require(try peer.connect())
        let first = try #require(peer.protected(rtp: try packet(peer, .audio, number: 100)))
        peer.inject(first)
        let second = try #require(peer.protected(rtp: try packet(peer, .audio, number: 101)))
        peer.inject(second)
        let delivered = packets(peer)
        for _ in 0..<1000 {
            peer.inject(first)
            peer.inject(second)
        }
        // long after, when it has left the window
        for number in 102..<400 as Range<UInt16> {
            peer.inject(try #require(peer.protected(rtp: try packet(peer, .audio, number: number))))
        }
        let later = packets(peer)
        #expect(later == delivered + 298)
        peer.inject(first)
        #expect(packets(peer) == later)
        #expect(peer.victim.discards[.srtp] == 2001)
    }

    @Test func `reports that do not authenticate do nothing`() throws {
        let peer = HostilePeer(seed: 5)
        try #require(try peer.connect())
        let sent = peer.mediaSent.count
        for number in 0..<500 {
            var forged: [UInt8] = [0x81, 206, 0, 2]  // PLI
            forged.append(uint32: 1)
            forged.append(uint32: UInt32(number))
            peer.inject(forged + peer.random.bytes(14))
        }
        #expect(peer.victim.discards[.srtp] == 500)
        #expect(keyFrameRequests(peer) == 0)
        #expect(peer.mediaSent.count == sent)
        try expectAlive(peer)
    }

    @Test func `authentic reports about streams that are not there do nothing`() throws {
        let peer = HostilePeer(seed: 6)
        try #require(try peer.connect())
        for number in 1...500 as ClosedRange<UInt32> {
            let packets: [RTCPPacket] = [
                .pictureLossIndication(sender: 1, media: SSRC(number)),
                .nack(GenericNACK(sender: 1, media: SSRC(number), sequenceNumbers: [1, 2, 3])),
                .fullIntraRequest(
                    FullIntraRequest(
                        sender: 1, entries: [.init(ssrc: SSRC(number), sequenceNumber: UInt8(number & 255))])),
                .goodbye(Goodbye(sources: [SSRC(number)])),
            ]
            for packet in packets {
                var bytes: [UInt8] = []
                packet.write(to: &bytes)
                peer.inject(try #require(peer.protected(rtcp: bytes)))
            }
        }
        #expect(keyFrameRequests(peer) == 0)
        try expectAlive(peer)
    }

    @Test func `thousands of sources open no more streams than there is room for`() throws {
        let peer = HostilePeer(seed: 7)
        try #require(try peer.connect())
        let payloadType = try #require(peer.stream(.audio)).payloadType
        for source in 1...5000 as ClosedRange<UInt32> {
            var bytes: [UInt8] = [0x80, payloadType]
            bytes.append(uint16: 1)
            bytes.append(uint32: 960)
            bytes.append(uint32: source)
            peer.inject(try #require(peer.protected(rtp: bytes + [1])))
        }
        #expect(peer.victim.statistics.inbound.count <= 32)
    }

    // MARK: STUN

    @Test func `a flood of requests by strangers is neither answered with more nor remembered`() throws {
        let peer = HostilePeer(seed: 8)
        try #require(try peer.connect())
        func flood(_ numbers: Range<Int>) {
            for number in numbers {
                let source = SocketAddress(.v4(0xC633_0000 + UInt32(number & 0xFFFF)), port: UInt16(1 + number & 0xFFF))
                let request = STUNMessage(
                    .request, transactionID: .init(random: peer.random),
                    attributes: [.username(peer.username), .priority(1), .iceControlling(1), .useCandidate])
                peer.inject(request.serialized(key: STUNKey(password: "guessed")), from: source)
            }
        }
        flood(0..<500)
        let before = allocation_balance()
        flood(500..<3500)
        let growth = allocation_balance() - before
        #expect(growth < 1 << 18, "\(growth) bytes are kept of three thousand requests")
        peer.pass(.seconds(10))
        #expect(peer.victim.selectedPair?.remoteAddress == HostilePeer.address)
        try expectAlive(peer)
    }

    @Test func `checks of the peer from thousands of addresses make no thousands of checks`() throws {
        let peer = HostilePeer(seed: 9)
        try #require(try peer.connect())
        for number in 0..<3000 {
            let source = SocketAddress(.v4(0xC633_0000 + UInt32(number)), port: 7)
            let check = peer.authentic(
                .request, [.username(peer.username), .priority(UInt32(number)), .iceControlling(1)])
            peer.inject(check, from: source)
        }
        let before = allocation_balance()
        peer.pass(.seconds(5))
        #expect(allocation_balance() - before < 1 << 20)
        try expectAlive(peer)
    }

    // MARK: Signalling

    /// A megabyte of SDP, of different kinds.
    private static let longDescriptions: [(String, @Sendable (String) -> String)] = [
        ("one line", { $0 + "a=x:" + String(repeating: "x", count: 1 << 20) + "\r\n" }),
        ("candidates", { $0 + String(repeating: "a=candidate:1 1 udp 1 192.0.2.9 9 typ host\r\n", count: 25_000) }),
        ("attributes", { $0 + String(repeating: "a=sendrecv\r\n", count: 90_000) }),
        ("header extensions", { $0 + String(repeating: "a=extmap:1 urn:x\r\n", count: 60_000) }),
        (
            "sources",
            { text in
                text + (0..<50_000).map { "a=ssrc:\($0) cname:c\r\n" }.joined()
            }
        ),
        ("payload types", { $0 + "m=video 9 UDP/TLS/RTP/SAVPF" + String(repeating: " 96", count: 350_000) + "\r\n" }),
        ("media", { $0 + String(repeating: "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", count: 33_000) }),
        (
            "a bundle",
            { text in
                text.replacing("a=group:BUNDLE", with: "a=group:BUNDLE" + String(repeating: " x", count: 500_000))
            }
        ),
        ("line ends", { $0 + String(repeating: "\r\n", count: 500_000) }),
    ]

    @Test(arguments: longDescriptions.indices)
    func `a description of a megabyte is refused or used in no long time, and the connection can still negotiate`(
        index: Int
    ) throws {
        let peer = HostilePeer(seed: 10)
        let text = Self.longDescriptions[index].1(peer.offer.description)
        #expect(text.utf8.count > 1_000_000)
        let elapsed = ContinuousClock().measure {
            let offer = RTCSessionDescription(type: .offer, sdp: text)
            try? peer.victim.setRemoteDescription(offer, at: peer.now)
            try? peer.victim.setLocalDescription(at: peer.now)
        }
        // anything quadratic would take minutes, with or without optimisation, on a busy machine too
        #expect(elapsed < .seconds(30), "\(Self.longDescriptions[index].0)")
        if peer.victim.signalingState == .haveLocalOffer {
            try peer.victim.setLocalDescription(.rollback, at: peer.now)
        }
        #expect(peer.victim.signalingState == .stable)
        #expect(peer.victim.allTransceivers.count <= 256)
    }

    @Test func `of thousands of candidates no more are checked than there is room for, one after the other`() throws {
        let peer = HostilePeer(seed: 11)
        func candidate(_ number: Int) -> String {
            "candidate:\(number) 1 udp \(2_000_000_000 + number) 203.0.113.\(number % 250) \(1000 + number) typ host"
        }
        // nearly as many as a description has room for, where those of the whole bundle are
        peer.offer.media[0].candidates = (0..<900).map(candidate)
        let offer = RTCSessionDescription(type: .offer, sdp: peer.offer.description)
        try peer.victim.setRemoteDescription(offer, at: peer.now)
        try peer.victim.setLocalDescription(at: peer.now)
        for number in 1000..<2000 {
            let trickled = RTCIceCandidate(candidate: candidate(number), sdpMid: nil, sdpMLineIndex: 0)
            try peer.victim.addIceCandidate(trickled, at: peer.now)
        }
        peer.pass(.seconds(1))
        // RFC 8445 §14.2: a new check every 50 ms, and a few that are repeated meanwhile
        #expect(peer.strayDatagrams <= 45)
        // §14.3: so many checks at once make an RTO of 64 × 50 ms, and RFC 8489 §6.2.1 gives a check 79 of them
        peer.pass(.milliseconds(79 * 64 * 50 + 64 * 50))
        #expect(peer.strayDatagrams <= 64 * 7)
        #expect(peer.victim.connectionState == .failed)
    }

    @Test func `candidates and descriptions of no sense are refused one by one`() throws {
        let peer = HostilePeer(seed: 12)
        try #require(try peer.connect())
        for text in [
            "", "candidate:", "candidate:1 1 udp 1 0.0.0.0 0 typ host", String(repeating: "x ", count: 50_000),
        ] {
            let candidate = RTCIceCandidate(candidate: text, sdpMid: "no such", sdpMLineIndex: 900)
            #expect(throws: RTCError.self) { try peer.victim.addIceCandidate(candidate, at: peer.now) }
        }
        for text in ["", "v=0", "v=1\r\n", peer.offer.description + "m=\r\n"] {
            let offer = RTCSessionDescription(type: .offer, sdp: text)
            #expect(throws: RTCError.self) { try peer.victim.setRemoteDescription(offer, at: peer.now) }
            let answer = RTCSessionDescription(type: .answer, sdp: peer.offer.description)
            #expect(throws: RTCError.self) { try peer.victim.setRemoteDescription(answer, at: peer.now) }
        }
        #expect(peer.victim.signalingState == .stable)
        try expectAlive(peer)
    }

    // MARK: Others

    @Test func `what one peer does, the call of another does not feel`() throws {
        let honest = HostilePeer(seed: 13)
        try #require(try honest.connect())
        let hostile = HostilePeer(seed: 14)
        try #require(try hostile.connect())
        for number in 0..<2000 {
            hostile.inject(hostile.random.bytes(number % 1300))
            hostile.send(message: hostile.random.bytes(1 + number % 1000))
        }
        honest.pass(.seconds(20))
        try expectAlive(honest)
        #expect(honest.victim.discards.isEmpty)
    }
}
