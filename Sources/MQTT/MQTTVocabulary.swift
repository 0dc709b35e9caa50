/// Where the broker is, and what is wanted of it.
public struct MQTTConfiguration: Sendable {
    /// Its name or address.
    public var host: String
    /// Its TCP port.
    public var port: UInt16
    /// Whether the connection is under TLS (1.2 or later), and the broker's certificate has to be for `host`.
    public var usesTLS: Bool
    /// The PEM file of the authorities that vouch for it; nil for the system's.
    public var authorities: String?
    /// The user name there; empty for none.
    public var username = ""
    /// The password there.
    public var password = ""
    /// What the broker tells this client from others by; who comes with the same one takes its place.
    public var clientID: String
    /// What is published once this client is gone.
    public var will: MQTTMessage?
    /// What is subscribed to, with QoS 1.
    public var subscription: String
    /// After how much silence the broker is asked whether it is there; whole seconds, at least 5.
    public var keepAlive: Duration = .seconds(20)
    /// The most bytes that a message may have, and all around it.
    public var maximumPacketBytes = 1 << 17

    /// A client named `clientID` of the broker at `host` and `port`.
    public init(host: String, port: UInt16, usesTLS: Bool, clientID: String, subscription: String) {
        self.host = host
        self.port = port
        self.usesTLS = usesTLS
        self.clientID = clientID
        self.subscription = subscription
    }
}

/// A message, with QoS 1.
public struct MQTTMessage: Hashable, Sendable {
    /// Where it goes to or came from.
    public var topic: String
    /// What it says.
    public var payload: [UInt8]
    /// Whether the broker keeps it for those who come later.
    public var isRetained: Bool
    /// How long the broker keeps it for whoever is not there at the moment; nil for as long as it likes. Whole seconds.
    public var expiry: Duration?

    /// The message `payload` on `topic`.
    public init(topic: String, payload: [UInt8], isRetained: Bool = false, expiry: Duration? = nil) {
        self.topic = topic
        self.payload = payload
        self.isRetained = isRetained
        self.expiry = expiry
    }
}

/// What happened at the broker.
public enum MQTTEvent: Hashable, Sendable {
    /// The connection is there, and what was to be subscribed to is.
    case connected
    /// A message came.
    case message(MQTTMessage)
    /// The broker does not pass on what is published on this topic.
    case unpublished(topic: String, MQTTProblem)
    /// There is no connection, or no longer; it is tried again after that time.
    case disconnected(MQTTProblem, retryAfter: Duration)
}

/// What is wrong between this client and the broker.
public struct MQTTProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// Whether the broker is there, and does not want this client as it is.
    public let isRefusal: Bool
    /// In words that an owner understands, without a full stop.
    public let description: String

    init(_ description: String, isRefusal: Bool = false) {
        self.isRefusal = isRefusal
        self.description = description
    }
}
