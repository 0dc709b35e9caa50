import Calls
import ICE
import PeerConnection
import Testing
import Wire

@testable import Gateway

@Suite struct ICEServersTests {
    private static func network(_ change: (inout Configuration.Network) -> Void) -> Configuration.Network {
        var network = Configuration().network
        network.stunServers = [RTCIceServerURL("stun:s.example")!]
        network.turnServers = [RTCIceServerURL("turn:t.example")!, RTCIceServerURL("turns:t.example")!]
        change(&network)
        return network
    }

    private static let now = WallClock(epochMilliseconds: 1_900_000_000_001)

    @Test func `A name and a password are given as they are`() {
        let network = Self.network {
            $0.turnUsername = "ann"
            $0.turnCredential = "secret"
        }
        let servers = network.iceServers(for: "door", at: Self.now)
        #expect(servers.map(\.urls) == [network.stunServers, network.turnServers])
        #expect(servers.map(\.username) == ["", "ann"] && servers.map(\.credential) == ["", "secret"])
        #expect(network.credentialRenewal == nil)
        #expect(
            servers.map(ICEServer.init) == [
                ICEServer(urls: ["stun:s.example:3478"]),
                ICEServer(
                    urls: ["turn:t.example:3478", "turns:t.example:5349"], username: "ann", credential: "secret"),
            ])
    }

    @Test func `Of a secret credentials are made that expire, and are renewed at half their time`() throws {
        let network = Self.network {
            $0.turnUsername = "ann"
            $0.turnSecret = "north"
            $0.turnCredentialLifetime = .seconds(60)
        }
        let server = try #require(network.iceServers(for: "door", at: Self.now).last)
        #expect(server.username == "1900000061:door")
        #expect(server.expiresAt == 1_900_000_061)
        // echo -n 1900000061:door | openssl dgst -sha1 -hmac north -binary | base64
        #expect(server.credential == "4eBJxProjMmH9pvmKGvw7g0N4c4=")
        #expect(network.credentialRenewal == .seconds(30))
    }

    @Test func `Where there are neither STUN nor TURN servers a public one is asked, unless the owner forbids it`() {
        let fallback = RTCIceServerURL("stun:public.example")!
        let alone = Self.network {
            $0.stunServers = []
            $0.turnServers = []
            $0.stunFallback = fallback
        }
        #expect(alone.iceServers(for: "door", at: Self.now).map(\.urls) == [[fallback]])
        let withTURN = Self.network {
            $0.stunServers = []
            $0.stunFallback = fallback
        }
        #expect(withTURN.iceServers(for: "door", at: Self.now).map(\.urls) == [withTURN.turnServers])
        let withSTUN = Self.network { $0.turnServers = [] }
        #expect(withSTUN.iceServers(for: "door", at: Self.now).map(\.urls) == [withSTUN.stunServers])
        var forbidden = alone
        forbidden.stunFallback = nil
        #expect(forbidden.iceServers(for: "door", at: Self.now).isEmpty)
    }

    @Test func `A program that asks gets credentials for TURN, and the servers that want none`() {
        let expiring = TURNCredentials(
            Self.network {
                $0.turnSecret = "north"
                $0.turnCredentialLifetime = .seconds(60)
            }, for: "door", at: Self.now)
        #expect(expiring.username == "1900000061:door" && expiring.password == "4eBJxProjMmH9pvmKGvw7g0N4c4=")
        #expect(expiring.ttl == 60)
        #expect(expiring.uris == ["turn:t.example:3478", "turns:t.example:5349"])
        #expect(expiring.iceServers.first == ICEServer(urls: ["stun:s.example:3478"]))
        let lasting = TURNCredentials(
            Self.network {
                $0.turnUsername = "ann"
                $0.turnCredential = "secret"
            }, for: "door", at: Self.now)
        #expect(lasting.username == "ann" && lasting.password == "secret" && lasting.ttl == 86400)
        let none = TURNCredentials(Self.network { $0.turnServers = [] }, for: "door", at: Self.now)
        #expect(none.username == nil && none.password == nil && none.uris.isEmpty && none.iceServers.count == 1)
    }

    @Test func `Without servers there is nothing to renew`() {
        let network = Self.network {
            $0.turnServers = []
            $0.turnSecret = "north"
        }
        #expect(network.credentialRenewal == nil)
        #expect(network.iceServers(for: "door", at: Self.now).map(\.urls) == [network.stunServers])
    }

    @Test func `What a server names is taken as far as it is a server`() {
        let named = ICEServer(urls: ["turn:t.example?transport=tcp", "gopher:x"], username: "u", credential: "c")
        #expect(named.peerServer?.urls.map(\.description) == ["turn:t.example:3478?transport=tcp"])
        #expect(named.peerServer?.username == "u" && named.peerServer?.credential == "c")
        #expect(ICEServer(urls: ["gopher:x"]).peerServer == nil)
    }

    @Test func `An error is news once a minute, and so is another one of the same server`() {
        var errors = ICEServerErrors()
        let error = { (code: UInt16, text: String) in
            RTCIceCandidateError(
                address: "10.0.0.1", port: 1, url: "turn:t.example:3478", errorCode: code, errorText: text)
        }
        let start = Instant.zero
        let isNews = [
            errors.note(error(401, "Unauthorized"), at: start),
            errors.note(error(401, "Unauthorized"), at: start + .seconds(59)),
            errors.note(error(486, "Allocation Quota Reached"), at: start + .seconds(59)),
            errors.note(error(486, "Allocation Quota Reached"), at: start + .seconds(119)),
        ]
        #expect(isNews == [true, false, true, true])
        let entry = errors.entries["turn:t.example:3478"]
        #expect(entry?.count == 4 && entry?.code == 486 && entry?.reason == "Allocation Quota Reached")
    }
}
