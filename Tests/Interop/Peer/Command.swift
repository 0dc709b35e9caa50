import FoundationEssentials
import PeerConnection

/// A line of the input: what to do, and the number that the reply carries.
struct Command: Decodable {
    /// What the peer can be told to do. The names are the W3C's.
    enum Action: String, Decodable {
        /// Makes the connection: `polite`, `dtlsServer`, `bundlePolicy`, `record`.
        case create
        /// Sends a test card (`kind` "video", `width`, `height`) or a tone ("audio"); the reply names the `track`.
        case addTrack
        /// Sends `track` no longer.
        case removeTrack
        /// The reply is the offer.
        case offer
        /// Takes the description of `type` and `sdp`; where that is an offer, the reply is the answer.
        case description
        /// Takes a candidate: `candidate`, `sdpMid`, `sdpMLineIndex`.
        case candidate
        /// Makes the data channel `label`.
        case createDataChannel
        /// Sends `text` or `bytes` (base 64) on the open channel `label`.
        case send
        /// The reply has the `messages` that have come on the channel `label`.
        case messages
        /// The next offer is to restart ICE.
        case restartIce
        /// The reply has the `state`.
        case state
        /// The reply has the `stats`.
        case stats
        /// Ends the connection.
        case close
    }

    let id: Int
    let action: Action
    var polite: Bool?
    var dtlsServer: Bool?
    var bundlePolicy: RTCBundlePolicy?
    var record: String?
    var kind: String?
    var width: Int?
    var height: Int?
    var track: Int?
    var type: RTCSdpType?
    var sdp: String?
    var candidate: String?
    var sdpMid: String?
    var sdpMLineIndex: UInt16?
    var label: String?
    var text: String?
    var bytes: Data?
}

/// A command that cannot be done as it stands.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension Command {
    /// The member `value`, which the action cannot do without.
    func required<Value>(_ value: Value?, _ name: String) throws(CommandError) -> Value {
        guard let value else { throw CommandError("\(action.rawValue) needs \"\(name)\"") }
        return value
    }
}
