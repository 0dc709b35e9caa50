/// A data channel (Identifiers for WebRTC's Statistics API, `RTCDataChannelStats`).
public struct RTCDataChannelStats: RTCStatsDictionary {
    /// The same in every report.
    public let id: String
    /// What it is about.
    public let type: RTCStatsType
    /// When it was so, in milliseconds.
    public let timestamp: Double
    /// What its maker calls it.
    public internal(set) var label: String?
    /// The subprotocol that is spoken on it.
    public internal(set) var `protocol`: String?
    /// Its stream identifier.
    public internal(set) var dataChannelIdentifier: UInt16?
    /// Its `readyState`.
    public let state: RTCDataChannelState
    /// Messages sent, whether or not they have arrived.
    public internal(set) var messagesSent: UInt32?
    /// Their bytes, without what goes around them.
    public internal(set) var bytesSent: UInt64?
    /// Messages received.
    public internal(set) var messagesReceived: UInt32?
    /// Their bytes.
    public internal(set) var bytesReceived: UInt64?

    init(id: String, timestamp: Double, state: RTCDataChannelState) {
        self.id = id
        self.type = .dataChannel
        self.timestamp = timestamp
        self.state = state
    }
}
