public import RTP
public import Wire

/// A source that was heard lately (W3C RTCRtpSynchronizationSource).
public struct RTCRtpSynchronizationSource: Hashable, Sendable {
    /// The source.
    public let source: SSRC
    /// When its last packet came.
    public let timestamp: Instant
    /// The timestamp of that packet.
    public let rtpTimestamp: RTPTimestamp
    /// How loud its sound is, as the header of that packet says (RFC 6464); nil for video, and where it does not say.
    public let audioLevel: AudioLevel?
}

extension RTCPeerConnection {
    /// The sources whose packets came on `transceiver` in the last ten seconds, the last heard first (W3C §5.3,
    /// `getSynchronizationSources`).
    public func getSynchronizationSources(of transceiver: TransceiverID, at now: Instant)
        -> [RTCRtpSynchronizationSource]
    {
        var sources: [RTCRtpSynchronizationSource] = []
        for stream in media.streams.values where stream.incoming.transceiver == transceiver {
            guard let came = stream.receiver.statistics.lastPacketReceived, now - came <= .seconds(10),
                let timestamp = stream.lastTimestamp
            else { continue }
            sources.append(
                RTCRtpSynchronizationSource(
                    source: stream.receiver.ssrc, timestamp: came, rtpTimestamp: timestamp,
                    audioLevel: stream.audioLevel))
        }
        return sources.sorted { $0.timestamp > $1.timestamp }
    }
}
