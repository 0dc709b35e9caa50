import Wire

/// One chunk of a packet (RFC 9260 §3.2).
///
/// ```
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Chunk Type   |  Chunk Flags  |         Chunk Length          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |          Chunk Value, padded to a multiple of four            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
enum SCTPChunk: Hashable, Sendable {
    /// DATA or I-DATA.
    case data(DataChunk)
    case initiation(InitiationChunk)
    case initiationAcknowledgement(InitiationChunk)
    case selectiveAcknowledgement(SelectiveAcknowledgementChunk)
    /// The value of the Heartbeat Info parameter.
    case heartbeat(ArraySlice<UInt8>)
    case heartbeatAcknowledgement(ArraySlice<UInt8>)
    /// `isReflected`: the T bit, the verification tag is the receiver's own (§8.5.1).
    case abort([ErrorCause], isReflected: Bool)
    case shutdown(cumulativeTSN: UInt32)
    case shutdownAcknowledgement
    case error([ErrorCause])
    case cookieEcho(ArraySlice<UInt8>)
    case cookieAcknowledgement
    case shutdownComplete(isReflected: Bool)
    case reconfiguration([ReconfigurationParameter])
    /// FORWARD-TSN or I-FORWARD-TSN.
    case forwardTSN(ForwardTSNChunk)
    /// A type that is not known: the chunk as it came, without its padding.
    case unrecognized(type: UInt8, ArraySlice<UInt8>)

    /// The numbers of the chunk types (RFC 9260 §3.2, RFC 3758 §3.2, RFC 6525 §3.1, RFC 8260 §2).
    enum Kind: UInt8 {
        case data = 0
        case initiation = 1
        case initiationAcknowledgement = 2
        case selectiveAcknowledgement = 3
        case heartbeat = 4
        case heartbeatAcknowledgement = 5
        case abort = 6
        case shutdown = 7
        case shutdownAcknowledgement = 8
        case error = 9
        case cookieEcho = 10
        case cookieAcknowledgement = 11
        case shutdownComplete = 14
        case interleavedData = 64
        case reconfiguration = 130
        case forwardTSN = 192
        case interleavedForwardTSN = 194
    }

    /// Bytes before a chunk's value.
    static let headerSize = 4
}

/// An error that a chunk or the association reports to the other side (RFC 9260 §3.3.10).
struct ErrorCause: Hashable, Sendable {
    /// The numbers of the causes that are used here.
    enum Code: UInt16 {
        case staleCookie = 3
        case outOfResource = 4
        case unrecognizedChunkType = 6
        case invalidMandatoryParameter = 7
        case unrecognizedParameters = 8
        case noUserData = 9
        case cookieReceivedWhileShuttingDown = 10
        case restartWithNewAddresses = 11
        case userInitiatedAbort = 12
        case protocolViolation = 13
    }

    let code: UInt16
    let information: ArraySlice<UInt8>

    init(code: UInt16, information: ArraySlice<UInt8>) {
        self.code = code
        self.information = information
    }

    init(_ code: Code, _ information: ArraySlice<UInt8> = []) {
        self.init(code: code.rawValue, information: information)
    }

    init(_ code: Code, reason: String) {
        self.init(code, ArraySlice(reason.utf8))
    }
}

/// The value of DATA (RFC 9260 §3.3.1) or I-DATA (RFC 8260 §2.1): a message, or a fragment of one.
struct DataChunk: Hashable, Sendable {
    var tsn: UInt32
    var stream: SCTPStreamIdentifier
    /// DATA: the stream sequence number, 16 bits. I-DATA: the message identifier.
    var messageNumber: UInt32
    /// The fragment's place in its message: I-DATA only, 0 in the first.
    var fragmentNumber: UInt32 = 0
    /// In the first fragment; I-DATA has none in the others.
    var payloadProtocol: PayloadProtocolIdentifier
    /// The U bit.
    var isUnordered: Bool
    /// The B bit: the message's first fragment.
    var isBeginning: Bool
    /// The E bit: its last.
    var isEnding: Bool
    /// The I bit: to be acknowledged at once.
    var wantsImmediateAcknowledgement = false
    /// Whether it is an I-DATA chunk.
    var isInterleaved: Bool
    var payload: ArraySlice<UInt8>

    /// Bytes of a chunk before the payload.
    static func headerSize(isInterleaved: Bool) -> Int { isInterleaved ? 20 : 16 }
}

/// The value of INIT and INIT ACK (RFC 9260 §3.3.2).
struct InitiationChunk: Hashable, Sendable {
    var initiateTag: UInt32
    var receiverWindow: UInt32
    var outboundStreams: UInt16
    var inboundStreams: UInt16
    var initialTSN: UInt32
    var extensions: SCTPExtensions = []
    /// INIT ACK only.
    var cookie: ArraySlice<UInt8>?
    /// Parameters that are not known and ask to be reported (§3.2.1), as they came.
    var unrecognized: [ArraySlice<UInt8>] = []
}

/// What an association can do beyond RFC 9260.
struct SCTPExtensions: OptionSet, Hashable, Sendable {
    let rawValue: UInt8
    /// Partial reliability (RFC 3758).
    static let forwardTSN = SCTPExtensions(rawValue: 1)
    /// Stream reconfiguration (RFC 6525).
    static let reconfiguration = SCTPExtensions(rawValue: 2)
    /// Message interleaving (RFC 8260).
    static let interleaving = SCTPExtensions(rawValue: 4)
}

/// The value of SACK (RFC 9260 §3.3.4).
struct SelectiveAcknowledgementChunk: Hashable, Sendable {
    /// TSNs that have come beyond the cumulative one, as distances from it; both ends are included.
    struct GapBlock: Hashable, Sendable {
        var start: UInt16
        var end: UInt16
    }

    var cumulativeTSN: UInt32
    var receiverWindow: UInt32
    var gaps: [GapBlock]
    var duplicates: [UInt32]
}

/// The value of FORWARD-TSN (RFC 3758 §3.2) or I-FORWARD-TSN (RFC 8260 §2.3.1).
struct ForwardTSNChunk: Hashable, Sendable {
    /// The last message of a stream that is given up.
    struct Skipped: Hashable, Sendable {
        var stream: SCTPStreamIdentifier
        /// I-FORWARD-TSN only: it is about unordered messages.
        var isUnordered: Bool
        var messageNumber: UInt32
    }

    var newCumulativeTSN: UInt32
    var skipped: [Skipped]
    var isInterleaved: Bool
}

/// A parameter of RE-CONFIG (RFC 6525 §4).
enum ReconfigurationParameter: Hashable, Sendable {
    /// §4.1; no stream stands for all.
    case outgoingReset(request: UInt32, response: UInt32, lastTSN: UInt32, streams: [SCTPStreamIdentifier])
    /// §4.4; of the two TSNs that may follow nothing is made.
    case response(request: UInt32, result: UInt32)
    /// §4.2, 4.3, 4.5, 4.6: a request that data channels do not make (RFC 8831 §6.6).
    case otherRequest(request: UInt32)

    /// The results of §4.4.
    enum Result: UInt32 {
        case nothingToDo = 0
        case performed = 1
        case denied = 2
        case wrongStreamNumber = 3
        case requestAlreadyInProgress = 4
        case badSequenceNumber = 5
        case inProgress = 6
    }
}
