import Media
import Sound
import Testing
import Wire

@Suite struct StandinTests {
    @Test func `The tone is 440 Hz at 26 dB below full scale, and nothing else`() throws {
        let source = ToneSource()
        var samples: [Int16] = []
        var begins: [Instant] = []
        while samples.count < AudioFormat.sampleRate {
            let block = try #require(try source.nextBlock(timeout: .seconds(1)))
            samples += block.samples
            begins.append(block.captured)
        }
        // The swell's mean is 0.625 of the peak.
        #expect(abs(amplitude(of: 440, in: samples) - 0.625 * 1642) < 5)
        #expect(amplitude(of: 880, in: samples) < 5)
        #expect((samples.max() ?? 0) > 1600 && (samples.max() ?? 0) < 1650)
        // Its neighbours are 94 apart at most (2π·440/48000·1642): no seam between blocks.
        #expect(zip(samples, samples.dropFirst()).allSatisfy { abs($0 - $1) < 100 })
        #expect(zip(begins, begins.dropFirst()).allSatisfy { $1 - $0 == AudioFormat.blockDuration })
    }

    @Test func `A stand-in is no faster than a device`() throws {
        let source = SilenceSource()
        #expect(try source.nextBlock(timeout: .zero) == nil)
        let first = try #require(try source.nextBlock(timeout: .seconds(1)))
        #expect(try source.nextBlock(timeout: .milliseconds(1)) == nil)
        let second = try #require(try source.nextBlock(timeout: .seconds(1)))
        #expect(second.captured - first.captured == AudioFormat.blockDuration)
        #expect(second.samples.allSatisfy { $0 == 0 })

        let clock = ContinuousClock()
        let sink = DiscardingSink()
        let time = try clock.measure {
            for _ in 0..<3 { try sink.play(first.samples) }
        }
        #expect(time >= .milliseconds(60))
    }
}
