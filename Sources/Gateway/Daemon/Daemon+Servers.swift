import Calls
import ICE
import PeerConnection
import Wire

/// STUN and TURN servers: the credentials there, and what goes wrong.
extension Daemon {
    /// Says at the start what will keep servers from being reached.
    func prepareServers() {
        credentialsRenewedAt = configuration.network.credentialRenewal.map { startedAt + $0 }
        guard configuration.network.turnServers.contains(where: { $0.scheme.isSecure }) else { return }
        do throws(SocketError) {
            _ = try opener.trust()
        } catch {
            log.warning("network: \(error); no TURN server is reached by TLS")
        }
    }

    /// A peer's credentials at a server expire.
    func renewCredentials(at url: RTCIceServerURL, of session: Session, at now: Instant) {
        guard configuration.network.credentialRenewal != nil else {
            return log.warning("peer \(session.id): \(url) does not take the name and password any more")
        }
        log.debug("peer \(session.id): new credentials for \(url)")
        session.peer.setIceServers(configuration.network.iceServers(for: "door", at: .now), at: now)
    }

    /// Gives every page new credentials, long before those that it has expire.
    func renewPageCredentials(at now: Instant) {
        credentialsRenewedAt = configuration.network.credentialRenewal.map { now + $0 }
        let servers = configuration.network.iceServers(for: "viewer", at: .now).map(ICEServer.init)
        hub.handle(.iceServersChanged(servers), at: now)
    }

    /// `icecandidateerror`: a TURN server's is the owner's to mend, while of a STUN server's each address that leads
    /// nowhere makes one.
    func note(_ error: RTCIceCandidateError, of session: Session, at now: Instant) {
        let isNew = serverErrors.note(error, at: now)
        let line = "peer \(session.id): \(error.url) (from \(error.address)): \(error.errorCode) \(error.errorText)"
        if isNew, error.url.hasPrefix("turn") { log.warning(line) } else { log.debug(line) }
    }
}

/// The errors of STUN and TURN servers, the last of each server.
struct ICEServerErrors {
    struct Entry {
        var code: UInt16
        var reason: String
        var count: Int
        var at: Instant
        fileprivate var toldAt: Instant
    }

    /// By the server's URL; there are no more of them than are configured.
    private(set) var entries: [String: Entry] = [:]

    /// The same error of a server is news once a minute.
    private static let interval = Duration.seconds(60)

    /// Counts an error; whether it is news.
    mutating func note(_ error: RTCIceCandidateError, at now: Instant) -> Bool {
        let old = entries[error.url]
        let isSame = old.map { $0.code == error.errorCode && $0.reason == error.errorText } ?? false
        let isNews = !isSame || old.map { now >= $0.toldAt + Self.interval } ?? true
        entries[error.url] = Entry(
            code: error.errorCode, reason: error.errorText, count: (old?.count ?? 0) + 1, at: now,
            toldAt: isNews ? now : old?.toldAt ?? now)
        return isNews
    }
}
