import Wire

/// The username fragment and password of one side of an ICE session (RFC 8445 §5.3), the `ice-ufrag` and `ice-pwd` of
/// its description. An ICE restart replaces them.
public struct ICECredentials: Hashable, Sendable {
    /// The `ice-ufrag`: 4 to 256 ice-chars.
    public var usernameFragment: String
    /// The `ice-pwd`: 22 to 256 ice-chars.
    public var password: String

    /// Credentials as they stand in a description.
    public init(usernameFragment: String, password: String) {
        self.usernameFragment = usernameFragment
        self.password = password
    }

    /// Fresh credentials: a fragment of 8 characters (47 bits: the shell tells the peers on one socket apart by it) and
    /// a password of 24 (142 bits; RFC 8445 §5.3 wants 24 and 128 at least).
    public init(random: any RandomSource) {
        self.init(usernameFragment: random.token(8), password: random.token(24))
    }
}

/// Which side nominates (RFC 8445 §4, "Controlling Agent").
public enum ICERole: Hashable, Sendable {
    /// Nominates the pair that both sides use.
    case controlling
    /// Waits for the other side's nomination.
    case controlled

    /// The other side's role.
    var opposite: ICERole { self == .controlling ? .controlled : .controlling }
}
