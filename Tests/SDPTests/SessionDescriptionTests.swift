import RecordedOffers
import Testing
import Wire

@testable import SDP

@Suite("A session description")
struct SessionDescriptionTests {
    @Test("Chromium's offer is understood")
    func chromium() throws {
        let offer = try SessionDescription(parsing: BrowserOffers.chromium)
        #expect(offer.origin.sessionID == 8_579_502_088_381_128_288)
        #expect(offer.origin.sessionVersion == 2)
        #expect(offer.origin.address == "IN IP4 127.0.0.1")
        #expect(offer.groups == [.init("BUNDLE", ["0", "1", "2"])])
        #expect(!offer.isICELite)
        #expect(offer.attributes.map(\.name) == ["msid-semantic"])
        #expect(offer.media.map(\.kind) == [.video, .audio, .application])
        #expect(offer.media.map(\.mid) == ["0", "1", "2"])
        #expect(offer.media.allSatisfy { $0.setup == .actpass && $0.iceOptions == ["trickle"] })

        let video = offer.media[0]
        #expect(video.port == 58228)
        #expect(video.isRTP && !video.isRejected)
        #expect(video.connection == "IN IP4 192.0.2.2")
        #expect(video.direction == .recvonly)
        #expect(video.isRTCPMultiplexed && video.isRTCPReducedSize && video.allowsMixedHeaderExtensions)
        #expect(video.iceUfrag == "Td02" && video.icePwd == "oowruaLUO1ltzFa2jOdw8Nqc")
        #expect(video.candidates.count == 4 && !video.hasEndOfCandidates)
        #expect(
            video.candidates[0]
                == "candidate:1720991061 1 udp 2122194687 192.0.2.2 58228 typ host generation 0 network-id 1")
        #expect(video.fingerprints.map(\.hashFunction) == ["sha-256"])
        #expect(video.fingerprints[0].bytes.prefix(3) == [0xD5, 0xB0, 0x3E])
        #expect(video.fingerprints[0].bytes.count == 32)
        #expect(video.headerExtensions.count == 11)
        #expect(
            video.headerExtensions[3]
                == HeaderExtension(
                    id: 4, uri: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"))
        #expect(video.formats.joined(separator: " ").hasPrefix("96 97 98 99 100 101 35 36"))
        #expect(video.codecs.count == 34)
        let h264 = try #require(video.codec(108))
        #expect(h264.isNamed("h264") && h264.clockRate == 90000 && h264.channels == nil)
        #expect(
            h264.parameters == [
                .init("level-asymmetry-allowed", "1"), .init("packetization-mode", "1"),
                .init("profile-level-id", "42e01f"),
            ])
        #expect(h264.feedback == [.remb, .transportCC, .fullIntraRequest, .nack, .pictureLossIndication])
        #expect(video.retransmissionCodec(for: 108)?.payloadType == 109)
        #expect(video.retransmissionCodec(for: 120) == nil)

        let audio = offer.media[1]
        #expect(audio.codecs[0].name == "opus" && audio.codecs[0].channels == 2)
        #expect(audio.codecs[0].parameter("UseInbandFEC") == "1")
        #expect(audio.codecs[1].parameters == [.init("111/111")])
        #expect(
            audio.msids == [
                MSID(stream: "e131b2e0-c5b2-4c07-a624-0cf3dfe2c6b6", track: "7dc06588-cce8-4b05-bffc-1385e68ff71e")
            ])
        #expect(audio.sources.map(\.ssrc) == [3_981_777_895])
        #expect(audio.sources[0].cname == "/q42mM0CAGnf8hIB")
        #expect(audio.sources[0].attributes.count == 2)

        let data = offer.media[2]
        #expect(data.transportProtocol == MediaDescription.sctpProtocol && !data.isRTP)
        #expect(data.formats == ["webrtc-datachannel"])
        #expect(data.sctpPort == 5000 && data.maxMessageSize == 262_144)
    }

    @Test("Firefox's offer is understood, its session-level fingerprint in every section")
    func firefox() throws {
        let offer = try SessionDescription(parsing: BrowserOffers.firefox)
        #expect(offer.origin.username == "mozilla...THIS_IS_SDPARTA-99.0")
        #expect(offer.bundles == [["0", "1", "2"]])
        #expect(offer.media.map(\.direction) == [.recvonly, .sendrecv, .sendrecv])
        #expect(offer.media.allSatisfy { $0.fingerprints.first?.bytes.first == 0x96 && $0.iceOptions == ["trickle"] })
        #expect(offer.media.allSatisfy { $0.hasEndOfCandidates && $0.candidates.count >= 4 })
        let video = offer.media[0]
        #expect(
            video.headerExtensions[3]
                == HeaderExtension(
                    id: 6, uri: "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", direction: .recvonly))
        #expect(
            video.codecs.map(\.payloadType) == [
                120, 124, 121, 125, 126, 127, 97, 98, 105, 106, 103, 104, 99, 100, 123, 122, 119,
            ])
        #expect(video.codec(97)?.parameter("packetization-mode") == nil)
        #expect(video.retransmissionCodec(for: 126)?.payloadType == 127)
        #expect(offer.media[1].codecs[0].feedback == [.transportCC])
        #expect(offer.media[1].codecs[1].channels == 1)
        #expect(offer.media[1].codecs[4].parameters == [.init("0-15")])
        #expect(offer.media[2].maxMessageSize == 1_073_741_823)
    }

    @Test("what was written is read as it was meant", arguments: 0..<2)
    func roundTrip(browser: Int) throws {
        let text = BrowserOffers.all[browser]
        let offer = try SessionDescription(parsing: text)
        let written = offer.description
        #expect(try SessionDescription(parsing: written) == offer)
        #expect(
            written.split(separator: "\r\n", omittingEmptySubsequences: false).dropLast().allSatisfy { !$0.isEmpty })
        #expect(written.hasPrefix("v=0\r\no=") && written.hasSuffix("\r\n"))
        // Nothing is lost: every line of the original but those handed down from session level or moved is there still.
        let lines = Set(written.split(separator: "\r\n"))
        for line in text.split(separator: "\r\n") where !line.hasPrefix("a=fmtp") {
            #expect(lines.contains(line), "\(line)")
        }
    }

    @Test("line ends with CRLF and with LF alone mean the same")
    func lineEnds() throws {
        #expect(
            try SessionDescription(parsing: BrowserOffers.all[0])
                == SessionDescription(parsing: BrowserOffers.chromium))
    }

    static func minimal(session: [String] = [], media: [String] = []) -> String {
        (["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0"] + session + media).map { $0 + "\r\n" }.joined()
    }

    @Test("a section inherits from the session level only what it does not say itself")
    func inheritance() throws {
        let description = try SessionDescription(
            parsing: Self.minimal(
                session: [
                    "a=ice-lite", "a=ice-ufrag:session", "a=ice-pwd:sessionsessionsession00", "a=setup:passive",
                    "a=fingerprint:SHA-1 00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13", "a=sendonly",
                    "a=extmap:1 urn:x",
                ],
                media: [
                    "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=ice-ufrag:media", "a=ice-pwd:mediamediamediamediamedia",
                    "a=setup:active", "a=recvonly", "a=extmap:2 urn:y", "m=audio 9 UDP/TLS/RTP/SAVPF 8",
                ]))
        #expect(description.isICELite)
        let (first, second) = (description.media[0], description.media[1])
        #expect(first.iceUfrag == "media" && second.iceUfrag == "session")
        #expect(first.icePwd == "mediamediamediamediamedia" && second.icePwd == "sessionsessionsession00")
        #expect(first.setup == .active && second.setup == .passive)
        #expect(first.direction == .recvonly && second.direction == .sendonly)
        #expect(first.headerExtensions.map(\.id) == [2] && second.headerExtensions.map(\.id) == [1])
        #expect(first.fingerprints == second.fingerprints)
        #expect(first.fingerprints == [SDPFingerprint(hashFunction: "sha-1", bytes: Array(0..<20))])
        #expect(try SessionDescription(parsing: description.description) == description)
    }

    @Test("static payload types need no mapping; unexplained ones are kept apart, and a feedback for all is for each")
    func payloadTypes() throws {
        let description = try SessionDescription(
            parsing: Self.minimal(media: [
                "m=audio 9 UDP/TLS/RTP/SAVPF 0 96 97 8", "a=rtpmap:96 opus/48000/2", "a=rtcp-fb:* nack",
                "a=rtcp-fb:96 ccm tmmbr smaxpr=120", "a=rtcp-fb:96 nack", "a=fmtp:96  minptime = 10 ; ; usedtx=1;",
                "a=rtpmap:99 unused/8000", "b=AS:64", "b=TIAS:64000",
            ]))
        let media = description.media[0]
        #expect(media.codecs.map(\.name) == ["PCMU", "opus", "PCMA"])
        #expect(media.otherFormats == ["97"])
        #expect(media.codecs[0].feedback == [.nack])
        #expect(media.codecs[1].feedback == [.nack, RTCPFeedback("ccm", "tmmbr smaxpr=120")])
        #expect(media.codecs[1].parameters == [.init("minptime", "10"), .init("usedtx", "1")])
        #expect(media.bandwidths == [Bandwidth("AS", 64), Bandwidth("TIAS", 64000)])
        #expect(try SessionDescription(parsing: description.description) == description)
    }

    @Test("unknown attributes are kept, unknown lines and empty lines passed over")
    func unknown() throws {
        let description = try SessionDescription(
            parsing: Self.minimal(
                session: ["u=http://example.com", "a=tool:x:y", "z=0 0"],
                media: ["", "m=text 7 TCP/MSRP *", "i=title", "k=clear:x", "a=simulcast:send 1;2", "a=flag"]))
        #expect(description.attributes == [.init("tool", "x:y")])
        #expect(description.media[0].kind == .other("text"))
        #expect(description.media[0].formats == ["*"])
        #expect(description.media[0].attributes == [.init("simulcast", "send 1;2"), .init("flag")])
        #expect(description.description.contains("m=text 7 TCP/MSRP *\r\n"))
    }

    @Test("a section of a bundle uses the transport of the bundle's first")
    func bundle() throws {
        var description = try SessionDescription(parsing: BrowserOffers.chromium)
        #expect((0..<3).map { description.transportSection(for: $0) } == [0, 0, 0])
        #expect(description.transportSection(for: 3) == nil)
        description.groups = [.init("BUNDLE", ["2", "1"]), .init("LS", ["0", "1"]), .init("BUNDLE", [])]
        #expect((0..<3).map { description.transportSection(for: $0) } == [0, 2, 2])
    }

    @Test("a section with port 0 is rejected, unless it is bundle-only")
    func rejection() throws {
        let description = try SessionDescription(
            parsing: Self.minimal(media: [
                "m=audio 0 UDP/TLS/RTP/SAVPF 0", "a=bundle-only", "m=audio 0/2 UDP/TLS/RTP/SAVPF 0",
            ]))
        #expect(description.media.map(\.isRejected) == [false, true])
    }

    @Test("a section without formats is still written as a line that can be read")
    func noFormats() throws {
        let media = MediaDescription(kind: .application, transportProtocol: MediaDescription.sctpProtocol, port: 0)
        let written = SessionDescription(origin: .init(sessionID: 1, sessionVersion: 1), media: [media]).description
        #expect(try SessionDescription(parsing: written).media[0].isRejected)
    }

    @Test("directions combine and reverse")
    func directions() {
        #expect(MediaDirection.sendonly.reversed == .recvonly)
        #expect(MediaDirection.sendrecv.reversed == .sendrecv)
        #expect(MediaDirection.sendrecv.intersection(.recvonly) == .recvonly)
        #expect(MediaDirection.sendonly.intersection(.recvonly) == .inactive)
    }
}

@Suite("Text that is no session description")
struct MalformedDescriptionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let error: SDPError
        var testDescription: String { String(text.suffix(60)) }

        init(_ text: String, line: Int, _ reason: SDPError.Reason) {
            self.text = text
            error = SDPError(line: line, reason: reason)
        }

        /// A section of whose lines the last is at fault.
        init(attribute: String, in media: String = "m=audio 9 UDP/TLS/RTP/SAVPF 0") {
            let name = attribute.split(separator: ":")[0]
            self.init(
                SessionDescriptionTests.minimal(media: [media, "a=\(attribute)"]), line: 6,
                .malformedValue(of: String(name)))
        }
    }

    static let cases = [
        Case("", line: 1, .unsupportedVersion),
        Case("v=1\r\n", line: 1, .unsupportedVersion),
        Case("o=- 1 2 IN IP4 127.0.0.1\r\nv=0\r\n", line: 1, .unsupportedVersion),
        Case("v=0\r\ns=-\r\nt=0 0\r\n", line: 2, .unexpectedLine),
        Case("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\n", line: 2, .unexpectedLine),
        Case("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nt=0 0\r\ns=-\r\n", line: 2, .unexpectedLine),
        Case("v=0\r\no=- -1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", line: 2, .malformedValue(of: "o")),
        Case("v=0\r\no=- 18446744073709551616 2 IN IP4 0\r\ns=-\r\nt=0 0\r\n", line: 2, .malformedValue(of: "o")),
        Case("v=0\r\no=- 1 2\r\ns=-\r\nt=0 0\r\n", line: 2, .malformedValue(of: "o")),
        Case("v=0\r\nfoo\r\n", line: 2, .malformedLine),
        Case("v=0\r\n=\r\n", line: 2, .malformedLine),
        Case("v=0\r\ns=a\rb\r\n", line: 2, .malformedLine),
        Case("v=0\r\ns=a\0b\r\n", line: 2, .malformedLine),
        Case(SessionDescriptionTests.minimal(media: ["m=audio 9 RTP/AVP"]), line: 5, .malformedValue(of: "m")),
        Case(SessionDescriptionTests.minimal(media: ["m=audio 65536 RTP/AVP 0"]), line: 5, .malformedValue(of: "m")),
        Case(SessionDescriptionTests.minimal(media: ["m=audio 9 RTP/AVP 128"]), line: 5, .malformedValue(of: "m")),
        Case(SessionDescriptionTests.minimal(media: ["m=audio 9 RTP/AVP x"]), line: 5, .malformedValue(of: "m")),
        Case(
            SessionDescriptionTests.minimal(media: ["m=audio 9 RTP/AVP 0 8 0"]), line: 5, .duplicate("payload type 0")),
        Case(
            SessionDescriptionTests.minimal(media: ["m=audio 9 RTP/AVP 0", "a=mid:x", "m=audio 9 RTP/AVP 0", "a=mid:x"]
            ),
            line: 8, .duplicate("mid x")),
        Case(
            SessionDescriptionTests.minimal(media: [String](repeating: "m=audio 9 RTP/AVP 0", count: 65)), line: 69,
            .tooMany),
        Case(SessionDescriptionTests.minimal(session: [String(repeating: "x", count: 65536)]), line: 1, .tooLong),
        Case(SessionDescriptionTests.minimal(session: ["a=group:"]), line: 5, .malformedValue(of: "group")),
        Case(SessionDescriptionTests.minimal(session: ["a=setup:both"]), line: 5, .malformedValue(of: "setup")),
        Case(
            SessionDescriptionTests.minimal(media: ["m=audio 9 RTP/AVP 0", "b=AS"]), line: 6, .malformedValue(of: "b")),
        Case(attribute: "mid"), Case(attribute: "mid:"), Case(attribute: "mid:a b"), Case(attribute: "mid:\u{E9}"),
        Case(attribute: "mid:" + String(repeating: "x", count: 257)),
        Case(attribute: "ice-ufrag:abc"), Case(attribute: "ice-pwd:123456789012345678901"),
        Case(attribute: "ice-ufrag:" + String(repeating: "x", count: 257)),
        Case(attribute: "setup:"), Case(attribute: "fingerprint:sha-256"), Case(attribute: "fingerprint:sha-256 00:11"),
        Case(attribute: "fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:+3"),
        Case(attribute: "fingerprint:other " + [String](repeating: "00", count: 65).joined(separator: ":")),
        Case(attribute: "fingerprint:sha-1 0:1"), Case(attribute: "extmap:1"), Case(attribute: "extmap:0 urn:x"),
        Case(attribute: "extmap:65536 urn:x"), Case(attribute: "extmap:1/both urn:x"), Case(attribute: "msid:"),
        Case(attribute: "msid:a b c"), Case(attribute: "ssrc:1"), Case(attribute: "ssrc:4294967296 cname:x"),
        Case(attribute: "ssrc:-1 cname:x"), Case(attribute: "ssrc-group:"), Case(attribute: "ssrc-group:FID 1 x"),
        Case(attribute: "sctp-port:65536"), Case(attribute: "max-message-size:x"), Case(attribute: "rtpmap:0"),
        Case(attribute: "rtpmap:0 PCMU"), Case(attribute: "rtpmap:0 PCMU/0"), Case(attribute: "rtpmap:0 PCMU/8000/0"),
        Case(attribute: "rtpmap:0 PCMU/8000/1/1"), Case(attribute: "rtpmap:0 /8000"),
        Case(attribute: "rtpmap:128 PCMU/8000"), Case(attribute: "fmtp:x y=z"), Case(attribute: "fmtp:0"),
        Case(attribute: "rtcp-fb:0"), Case(attribute: "rtcp-fb:x nack"),
    ]

    @Test("is refused with the line and the reason", arguments: cases)
    func refused(example: Case) {
        #expect(throws: example.error) { try SessionDescription(parsing: example.text) }
    }

    @Test(
        "and damaged descriptions are either refused or read in a way that survives writing",
        arguments: 0..<20 as Range<UInt64>)
    func mutation(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        let original = Array(BrowserOffers.all[Int(seed % 2)].utf8)
        let alphabet = Array("\r\n =:;/.0129azAZ*-\u{301}\u{0}\u{E9}".utf8)
        var accepted = 0
        for _ in 0..<25 {
            var bytes = original
            for _ in 0...random.below(4) {
                let position = random.below(bytes.count)
                let end = min(bytes.count, position + random.below(40))
                switch random.below(5) {
                case 0: bytes[position] = alphabet[random.below(alphabet.count)]
                case 1: bytes[position] = UInt8(random.below(256))
                case 2: bytes.removeSubrange(position..<end)
                case 3: bytes.insert(contentsOf: bytes[position..<end], at: random.below(bytes.count))
                default: bytes.insert(alphabet[random.below(alphabet.count)], at: position)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let description = try? SessionDescription(parsing: text) else { continue }
            accepted += 1
            #expect((try? SessionDescription(parsing: description.description)) == description)
            _ = try? TrickleFragment(parsing: text)
        }
        #expect(accepted > 0)
    }
}
