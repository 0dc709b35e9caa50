import Wire

/// One packet of the control protocol (RFC 3550 §6, RFC 4585 §6, RFC 5104 §4.3.1).
public enum RTCPPacket: Hashable, Sendable {
    /// What a sender sent, and when.
    case senderReport(SenderReport)
    /// How the streams of others arrive.
    case receiverReport(ReceiverReport)
    /// Who the sources are.
    case sourceDescription(SourceDescription)
    /// Sources that end.
    case goodbye(Goodbye)
    /// Packets that are missing.
    case nack(GenericNACK)
    /// The decoder lost the picture (RFC 4585 §6.3.1).
    case pictureLossIndication(sender: SSRC, media: SSRC)
    /// A key frame is commanded (RFC 5104 §4.3.1).
    case fullIntraRequest(FullIntraRequest)
    /// The bit rate that the receiver believes the path can carry.
    case receiverEstimatedMaximumBitrate(ReceiverEstimatedMaximumBitrate)
    /// When each packet of the transport arrived.
    case transportFeedback(TransportFeedback)
    /// A packet of a type that Doorward has no use for, or one whose body contradicts its length: passed over.
    case skipped(packetType: UInt8, format: UInt8, isMalformed: Bool)

    /// Whether `datagram` is RTCP rather than RTP, where both share a transport (RFC 5761 §4): the second byte is 192
    /// to 223, which as an RTP marker and payload type would be 64 to 95, a range that RTP then must not use.
    @inlinable
    public static func isRTCP(_ datagram: some Collection<UInt8>) -> Bool {
        guard let first = datagram.first, let second = datagram.dropFirst().first else { return false }
        return first >> 6 == 2 && (192...223).contains(second)
    }
}

/// Why a datagram is not RTCP.
public enum RTCPError: Error, Hashable, Sendable {
    /// It is shorter than a packet's header, or a packet's length leads beyond its end.
    case truncated
    /// The version is not 2.
    case version
    /// Padding in a packet that is not the last, of no bytes or longer than the packet (RFC 3550 §6.4.1).
    case padding
}

/// How one stream arrives (RFC 3550 §6.4.1).
public struct ReportBlock: Hashable, Sendable {
    /// The stream.
    public var ssrc: SSRC
    /// Packets lost since the last report, in 1/256 of those expected.
    public var fractionLost: UInt8
    /// Packets lost since the start, less duplicates: 24 bits with a sign.
    public var cumulativeLost: Int32
    /// The highest sequence number with the count of its cycles above.
    public var extendedHighestSequenceNumber: UInt32
    /// Interarrival jitter in units of the stream's clock.
    public var jitter: UInt32
    /// The middle 32 bits of the last sender report's NTP time; 0 for none.
    public var lastSenderReport: UInt32
    /// How long ago that was received, in 1/65536 s.
    public var delaySinceLastSenderReport: UInt32

    /// A block of these values; `cumulativeLost` is limited to 24 bits.
    public init(
        ssrc: SSRC, fractionLost: UInt8, cumulativeLost: Int32, extendedHighestSequenceNumber: UInt32, jitter: UInt32,
        lastSenderReport: UInt32, delaySinceLastSenderReport: UInt32
    ) {
        self.ssrc = ssrc
        self.fractionLost = fractionLost
        self.cumulativeLost = min(max(cumulativeLost, -0x80_0000), 0x7F_FFFF)
        self.extendedHighestSequenceNumber = extendedHighestSequenceNumber
        self.jitter = jitter
        self.lastSenderReport = lastSenderReport
        self.delaySinceLastSenderReport = delaySinceLastSenderReport
    }
}

/// A sender report (RFC 3550 §6.4.1).
public struct SenderReport: Hashable, Sendable {
    /// The stream that this reports on.
    public var ssrc: SSRC
    /// When the report was sent.
    public var ntpTime: NTPTime
    /// The same moment in the stream's clock.
    public var timestamp: RTPTimestamp
    /// RTP packets sent so far, wrapping.
    public var packetCount: UInt32
    /// Payload bytes sent so far, wrapping.
    public var octetCount: UInt32
    /// How other streams arrive here, at most 31.
    public var reportBlocks: [ReportBlock]

    /// A report of these values.
    public init(
        ssrc: SSRC, ntpTime: NTPTime, timestamp: RTPTimestamp, packetCount: UInt32, octetCount: UInt32,
        reportBlocks: [ReportBlock] = []
    ) {
        self.ssrc = ssrc
        self.ntpTime = ntpTime
        self.timestamp = timestamp
        self.packetCount = packetCount
        self.octetCount = octetCount
        self.reportBlocks = reportBlocks
    }
}

/// A receiver report (RFC 3550 §6.4.2).
public struct ReceiverReport: Hashable, Sendable {
    /// Who reports.
    public var ssrc: SSRC
    /// How streams arrive there, at most 31.
    public var reportBlocks: [ReportBlock]

    /// A report by `ssrc`.
    public init(ssrc: SSRC, reportBlocks: [ReportBlock]) {
        self.ssrc = ssrc
        self.reportBlocks = reportBlocks
    }
}

/// Who the sources are (RFC 3550 §6.5). Of the items only CNAME is kept: the others are chatter (RFC 8834 §4.9).
public struct SourceDescription: Hashable, Sendable {
    /// One source.
    public struct Chunk: Hashable, Sendable {
        /// The source.
        public let ssrc: SSRC
        /// Its canonical name; nil when the chunk has none.
        public let canonicalName: String?

        /// The source `ssrc` of the endpoint `canonicalName`, of at most 255 bytes in UTF-8.
        public init(ssrc: SSRC, canonicalName: String?) {
            self.ssrc = ssrc
            self.canonicalName = canonicalName
        }
    }

    /// The sources, at most 31.
    public var chunks: [Chunk]

    /// A description of `chunks`.
    public init(chunks: [Chunk]) {
        self.chunks = chunks
    }
}

/// Sources that leave the session (RFC 3550 §6.6).
public struct Goodbye: Hashable, Sendable {
    /// The sources, at most 31.
    public var sources: [SSRC]
    /// Why, for a log; nil when not said.
    public var reason: String?

    /// The end of `sources`.
    public init(sources: [SSRC], reason: String? = nil) {
        self.sources = sources
        self.reason = reason
    }
}

/// Packets that a receiver misses (RFC 4585 §6.2.1).
public struct GenericNACK: Hashable, Sendable {
    /// Who misses them.
    public var sender: SSRC
    /// The stream they belong to.
    public var media: SSRC
    /// The missing packets, in the order of the message.
    public var sequenceNumbers: [SequenceNumber]

    /// A request by `sender` for packets of `media`.
    public init(sender: SSRC, media: SSRC, sequenceNumbers: [SequenceNumber]) {
        self.sender = sender
        self.media = media
        self.sequenceNumbers = sequenceNumbers
    }
}

/// The command to send a key frame (RFC 5104 §4.3.1).
public struct FullIntraRequest: Hashable, Sendable {
    /// One stream's command.
    public struct Entry: Hashable, Sendable {
        /// The stream whose encoder is commanded.
        public let ssrc: SSRC
        /// Rises with each new command; a repetition of the last number is the same command again (§4.3.1.2).
        public let sequenceNumber: UInt8

        /// The command number `sequenceNumber` to `ssrc`.
        public init(ssrc: SSRC, sequenceNumber: UInt8) {
            self.ssrc = ssrc
            self.sequenceNumber = sequenceNumber
        }
    }

    /// Who commands.
    public var sender: SSRC
    /// The commands.
    public var entries: [Entry]

    /// Commands by `sender`.
    public init(sender: SSRC, entries: [Entry]) {
        self.sender = sender
        self.entries = entries
    }
}

/// The receiver's estimate of what the path carries (draft-alvestrand-rmcat-remb-03 §2.2).
public struct ReceiverEstimatedMaximumBitrate: Hashable, Sendable {
    /// Who estimates.
    public var sender: SSRC
    /// Bits a second over all of `sources`; saturates.
    public var bitsPerSecond: UInt64
    /// The streams that share it.
    public var sources: [SSRC]

    /// An estimate by `sender`.
    public init(sender: SSRC, bitsPerSecond: UInt64, sources: [SSRC]) {
        self.sender = sender
        self.bitsPerSecond = bitsPerSecond
        self.sources = sources
    }
}
