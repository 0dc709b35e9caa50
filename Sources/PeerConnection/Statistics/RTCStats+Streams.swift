// The dictionaries of Identifiers for WebRTC's Statistics API, by their own names. What cannot be known is nil.

/// A codec of a stream.
public struct RTCCodecStats: RTCStatsDictionary {
    /// The same in every report.
    public let id: String
    /// What it is about.
    public let type: RTCStatsType
    /// When it was so, in milliseconds.
    public let timestamp: Double
    /// The number in RTP packets.
    public internal(set) var payloadType: UInt32
    /// The transport.
    public internal(set) var transportId: String
    /// `video/H264` or `audio/opus`.
    public internal(set) var mimeType: String
    /// Ticks of its timestamps in a second.
    public internal(set) var clockRate: UInt32?
    /// The channels of audio.
    public internal(set) var channels: UInt32?
    /// Its format parameters.
    public internal(set) var sdpFmtpLine: String?

    init(id: String, timestamp: Double, payloadType: UInt32, transportId: String, mimeType: String) {
        self.id = id
        self.type = .codec
        self.timestamp = timestamp
        self.payloadType = payloadType
        self.transportId = transportId
        self.mimeType = mimeType
    }
}

/// A stream that arrives.
public struct RTCInboundRtpStreamStats: RTCStatsDictionary {
    /// The same in every report.
    public let id: String
    /// What it is about.
    public let type: RTCStatsType
    /// When it was so, in milliseconds.
    public let timestamp: Double
    /// The source.
    public internal(set) var ssrc: UInt32
    /// `audio` or `video`.
    public internal(set) var kind: String
    /// The transport.
    public internal(set) var transportId: String
    /// The codec.
    public internal(set) var codecId: String?
    /// The identification tag of its media description.
    public internal(set) var mid: String?
    /// What the other side says of it; absent before its first sender report.
    public internal(set) var remoteId: String?
    /// Packets accepted, retransmissions included.
    public internal(set) var packetsReceived: UInt64?
    /// Packets expected less packets received in their first sending (RFC 3550 A.3).
    public internal(set) var packetsLost: Int64?
    /// Interarrival jitter in seconds.
    public internal(set) var jitter: Double?
    /// Payload bytes.
    public internal(set) var bytesReceived: UInt64?
    /// Header, extension and padding bytes.
    public internal(set) var headerBytesReceived: UInt64?
    /// When the last packet came, in milliseconds.
    public internal(set) var lastPacketReceivedTimestamp: Double?
    /// Packets that came over the retransmission stream.
    public internal(set) var retransmittedPacketsReceived: UInt64?
    /// Payload bytes that came over it.
    public internal(set) var retransmittedBytesReceived: UInt64?
    /// The source of the retransmission stream.
    public internal(set) var rtxSsrc: UInt32?
    /// NACK packets sent.
    public internal(set) var nackCount: UInt32?
    /// Full intra requests sent; of video.
    public internal(set) var firCount: UInt32?
    /// Picture loss indications sent; of video.
    public internal(set) var pliCount: UInt32?
    /// Whole access units; of video.
    public internal(set) var framesReceived: UInt32?
    /// Access units that loss spoiled; of video.
    public internal(set) var framesDropped: UInt32?
    /// Packets that came too late to be of use; of video.
    public internal(set) var packetsDiscarded: UInt64?
    /// Seconds that access units took from their first packet to their handing out; the sum.
    public internal(set) var jitterBufferDelay: Double?
    /// Access units handed out.
    public internal(set) var jitterBufferEmittedCount: UInt64?

    init(id: String, timestamp: Double, ssrc: UInt32, kind: String, transportId: String) {
        self.id = id
        self.type = .inboundRTP
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.kind = kind
        self.transportId = transportId
    }
}

/// A stream that leaves.
public struct RTCOutboundRtpStreamStats: RTCStatsDictionary {
    /// The same in every report.
    public let id: String
    /// What it is about.
    public let type: RTCStatsType
    /// When it was so, in milliseconds.
    public let timestamp: Double
    /// The source.
    public internal(set) var ssrc: UInt32
    /// `audio` or `video`.
    public internal(set) var kind: String
    /// The transport.
    public internal(set) var transportId: String
    /// The codec.
    public internal(set) var codecId: String?
    /// The identification tag of its media description.
    public internal(set) var mid: String?
    /// What it is made of.
    public internal(set) var mediaSourceId: String?
    /// How the other side receives it; absent before its first report.
    public internal(set) var remoteId: String?
    /// The source of the retransmission stream.
    public internal(set) var rtxSsrc: UInt32?
    /// Packets, retransmissions included.
    public internal(set) var packetsSent: UInt64?
    /// Payload bytes, retransmissions included.
    public internal(set) var bytesSent: UInt64?
    /// Header and extension bytes.
    public internal(set) var headerBytesSent: UInt64?
    /// Packets that were sent again.
    public internal(set) var retransmittedPacketsSent: UInt64?
    /// Payload bytes that were sent again.
    public internal(set) var retransmittedBytesSent: UInt64?
    /// The width of the last picture, as the application said.
    public internal(set) var frameWidth: UInt32?
    /// The height of the last picture, as the application said.
    public internal(set) var frameHeight: UInt32?
    /// Pictures a second, as the application said.
    public internal(set) var framesPerSecond: Double?
    /// Pictures sent.
    public internal(set) var framesSent: UInt32?
    /// Pictures encoded for it: those sent.
    public internal(set) var framesEncoded: UInt32?
    /// Of these, key frames.
    public internal(set) var keyFramesEncoded: UInt32?
    /// NACK packets received.
    public internal(set) var nackCount: UInt32?
    /// Full intra requests received; of video.
    public internal(set) var firCount: UInt32?
    /// Picture loss indications received; of video.
    public internal(set) var pliCount: UInt32?
    /// Whether it was agreed on that it is sent.
    public internal(set) var active: Bool?

    init(id: String, timestamp: Double, ssrc: UInt32, kind: String, transportId: String) {
        self.id = id
        self.type = .outboundRTP
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.kind = kind
        self.transportId = transportId
    }
}

/// How the other side receives a stream of ours, by its reports.
public struct RTCRemoteInboundRtpStreamStats: RTCStatsDictionary {
    /// The same in every report.
    public let id: String
    /// What it is about.
    public let type: RTCStatsType
    /// When it was so, in milliseconds.
    public let timestamp: Double
    /// The source.
    public internal(set) var ssrc: UInt32
    /// `audio` or `video`.
    public internal(set) var kind: String
    /// The transport.
    public internal(set) var transportId: String
    /// The codec.
    public internal(set) var codecId: String?
    /// The stream that it is about.
    public internal(set) var localId: String?
    /// Packets received: those expected less those lost.
    public internal(set) var packetsReceived: UInt64?
    /// Packets lost, less duplicates.
    public internal(set) var packetsLost: Int64?
    /// Interarrival jitter in seconds.
    public internal(set) var jitter: Double?
    /// The part lost since the report before, 0 to 1.
    public internal(set) var fractionLost: Double?
    /// The last round trip in seconds.
    public internal(set) var roundTripTime: Double?
    /// The sum of all.
    public internal(set) var totalRoundTripTime: Double?
    /// How many were measured.
    public internal(set) var roundTripTimeMeasurements: UInt64?

    init(id: String, timestamp: Double, ssrc: UInt32, kind: String, transportId: String) {
        self.id = id
        self.type = .remoteInboundRTP
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.kind = kind
        self.transportId = transportId
    }
}

/// What the other side says it sends, by its sender reports.
public struct RTCRemoteOutboundRtpStreamStats: RTCStatsDictionary {
    /// The same in every report.
    public let id: String
    /// What it is about.
    public let type: RTCStatsType
    /// When it was so, in milliseconds.
    public let timestamp: Double
    /// The source.
    public internal(set) var ssrc: UInt32
    /// `audio` or `video`.
    public internal(set) var kind: String
    /// The transport.
    public internal(set) var transportId: String
    /// The codec.
    public internal(set) var codecId: String?
    /// The stream as it arrives here.
    public internal(set) var localId: String?
    /// Packets sent, as 32 bits count them.
    public internal(set) var packetsSent: UInt64?
    /// Payload bytes sent, as 32 bits count them.
    public internal(set) var bytesSent: UInt64?
    /// When the report was sent, by the clock of the other side, in milliseconds since 1970.
    public internal(set) var remoteTimestamp: Double?
    /// Sender reports that came.
    public internal(set) var reportsSent: UInt64?

    init(id: String, timestamp: Double, ssrc: UInt32, kind: String, transportId: String) {
        self.id = id
        self.type = .remoteOutboundRTP
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.kind = kind
        self.transportId = transportId
    }
}

/// What a stream of ours is made of.
public struct RTCMediaSourceStats: RTCStatsDictionary {
    /// The same in every report.
    public let id: String
    /// What it is about.
    public let type: RTCStatsType
    /// When it was so, in milliseconds.
    public let timestamp: Double
    /// The track, as its `a=msid` names it.
    public internal(set) var trackIdentifier: String
    /// `audio` or `video`.
    public internal(set) var kind: String
    /// How loud the last packet was, 0 to 1; where the application measures it.
    public internal(set) var audioLevel: Double?
    /// The picture's width, as the application said.
    public internal(set) var width: UInt32?
    /// The picture's height, as the application said.
    public internal(set) var height: UInt32?
    /// Pictures a second, as the application said.
    public internal(set) var framesPerSecond: Double?

    init(id: String, timestamp: Double, trackIdentifier: String, kind: String) {
        self.id = id
        self.type = .mediaSource
        self.timestamp = timestamp
        self.trackIdentifier = trackIdentifier
        self.kind = kind
    }
}
