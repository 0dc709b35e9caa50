import SDP
import Testing
import Wire

@testable import ICE
@testable import PeerConnection

/// Candidates (W3C §4.4.2, `addIceCandidate`; RFC 8838) and ICE restarts (RFC 8839 §4.4).
@Suite struct CandidateTests {
    private let now = Fixture.now

    private func candidate(
        _ number: Int = 1, mid: String? = "0", index: UInt16? = nil, ufrag: String? = nil
    ) -> RTCIceCandidate {
        RTCIceCandidate(
            candidate: "candidate:\(number) 1 udp 2130706431 198.51.100.\(number) 5000 typ host", sdpMid: mid,
            sdpMLineIndex: index, usernameFragment: ufrag)
    }

    /// Chromium's offer without candidates of its own.
    private func trickling(_ change: (inout SessionDescription) -> Void = { _ in }) throws -> RTCSessionDescription {
        try Fixture.chromium { offer in
            for index in offer.media.indices { offer.media[index].candidates = [] }
            change(&offer)
        }
    }

    private func restarted(_ offer: inout SessionDescription) {
        for index in offer.media.indices {
            offer.media[index].iceUfrag = "newu"
            offer.media[index].icePwd = "newpasswordnewpassword00"
        }
    }

    private func remoteAddresses(_ peer: RTCPeerConnection) -> Set<String> {
        Set((peer.ice?.remoteCandidates ?? []).compactMap { $0.socketAddress?.ip.description })
    }

    @Test func `a candidate before any remote description is an InvalidStateError`() throws {
        var door = Fixture.peer()
        #expect(failure { try door.addIceCandidate(candidate(), at: now) } == "InvalidStateError")
        try door.setLocalDescription(.offer, at: now)
        #expect(failure { try door.addIceCandidate(candidate(), at: now) } == "InvalidStateError")
    }

    @Test func `a candidate for a media description that is not there is an OperationError`() throws {
        var door = Fixture.peer()
        _ = try door.answer(trickling())
        #expect(failure { try door.addIceCandidate(candidate(mid: "9"), at: now) } == "OperationError")
        #expect(failure { try door.addIceCandidate(candidate(mid: "9", index: 0), at: now) } == "OperationError")
        #expect(failure { try door.addIceCandidate(candidate(mid: nil, index: 3), at: now) } == "OperationError")
        #expect(remoteAddresses(door).isEmpty)
    }

    @Test(arguments: [
        "candidate", "candidate:", "x", "candidate:1 1 udp", "candidate:1 1 udp 1 198.51.100.1 99999 typ host",
        "candidate:1 1 udp 1 198.51.100.1 5 typ martian", "candidate:1 one udp 1 198.51.100.1 5 typ host", " ",
    ])
    func `a malformed candidate is an OperationError and changes nothing`(text: String) throws {
        var door = Fixture.peer()
        _ = try door.answer(trickling())
        _ = door.drain()
        let malformed = RTCIceCandidate(candidate: text, sdpMid: "0", sdpMLineIndex: nil)
        #expect(failure { try door.addIceCandidate(malformed, at: now) } == "OperationError")
        #expect(remoteAddresses(door).isEmpty && door.drainNames().isEmpty)
    }

    @Test func `a candidate counts by tag or by index, before and after the answer, and by neither is a TypeError`()
        throws
    {
        var door = Fixture.peer()
        try door.setRemoteDescription(trickling(), at: now)
        try door.addIceCandidate(candidate(1), at: now)
        try door.addIceCandidate(candidate(2, mid: nil, index: 0), at: now)
        try door.setLocalDescription(at: now)
        try door.addIceCandidate(candidate(3, ufrag: "Td02"), at: now)
        #expect(failure { try door.addIceCandidate(candidate(4, mid: nil), at: now) } == "TypeError")
        #expect(remoteAddresses(door) == ["198.51.100.1", "198.51.100.2", "198.51.100.3"])
    }

    @Test func `a candidate of another ICE generation is an OperationError, and perfect negotiation drops it`() throws {
        var door = Fixture.peer()
        _ = try door.answer(trickling())
        #expect(failure { try door.addIceCandidate(candidate(1, ufrag: "gone"), at: now) } == "OperationError")
        var negotiation = PerfectNegotiation(isPolite: false)
        try negotiation.received(candidate(1, ufrag: "gone"), on: &door, at: now)
        #expect(remoteAddresses(door).isEmpty)
        // of the generation before, until its successor is agreed on
        try door.setRemoteDescription(trickling(restarted), at: now)
        try door.addIceCandidate(candidate(2, ufrag: "Td02"), at: now)
        try door.setLocalDescription(at: now)
        #expect(failure { try door.addIceCandidate(candidate(3, ufrag: "Td02"), at: now) } == "OperationError")
        try door.addIceCandidate(candidate(4, ufrag: "newu"), at: now)
        #expect(remoteAddresses(door) == ["198.51.100.4"])
    }

    @Test func `what was added stands in the remote description, once, with its end`() throws {
        var door = Fixture.peer()
        try door.setRemoteDescription(trickling(), at: now)
        for _ in 0..<2 { try door.addIceCandidate(candidate(1), at: now) }
        #expect(door.remoteDescription?.sdp.components(of: "198.51.100.1 5000") == 1)
        try door.setLocalDescription(at: now)
        try door.addIceCandidate(candidate(2), at: now)
        #expect(door.currentRemoteDescription?.sdp.components(of: "198.51.100.1 5000") == 1)
        #expect(door.currentRemoteDescription?.sdp.components(of: "198.51.100.2 5000") == 1)
        #expect(door.currentRemoteDescription?.sdp.components(of: "end-of-candidates") == 0)
        try door.addIceCandidate(.init(candidate: "", sdpMid: "0", sdpMLineIndex: nil), at: now)
        #expect(door.currentRemoteDescription?.sdp.components(of: "end-of-candidates") == 1)
        for number in 3...200 { try door.addIceCandidate(candidate(number), at: now) }
        #expect(door.currentRemoteDescription?.sdp.components(of: "a=candidate:") == 64, "bounded")
    }

    @Test func `perfect negotiation keeps candidates until the description that they belong to`() throws {
        var door = Fixture.peer()
        var negotiation = PerfectNegotiation(isPolite: true)
        try negotiation.received(candidate(1), on: &door, at: now)
        try negotiation.received(nil, on: &door, at: now)
        _ = try negotiation.received(trickling(), on: &door, at: now)
        #expect(remoteAddresses(door) == ["198.51.100.1"])
        #expect(door.ice?.session.hasEndOfRemoteCandidates == true)
    }

    // RFC 9143 §7.1
    @Test func `the candidates of a bundle's other members, and their end, mean nothing`() throws {
        var door = Fixture.peer()
        _ = try door.answer(trickling())
        try door.addIceCandidate(candidate(1, mid: "1"), at: now)
        try door.addIceCandidate(.init(candidate: "", sdpMid: "1", sdpMLineIndex: 1), at: now)
        #expect(remoteAddresses(door).isEmpty)
        #expect(door.ice?.session.hasEndOfRemoteCandidates == false)
        #expect(door.iceConnectionState == .new, "there is nothing to check yet")
    }

    @Test func `the candidates of the bundle's first count although it is rejected`() throws {
        var door = Fixture.peer()
        try door.setRemoteDescription(
            trickling { offer in
                offer.media[2].kind = .other("text")
                offer.groups = [.init("BUNDLE", ["2", "0", "1"])]
            }, at: now)
        try door.addIceCandidate(candidate(1, mid: "2"), at: now)
        try door.setLocalDescription(at: now)
        try door.addIceCandidate(candidate(2, mid: "0"), at: now)
        try door.addIceCandidate(candidate(3, mid: "1"), at: now)
        #expect(remoteAddresses(door) == ["198.51.100.1", "198.51.100.2"])
    }

    @Test(arguments: ["0", nil] as [String?])
    func `an empty candidate is the end of candidates`(mid: String?) throws {
        var door = Fixture.peer()
        _ = try door.answer(trickling())
        #expect(door.ice?.session.hasEndOfRemoteCandidates == false)
        try door.addIceCandidate(.init(candidate: "", sdpMid: mid, sdpMLineIndex: nil), at: now)
        #expect(door.ice?.session.hasEndOfRemoteCandidates == true)
    }

    @Test func `candidates in the offer itself count, and one that cannot be parsed does no harm`() throws {
        var door = Fixture.peer()
        _ = try door.answer(Fixture.chromium { $0.media[0].candidates.insert("candidate:nonsense", at: 0) })
        // the other address is IPv6's, and TCP is not ours
        #expect(remoteAddresses(door) == ["192.0.2.2", "fd00::2"])
    }

    @Test func `after close a candidate is an InvalidStateError`() throws {
        var door = Fixture.peer()
        _ = try door.answer(trickling())
        door.close(at: now)
        #expect(failure { try door.addIceCandidate(candidate(mid: "0"), at: now) } == "InvalidStateError")
    }

    // MARK: Our own

    // W3C §4.4.1.5: gathering begins with the local description
    @Test func `candidates trickle once the local description is set, and stand in it`() throws {
        var door = Fixture.peer()
        let stun = SocketAddress(.v4(0xC633_6401), port: 3478)
        try door.setRemoteDescription(trickling(), at: now)
        #expect(door.iceGatheringState == .new && !door.drainNames().contains("icecandidate"))
        try door.setLocalDescription(at: now)
        #expect(try door.local.media[0].candidates.count == 1)
        #expect(door.drainNames().filter { $0 == "icecandidate" }.count == 1)

        var other = RTCPeerConnection(
            configuration: {
                var configuration = RTCPeerConnection.Configuration(certificate: Fixture.certificate)
                configuration.stunServers = [stun]
                return configuration
            }(), random: SeededRandomSource(seed: 5))
        _ = other.addTrack(.video, streamID: "door")
        let answer = try other.answer(trickling())
        #expect(answer.media[0].candidates.isEmpty && !answer.media[0].hasEndOfCandidates)
        _ = other.drain()
        other.handle(.localAddressAdded(.init(.v4(0xC000_0201), port: 5000), preference: 65535), at: now)
        let events = other.drain()
        guard case .iceCandidate(let candidate)? = events.first(where: { $0.name == "icecandidate" }) else {
            Issue.record("no candidate among \(events.map(\.name))")
            return
        }
        #expect(candidate.sdpMid == "0" && candidate.sdpMLineIndex == 0)
        #expect(candidate.usernameFragment == other.localUsernameFragment)
        #expect(candidate.candidate.contains("192.0.2.1 5000 typ host"))
        #expect(try other.local.media[0].candidates.count == 1)
    }

    // MARK: Restart by the other side

    @Test func `an offer with other credentials restarts ICE, and the answer has other ones too`() throws {
        var door = Fixture.peer()
        let first = try door.answer(trickling())
        let same = try door.answer(trickling())
        #expect(same.media[0].iceUfrag == first.media[0].iceUfrag)
        let second = try door.answer(trickling(restarted))
        #expect(second.media[0].iceUfrag != first.media[0].iceUfrag)
        #expect(second.media[0].icePwd != first.media[0].icePwd)
        #expect(second.media[0].iceUfrag == second.media[1].iceUfrag)
        #expect(second.media[0].candidates.count == 1, "gathered anew")
        #expect(door.ice?.remoteCredentials?.usernameFragment == "newu")
        #expect(second.media[0].setup == first.media[0].setup)
    }

    @Test func `a restart keeps the roles`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        #expect(door.ice?.role == .controlling && page.ice?.role == .controlled)
        page.restartIce()
        try exchange(from: &page, to: &door)
        // RFC 8445 §6.1.1: "an ICE agent MUST NOT redetermine the role as part of an ICE restart"
        #expect(door.ice?.role == .controlling && page.ice?.role == .controlled)
    }

    @Test func `candidates of a restart that come before its answer are kept for it`() throws {
        var door = Fixture.peer()
        _ = try door.answer(trickling())
        try door.setRemoteDescription(trickling(restarted), at: now)
        try door.addIceCandidate(candidate(1, ufrag: "newu"), at: now)
        try door.addIceCandidate(candidate(2), at: now)
        try door.addIceCandidate(candidate(3, ufrag: "Td02"), at: now)
        for number in 4...200 { try door.addIceCandidate(candidate(number, ufrag: "newu"), at: now) }
        try door.addIceCandidate(.init(candidate: "", sdpMid: "0", sdpMLineIndex: nil), at: now)
        #expect(remoteAddresses(door) == ["198.51.100.3"], "of the generation that still is")
        try door.setLocalDescription(at: now)
        #expect(remoteAddresses(door).isSuperset(of: ["198.51.100.1", "198.51.100.2"]))
        #expect(!remoteAddresses(door).contains("198.51.100.3"))
        #expect(remoteAddresses(door).count <= 64)
        #expect(door.ice?.session.hasEndOfRemoteCandidates == true)
    }

    @Test func `an answer alone cannot restart ICE`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        let known = door.ice?.remoteCredentials
        var answer = try page.answer(door.offer())
        restarted(&answer)
        try door.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        #expect(door.ice?.remoteCredentials == known)
        // a restart after it is understood
        page.restartIce()
        try exchange(from: &page, to: &door)
        #expect(door.ice?.remoteCredentials?.usernameFragment == page.localUsernameFragment)
    }
}

extension String {
    /// How often `part` occurs.
    fileprivate func components(of part: String) -> Int {
        indices.count { self[$0...].hasPrefix(part) }
    }
}
