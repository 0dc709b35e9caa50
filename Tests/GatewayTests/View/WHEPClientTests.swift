import Calls
import FoundationEssentials
import RTP
import Testing
import Web

@testable import Gateway

/// What a WHEP player makes of addresses, links and pictures; the rest is tested against servers (Tests/Interop).
@Suite struct WHEPClientTests {
    @Test(arguments: [
        ("http://door/whep", HTTPClient.Target(isSecure: false, host: "door", port: 80, path: "/whep")),
        ("https://door", HTTPClient.Target(isSecure: true, host: "door", port: 443, path: "/")),
        (
            "HTTPS://door:8443/a%20b?c=d",
            HTTPClient.Target(isSecure: true, host: "door", port: 8443, path: "/a%20b?c=d")
        ),
        ("http://[fe80::1]:8080/whep", HTTPClient.Target(isSecure: false, host: "fe80::1", port: 8080, path: "/whep")),
    ])
    func `an address says where a request goes`(url: String, target: HTTPClient.Target) throws {
        #expect(HTTPClient.Target(try #require(URL(string: url))) == target)
    }

    @Test(arguments: ["ftp://door/whep", "door/whep", "file:///etc/passwd", "http://door:99999/"])
    func `what is no web address goes nowhere`(url: String) throws {
        guard let url = URL(string: url) else { return }
        #expect(HTTPClient.Target(url) == nil)
    }

    @Test(arguments: [
        ("/whep/1", "http://door:8080/whep/1"), ("1", "http://door:8080/live/1"),
        ("../x?y=z", "http://door:8080/x?y=z"),
        ("https://other/1", "https://other/1"), ("//other/1", "http://other/1"),
    ])
    func `a location is seen from where it came`(location: String, url: String) throws {
        let response = HTTPResponse(status: 201, headers: [.init("Location", location)])
        let base = try #require(URL(string: "http://door:8080/live/whep"))
        #expect(response.location(relativeTo: base)?.absoluteString == url)
    }

    @Test func `ICE servers are found among links`() {
        let field =
            "<stun:stun.example.net>; rel=\"ice-server\", </style.css>; rel=preload; as=style, "
            + "<turn:turn.example.net?transport=udp>; rel=\"ice-server\"; username=\"a, b; \\\"c\\\"\";"
            + " credential=secret; credential-type=\"password\""
        #expect(
            ICEServer.links(in: field) == [
                ICEServer(urls: ["stun:stun.example.net"]),
                ICEServer(urls: ["turn:turn.example.net?transport=udp"], username: "a, b; \"c\"", credential: "secret"),
            ])
    }

    @Test(arguments: [
        "", "<", "<>", "<stun:a", "stun:a; rel=ice-server", "<stun:a>; rel=\"ice-server", "<a>;;;", "<a>;=,",
    ])
    func `a broken link does no harm`(field: String) {
        #expect(ICEServer.links(in: field).count <= 1)
    }

    @Test func `a picture is saved with a start code before each unit`() {
        var depacketizer = H264Depacketizer()
        let units: [[UInt8]] = [[0x67, 1, 2], [0x68, 3], [0x65, 4, 5, 6]]
        for (index, unit) in units.enumerated() {
            let header = RTPHeader(
                marker: index == 2, payloadType: 102, sequenceNumber: SequenceNumber(UInt16(index)), timestamp: 0,
                ssrc: 1)
            depacketizer.handle(RTPPacket(header: header, payload: unit[...]), sequence: Int64(index))
        }
        guard case .frame(let frame) = depacketizer.nextOutput() else {
            Issue.record("no frame came")
            return
        }
        #expect(frame.byteStream == [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 4, 5, 6])
    }
}
