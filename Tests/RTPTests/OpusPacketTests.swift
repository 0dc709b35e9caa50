import RTP
import Testing

@Suite("Opus packets")
struct OpusPacketTests {
    @Test(
        "RFC 6716 §3.1, table 2: the frame's duration by configuration",
        arguments: [
            (0, 480), (1, 960), (2, 1920), (3, 2880), (4, 480), (7, 2880), (8, 480), (11, 2880), (12, 480), (13, 960),
            (14, 480), (15, 960), (16, 120), (17, 240), (18, 480), (19, 960), (20, 120), (28, 120), (31, 960),
        ])
    func durations(configuration: Int, samples: Int) {
        let toc = UInt8(configuration << 3)
        #expect(OpusPacket.sampleCount([toc]) == samples)
        #expect(OpusPacket.sampleCount([toc | 1]) == 2 * samples)
        #expect(OpusPacket.sampleCount([toc | 2]) == 2 * samples)
        #expect(OpusPacket.sampleCount([toc | 3, 2]) == 2 * samples)
        #expect(OpusPacket.sampleCount([toc | 3 | 4, 0xC1]) == samples)
    }

    @Test("RFC 6716 §3.2.5: no bytes, no frames and more than 120 ms are no packet")
    func malformed() {
        #expect(OpusPacket.sampleCount([UInt8]()) == nil)
        #expect(OpusPacket.sampleCount([0x03]) == nil)
        #expect(OpusPacket.sampleCount([0x03, 0]) == nil)
        #expect(OpusPacket.sampleCount([31 << 3 | 3, 6]) == 5760)
        #expect(OpusPacket.sampleCount([31 << 3 | 3, 7]) == nil)
        #expect(OpusPacket.sampleCount([16 << 3 | 3, 48]) == 5760)
    }
}
