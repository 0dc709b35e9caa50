import COpus
import Glibc
import Media
import Testing
import Wire

@testable import Codecs

struct OpusTests {
    /// Blocks of 20 ms of a tone.
    private func tone(_ frequency: Double, blocks: Int, amplitude: Double = 8_000) -> [[Int16]] {
        (0..<blocks).map { block in
            (0..<960).map { Int16(amplitude * sin(2 * .pi * frequency * Double(block * 960 + $0) / 48_000)) }
        }
    }

    /// A voice-like sound whose pitch and loudness change all the time, so that one block does not foretell the next.
    private func babble(blocks: Int) -> [[Int16]] {
        var phase = 0.0
        return (0..<blocks).map { block in
            let pitch = 110.0 + 90 * Double(block * 7 % 5)
            let loudness = 1_500.0 + 1_200 * Double(block * 3 % 4)
            return (0..<960).map { _ in
                phase += 2 * .pi * pitch / 48_000
                return Int16(loudness * (1...8).reduce(0) { $0 + sin(phase * Double($1)) / Double($1) })
            }
        }
    }

    private func energy(_ samples: some Sequence<Int16>) -> Double {
        samples.reduce(0) { $0 + Double($1) * Double($1) }
    }

    /// The part of the energy that lies at `frequency`, by Goertzel's sum: 1 for a pure tone.
    private func share(of frequency: Double, in samples: [Int16]) -> Double {
        var real = 0.0
        var imaginary = 0.0
        for (index, sample) in samples.enumerated() {
            let angle = 2 * .pi * frequency * Double(index) / 48_000
            real += Double(sample) * cos(angle)
            imaginary += Double(sample) * sin(angle)
        }
        return 2 * (real * real + imaginary * imaginary) / Double(samples.count) / max(energy(samples), 1)
    }

    /// The greatest normalised correlation of `samples` with `stream` anywhere in it.
    private func likeness(_ samples: ArraySlice<Int16>, to stream: [Int16]) -> Double {
        var best = 0.0
        for start in stride(from: 0, through: stream.count - samples.count, by: 4) {
            let window = stream[start..<start + samples.count]
            let product = zip(samples, window).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            best = max(best, product / max(1, (energy(samples) * energy(window)).squareRoot()))
        }
        return best
    }

    @Test(arguments: [200.0, 440, 1_000, 3_000])
    func `a tone comes back with its pitch and loudness`(frequency: Double) throws {
        let encoder = try OpusEncoder()
        let decoder = try OpusDecoder()
        var output: [Int16] = []
        for block in tone(frequency, blocks: 50) {
            let packet = try encoder.encode(block)
            #expect(try OpusDecoder.sampleCount(of: packet) == 960)
            output += try decoder.decode(packet)
        }
        #expect(output.count == 48_000)
        let settled = Array(output[9_600...])
        #expect(share(of: frequency, in: settled) > 0.9)
        let expected = Double(settled.count) * 8_000 * 8_000 / 2
        #expect((0.7...1.4).contains(energy(settled) / expected))
    }

    @Test func `the bitrate is kept and follows a change`() throws {
        let encoder = try OpusEncoder(bitrate: 32_000)
        func bitsPerSecond() throws -> Int {
            try babble(blocks: 100).reduce(0) { $0 + (try encoder.encode($1).count) } * 4
        }
        #expect((20_000...40_000).contains(try bitsPerSecond()))
        try encoder.setBitrate(12_000)
        #expect((6_000...16_000).contains(try bitsPerSecond()))
    }

    @Test(arguments: [0, 5, 10]) func `every complexity encodes`(complexity: Int) throws {
        #expect(try OpusEncoder(complexity: complexity).encode(tone(440, blocks: 1)[0]).count > 10)
    }

    @Test func `settings that libopus does not know are typed errors`() {
        #expect(throws: OpusError.self) { try OpusEncoder(complexity: 11) }
        #expect(throws: OpusError.failed("invalid argument")) { try OpusEncoder(bitrate: -7) }
    }

    @Test func `a concealed loss goes on with the tone, and a long one fades out`() throws {
        let encoder = try OpusEncoder()
        let decoder = try OpusDecoder()
        for block in tone(440, blocks: 20) { _ = try decoder.decode(encoder.encode(block)) }
        let first = try decoder.conceal()
        #expect(first.count == 960)
        #expect(share(of: 440, in: first) > 0.5)
        for _ in 0..<48 { _ = try decoder.conceal() }
        #expect(energy(try decoder.conceal()) < energy(first) / 100)
    }

    @Test func `concealment of any length that Opus counts in is exactly that long`() throws {
        let decoder = try OpusDecoder()
        for samples in [120, 240, 480, 960, 1_920, 2_880, 5_760] {
            #expect(try decoder.conceal(samples: samples).count == samples)
        }
    }

    @Test func `a lost packet is recovered from the one after it, better than concealed`() throws {
        let encoder = try OpusEncoder(bitrate: 32_000, expectedLoss: 0.3)
        let blocks = babble(blocks: 40)
        let packets = try blocks.map { try encoder.encode($0) }
        var recovered = 0.0
        var concealed = 0.0
        for lost in stride(from: 10, to: 38, by: 3) {
            let stream = Array(blocks[(lost - 1)...(lost + 1)].joined())
            for usesCopy in [true, false] {
                let decoder = try OpusDecoder()
                for packet in packets[..<lost] { _ = try decoder.decode(packet) }
                let samples = try usesCopy ? decoder.recover(from: packets[lost + 1]) : decoder.conceal()
                #expect(samples.count == 960)
                // The end of the block: there concealment has nothing of the block before left to go by.
                let likeness = likeness(samples[480...], to: stream)
                if usesCopy { recovered += likeness } else { concealed += likeness }
                #expect(try decoder.decode(packets[lost + 1]).count == 960)
            }
        }
        #expect(recovered > concealed + 0.5, "over ten losses: \(recovered) and \(concealed)")
    }

    @Test func `without expected loss packets carry no copy and are smaller`() throws {
        let blocks = babble(blocks: 50)
        func bytes(expectedLoss: Double) throws -> [Int] {
            let encoder = try OpusEncoder(bitrate: 24_000, expectedLoss: expectedLoss)
            return try blocks.map { try encoder.encode($0).count }
        }
        #expect(try bytes(expectedLoss: 0) != bytes(expectedLoss: 0.4))
        let encoder = try OpusEncoder()
        for loss in [-1, 0, 0.5, 1, 7, .nan, .infinity] { try encoder.setExpectedLoss(loss) }
    }

    @Test(arguments: [120, 240, 480, 960, 1_920, 2_880])
    func `stereo packets of any duration are mixed down to mono`(samples: Int) throws {
        var code: Int32 = 0
        let stereo = try #require(opus_encoder_create(48_000, 2, OPUS_APPLICATION_AUDIO, &code))
        defer { opus_encoder_destroy(stereo) }
        let decoder = try OpusDecoder()
        var output: [Int16] = []
        var time = 0
        while output.count < 24_000 {
            var pairs: [Int16] = []
            for index in time..<time + samples {
                let sample = Int16(8_000 * sin(2 * .pi * 500 * Double(index) / 48_000))
                pairs += [sample, sample]
            }
            time += samples
            var packet = [UInt8](repeating: 0, count: 4_000)
            let length = opus_encode(stereo, pairs, Int32(samples), &packet, 4_000)
            let decoded = try decoder.decode(Array(packet[..<Int(length)]))
            #expect(decoded.count == samples)
            output += decoded
        }
        #expect(share(of: 500, in: Array(output[9_600...])) > 0.9)
    }

    @Test func `malformed packets are typed errors`() throws {
        let decoder = try OpusDecoder()
        // RFC 6716 §3.4: R1 no empty packet; R6 a code 3 packet has a frame count; R5 no more than 120 ms.
        for packet: [UInt8] in [[], [0x03], [0x1b, 0x00], [0x1b, 0x3f, 0x01], [0x02, 0xff]] {
            #expect(throws: OpusError.malformedPacket, "\(packet)") { try decoder.decode(packet) }
            #expect(throws: OpusError.malformedPacket, "\(packet)") { try decoder.recover(from: packet) }
        }
        #expect(try decoder.conceal().count == 960)
    }

    @Test func `random packets decode or are refused, and the decoder lives on`() throws {
        let random = SeededRandomSource(seed: 6716)
        let decoder = try OpusDecoder()
        var decoded = 0
        var refused = 0
        for _ in 0..<2_000 {
            let packet = (0..<random.next() % 80).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            do throws(OpusError) {
                let samples = try decoder.decode(packet)
                let expected = try OpusDecoder.sampleCount(of: packet)
                #expect(samples.count == expected)
                decoded += 1
            } catch {
                #expect(error == .malformedPacket)
                refused += 1
            }
        }
        #expect(decoded > 500 && refused > 100)
        let encoder = try OpusEncoder()
        #expect(try decoder.decode(encoder.encode(tone(440, blocks: 1)[0])).count == 960)
    }
}
