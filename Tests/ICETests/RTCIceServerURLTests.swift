import ICE
import Testing

@Suite struct `URLs of ICE servers` {
    @Test(arguments: [
        // RFC 7064 appendix A and RFC 7065 appendix A.
        ("stun:example.org", "stun:example.org:3478"),
        ("stun:example.org:8000", "stun:example.org:8000"),
        ("turn:example.org", "turn:example.org:3478"),
        ("turns:example.org", "turns:example.org:5349"),
        ("turn:example.org:8000", "turn:example.org:8000"),
        ("turn:example.org?transport=udp", "turn:example.org:3478?transport=udp"),
        ("turns:example.org?transport=tcp", "turns:example.org:5349?transport=tcp"),
        ("stun:[2001:db8::1]:5000", "stun:[2001:db8::1]:5000"),
        ("stuns:example.org", "stuns:example.org:5349"), ("TURN:example.org", "turn:example.org:3478"),
        ("192.0.2.1:3479", "stun:192.0.2.1:3479"),
    ])
    func `A URI is read and completed`(text: String, whole: String) {
        #expect(RTCIceServerURL(text, defaultScheme: .stun)?.description == whole)
    }

    @Test(arguments: [
        "", "stun:", ":3478", "a:0", "a:65536", "a:+5", "a:", "a:b:1", "[::1", "[::1]x", "[192.0.2.1]", "::1",
        "http://a",
        "stun:a?transport=udp", "turn:a?transport=sctp", "turn:a?x", "a b", "stun://a", "a:٣", "stuns:a?transport=tcp",
    ])
    func `What is no URI of a server is refused`(text: String) {
        #expect(RTCIceServerURL(text, defaultScheme: .stun) == nil)
    }

    @Test(arguments: [
        ("turn:a", false), ("turn:a?transport=tcp", true), ("turns:a", true), ("turns:a?transport=udp", false),
        ("stun:a", false), ("stuns:a", true),
    ])
    func `Its scheme and its query tell whether TCP is used`(text: String, usesTCP: Bool) {
        #expect(RTCIceServerURL(text)?.usesTCP == usesTCP)
    }

    @Test func `Without a scheme it is none, unless one is given`() {
        #expect(RTCIceServerURL("example.org:3478") == nil)
    }
}
