import DTLS
import ICE
import RTP
import SDP
import SRTP
public import Wire

/// What only the application knows of a picture that it sends.
public struct MediaSourceSettings: Hashable, Sendable {
    /// Pixels.
    public var width: UInt32
    /// Pixels.
    public var height: UInt32
    /// Pictures a second.
    public var framesPerSecond: Double

    /// A picture of these dimensions.
    public init(width: UInt32, height: UInt32, framesPerSecond: Double) {
        self.width = width
        self.height = height
        self.framesPerSecond = framesPerSecond
    }
}

extension RTCPeerConnection {
    /// Tells what the pictures sent on `transceiver` are like, for the statistics.
    public mutating func describeMediaSource(_ settings: MediaSourceSettings?, of transceiver: TransceiverID) {
        mediaSources[transceiver] = settings
    }

    /// What the connection knows of itself (W3C WebRTC §8, `getStats`).
    ///
    /// `timeOrigin` is what the epoch of the instants is in milliseconds since 1970, which only the shell knows; all
    /// times of the report count from it.
    public func getStats(at now: Instant, timeOrigin: Double = 0) -> RTCStatsReport {
        var collector = StatsCollector(at: now, timeOrigin: timeOrigin)
        collector.add(self)
        return RTCStatsReport(collector.stats)
    }
}

/// Gathers the objects of one report.
struct StatsCollector {
    let instant: Instant
    let timeOrigin: Double
    private(set) var stats: [RTCStats] = []
    private var codecs: Set<String> = []

    init(at instant: Instant, timeOrigin: Double) {
        self.instant = instant
        self.timeOrigin = timeOrigin
    }

    func milliseconds(_ instant: Instant) -> Double { timeOrigin + Double(instant.nanoseconds) / 1e6 }

    private var timestamp: Double { milliseconds(instant) }

    mutating func append(_ object: RTCStats) {
        stats.append(object)
    }

    mutating func add(_ connection: RTCPeerConnection) {
        var object = RTCPeerConnectionStats(id: "peer-connection", timestamp: timestamp)
        object.dataChannelsOpened = connection.channels.openedCount
        object.dataChannelsClosed = connection.channels.closedCount
        append(.peerConnection(object))
        addTransports(of: connection)
        for channel in connection.channels.closed + connection.dataChannels { add(channel) }
        for stream in connection.media.outgoing { add(stream, of: connection, isActive: true) }
        for stream in connection.media.paused { add(stream, of: connection, isActive: false) }
        let streams = connection.media.streams.values.sorted { $0.receiver.ssrc.rawValue < $1.receiver.ssrc.rawValue }
        for stream in streams where stream.receiver.statistics.packetsReceived > 0 { add(stream, of: connection) }
    }

    private mutating func add(_ channel: RTCDataChannel) {
        var object = RTCDataChannelStats(
            id: "data-channel-\(channel.id.rawValue)", timestamp: timestamp, state: channel.readyState)
        object.label = channel.label
        object.protocol = channel.protocol
        object.dataChannelIdentifier = channel.streamIdentifier
        object.messagesSent = channel.traffic.messagesSent
        object.bytesSent = channel.traffic.bytesSent
        object.messagesReceived = channel.traffic.messagesReceived
        object.bytesReceived = channel.traffic.bytesReceived
        append(.dataChannel(object))
    }

    // MARK: Streams

    /// The identifier of the codec's object, which is made the first time.
    private mutating func codecID(_ codec: RTPCodec, kind: MediaKind, direction: String, transport: String) -> String {
        let id = "codec-\(transport)-\(direction)-\(codec.payloadType)"
        guard codecs.insert(id).inserted else { return id }
        var object = RTCCodecStats(
            id: id, timestamp: timestamp, payloadType: UInt32(codec.payloadType), transportId: transport,
            mimeType: "\(kind)/\(codec.name)")
        object.clockRate = codec.clockRate
        object.channels = codec.channels.map(UInt32.init)
        let parameters = codec.parameters.map { parameter in
            parameter.value.map { "\(parameter.name)=\($0)" } ?? parameter.name
        }
        if !parameters.isEmpty { object.sdpFmtpLine = parameters.joined(separator: ";") }
        append(.codec(object))
        return id
    }

    private mutating func add(_ stream: MediaStreams.Outgoing, of connection: RTCPeerConnection, isActive: Bool) {
        guard let transceiver = connection.transceivers.first(where: { $0.id == stream.transceiver }) else { return }
        let kind = "\(transceiver.kind)"
        let ssrc = stream.sender.ssrc.rawValue
        let transport = Self.id(of: stream.transport)
        let codec = transceiver.negotiatedCodec.map {
            codecID($0.codec, kind: transceiver.kind, direction: "out", transport: transport)
        }
        let source = transceiver.track.map { addSource($0, of: stream, connection.mediaSources[transceiver.id]) }
        let id = "outbound-rtp-\(ssrc)"
        let (sent, remote) = (stream.sender.statistics, stream.sender.remote)
        var object = RTCOutboundRtpStreamStats(
            id: id, timestamp: timestamp, ssrc: ssrc, kind: kind, transportId: transport)
        object.codecId = codec
        object.mid = transceiver.mid
        object.mediaSourceId = source
        object.rtxSsrc = stream.sender.rtx?.ssrc.rawValue
        object.packetsSent = sent.packetsSent
        object.bytesSent = sent.bytesSent
        object.headerBytesSent = sent.headerBytesSent
        object.retransmittedPacketsSent = sent.retransmittedPacketsSent
        object.retransmittedBytesSent = sent.retransmittedBytesSent
        object.nackCount = stream.requests.nackCount
        object.active = isActive
        if transceiver.kind == .video {
            let settings = connection.mediaSources[transceiver.id]
            object.frameWidth = settings?.width
            object.frameHeight = settings?.height
            object.framesPerSecond = settings?.framesPerSecond
            object.framesSent = sent.framesSent
            object.framesEncoded = sent.framesSent
            object.keyFramesEncoded = sent.keyFramesSent
            object.pliCount = stream.requests.pliCount
            object.firCount = stream.requests.firCount
        }
        let remoteID = "remote-inbound-rtp-\(ssrc)"
        if remote.lastReport != nil { object.remoteId = remoteID }
        append(.outboundRTP(object))
        guard let reported = remote.lastReport else { return }
        var report = RTCRemoteInboundRtpStreamStats(
            id: remoteID, timestamp: milliseconds(reported), ssrc: ssrc, kind: kind, transportId: transport)
        report.codecId = codec
        report.localId = id
        report.packetsReceived = remote.packetsReceived
        report.packetsLost = Int64(remote.packetsLost)
        report.jitter = remote.jitter.inSeconds
        report.fractionLost = remote.fractionLost
        report.roundTripTime = remote.roundTripTime?.inSeconds
        report.totalRoundTripTime = remote.totalRoundTripTime.inSeconds
        report.roundTripTimeMeasurements = UInt64(remote.roundTripTimeMeasurements)
        append(.remoteInboundRTP(report))
    }

    private mutating func addSource(
        _ track: MediaStreamTrack, of stream: MediaStreams.Outgoing, _ settings: MediaSourceSettings?
    ) -> String {
        let id = "media-source-\(track.id)"
        var source = RTCMediaSourceStats(
            id: id, timestamp: timestamp, trackIdentifier: track.id, kind: "\(track.kind)")
        if track.kind == .video {
            source.width = settings?.width
            source.height = settings?.height
            source.framesPerSecond = settings?.framesPerSecond
        } else {
            source.audioLevel = stream.audioLevel?.linear
        }
        append(.mediaSource(source))
        return id
    }

    private mutating func add(_ stream: MediaStreams.Stream, of connection: RTCPeerConnection) {
        let kind = "\(stream.incoming.kind)"
        let ssrc = stream.receiver.ssrc
        let transport = Self.id(of: stream.incoming.transport)
        let codec = codecID(stream.incoming.codec, kind: stream.incoming.kind, direction: "in", transport: transport)
        let id = "inbound-rtp-\(ssrc)"
        let received = stream.receiver.statistics
        var object = RTCInboundRtpStreamStats(
            id: id, timestamp: timestamp, ssrc: ssrc.rawValue, kind: kind, transportId: transport)
        object.codecId = codec
        object.mid = stream.incoming.mid
        object.packetsReceived = received.packetsReceived
        object.packetsLost = received.packetsLost
        object.jitter = received.jitter.inSeconds
        object.bytesReceived = received.bytesReceived
        object.headerBytesReceived = received.headerBytesReceived
        object.lastPacketReceivedTimestamp = received.lastPacketReceived.map(milliseconds)
        object.retransmittedPacketsReceived = received.retransmittedPacketsReceived
        object.retransmittedBytesReceived = received.retransmittedBytesReceived
        object.rtxSsrc = connection.media.repairs.first { $0.value.original == ssrc }?.key.rawValue
        object.nackCount = stream.requests.nackCount
        if let pictures = stream.assembler?.statistics {
            object.pliCount = stream.requests.pliCount
            object.firCount = stream.requests.firCount
            object.framesReceived = pictures.framesReceived
            object.framesDropped = pictures.framesDropped
            object.packetsDiscarded = pictures.packetsDiscarded
            object.jitterBufferDelay = pictures.jitterBufferDelay.inSeconds
            object.jitterBufferEmittedCount = pictures.jitterBufferEmittedCount
        }
        let remoteID = "remote-outbound-rtp-\(ssrc)"
        if stream.receiver.lastSenderReport != nil { object.remoteId = remoteID }
        append(.inboundRTP(object))
        guard let (report, came) = stream.receiver.lastSenderReport else { return }
        var remote = RTCRemoteOutboundRtpStreamStats(
            id: remoteID, timestamp: milliseconds(came), ssrc: ssrc.rawValue, kind: kind, transportId: transport)
        remote.codecId = codec
        remote.localId = id
        remote.packetsSent = UInt64(report.packetCount)
        remote.bytesSent = UInt64(report.octetCount)
        remote.remoteTimestamp = report.ntpTime.millisecondsSince1970
        remote.reportsSent = stream.receiver.senderReportsReceived
        append(.remoteOutboundRTP(remote))
    }
}

extension AudioLevel {
    /// 0 to 1: 10^(−dB/20) (W3C RTCAudioSourceStats `audioLevel`).
    var linear: Double {
        if decibelsBelowOverload == 127 { return 0 }
        let decibel = 0.891_250_938_133_745_5
        return (0..<decibelsBelowOverload).reduce(1) { level, _ in level * decibel }
    }
}

extension NTPTime {
    /// RFC 3550 §4: NTP counts from 1900, 2 208 988 800 s earlier.
    fileprivate var millisecondsSince1970: Double {
        (Double(rawValue) / 4_294_967_296 - 2_208_988_800) * 1000
    }
}
