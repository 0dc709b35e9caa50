import DTLS
import ICE
import RTP
import RecordedOffers
import SDP
import Testing
import Wire

@testable import PeerConnection

/// Answers (RFC 8829 §5.3) to what browsers offer.
@Suite struct AnswerTests {
    private static let midURI = "urn:ietf:params:rtp-hdrext:sdes:mid"

    // MARK: Chromium and Firefox

    @Test func `Chromium's offer is answered with H.264, Opus and data channels`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(.init(type: .offer, sdp: BrowserOffers.chromium))
        #expect(answer.media.map(\.kind) == [.video, .audio, .application])
        #expect(answer.media.map(\.mid) == ["0", "1", "2"])
        #expect(answer.bundles == [["0", "1", "2"]])
        #expect(!answer.isICELite)

        // of the offered 42001f (102) and 42e01f (108) in packetization mode 1, what the encoder makes
        let video = answer.media[0]
        #expect(video.codecs.map(\.payloadType) == [108, 109])
        #expect(video.codecs[0].isNamed("H264") && video.codecs[0].clockRate == 90_000)
        #expect(video.codecs[0].parameter("profile-level-id") == "42e01f")
        #expect(video.codecs[0].parameter("packetization-mode") == "1")
        #expect(video.codecs[0].parameter("level-asymmetry-allowed") == "1")
        #expect(video.codecs[0].feedback == [.nack, .pictureLossIndication, .fullIntraRequest, .transportCC, .remb])
        #expect(video.codecs[1].isNamed("rtx") && video.codecs[1].associatedPayloadType == 108)
        #expect(video.direction == .sendonly)
        let numbers = video.headerExtensions.map { "\($0.id) \($0.uri.split(separator: "/").last ?? "")" }
        #expect(
            numbers == [
                "9 urn:ietf:params:rtp-hdrext:sdes:mid", "2 abs-send-time",
                "4 draft-holmer-rmcat-transport-wide-cc-extensions-01", "5 playout-delay",
            ])
        #expect(video.isRTCPMultiplexed && video.isRTCPReducedSize && video.allowsMixedHeaderExtensions)

        let audio = answer.media[1]
        #expect(audio.codecs.map(\.payloadType) == [111])
        #expect(audio.codecs[0].isNamed("opus") && audio.codecs[0].channels == 2)
        #expect(audio.codecs[0].parameters == [.init("minptime", "10"), .init("useinbandfec", "1")])
        #expect(audio.codecs[0].feedback == [.transportCC])
        #expect(audio.direction == .sendrecv)
        #expect(Set(audio.headerExtensions.map(\.id)).count == 4)
        #expect(audio.headerExtensions.contains { $0.uri == RTP.HeaderExtension.audioLevel.rawValue })
        #expect(audio.headerExtensions.first == SDP.HeaderExtension(id: 9, uri: Self.midURI))

        // RFC 8841 §4…§6
        let data = answer.media[2]
        #expect(data.transportProtocol == "UDP/DTLS/SCTP" && data.formats == ["webrtc-datachannel"])
        #expect(data.sctpPort == 5000 && data.maxMessageSize == 262_144)
    }

    @Test func `what is no data channel of RFC 8841 is rejected`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(
            Fixture.chromium { offer in
                offer.media[2].transportProtocol = "DTLS/SCTP"
                offer.media[2].otherFormats = ["5000"]
            })
        #expect(answer.bundles == [["0", "1"]])
        // RFC 8829 §5.3.1: port zero, and one of the offer's formats for the grammar's sake
        let data = answer.media[2]
        #expect(data.port == 0 && data.isRejected)
        #expect(data.transportProtocol == "DTLS/SCTP" && data.formats == ["5000"])
        #expect(data.iceUfrag == nil && data.fingerprints.isEmpty)
        #expect(door.sctp == nil)
    }

    @Test func `Firefox's offer is answered by its own numbers`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(.init(type: .offer, sdp: BrowserOffers.firefox))
        #expect(answer.bundles == [["0", "1", "2"]])
        #expect(answer.media[0].codecs.map(\.payloadType) == [126, 127])
        #expect(answer.media[0].codecs[0].parameter("profile-level-id") == "42e01f")
        #expect(answer.media[0].headerExtensions.first == SDP.HeaderExtension(id: 3, uri: Self.midURI))
        let offered = try SessionDescription(parsing: BrowserOffers.firefox)
        for (ours, theirs) in zip(answer.media, offered.media) {
            let names = Set(theirs.headerExtensions.map { "\($0.id) \($0.uri)" })
            #expect(names.isSuperset(of: ours.headerExtensions.map { "\($0.id) \($0.uri)" }))
        }
        #expect(answer.media[0].isRTCPReducedSize)
        #expect(answer.media[0].direction == .sendonly)
        #expect(answer.media[1].codecs.map(\.payloadType) == [109])
        // RFC 5506 §5: only what was offered; Firefox does not for sound
        #expect(!answer.media[1].isRTCPReducedSize)
        #expect(answer.media[1].direction == .sendrecv)
        #expect(answer.media[2].sctpPort == 5000)
    }

    @Test func `every accepted media description tells the same transport`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(.init(type: .offer, sdp: BrowserOffers.chromium))
        let fingerprint = Fixture.certificate.fingerprint(.sha256)
        for section in answer.media.prefix(2) {
            #expect(section.port == 9)
            #expect(section.transportProtocol == "UDP/TLS/RTP/SAVPF")
            #expect(section.iceUfrag == door.localUsernameFragment)
            #expect(section.icePwd?.utf8.count == 24)
            #expect(section.iceOptions == ["trickle"])
            #expect(section.setup == .passive)
            #expect(section.fingerprints == [SDPFingerprint(hashFunction: "sha-256", bytes: fingerprint.bytes)])
        }
        // RFC 9143 §7.3: candidates stand with the tagged one only
        #expect(answer.media[0].candidates.count == 1 && answer.media[0].hasEndOfCandidates)
        #expect(answer.media[1].candidates.isEmpty && !answer.media[1].hasEndOfCandidates)
    }

    @Test func `what the door sends is named by stream, track, source and CNAME`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(.init(type: .offer, sdp: BrowserOffers.chromium))
        let (video, audio) = (answer.media[0], answer.media[1])
        #expect(video.msids.map(\.stream) == ["door"] && audio.msids.map(\.stream) == ["door"])
        #expect(video.msids[0].track != nil && video.msids[0].track != audio.msids[0].track)
        #expect(video.sources.count == 2 && audio.sources.count == 1)
        #expect((video.sources + audio.sources).allSatisfy { $0.cname == "doorward" })
        #expect(Set((video.sources + audio.sources).map(\.ssrc)).count == 3)
        #expect(video.sourceGroups == [SourceGroup("FID", video.sources.map(\.ssrc))])
        #expect(audio.sourceGroups.isEmpty)
    }

    @Test func `what the door does not send has no names`() throws {
        var door = Fixture.peer(isDoor: false)
        let answer = try door.answer(.init(type: .offer, sdp: BrowserOffers.chromium))
        #expect(answer.media[0].direction == .inactive)
        #expect(answer.media[1].direction == .recvonly)
        #expect(answer.media.allSatisfy { $0.msids.isEmpty && $0.sources.isEmpty && $0.sourceGroups.isEmpty })
    }

    @Test(arguments: [
        (MediaDirection.sendrecv, MediaDirection.sendrecv), (.recvonly, .sendonly), (.sendonly, .recvonly),
        (.inactive, .inactive),
    ])
    func `the answered direction is what both sides want`(offered: MediaDirection, answered: MediaDirection) throws {
        var door = Fixture.peer()
        let answer = try door.answer(Fixture.chromium { $0.media[1].direction = offered })
        #expect(answer.media[1].direction == answered)
        #expect(door.allTransceivers.first { $0.mid == "1" }?.currentDirection == .init(answered))
        #expect(try door.transceiver(.audio).direction == .sendrecv)
    }

    @Test func `an extension that the other side only sends is not sent back`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(
            Fixture.chromium { offer in
                offer.media[1].headerExtensions = [
                    SDP.HeaderExtension(id: 4, uri: Self.midURI, direction: .sendonly),
                    SDP.HeaderExtension(id: 5, uri: Self.midURI),
                ]
            })
        #expect(
            answer.media[1].headerExtensions == [SDP.HeaderExtension(id: 4, uri: Self.midURI, direction: .recvonly)])
        let audio = try door.transceiver(.audio).id
        #expect(door.media.outgoing.first { $0.transceiver == audio }?.sender.extensionMap[.mid] == nil)
    }

    // MARK: Codecs

    @Test func `an offer of VP8 alone has its picture rejected and its sound accepted`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(Fixture.chromium { $0.media[0].codecs.removeAll { $0.payloadType > 97 } })
        #expect(answer.media[0].isRejected && answer.media[0].formats == ["96"])
        #expect(answer.bundles == [["1", "2"]])
        #expect(!answer.media[1].isRejected)
        #expect(answer.media[1].candidates.count == 1)
        // W3C §4.4.1.5: a rejected media description stops its transceiver, for good
        #expect(door.allTransceivers.map(\.kind) == [.audio])
        #expect(!door.drainNames().contains("negotiationneeded"))
    }

    @Test func `H.264 in packetization mode 0 alone is rejected`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(
            Fixture.firefox { offer in offer.media[0].codecs.removeAll { [126, 105].contains($0.payloadType) } })
        #expect(answer.media[0].isRejected)
    }

    @Test func `plain baseline is taken where constrained baseline is not offered`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(Fixture.chromium { $0.media[0].codecs.removeAll { $0.payloadType == 108 } })
        #expect(answer.media[0].codecs.map(\.payloadType) == [102, 103])
        #expect(answer.media[0].codecs[0].parameter("profile-level-id") == "42001f")
    }

    @Test(
        arguments: [
            (.main, "4d001f", "42e01f"), (.baseline, "42001f", "42001f"), (.high, "42e01f", "42e01f"),
        ] as [(H264Profile, String, String)])
    func `the profile of what is sent is taken where it is offered, else what every endpoint decodes`(
        profile: H264Profile, chromium: String, firefox: String
    ) throws {
        for (offer, expected) in [(BrowserOffers.chromium, chromium), (BrowserOffers.firefox, firefox)] {
            var door = Fixture.peer { $0.h264Profile = profile }
            let answer = try door.answer(.init(type: .offer, sdp: offer))
            #expect(answer.media[0].codecs[0].parameter("profile-level-id") == expected)
            #expect(answer.media[0].codecs[1].associatedPayloadType == answer.media[0].codecs[0].payloadType)
        }
    }

    // RFC 6184 §8.2.2
    @Test func `the answer says what the door receives, not what the other side sends`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(
            Fixture.chromium { offer in
                offer.media[0].codecs.removeAll { $0.payloadType == 102 }
                guard let index = offer.media[0].codecs.firstIndex(where: { $0.payloadType == 108 }) else { return }
                offer.media[0].codecs[index].parameters = [
                    .init("packetization-mode", "1"), .init("level-asymmetry-allowed", "1"),
                    .init("profile-level-id", "42c00c"), .init("sprop-parameter-sets", "Z0LADNoFB+wFqDAw,aM48gA=="),
                ]
            })
        #expect(
            answer.media[0].codecs[0].parameters == [
                .init("level-asymmetry-allowed", "1"), .init("packetization-mode", "1"),
                .init("profile-level-id", "42e01f"),
            ])
    }

    @Test func `feedback and retransmission are answered only where they were offered`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(
            Fixture.chromium { offer in
                offer.media[0].codecs.removeAll { $0.payloadType != 108 }
                offer.media[0].codecs[0].feedback = [.remb, .pictureLossIndication]
            })
        #expect(answer.media[0].codecs.map(\.payloadType) == [108])
        #expect(answer.media[0].codecs[0].feedback == [.pictureLossIndication, .remb])
        #expect(answer.media[0].sources.count == 1 && answer.media[0].sourceGroups.isEmpty)
    }

    // RFC 5761 §4
    @Test(arguments: [(63, true), (64, false), (72, false), (95, false), (96, true)] as [(UInt8, Bool)])
    func `a payload type that looks like RTCP is not taken`(payloadType: UInt8, isTaken: Bool) throws {
        var door = Fixture.peer()
        let answer = try door.answer(
            Fixture.chromium { offer in
                offer.media[1].codecs = [offer.media[1].codecs[0]]
                offer.media[1].codecs[0].payloadType = payloadType
            })
        #expect(answer.media[1].isRejected == !isTaken)
    }

    // MARK: Transport

    @Test func `a media description without rtcp-mux is rejected`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(Fixture.chromium { $0.media[0].isRTCPMultiplexed = false })
        #expect(answer.media.map(\.isRejected) == [true, false, false])
        #expect(answer.bundles == [["1", "2"]])
    }

    @Test func `without a bundle only the first usable media description has our transport`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(Fixture.chromium { $0.groups = [] })
        #expect(answer.media.map(\.isRejected) == [false, true, true])
        #expect(answer.groups.isEmpty)

        var other = Fixture.peer()
        let sound = try other.answer(
            Fixture.chromium { offer in
                offer.groups = [.init("BUNDLE", []), .init("LS", ["0", "1"])]
                offer.media[0].codecs.removeAll { $0.isNamed("H264") }
            })
        #expect(sound.media.map(\.isRejected) == [true, false, true])
        #expect(sound.groups.isEmpty)
    }

    @Test func `what lies outside the bundle is rejected`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(Fixture.chromium { $0.groups = [.init("BUNDLE", ["1", "2"])] })
        #expect(answer.media.map(\.isRejected) == [true, false, false])
        #expect(answer.bundles == [["1", "2"]])
    }

    @Test func `the first accepted of the bundle, in the bundle's order, gives the transport`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(
            Fixture.chromium { offer in
                offer.media[2].kind = .other("text")
                offer.groups = [.init("BUNDLE", ["2", "1", "0", "0", "unheard-of"])]
                for index in 0...2 { offer.media[index].iceUfrag = "ufrag\(index)" }
            })
        // RFC 9143 §7.3.2: 2, whose kind is unknown, is rejected, so that 1 is next
        #expect(answer.bundles == [["1", "0"]])
        #expect(answer.media[1].candidates.count == 1 && answer.media[0].candidates.isEmpty)
        #expect(door.ice?.remoteCredentials?.usernameFragment == "ufrag1")
    }

    @Test func `members of a bundle may leave the transport to its first`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(
            Fixture.chromium { offer in
                for index in 1...2 {
                    offer.media[index].port = 0
                    offer.media[index].isBundleOnly = true
                    offer.media[index].iceUfrag = nil
                    offer.media[index].icePwd = nil
                    offer.media[index].fingerprints = []
                    offer.media[index].setup = nil
                }
            })
        #expect(answer.media.map(\.isRejected) == [false, false, false])
        #expect(answer.media[1].setup == .passive)
        #expect(door.ice?.remoteCredentials?.usernameFragment == "Td02")
    }

    @Test func `bundle-only outside a bundle is rejected`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(
            Fixture.chromium { offer in
                offer.groups = []
                offer.media[0].port = 0
                offer.media[0].isBundleOnly = true
            })
        #expect(answer.media.map(\.isRejected) == [true, false, true])
    }

    // RFC 8842 §5.3
    @Test(arguments: [
        (SetupRole.actpass, true, SetupRole.passive), (.actpass, false, .active), (.active, true, .passive),
        (.active, false, .passive), (.passive, true, .active), (.passive, false, .active),
    ])
    func `the DTLS role is the offer's complement, or our choice`(
        offered: SetupRole, prefersServer: Bool, answered: SetupRole
    ) throws {
        var door = Fixture.peer { $0.prefersDTLSServer = prefersServer }
        let answer = try door.answer(
            Fixture.chromium { offer in for index in 0...2 { offer.media[index].setup = offered } })
        #expect(answer.media.prefix(2).allSatisfy { $0.setup == answered })
        #expect(door.dtls?.role == (answered == .passive ? .server : .client))
    }

    // RFC 8445 §6.1.1
    @Test func `the answerer is controlled, unless the offerer is lite`() throws {
        var door = Fixture.peer()
        _ = try door.answer(Fixture.chromium())
        #expect(door.ice?.role == .controlled)
        var other = Fixture.peer()
        let answer = try other.answer(Fixture.chromium { $0.isICELite = true })
        #expect(other.ice?.role == .controlling)
        #expect(!answer.isICELite)
    }

    // MARK: Refusals

    static let broken: [(String, @Sendable (inout SessionDescription) -> Void)] = [
        ("no ice-ufrag", { $0.media[0].iceUfrag = nil }),
        ("no ice-pwd", { $0.media[0].icePwd = nil }),
        ("no fingerprint", { $0.media[0].fingerprints = [] }),
        ("no fingerprint in a member with its own credentials", { $0.media[1].fingerprints = [] }),
        (
            "a fingerprint by MD5 alone",
            { $0.media[0].fingerprints = [SDPFingerprint(hashFunction: "md5", bytes: Array(repeating: 1, count: 16))] }
        ),
        ("holdconn", { $0.media[0].setup = .holdconn }),
        (
            "credentials nowhere in a bundle that begins with a tag of nothing",
            {
                $0.groups = [.init("BUNDLE", ["nothing", "0", "1"])]
                for index in 0...2 { ($0.media[index].iceUfrag, $0.media[index].icePwd) = (nil, nil) }
            }
        ),
    ]

    @Test(arguments: broken.indices)
    func `an offer without what a transport needs is refused and changes nothing`(index: Int) throws {
        var door = Fixture.peer()
        let offer = try Fixture.chromium(Self.broken[index].1)
        #expect(failure { try door.setRemoteDescription(offer, at: Fixture.now) } == "InvalidAccessError")
        #expect(door.signalingState == .stable)
        #expect(door.remoteDescription == nil && door.localDescription == nil)
        #expect(door.allTransceivers.count == 2 && door.allTransceivers.allSatisfy { $0.mid == nil })
        #expect(door.drainNames().isEmpty)
        // and the next offer is taken as if there had been none
        #expect(try door.answer(Fixture.chromium()).bundles == [["0", "1", "2"]])
    }

    @Test(arguments: ["", "v=0", "hello\r\n", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio x y z\r\n"])
    func `a text that is no description is refused`(text: String) {
        var door = Fixture.peer()
        let offer = RTCSessionDescription(type: .offer, sdp: text)
        #expect(failure { try door.setRemoteDescription(offer, at: Fixture.now) } == "InvalidAccessError")
        #expect(door.signalingState == .stable && door.remoteDescription == nil)
    }

    @Test func `an offer of nothing is answered with nothing`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(
            .init(type: .offer, sdp: "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"))
        #expect(answer.media.isEmpty && answer.groups.isEmpty)
        #expect(!door.sendsAnything)
    }

    @Test func `two media descriptions with one tag are refused`() throws {
        var door = Fixture.peer()
        let offer = try Fixture.chromium { $0.media[1].mid = "0" }
        #expect(failure { try door.setRemoteDescription(offer, at: Fixture.now) } == "InvalidAccessError")
        #expect(door.allTransceivers.count == 2)
    }
}
