import Wire

/// A frame of video, or one block of sound, cut into payloads once for every viewer: it knows neither stream nor
/// header. Of a frame whose slices leave as they are encoded, one of its parts.
///
/// Copies share the bytes, so any number of senders and their histories may hold it: each is one reference beside the
/// timestamp, for a frame is copied for every packet and every viewer.
public struct PacketizedFrame: Sendable {
    /// What all copies share.
    @usableFromInline
    final class Content: Sendable {
        @usableFromInline let storage: [UInt8]
        @usableFromInline let payloads: [Range<Int>]
        @usableFromInline let markedPayload: Int?
        @usableFromInline let captured: Instant
        @usableFromInline let isKeyFrame: Bool
        @usableFromInline let isFirst: Bool
        @usableFromInline let isLast: Bool
        @usableFromInline let audioLevel: AudioLevel?

        init(
            storage: [UInt8], payloads: [Range<Int>], markedPayload: Int?, captured: Instant, isKeyFrame: Bool,
            isFirst: Bool, isLast: Bool, audioLevel: AudioLevel?
        ) {
            self.storage = storage
            self.payloads = payloads
            self.markedPayload = markedPayload
            self.captured = captured
            self.isKeyFrame = isKeyFrame
            self.isFirst = isFirst
            self.isLast = isLast
            self.audioLevel = audioLevel
        }
    }

    @usableFromInline let content: Content
    /// When it was taken, in the payload's clock, before each stream adds its own random offset.
    public var timestamp: RTPTimestamp

    /// The payloads' bytes, back to back.
    @inlinable public var storage: [UInt8] { content.storage }
    /// Where each packet's payload lies in `storage`, in the order in which they leave.
    @inlinable public var payloads: [Range<Int>] { content.payloads }
    /// The payload whose packet carries the marker bit; nil for none.
    @inlinable public var markedPayload: Int? { content.markedPayload }
    /// The moment of `timestamp` on the monotonic clock, which sender reports tie the timestamp to.
    @inlinable public var captured: Instant { content.captured }
    /// Whether a decoder can start here. True for sound.
    @inlinable public var isKeyFrame: Bool { content.isKeyFrame }
    /// Whether the frame begins with the first payload and ends with the last; both, unless this is a part of it.
    @inlinable public var isFirst: Bool { content.isFirst }
    /// See `isFirst`.
    @inlinable public var isLast: Bool { content.isLast }
    /// How loud the sound is, for the header of its packet (RFC 6464); nil where nobody measured it, and for video.
    @inlinable public var audioLevel: AudioLevel? { content.audioLevel }

    /// A frame of several payloads, which lie within `storage`.
    public init(
        storage: [UInt8], payloads: [Range<Int>], markedPayload: Int?, timestamp: RTPTimestamp, captured: Instant,
        isKeyFrame: Bool, isFirst: Bool = true, isLast: Bool = true, audioLevel: AudioLevel? = nil
    ) {
        precondition(
            payloads.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= storage.count }, "payloads lie in the storage")
        content = Content(
            storage: storage, payloads: payloads, markedPayload: markedPayload, captured: captured,
            isKeyFrame: isKeyFrame, isFirst: isFirst, isLast: isLast, audioLevel: audioLevel)
        self.timestamp = timestamp
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
