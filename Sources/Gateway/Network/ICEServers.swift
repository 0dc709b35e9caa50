import Calls
import ICE
import PeerConnection
import Wire

/// The STUN and TURN servers of the configuration, as peers and pages are given them.
extension Configuration.Network {
    /// The servers for `user`, with credentials that are good from `now` on.
    func iceServers(for user: String, at now: WallClock) -> [RTCIceServer] {
        var servers: [RTCIceServer] = []
        let isAlone = stunServers.isEmpty && turnServers.isEmpty
        let stun = isAlone ? [stunFallback].compactMap(\.self) : stunServers
        if !stun.isEmpty { servers.append(RTCIceServer(urls: stun)) }
        guard !turnServers.isEmpty else { return servers }
        guard !turnSecret.isEmpty else {
            return servers + [RTCIceServer(urls: turnServers, username: turnUsername, credential: turnCredential)]
        }
        // rounded up: a credential is never shorter than it was asked for
        let expiry = (now.epochMilliseconds + 999) / 1000 + turnCredentialLifetime.components.seconds
        return servers + [
            RTCIceServer(urls: turnServers, sharedSecret: turnSecret, user: user, expiresAt: expiry)
        ]
    }

    /// How long credentials that were just made are good, or, where they do not expire, after how long somebody who uses
    /// them should ask whether they are still the same.
    var credentialTTL: Duration { credentialRenewal == nil ? .seconds(86400) : turnCredentialLifetime }

    /// After how long pages are given new credentials, so that what they have is good for as long again; nil where
    /// credentials do not expire.
    var credentialRenewal: Duration? {
        turnSecret.isEmpty || turnServers.isEmpty ? nil : turnCredentialLifetime / 2
    }
}

/// What `GET /api/turn-credentials` answers: credentials for the TURN servers as programs have long asked for them
/// (draft-uberti-behave-turn-rest-00 §2.2), and all servers as W3C's `RTCConfiguration` has them.
struct TURNCredentials: Encodable, Equatable {
    /// The name and the password there; absent where there is no TURN server.
    let username: String?
    let password: String?
    /// For how many seconds they are good.
    let ttl: Int64
    /// The TURN servers.
    let uris: [String]
    /// These and the STUN servers, which want no credentials.
    let iceServers: [ICEServer]

    /// The credentials for `user` as of `now`.
    init(_ network: Configuration.Network, for user: String, at now: WallClock) {
        iceServers = network.iceServers(for: user, at: now).map(ICEServer.init)
        let relays = iceServers.filter { $0.username != nil }
        username = relays.first?.username
        password = relays.first?.credential
        ttl = network.credentialTTL.components.seconds
        uris = relays.flatMap(\.urls)
    }
}

extension ICEServer {
    /// The server as a page is told of it.
    init(_ server: RTCIceServer) {
        let isTURN = server.urls.contains { $0.scheme.relays }
        self.init(
            urls: server.urls.map(\.description), username: isTURN ? server.username : nil,
            credential: isTURN ? server.credential : nil)
    }

    /// The server as our own peers take it; nil where no URL of it is one.
    var peerServer: RTCIceServer? {
        let urls = urls.compactMap { RTCIceServerURL($0) }
        return urls.isEmpty
            ? nil : RTCIceServer(urls: urls, username: username ?? "", credential: credential ?? "")
    }
}
