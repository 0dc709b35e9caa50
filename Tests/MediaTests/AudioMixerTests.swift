import Media
import Testing

@Suite struct AudioMixerTests {
    /// Block `number` of a sine of `frequency` at `amplitude`.
    private func sine(_ frequency: Double, amplitude: Double, block number: Int) -> [Int16] {
        // A rotation by one sample's angle, applied again and again: no library needed.
        let step = 2 * Double.pi * frequency / Double(AudioFormat.sampleRate)
        return (0..<AudioFormat.samplesPerBlock).map { index in
            Int16(amplitude * sinOf(step * Double(number * AudioFormat.samplesPerBlock + index)))
        }
    }

    private func sinOf(_ angle: Double) -> Double {
        var x = angle.remainder(dividingBy: 2 * .pi)
        if x > .pi / 2 { x = .pi - x }
        if x < -.pi / 2 { x = -.pi - x }
        let square = x * x
        return x * (1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72 * (1 - square / 110)))))
    }

    /// The largest step from one sample to the next.
    private func largestStep(_ samples: [Int16]) -> Int {
        zip(samples, samples.dropFirst()).map { abs(Int($0) - Int($1)) }.max() ?? 0
    }

    @Test func `Nobody's voice is silence`() {
        var mixer = AudioMixer<Int>()
        #expect(mixer.mix([:]) == [Int16](repeating: 0, count: AudioFormat.samplesPerBlock))
    }

    @Test func `A voice alone passes unchanged once it has faded in`() {
        var mixer = AudioMixer<Int>()
        let first = sine(440, amplitude: 29_000, block: 0)
        let faded = mixer.mix([1: first])
        #expect(faded != first)
        #expect(Array(faded[240...]) == Array(first[240...]))
        let second = sine(440, amplitude: 29_000, block: 1)
        #expect(mixer.mix([1: second]) == second)
        #expect(mixer.voices == [1])
    }

    @Test func `Two voices add up`() {
        var mixer = AudioMixer<Int>()
        let low = (0...1).map { sine(200, amplitude: 9000, block: $0) }
        let high = (0...1).map { sine(1000, amplitude: 9000, block: $0) }
        _ = mixer.mix([1: low[0], 2: high[0]])
        #expect(mixer.mix([1: low[1], 2: high[1]]) == zip(low[1], high[1]).map { $0 + $1 })
    }

    @Test func `Coming, pausing and going do not click`() {
        var mixer = AudioMixer<Int>()
        // 300 Hz at 20000 moves by 785 a sample; a quarter of a block out of phase, an unfaded one jumps by up to
        // 20000.
        let blocks = (0..<12).map { sine(300, amplitude: 20_000, block: $0).suffix(AudioFormat.samplesPerBlock) }
        let shifted = (0..<12).map { block in
            sine(312.5, amplitude: 20_000, block: block)
        }
        var mix: [Int16] = mixer.mix([:])
        for block in 0..<12 {
            // The second voice talks in every third block only, and all stop before the end.
            let voices = block >= 10 ? [:] : block % 3 == 0 ? [1: Array(shifted[block])] : [2: Array(blocks[block])]
            mix += mixer.mix(voices)
        }
        #expect(largestStep(mix) < 1700)
        #expect(mix.suffix(AudioFormat.samplesPerBlock).allSatisfy { $0 == 0 })
        #expect(mixer.voices.isEmpty)
    }

    @Test func `Five shouting voices stay within the ceiling without being cut`() {
        var mixer = AudioMixer<Int>()
        var mix: [Int16] = []
        for block in 0..<20 {
            var voices: [Int: [Int16]] = [:]
            for voice in 0..<5 {
                voices[voice] = sine(200 + 50 * Double(voice), amplitude: 30_000, block: block)
            }
            mix += mixer.mix(voices)
        }
        let settled = mix.dropFirst(AudioFormat.samplesPerBlock)
        #expect(settled.map { abs(Int($0)) }.max()! <= Int(Int16.max))
        // Cut peaks would be runs of the same value.
        let plateaus = zip(settled, settled.dropFirst()).filter { $0 == $1 && abs(Int($0)) > 25_000 }
        #expect(plateaus.count < 10)
        // Bent ones would be above the ceiling; the gain has to do the work.
        let bent = settled.filter { abs(Int($0)) > Int(AudioMixer<Int>.ceiling) }
        #expect(bent.count < settled.count / 200)
        // 400 Hz at full scale moves by 1715 a sample; a wrap jumps by 65535.
        #expect(largestStep(mix) < 4000)
    }

    @Test func `The loudest possible samples do not overflow`() {
        var mixer = AudioMixer<Int>()
        for extreme in [Int16.min, .max, .min] {
            let block = [Int16](repeating: extreme, count: AudioFormat.samplesPerBlock)
            let mix = mixer.mix(Dictionary(uniqueKeysWithValues: (0..<100).map { ($0, block) }))
            #expect(mix.allSatisfy { $0.signum() == extreme.signum() || $0 == 0 })
        }
    }

    @Test func `The gain comes back slowly after a loud moment`() {
        var mixer = AudioMixer<Int>()
        for block in 0..<5 {
            let loud = sine(440, amplitude: 30_000, block: block)
            _ = mixer.mix([1: loud, 2: loud])
        }
        func peak(_ block: Int) -> Int {
            mixer.mix([1: sine(440, amplitude: 10_000, block: block)]).map { abs(Int($0)) }.max() ?? 0
        }
        let peaks = (5..<30).map(peak)
        #expect(peaks[1] < 7000)
        #expect(peaks.last! >= 9990)
        #expect(peaks.dropFirst().map(\.self) == peaks.dropFirst().sorted())
    }
}
