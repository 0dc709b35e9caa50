import FoundationEssentials
import PeerConnection

/// A line of the output that answers the command of the number `id`.
struct Reply: Encodable {
    let id: Int
    var error: String?
    var track: Int?
    var type: RTCSdpType?
    var sdp: String?
    var state: StateReport?
    var stats: RTCStatsReport?
    var messages: [Message]?
}

/// A message of a data channel: text, or bytes in base 64.
struct Message: Encodable {
    var text: String?
    var bytes: Data?

    init(_ message: DataChannelMessage) {
        switch message {
        case .string(let text): self.text = text
        case .binary(let bytes): self.bytes = Data(bytes)
        }
    }
}

/// A line of the output that nobody asked for.
struct Notice: Encodable {
    /// The W3C's name of the event.
    let event: String
    var state: String?
    var candidate: RTCIceCandidate?
    var mid: String?
    var isActive: Bool?
}

/// How things stand.
struct StateReport: Encodable {
    /// What has come on a transceiver.
    struct Media: Encodable {
        let kind: String
        let mid: String?
        /// Whether the other side sends, by the last exchange.
        var isActive = false
        var packets = 0
        /// Of video: whole pictures, and those that a decoder can start at.
        var pictures = 0
        var keyFrames = 0
        /// Of sound: its root mean square (full scale 1) and its frequency in hertz, over the last half second.
        var level: Double?
        var frequency: Double?
    }

    let connectionState: String
    let iceConnectionState: String
    let signalingState: String
    /// `client` or `server`; nil before the roles are known.
    var dtlsRole: String?
    /// The username fragments of the ICE sessions that checks are answered for.
    let usernameFragments: [String]
    let media: [Media]
    let discards: [String: Int]
}
