/// What an Opus packet says of itself before it is decoded (RFC 6716 §3).
public enum OpusPacket {
    /// Opus's RTP clock is 48 kHz whatever the sound's bandwidth (RFC 7587 §4.1).
    public static let clockRate = 48_000

    /// The longest packet: 120 ms (RFC 6716 §3.2.5 R5).
    public static let maximumSamples = 5760

    /// Samples at 48 kHz that `packet` decodes to: 120 (2.5 ms) to 5760; nil where its first bytes are not those of an
    /// Opus packet.
    public static func sampleCount(_ packet: some Collection<UInt8>) -> Int? {
        guard let toc = packet.first else { return nil }  // R1: at least one byte
        let frames: Int
        switch toc & 3 {
        case 0: frames = 1
        case 1, 2: frames = 2
        default:
            // Code 3: a byte with the frame count in its low six bits.
            guard let count = packet.dropFirst().first else { return nil }
            frames = Int(count & 0x3F)
        }
        let samples = frames * samplesPerFrame(configuration: toc >> 3)
        return (1...maximumSamples).contains(samples) ? samples : nil
    }

    /// Table 2 of §3.1: 10, 20, 40, 60 ms for SILK; 10, 20 for hybrid; 2.5, 5, 10, 20 for CELT.
    private static func samplesPerFrame(configuration: UInt8) -> Int {
        switch configuration {
        case 0..<12: [480, 960, 1920, 2880][Int(configuration % 4)]
        case 12..<16: [480, 960][Int(configuration % 2)]
        default: 120 << Int(configuration % 4)
        }
    }

    /// Whether the packet tells only that nothing is said: discontinuous transmission codes a frame in at most one byte
    /// after the first (RFC 6716 §2.1.9, §3.1).
    public static func isDiscontinuous(_ packet: some Collection<UInt8>) -> Bool {
        packet.count <= 2
    }
}
