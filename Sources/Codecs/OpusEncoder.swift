import COpus
import Media

/// What libopus refused, or a packet that is not Opus.
public enum OpusError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The packet is not a valid Opus packet (RFC 6716 §3.4).
    case malformedPacket
    /// libopus failed otherwise; the text is its own.
    case failed(String)

    init(code: Int32) {
        self = code == OPUS_INVALID_PACKET ? .malformedPacket : .failed(String(cString: opus_strerror(code)))
    }

    /// The reason, for the log.
    public var description: String {
        switch self {
        case .malformedPacket: "malformed Opus packet"
        case .failed(let reason): "Opus: \(reason)"
        }
    }
}

/// Encodes 48 kHz mono sound, 20 ms a packet, with in-band forward error correction where packets are lost (RFC 6716
/// §2.1.7). Owned by one thread.
///
/// That only Opus's speech coder has, at three times the work of the other: it is used as long as some are lost.
public final class OpusEncoder {
    /// The most bytes in a packet: what libopus recommends, above anything that `bitrate` leads to.
    static let maximumPacketLength = 1_275
    private let encoder: OpaquePointer

    /// An encoder that aims at `bitrate` bits a second (6,000 to 510,000). `complexity`, from 0 to 10, trades time for
    /// quality; `expectedLoss` is as in `setExpectedLoss`.
    public init(bitrate: Int = 32_000, complexity: Int = 5, expectedLoss: Double = 0.05) throws(OpusError) {
        var code: Int32 = 0
        guard let encoder = opus_encoder_create(Int32(AudioFormat.sampleRate), 1, OPUS_APPLICATION_AUDIO, &code) else {
            throw OpusError(code: code)
        }
        self.encoder = encoder
        try check(copus_set_complexity(encoder, Int32(clamping: complexity)))
        try check(copus_set_inband_fec(encoder, 1))
        try setBitrate(bitrate)
        try setExpectedLoss(expectedLoss)
    }

    deinit {
        opus_encoder_destroy(encoder)
    }

    /// Aims at `bitrate` bits a second from the next packet on.
    public func setBitrate(_ bitrate: Int) throws(OpusError) {
        try check(copus_set_bitrate(encoder, Int32(clamping: bitrate)))
    }

    /// Prepares for `fraction` of the packets (0 to 1) being lost: the more, the more of each packet repeats the one
    /// before. At 0 nothing is repeated.
    public func setExpectedLoss(_ fraction: Double) throws(OpusError) {
        let percent = fraction.isNaN ? 0 : (min(max(fraction, 0), 1) * 100).rounded()
        try check(copus_set_packet_loss(encoder, Int32(percent)))
        // what libopus takes for speech it gives to the speech coder, whose packets can repeat what may be lost
        try check(copus_set_signal(encoder, percent > 0 ? OPUS_SIGNAL_VOICE : OPUS_AUTO))
    }

    /// The packet for 20 ms of sound: `AudioFormat.samplesPerBlock` samples.
    public func encode(_ samples: [Int16]) throws(OpusError) -> [UInt8] {
        precondition(samples.count == AudioFormat.samplesPerBlock, "a packet is 20 ms")
        var length: Int32 = 0
        let packet = [UInt8](unsafeUninitializedCapacity: Self.maximumPacketLength) { buffer, count in
            length = opus_encode(
                encoder, samples, Int32(samples.count), buffer.baseAddress!, Int32(Self.maximumPacketLength))
            count = Int(max(length, 0))
        }
        try check(length)
        return packet
    }

    private func check(_ code: Int32) throws(OpusError) {
        if code < 0 { throw OpusError(code: code) }
    }
}
