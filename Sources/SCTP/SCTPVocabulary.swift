/// Names a stream of an association; each direction has its own of that name.
public struct SCTPStreamIdentifier: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number as it travels.
    public let rawValue: UInt16

    /// The stream `rawValue`.
    public init(_ rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// Whether the number of `left` is lower.
    public static func < (left: SCTPStreamIdentifier, right: SCTPStreamIdentifier) -> Bool {
        left.rawValue < right.rawValue
    }

    /// For a log.
    public var description: String { "stream \(rawValue)" }
}

/// What a message's payload is (RFC 9260 §3.3.1; the numbers are IANA's).
public struct PayloadProtocolIdentifier: Hashable, Sendable {
    /// The number as it travels.
    public let rawValue: UInt32

    /// The identifier `rawValue`.
    public init(_ rawValue: UInt32) {
        self.rawValue = rawValue
    }
}

/// A user message.
public struct SCTPMessage: Hashable, Sendable {
    /// How hard to try to deliver it (RFC 3758, RFC 7496).
    public enum Reliability: Hashable, Sendable {
        /// Until it has arrived.
        case reliable
        /// Give up after so many retransmissions of one of its fragments.
        case retransmissions(Int)
        /// Give up so long after it was handed over.
        case lifetime(Duration)
    }

    /// The stream it goes, or came, by.
    public var stream: SCTPStreamIdentifier
    /// What the payload is.
    public var payloadProtocol: PayloadProtocolIdentifier
    /// Its bytes; never none, which SCTP has no form for.
    public var payload: [UInt8]
    /// Whether it may overtake others of its stream.
    public var isUnordered: Bool

    /// A message.
    public init(
        stream: SCTPStreamIdentifier, payloadProtocol: PayloadProtocolIdentifier, payload: [UInt8],
        isUnordered: Bool = false
    ) {
        self.stream = stream
        self.payloadProtocol = payloadProtocol
        self.payload = payload
        self.isUnordered = isUnordered
    }
}

/// Why an association came to its end.
public enum SCTPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The other side ended it, with the number of its first error cause (RFC 9260 §3.3.10), if it gave one, and the
    /// text it may have given.
    case aborted(cause: UInt16?, reason: String)
    /// The other side does what it must not.
    case protocolViolation(String)
    /// The other side sends more than this one keeps.
    case outOfResource
    /// Nothing was acknowledged for too long.
    case unresponsive

    /// For a log.
    public var description: String {
        switch self {
        case .aborted(let cause, let reason):
            "aborted by the other side, cause \(cause.map(String.init) ?? "none")\(reason.isEmpty ? "" : ": ")\(reason)"
        case .protocolViolation(let what): "protocol violation: \(what)"
        case .outOfResource: "out of resource"
        case .unresponsive: "the other side does not respond"
        }
    }
}

/// How an association behaves.
public struct SCTPConfiguration: Sendable {
    /// The port of both sides' choice (RFC 8841 §5: `a=sctp-port`), unless the remote one is another.
    public var localPort: UInt16 = 5000
    /// The other side's port.
    public var remotePort: UInt16 = 5000
    /// The largest packet in bytes: what is left of a 1200-byte datagram when DTLS has had its part. RFC 8831 §5: the
    /// path's MTU cannot be learned from ICMP beneath DTLS, so a safe one is assumed.
    public var maximumPacketSize = 1160
    /// How many streams to ask for and to grant each way (RFC 8831 §6.2: "SHOULD … 65535").
    public var maximumStreams: UInt16 = 65535
    /// The largest message that is received, in bytes (RFC 8841 §6: `a=max-message-size`).
    public var maximumMessageSize = 262_144
    /// How many bytes are kept of what is incomplete or comes too early: the receiver window.
    public var receiverWindow = 1_048_576
    /// How many bytes may wait to be sent.
    public var sendBufferSize = 16_777_216
    /// RFC 9260 §16 has 1 s for the first two; a data channel's path is known from ICE, and interactive.
    public var initialRetransmissionTimeout: Duration = .milliseconds(500)
    /// Beyond the 200 ms for which the other side may hold its acknowledgement back.
    public var minimumRetransmissionTimeout: Duration = .milliseconds(400)
    /// Short, for ICE brings paths back, and what was lost meanwhile should not wait a minute.
    public var maximumRetransmissionTimeout: Duration = .seconds(3)
    /// How many timeouts in a row end the association (RFC 9260 §8.1: Association.Max.Retrans); nil for none: of what
    /// lives on ICE, consent (RFC 7675) says whether the other side is there.
    public var maximumRetransmissions: Int? = nil
    /// How long to hold an acknowledgement back (RFC 9260 §6.2).
    public var acknowledgementDelay: Duration = .milliseconds(100)
    /// How long an idle association waits before it sends a HEARTBEAT, from which round trips are learned; nil for
    /// never.
    public var heartbeatInterval: Duration? = .seconds(30)
    /// How long a state cookie is good for.
    public var cookieLifetime: Duration = .seconds(60)
    /// Whether to offer message interleaving (RFC 8260): a long message then lets others pass.
    public var offersInterleaving = true
    /// Whether to offer partial reliability (RFC 3758).
    public var offersPartialReliability = true

    /// The configuration that data channels want.
    public init() {}
}

extension SCTPAssociation {
    /// Where it stands (RFC 9260 §4).
    ///
    /// ```
    ///  closed ── start ──► cookieWait ── INIT ACK ──► cookieEchoed ── COOKIE ACK ──► established
    ///     └─────────── COOKIE ECHO of the other side, here and in every state before ─────▲
    ///
    ///  established ── shutdown ──► shutdownPending ── all acknowledged ──► shutdownSent ── SHUTDOWN ACK ──► closed
    ///  established ── SHUTDOWN ──► shutdownReceived ── all acknowledged ──► shutdownAckSent ── COMPLETE ──► closed
    /// ```
    public enum State: String, Hashable, Sendable {
        /// Not begun, or over.
        case closed
        /// INIT was sent.
        case cookieWait
        /// COOKIE ECHO was sent.
        case cookieEchoed
        /// Messages flow.
        case established
        /// The application wants to end it, when everything has been acknowledged.
        case shutdownPending
        /// SHUTDOWN was sent.
        case shutdownSent
        /// The other side wants to end it.
        case shutdownReceived
        /// SHUTDOWN ACK was sent.
        case shutdownAckSent
    }

    /// What an association is told.
    public enum Input: Sendable {
        /// The path is there: send INIT. Of data channels both sides do (RFC 8831 §6.2 with simultaneous open).
        case start
        /// A packet came; `.discards` counts what is none.
        case packet([UInt8])
        /// The application has reset what it sends by these streams: what waits is sent, then their numbers begin anew.
        case resetStreams([SCTPStreamIdentifier])
        /// Everything that waits is delivered, then the association ends.
        case shutdown
        /// The association ends at once.
        case abort
        /// The deadline has passed.
        case timePassed
    }

    /// What is to be done.
    public enum Output: Hashable, Sendable {
        /// Send this packet.
        case transmit([UInt8])
        /// Take note of this.
        case event(Event)
    }

    /// What an association tells.
    public enum Event: Hashable, Sendable {
        /// Messages flow. `outboundStreams`: how many streams the other side takes.
        case established(outboundStreams: Int)
        /// A message came.
        case message(SCTPMessage)
        /// Fewer bytes wait to be sent by the stream than before.
        case bufferedAmountDecreased(SCTPStreamIdentifier)
        /// The other side has reset the streams that it sends by: all that it had sent has come.
        case incomingStreamsReset([SCTPStreamIdentifier])
        /// The other side knows that we have reset the streams that we send by.
        case outgoingStreamsReset([SCTPStreamIdentifier])
        /// The other side lost the association and began another in its place (RFC 9260 §5.2.4.1): what was on its way
        /// is lost, and stream numbers begin anew.
        case restarted
        /// The association is over, in order.
        case closed
        /// The association is over.
        case failed(SCTPError)
    }

    /// Why something that came was of no use.
    public enum DiscardReason: Hashable, Sendable {
        /// It is no SCTP packet, or one of its chunks is malformed.
        case malformed
        /// Its checksum is wrong.
        case checksum
        /// Its ports or verification tag are those of no association.
        case notOurs
        /// A chunk has no place in the present state, or in that packet.
        case unexpected
        /// A chunk of a kind that is not known.
        case unknownChunk
        /// A state cookie that this side did not make, or that is too old.
        case cookie
        /// Data beyond the window.
        case window
        /// Data that came before.
        case duplicate
        /// An acknowledgement that is older than the last, or of what was never sent.
        case acknowledgement
    }

    /// Why a message was not taken.
    public enum SendError: Error, Hashable, Sendable {
        /// The association is over, or ending.
        case closed
        /// The stream is being reset, or is none that was agreed on.
        case stream
        /// It would make more than the send buffer holds.
        case bufferFull
    }

    /// What has been sent and received; names as in W3C's statistics where there are any.
    public struct Statistics: Hashable, Sendable {
        /// Packets sent.
        public internal(set) var packetsSent: UInt64 = 0
        /// Packets taken.
        public internal(set) var packetsReceived: UInt64 = 0
        /// Chunks of data that were sent again.
        public internal(set) var retransmittedChunks: UInt64 = 0
        /// Messages given up before they had arrived.
        public internal(set) var messagesAbandoned: UInt64 = 0
        /// Times that the retransmission timer ran out.
        public internal(set) var timeouts: UInt64 = 0
    }
}
