import Wire

/// A frame of video, or one block of sound, cut into payloads once for every viewer: it knows neither stream nor
/// header. Of a frame whose slices leave as they are encoded, one of its parts.
///
/// Copies share the bytes, so any number of senders and their histories may hold it.
public struct PacketizedFrame: Sendable {
    /// The payloads' bytes, back to back.
    public let storage: [UInt8]
    /// Where each packet's payload lies in `storage`, in the order in which they leave.
    public let payloads: [Range<Int>]
    /// The payload whose packet carries the marker bit; nil for none.
    public let markedPayload: Int?
    /// When it was taken, in the payload's clock, before each stream adds its own random offset.
    public var timestamp: RTPTimestamp
    /// The same moment on the monotonic clock, which sender reports tie the timestamp to.
    public let captured: Instant
    /// Whether a decoder can start here. True for sound.
    public let isKeyFrame: Bool
    /// Whether the frame begins with the first payload and ends with the last; both, unless this is a part of it.
    public let isFirst: Bool
    /// See `isFirst`.
    public let isLast: Bool
    /// How loud the sound is, for the header of its packet (RFC 6464); nil where nobody measured it, and for video.
    public let audioLevel: AudioLevel?

    /// A frame of several payloads, which lie within `storage`.
    public init(
        storage: [UInt8], payloads: [Range<Int>], markedPayload: Int?, timestamp: RTPTimestamp, captured: Instant,
        isKeyFrame: Bool, isFirst: Bool = true, isLast: Bool = true, audioLevel: AudioLevel? = nil
    ) {
        precondition(
            payloads.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= storage.count }, "payloads lie in the storage")
        self.storage = storage
        self.payloads = payloads
        self.markedPayload = markedPayload
        self.timestamp = timestamp
        self.captured = captured
        self.isKeyFrame = isKeyFrame
        self.isFirst = isFirst
        self.isLast = isLast
        self.audioLevel = audioLevel
    }

    /// One packet of sound. `startsTalkspurt` sets the marker: the first after a silence in which none were sent
    /// (RFC 3551 §4.1).
    public init(
        sound payload: [UInt8], timestamp: RTPTimestamp, captured: Instant, startsTalkspurt: Bool = false,
        audioLevel: AudioLevel? = nil
    ) {
        self.init(
            storage: payload, payloads: [0..<payload.count], markedPayload: startsTalkspurt ? 0 : nil,
            timestamp: timestamp, captured: captured, isKeyFrame: true, audioLevel: audioLevel)
    }
}
