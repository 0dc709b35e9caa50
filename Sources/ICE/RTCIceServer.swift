import Wire

/// A STUN or TURN server, W3C's `RTCIceServer`.
public struct RTCIceServer: Hashable, Sendable {
    /// Its addresses.
    public var urls: [RTCIceServerURL]
    /// The name at a TURN server; empty for a STUN server.
    public var username: String
    /// The password at a TURN server.
    public var credential: String

    /// A server with its addresses and, for TURN, who we are there.
    public init(urls: [RTCIceServerURL], username: String = "", credential: String = "") {
        self.urls = urls
        self.username = username
        self.credential = credential
    }

    /// A TURN server that shares a secret with whoever gives out credentials (the "TURN REST API", coturn's
    /// `use-auth-secret`): the name is the time at which it stops being valid, in seconds of Unix time, with a name
    /// behind a colon; the password is the secret's HMAC-SHA1 of that in base64.
    public init(urls: [RTCIceServerURL], sharedSecret: String, user: String, expiresAt: Int64) {
        let username = "\(expiresAt):\(user)"
        let code = STUNKey(password: sharedSecret).code(username.utf8)
        self.init(urls: urls, username: username, credential: Base64.encode(code))
    }

    /// When the credentials stop being valid, in seconds of Unix time, where the name tells it as those of the TURN REST
    /// API do.
    public var expiresAt: Int64? {
        let digits = username.prefix { $0 != ":" }
        // ten digits last until the year 2286; a shorter number is a name
        guard (10...11).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(digits)
    }
}
