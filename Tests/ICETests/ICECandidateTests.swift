import Testing
import Wire

@testable import ICE

@Suite struct `ICE candidates` {
    @Test func `Chromium's host candidates are read`() throws {
        let line = "a=candidate:1642484197 1 udp 2122265343 fd00::2 39417 typ host generation 0 network-id 2"
        let candidate = try ICECandidate(parsing: line)
        #expect(candidate.foundation == "1642484197")
        #expect(candidate.component == 1)
        #expect(candidate.transport == .udp)
        #expect(candidate.priority == 2_122_265_343)
        #expect(candidate.socketAddress == SocketAddress(IPAddress("fd00::2")!, port: 39417))
        #expect(candidate.kind == .host)
        #expect(candidate.related == nil)
        #expect(candidate.extensions == [.init(name: "generation", value: "0"), .init(name: "network-id", value: "2")])
        #expect("a=" + candidate.attribute == line)
    }

    @Test func `Firefox's upper case and mDNS names are read`() throws {
        let candidate = try ICECandidate(
            parsing: "candidate:0 1 UDP 2122187007 ca6dfa69-33e3-49dd-9289-31e5abd94150.local 43267 typ host")
        #expect(candidate.transport == .udp)
        #expect(candidate.address == .name("ca6dfa69-33e3-49dd-9289-31e5abd94150.local"))
        #expect(candidate.socketAddress == nil)
    }

    @Test(arguments: [
        "candidate:2 1 tcp 2105458943 ca6dfa69-33e3-49dd-9289-31e5abd94150.local 9 typ host tcptype active",
        "candidate:408674253 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active generation 0 network-id 1",
        "candidate:842163049 1 udp 1677729535 203.0.113.9 50000 typ srflx raddr 192.0.2.2 rport 42297 generation 0 "
            + "network-cost 999 ufrag WXYZ",
        "candidate:3 1 udp 8331263 198.51.100.7 3478 typ relay raddr 203.0.113.9 rport 50000",
        "candidate:x+/9 256 udp 1 10.0.0.1 0 typ prflx raddr fd00::1 rport 1",
    ])
    func `A candidate is written as it was read`(text: String) throws {
        #expect(try ICECandidate(parsing: text).attribute == text)
        #expect(try ICECandidate(parsing: "a=\(text)\r\n").attribute == text)
        #expect(try ICECandidate(parsing: text.dropFirst("candidate:".count)).attribute == text)
    }

    @Test func `The related address, the fragment and the TCP type are found in any order`() throws {
        let candidate = try ICECandidate(
            parsing: "candidate:1 1 TCP 5 192.0.2.2 9 typ srflx ufrag abcd rport 7 TCPTYPE Passive raddr 10.0.0.1")
        #expect(candidate.usernameFragment == "abcd")
        #expect(candidate.related == .init(address: .ip(IPAddress("10.0.0.1")!), port: 7))
        #expect(candidate.transport == .tcp(type: "passive"))
    }

    @Test(
        arguments: [
            ("", .tooFewFields), ("candidate:", .tooFewFields), ("candidate:1 1 udp 5 192.0.2.2 9 typ", .tooFewFields),
            ("candidate:ü 1 udp 5 192.0.2.2 9 typ host", .invalidFoundation),
            ("candidate:123456789012345678901234567890123 1 udp 5 192.0.2.2 9 typ host", .invalidFoundation),
            ("candidate:1 0 udp 5 192.0.2.2 9 typ host", .invalidComponent),
            ("candidate:1 257 udp 5 192.0.2.2 9 typ host", .invalidComponent),
            ("candidate:1 99999 udp 5 192.0.2.2 9 typ host", .invalidComponent),
            ("candidate:1 1 udp 0 192.0.2.2 9 typ host", .invalidPriority),
            ("candidate:1 1 udp 2147483648 192.0.2.2 9 typ host", .invalidPriority),
            ("candidate:1 1 udp +5 192.0.2.2 9 typ host", .invalidPriority),
            ("candidate:1 1 udp 5 192.0.2.256 9 typ host", .invalidAddress),
            ("candidate:1 1 udp 5 a_b.local 9 typ host", .invalidAddress),
            ("candidate:1 1 udp 5 192.0.2.2 65536 typ host", .invalidPort),
            ("candidate:1 1 udp 5 192.0.2.2 -1 typ host", .invalidPort),
            ("candidate:1 1 udp 5 192.0.2.2 9 type host", .invalidType),
            ("candidate:1 1 udp 5 192.0.2.2 9 typ guest", .invalidType),
            ("candidate:1 1 udp 5 192.0.2.2 9 typ srflx raddr", .danglingExtension),
            ("candidate:1 1 udp 5 192.0.2.2 9 typ srflx raddr ? rport 1", .invalidAddress),
            ("candidate:1 1 udp 5 192.0.2.2 9 typ srflx raddr 10.0.0.1 rport x", .invalidPort),
        ] as [(String, ICECandidateError)])
    func `A broken candidate is refused with its reason`(text: String, error: ICECandidateError) {
        #expect(throws: error) { try ICECandidate(parsing: text) }
    }

    @Test func `A combining mark behind a space makes no other fields of what was read once it is written`() throws {
        let text = "candidate:1 1 udp 5 192.0.2.2 9 typ host a b\n\u{30A} c"
        let candidate = try ICECandidate(parsing: text)
        #expect(candidate.extensions.map(\.value) == ["b", "c"])
        #expect(try ICECandidate(parsing: candidate.attribute) == candidate)
    }

    @Test func `Random text never traps`() {
        let random = SeededRandomSource(seed: 8839)
        let words = [
            "candidate:1", "a=", "1", "udp", "typ", "host", "4294967296", "::1", "é", "\u{0}", "raddr", "rport", "%",
        ]
        for _ in 0..<5000 {
            let text = (0..<random.below(14)).map { _ in words[random.below(words.count)] }.joined(separator: " ")
            _ = try? ICECandidate(parsing: text)
        }
    }

    @Test func `Priorities follow RFC 8445 §5.1.2.1`() {
        // The example of RFC 8839 §5.1 and what browsers send for their first address.
        #expect(ICECandidate.priority(of: .host, localPreference: 65535) == 2_130_706_431)
        #expect(ICECandidate.priority(of: .serverReflexive, localPreference: 65535) == 1_694_498_815)
        #expect(ICECandidate.priority(of: .peerReflexive, localPreference: 0, component: 256) == 110 << 24)
        #expect(ICECandidate.priority(of: .relayed, localPreference: 1, component: 1) == 511)
    }

    @Test func `A pair has one priority on both sides, and the controlling side's candidate breaks the tie`() {
        let (high, low): (UInt32, UInt32) = (2_130_706_431, 1_694_498_815)
        let expected = UInt64(low) << 32 + UInt64(high) * 2
        #expect(ICECandidatePair.priority(local: high, remote: low, role: .controlling) == expected + 1)
        #expect(ICECandidatePair.priority(local: low, remote: high, role: .controlled) == expected + 1)
        #expect(ICECandidatePair.priority(local: low, remote: high, role: .controlling) == expected)
        #expect(
            ICECandidatePair.priority(local: .max, remote: .max, role: .controlling) == 0xFFFF_FFFF_0000_0000
                &+ 0x1_FFFF_FFFE)
    }
}
