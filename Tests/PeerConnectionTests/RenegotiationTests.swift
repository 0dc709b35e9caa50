import DTLS
import RTP
import SDP
import Testing
import Wire

@testable import PeerConnection

/// Association of transceivers (RFC 8829 §5.10) and later exchanges (§5.2.2).
@Suite struct RenegotiationTests {
    private let now = Fixture.now
    private static let midURI = "urn:ietf:params:rtp-hdrext:sdes:mid"

    // MARK: Association

    @Test func `a track of addTrack takes the offered media description of its kind`() throws {
        var door = Fixture.peer()
        let ids = door.allTransceivers.map(\.id)
        _ = try door.answer(Fixture.chromium())
        #expect(door.allTransceivers.map(\.id) == ids)
        #expect(door.allTransceivers.map(\.mid) == ["0", "1"])
    }

    @Test func `a transceiver of addTransceiver does not, and a media description makes one of its own`() throws {
        var door = Fixture.peer(isDoor: false)
        let own = door.addTransceiver(.video, direction: .sendonly)
        _ = try door.answer(Fixture.chromium())
        #expect(door.allTransceivers.map(\.kind) == [.video, .video, .audio])
        #expect(door.allTransceivers[0].id == own && door.allTransceivers[0].mid == nil)
        #expect(door.allTransceivers[1].mid == "0" && door.allTransceivers[1].direction == .recvonly)
    }

    @Test(arguments: [(MediaDirection.sendrecv, true), (.recvonly, true), (.sendonly, false), (.inactive, false)])
    func `a media description that wants nothing takes no track`(offered: MediaDirection, isTaken: Bool) throws {
        var door = Fixture.peer()
        _ = try door.answer(Fixture.chromium { $0.media[1].direction = offered })
        #expect((door.allTransceivers[1].mid == "1") == isTaken)
        #expect(door.allTransceivers.count == (isTaken ? 2 : 3))
    }

    @Test func `a rejected media description makes no transceiver`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(Fixture.chromium { $0.media[0].port = 0 })
        #expect(answer.media[0].isRejected)
        #expect(door.allTransceivers.map(\.mid) == [nil, "1"])
    }

    @Test func `of several media descriptions of a kind the first takes the track`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(
            Fixture.chromium { offer in
                var second = offer.media[0]
                second.mid = "second"
                offer.media.append(second)
                offer.groups = [.init("BUNDLE", ["0", "1", "second"])]
            })
        #expect(answer.media[0].direction == .sendonly)
        #expect(answer.media[3].direction == .inactive, "a transceiver that an offer made only receives")
    }

    @Test func `media descriptions without tags are told apart by their place`() throws {
        var door = Fixture.peer()
        let untagged = { (offer: inout SessionDescription) in
            offer.groups = []
            for index in offer.media.indices { offer.media[index].mid = nil }
        }
        let answer = try door.answer(Fixture.chromium(untagged))
        #expect(answer.media.map(\.mid) == [nil, nil, nil])
        #expect(answer.media.map(\.isRejected) == [false, true, true])
        #expect(!door.drainNames().contains("negotiationneeded"))
        let ids = door.allTransceivers.map(\.id)
        // again, and then an offer of ours: everything keeps its place
        _ = try door.answer(Fixture.chromium(untagged))
        #expect(door.allTransceivers.map(\.id) == ids)
        let offer = try SessionDescription(parsing: door.offer().sdp)
        #expect(offer.media.map(\.kind) == [.video, .audio, .application])
        #expect(offer.media.map(\.isRejected) == [false, true, true])
    }

    @Test func `a tag that we give cannot be one that the offer has`() throws {
        var door = Fixture.peer()
        let offer = try Fixture.chromium { offer in
            offer.media[0].mid = nil
            offer.groups = [.init("BUNDLE", ["1", "2"])]
        }
        try door.setRemoteDescription(offer, at: now)
        #expect(Set(door.allTransceivers.compactMap(\.mid)).count == 2)
        #expect(try door.answer(offer).media.map(\.kind) == [.video, .audio, .application])
    }

    // MARK: Later offers

    @Test func `our later offer keeps order, tags, payload types and extension numbers`() throws {
        var door = Fixture.peer()
        _ = try door.answer(Fixture.firefox())
        _ = door.addTransceiver(.video, direction: .sendonly)
        let offer = try SessionDescription(parsing: door.offer().sdp)
        #expect(offer.media.map(\.kind) == [.video, .audio, .application, .video])
        #expect(offer.media.prefix(3).map(\.mid) == ["0", "1", "2"])
        #expect(offer.media[2].isForDataChannels && !offer.media[2].isRejected)
        #expect(offer.media[0].codecs.map(\.payloadType) == [126, 127])
        #expect(offer.media[1].codecs.map(\.payloadType) == [109])
        // RFC 9143 §9.1: one number, one meaning in the bundle; RFC 8285 §5: and for the session
        #expect(offer.media[3].codecs.map(\.payloadType) == [126, 127])
        for index in 0...3 { #expect(offer.media[index].setup == .actpass) }
        for index in [0, 1, 3] {
            #expect(offer.media[index].headerExtensions.contains(HeaderExtension(id: 3, uri: Self.midURI)))
        }
        let extensions = offer.media.flatMap(\.headerExtensions)
        let meanings = Dictionary(grouping: extensions, by: \.id).mapValues { Set($0.map(\.uri)) }
        #expect(meanings.count >= 5 && meanings.values.allSatisfy { $0.count == 1 })
        let tag = try #require(offer.media[3].mid)
        #expect(offer.bundles == [["0", "1", "2", tag]] && !["0", "1", "2"].contains(tag))
    }

    @Test func `what is sent keeps its sources and names`() throws {
        var door = Fixture.peer()
        let first = try door.answer(Fixture.chromium())
        let second = try SessionDescription(parsing: door.offer().sdp)
        for index in 0...1 {
            #expect(second.media[index].sources == first.media[index].sources)
            #expect(second.media[index].msids == first.media[index].msids)
        }
        #expect(second.media[0].iceUfrag == first.media[0].iceUfrag)
    }

    @Test func `the DTLS roles of an association stay`() throws {
        var door = Fixture.peer()
        _ = try door.answer(Fixture.chromium { for index in 0...2 { $0.media[index].setup = .passive } })
        #expect(door.dtls?.role == .client)
        let answer = try door.answer(Fixture.chromium())
        #expect(answer.media[0].setup == .active, "where actpass leaves the choice")
    }

    // RFC 4145 §4.1; GStreamer's webrtcbin offers so, whose association stays as it is
    @Test(arguments: [(SetupRole.active, SetupRole.passive), (.passive, .active)])
    func `an offer that names a role is answered by the other one, and the association stays`(
        offered: SetupRole, answered: SetupRole
    ) throws {
        for first in [SetupRole.active, .passive] {
            var door = Fixture.peer()
            _ = try door.answer(Fixture.chromium { for index in 0...2 { $0.media[index].setup = first } })
            let role = door.dtls?.role
            let answer = try door.answer(Fixture.chromium { for index in 0...2 { $0.media[index].setup = offered } })
            #expect(answer.media.map(\.setup) == [answered, answered, answered])
            #expect(door.dtls?.role == role)
        }
    }

    @Test func `a media description that is given up stops its transceiver`() throws {
        var door = Fixture.peer()
        _ = try door.answer(Fixture.chromium())
        _ = door.drain()
        let stopped = try door.transceiver(.audio).id
        let answer = try door.answer(Fixture.chromium { $0.media[1].port = 0 })
        #expect(answer.media[1].isRejected)
        #expect(answer.bundles == [["0", "2"]])
        #expect(door.transceiver(stopped) == nil)
        #expect(door.drainNames().contains("track audio inactive"))
        #expect(!door.media.outgoing.contains { $0.transceiver == stopped })
        let offer = try SessionDescription(parsing: door.offer().sdp)
        #expect(offer.media.map(\.isRejected) == [false, true, false])
    }

    @Test func `a place that was given up can be used again, for anything`() throws {
        var door = Fixture.peer()
        _ = try door.answer(Fixture.chromium { $0.media[0].port = 0 })
        let answer = try door.answer(
            Fixture.chromium { offer in
                offer.media[0].mid = "again"
                offer.groups = [.init("BUNDLE", ["again", "1", "2"])]
            })
        #expect(answer.media[0].mid == "again" && answer.media[0].direction == .sendonly)
    }

    @Test func `giving up and using again a hundred times leaves no more than at first`() throws {
        var door = Fixture.peer()
        for round in 0..<100 {
            let tag = "video\(round)"
            let named = { (offer: inout SessionDescription) in
                offer.media[0].mid = tag
                offer.media[0].direction = .sendonly
                offer.groups = [.init("BUNDLE", [tag, "1", "2"])]
            }
            _ = try door.answer(Fixture.chromium(named))
            _ = try door.answer(
                Fixture.chromium { offer in
                    named(&offer)
                    offer.media[0].port = 0
                })
        }
        #expect(door.allTransceivers.count == 2)
        #expect(door.media.incoming.count == 1)
    }

    static let forbidden: [(String, @Sendable (inout SessionDescription) -> Void)] = [
        ("a media description goes", { $0.media.removeLast() }),
        ("all go", { $0.media = [] }),
        ("another order", { $0.media.swapAt(0, 1) }),
        (
            "another kind under the same tag",
            {
                $0.media[0] = $0.media[1]
                $0.media[0].mid = "0"
                $0.media[1].mid = "1"
            }
        ),
        ("another tag", { $0.media[0].mid = "7" }),
        (
            "a tag that moves into the place of the rejected data channel",
            {
                $0.media[2] = $0.media[0]
                $0.media[0].mid = "3"
                $0.media[0].port = 0
            }
        ),
    ]

    @Test(arguments: forbidden.indices)
    func `a later offer that breaks the order of the session is refused and changes nothing`(index: Int) throws {
        var door = Fixture.peer()
        _ = try door.answer(Fixture.chromium())
        _ = door.drain()
        let (local, remote) = (door.localDescription, door.remoteDescription)
        let offer = try Fixture.chromium(Self.forbidden[index].1)
        #expect(failure { try door.setRemoteDescription(offer, at: now) } == "InvalidAccessError")
        #expect(door.signalingState == .stable)
        #expect(door.localDescription == local && door.remoteDescription == remote)
        #expect(door.allTransceivers.map(\.mid) == ["0", "1"])
        #expect(door.drainNames().isEmpty)
    }

    @Test func `an offer may use the tag that a crossing offer of ours would have given`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        _ = door.addTransceiver(.video, direction: .sendonly)
        _ = page.addTransceiver(.audio, direction: .sendonly)
        let ours = try SessionDescription(parsing: door.offer().sdp)
        let theirs = try page.offer()
        #expect(try SessionDescription(parsing: theirs.sdp).media[2].mid == ours.media[2].mid, "or it proves nothing")
        let answer = try door.answer(theirs)
        #expect(answer.media.map(\.kind) == [.video, .audio, .audio])
        try page.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        // and ours comes after it
        #expect(door.drainNames().contains("negotiationneeded"))
        let next = try SessionDescription(parsing: door.offer().sdp)
        #expect(next.media.map(\.kind) == [.video, .audio, .audio, .video])
        #expect(Set(next.media.compactMap(\.mid)).count == 4)
    }

    // MARK: What a peer could fill memory with

    @Test func `sources and repairs that an offer names are bounded, however often it comes`() throws {
        var door = Fixture.peer()
        door.setDirection(.sendrecv, of: try door.transceiver(.video).id)
        for round in 0..<20 as Range<UInt32> {
            let base = round * 10_000
            _ = try door.answer(
                Fixture.chromium { offer in
                    offer.media[0].direction = .sendrecv
                    offer.media[1].sources = (1...300).map { Source(ssrc: base + $0, cname: "x") }
                    offer.media[0].sourceGroups = (1...300).map { SourceGroup("FID", [base + $0, base + 1000 + $0]) }
                })
        }
        #expect(door.media.streams.count == MediaStreams.streamLimit)
        #expect(door.media.repairs.count == MediaStreams.streamLimit)
        // and the last offer's are the ones that count
        #expect(door.media.streams.keys.allSatisfy { $0.rawValue > 190_000 })
        #expect(door.media.repairs.keys.allSatisfy { $0.rawValue > 190_000 })
    }
}
