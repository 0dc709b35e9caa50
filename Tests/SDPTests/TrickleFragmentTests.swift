import Testing

@testable import SDP

@Suite("A trickle fragment")
struct TrickleFragmentTests {
    @Test("of a WHEP player is understood")
    func parse() throws {
        let fragment = try TrickleFragment(
            parsing: """
                a=group:BUNDLE 0 1
                a=ice-ufrag:EsAw
                a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
                m=audio 9 RTP/AVP 0
                a=mid:0
                a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1
                a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0 ufrag EsAw network-id 2
                m=audio 9 RTP/AVP 0
                a=mid:1
                a=end-of-candidates

                """)
        #expect(fragment.iceUfrag == "EsAw")
        #expect(fragment.icePwd == "P2uYro0UCOQ4zxjKXaWCBui1")
        #expect(fragment.sections.map(\.mid) == ["0", "1"])
        #expect(fragment.sections.map(\.candidates.count) == [2, 0])
        #expect(fragment.sections[0].candidates[1].hasPrefix("candidate:3471623853 1 udp"))
        #expect(fragment.sections.map(\.hasEndOfCandidates) == [false, true])
        #expect(try TrickleFragment(parsing: fragment.description) == fragment)
    }

    @Test("may have candidates before the first section, or nothing at all")
    func loose() throws {
        let fragment = try TrickleFragment(parsing: "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\na=end-of-candidates\n")
        #expect(fragment.sections.count == 1)
        #expect(fragment.sections[0].mid == nil && fragment.sections[0].hasEndOfCandidates)
        #expect(try TrickleFragment(parsing: fragment.description) == fragment)
        #expect(try TrickleFragment(parsing: "") == TrickleFragment(iceUfrag: nil, icePwd: nil, sections: []))
    }

    @Test("that is malformed is refused")
    func malformed() {
        #expect(throws: SDPError(line: 1, reason: .malformedValue(of: "ice-ufrag"))) {
            try TrickleFragment(parsing: "a=ice-ufrag:x\n")
        }
        #expect(throws: SDPError(line: 2, reason: .malformedLine)) { try TrickleFragment(parsing: "\nnonsense\n") }
        #expect(throws: SDPError(line: 65, reason: .tooMany)) {
            try TrickleFragment(parsing: String(repeating: "m=audio 9 RTP/AVP 0\n", count: 70))
        }
    }
}
