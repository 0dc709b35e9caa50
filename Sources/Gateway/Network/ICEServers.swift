import Calls
import ICE
import PeerConnection
import Wire

/// The STUN and TURN servers of the configuration, as peers and pages are given them.
extension Configuration.Network {
    /// The servers for `user`, with credentials that are good from `now` on.
    func iceServers(for user: String, at now: WallClock) -> [RTCIceServer] {
        var servers: [RTCIceServer] = []
        if !stunServers.isEmpty { servers.append(RTCIceServer(urls: stunServers)) }
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

    /// After how long pages are given new credentials, so that what they have is good for as long again; nil where
    /// credentials do not expire.
    var credentialRenewal: Duration? {
        turnSecret.isEmpty || turnServers.isEmpty ? nil : turnCredentialLifetime / 2
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
