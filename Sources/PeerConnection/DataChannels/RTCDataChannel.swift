public import SCTP

/// Names a data channel of one connection; it is known before the channel has a stream identifier.
public struct DataChannelID: Hashable, Sendable, CustomStringConvertible {
    let rawValue: Int
    /// For a log.
    public var description: String { "data channel \(rawValue)" }
}

/// Where a data channel stands (W3C §6.2).
///
/// ```
///  connecting ── the association is there ──► open ── close, or the other side's ──► closing ── both reset ──► closed
///      └───────────────────────────── close ──────────────────────────────────────────────────────────────────▲
/// ```
public enum RTCDataChannelState: String, Hashable, Sendable, Codable {
    /// The association is not there yet.
    case connecting
    /// Messages flow.
    case open
    /// What waits is sent; nothing more is taken.
    case closing
    /// It is over.
    case closed
}

/// What a data channel is made with (W3C §6.2, RTCDataChannelInit).
public struct RTCDataChannelInit: Hashable, Sendable {
    /// Whether messages arrive in the order in which they were sent.
    public var ordered: Bool
    /// For how many milliseconds a message is tried; nil for until it has arrived. Not both this and `maxRetransmits`.
    public var maxPacketLifeTime: UInt16?
    /// How many times a message is tried again; nil for until it has arrived.
    public var maxRetransmits: UInt16?
    /// The subprotocol that is spoken on it.
    public var `protocol`: String
    /// Whether both sides make it by themselves, with the same `id`, so that nobody needs to be told of it.
    public var negotiated: Bool
    /// Its stream identifier, 0 to 65534; counts only where `negotiated`.
    public var id: UInt16?

    /// The W3C's defaults: ordered, reliable, told to the other side.
    public init(
        ordered: Bool = true, maxPacketLifeTime: UInt16? = nil, maxRetransmits: UInt16? = nil, protocol: String = "",
        negotiated: Bool = false, id: UInt16? = nil
    ) {
        self.ordered = ordered
        self.maxPacketLifeTime = maxPacketLifeTime
        self.maxRetransmits = maxRetransmits
        self.protocol = `protocol`
        self.negotiated = negotiated
        self.id = id
    }
}

/// A data channel as it is now (W3C §6.2).
public struct RTCDataChannel: Hashable, Sendable {
    /// Its name in calls and events.
    public let id: DataChannelID
    /// Its stream identifier (W3C `id`); nil before the DTLS role that decides it is known.
    public internal(set) var streamIdentifier: UInt16?
    /// What its maker calls it; several may be called the same.
    public let label: String
    /// Whether messages arrive in the order in which they were sent (W3C `ordered`).
    public let isOrdered: Bool
    /// For how many milliseconds a message is tried; nil for until it has arrived.
    public let maxPacketLifeTime: UInt16?
    /// How many times a message is tried again; nil for until it has arrived.
    public let maxRetransmits: UInt16?
    /// The subprotocol that is spoken on it.
    public let `protocol`: String
    /// Whether both sides have made it by themselves (W3C `negotiated`).
    public let isNegotiated: Bool
    /// Where it stands.
    public internal(set) var readyState = RTCDataChannelState.connecting
    /// Bytes of messages that wait to be sent for the first time.
    public internal(set) var bufferedAmount = 0
    /// `bufferedAmountLow` tells when `bufferedAmount` falls to this.
    public internal(set) var bufferedAmountLowThreshold = 0
    /// What went over it.
    var traffic = Traffic()

    /// Bytes of its label and protocol.
    var textSize: Int { label.utf8.count + `protocol`.utf8.count }

    /// Messages and their bytes, for the statistics.
    struct Traffic: Hashable, Sendable {
        var messagesSent: UInt32 = 0
        var bytesSent: UInt64 = 0
        var messagesReceived: UInt32 = 0
        var bytesReceived: UInt64 = 0
    }
}

/// A message on a data channel.
public enum DataChannelMessage: Hashable, Sendable {
    /// Text.
    case string(String)
    /// Bytes.
    case binary([UInt8])

    /// How many bytes it has, text in UTF-8.
    public var byteCount: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .binary(let bytes): bytes.count
        }
    }
}

/// Why a data channel was closed by neither side's wish (W3C §8, RTCError).
public enum RTCDataChannelError: Error, Hashable, Sendable, CustomStringConvertible {
    /// W3C `data-channel-failure`: the channel alone failed.
    case dataChannelFailure(String)
    /// W3C `sctp-failure`: the association failed, and all channels with it.
    case sctpFailure(SCTPError)
    /// W3C `dtls-failure`: the transport below failed.
    case dtlsFailure

    /// `RTCError.errorDetail`
    public var errorDetail: String {
        switch self {
        case .dataChannelFailure: "data-channel-failure"
        case .sctpFailure: "sctp-failure"
        case .dtlsFailure: "dtls-failure"
        }
    }

    /// `RTCError.sctpCauseCode`: the first cause that the other side has aborted with (RFC 9260 §3.3.10).
    public var sctpCauseCode: UInt16? {
        if case .sctpFailure(.aborted(let cause, _)) = self { cause } else { nil }
    }

    /// The detail and the reason.
    public var description: String {
        switch self {
        case .dataChannelFailure(let reason): "\(errorDetail): \(reason)"
        case .sctpFailure(let error): "\(errorDetail): \(error)"
        case .dtlsFailure: errorDetail
        }
    }
}

/// The association that carries the channels (W3C §6.1.1).
public struct RTCSctpTransport: Hashable, Sendable {
    /// Where the association stands (W3C §6.1.2, RTCSctpTransportState).
    public enum State: String, Hashable, Sendable {
        /// It is being made.
        case connecting
        /// Messages flow.
        case connected
        /// It is over.
        case closed
    }

    /// Where it stands.
    public let state: State
    /// The longest message that can be sent, in bytes.
    public let maxMessageSize: Int
    /// How many channels there can be at a time; nil before it is connected.
    public let maxChannels: UInt16?
}
