import Wire

extension ICEAgent {
    /// Whether a datagram is STUN rather than DTLS, TURN channel data or (S)RTP: its first byte is 0 to 3 (RFC 7983
    /// §7).
    public static func isSTUN(_ datagram: some Collection<UInt8>) -> Bool {
        datagram.first.map { $0 <= 3 } ?? false
    }

    /// The username fragment of the agent that a Binding request is meant for, the part of its USERNAME before the
    /// colon (RFC 8445 §7.2.2). On a socket that agents share, this finds the one that a request belongs to. Nil for
    /// anything but an intact Binding request; nothing about it is authenticated yet.
    public static func localUsernameFragment(of datagram: [UInt8]) -> String? {
        guard let message = try? STUNMessage(parsing: datagram), message.messageClass == .request,
            message.method == .binding, let username = message.username
        else { return nil }
        return UsernamePair(username)?.receiver
    }

    /// Whether a request of this agent waits for the response `datagram`.
    public func awaitsResponse(_ datagram: [UInt8]) -> Bool {
        guard let message = try? STUNMessage(parsing: datagram) else { return false }
        return transactions.contains { $0.id == message.transactionID }
    }

    /// Whether everything goes from `local` to `remote` now.
    public func selects(_ remote: SocketAddress, from local: SocketAddress) -> Bool {
        selected?.runs(on: Path(local: local, remote: remote)) == true
    }

    /// Whether datagrams from `remote` to the socket bound to `local` may be the peer's: they run along the selected
    /// pair, or along one that is in the check list or that an authentic check has come by before there was a list.
    public func knows(_ remote: SocketAddress, from local: SocketAddress) -> Bool {
        let path = Path(local: local, remote: remote)
        return selected?.runs(on: path) == true || session.checkList.pair(on: path) != nil
            || session.earlyChecks.contains { $0.path.isSame(as: path) }
    }
}

/// The USERNAME of a check: `receiver's fragment:sender's fragment` (RFC 8445 §7.2.2).
struct UsernamePair {
    let receiver: String
    let sender: String

    init?(_ username: String) {
        guard let colon = username.firstIndex(of: ":") else { return nil }
        receiver = String(username[..<colon])
        sender = String(username[username.index(after: colon)...])
    }
}
