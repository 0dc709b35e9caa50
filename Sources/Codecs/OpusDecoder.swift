import COpus
import Media

/// Decodes Opus to 48 kHz mono, whatever the packets hold: any duration, any mode, stereo mixed down. Owned by one
/// thread.
public final class OpusDecoder {
    /// Samples in the longest packet there can be: 120 ms (RFC 6716 §3.2.5).
    public static let maximumSamplesPerPacket = 5_760
    private let decoder: OpaquePointer

    /// A decoder at the start of a stream.
    public init() throws(OpusError) {
        var code: Int32 = 0
        guard let decoder = opus_decoder_create(Int32(AudioFormat.sampleRate), 1, &code) else {
            throw OpusError(code: code)
        }
        self.decoder = decoder
    }

    deinit {
        opus_decoder_destroy(decoder)
    }

    /// How many samples at 48 kHz `packet` decodes to; the packet's first bytes say it (RFC 6716 §3.1).
    public static func sampleCount(of packet: [UInt8]) throws(OpusError) -> Int {
        // An empty packet is what tells libopus that one was lost, so it must not get there.
        guard !packet.isEmpty else { throw .malformedPacket }
        let count = opus_packet_get_nb_samples(packet, Int32(clamping: packet.count), Int32(AudioFormat.sampleRate))
        guard count > 0, count <= maximumSamplesPerPacket else { throw .malformedPacket }
        return Int(count)
    }

    /// The samples of `packet`, which follows the one decoded or concealed before.
    public func decode(_ packet: [UInt8]) throws(OpusError) -> [Int16] {
        try decode(packet, samples: Self.sampleCount(of: packet), forwardErrorCorrection: false)
    }

    /// The samples of the lost packet before `next`, from the copy that `next` carries of it, or concealed where it has
    /// none. `samples`, a multiple of 120 (2.5 ms), is how many are missing. Decode `next` itself afterwards.
    public func recover(samples: Int = AudioFormat.samplesPerBlock, from next: [UInt8]) throws(OpusError) -> [Int16] {
        _ = try Self.sampleCount(of: next)
        return try decode(next, samples: samples, forwardErrorCorrection: true)
    }

    /// What the ear best takes for `samples` lost ones, a multiple of 120 (2.5 ms): the voice goes on for a moment,
    /// then fades.
    public func conceal(samples: Int = AudioFormat.samplesPerBlock) throws(OpusError) -> [Int16] {
        try decode(nil, samples: samples, forwardErrorCorrection: false)
    }

    private func decode(_ packet: [UInt8]?, samples: Int, forwardErrorCorrection: Bool) throws(OpusError) -> [Int16] {
        precondition(samples > 0 && samples <= Self.maximumSamplesPerPacket && samples % 120 == 0, "2.5 ms to 120 ms")
        var decoded: Int32 = 0
        let output = [Int16](unsafeUninitializedCapacity: samples) { buffer, count in
            decoded = opus_decode(
                decoder, packet, Int32(clamping: packet?.count ?? 0), buffer.baseAddress!, Int32(samples),
                forwardErrorCorrection ? 1 : 0)
            count = Int(max(decoded, 0))
        }
        guard decoded >= 0 else { throw OpusError(code: decoded) }
        return output
    }
}
