/// Mixes the voices of all who talk into one block for the speaker.
///
/// Each voice is faded in at its first block and out after its last (or where a block is missing), so that nobody's
/// coming and going is a click. The sum goes through a limiter: a voice alone is untouched up to `AudioMixer.ceiling`;
/// where several add up to more, the gain gives way in time for the peak and comes back slowly, and what still gets
/// past it at the start of a block is bent, never cut or wrapped.
///
/// ```
///  voice ─ fade ─┐
///  voice ─ fade ─┼─ sum ─ limiter's gain ─ soft knee ─► 16 bit
///  tail of one   │
///  who left  ────┘
/// ```
public struct AudioMixer<Voice: Hashable & Sendable>: Sendable {
    /// The level above which the limiter works: 1 dB below full scale.
    public static var ceiling: Int16 { Int16(Limiter.ceiling) }

    /// 5 ms: short enough to lose no consonant, long enough not to click.
    private static var fadeLength: Int { 240 }

    /// The end of the last block of each voice that was heard in it, backwards: what fades out when no block follows.
    /// Played backwards it begins where the voice broke off, and nothing need be kept back for it.
    private var tails: [Voice: [Int16]] = [:]
    private var limiter = Limiter()

    /// A mixer that has heard nobody yet.
    public init() {}

    /// The voices that were in the last block.
    public var voices: Set<Voice> { Set(tails.keys) }

    /// The mix of one block (`AudioFormat.samplesPerBlock` samples) of every voice that has one. A voice that is not in
    /// `blocks` but was in those before is faded out.
    public mutating func mix(_ blocks: [Voice: [Int16]]) -> [Int16] {
        var sum = [Float](repeating: 0, count: AudioFormat.samplesPerBlock)
        for (voice, samples) in blocks {
            precondition(samples.count == sum.count, "a block is 20 ms")
            let fade = tails[voice] == nil ? Self.fadeLength : 0
            for index in 0..<fade {
                sum[index] += Float(samples[index]) * Float(index) / Float(fade)
            }
            for index in fade..<sum.count {
                sum[index] += Float(samples[index])
            }
        }
        for (voice, tail) in tails where blocks[voice] == nil {
            for index in tail.indices {
                sum[index] += Float(tail[index]) * Float(tail.count - index) / Float(tail.count)
            }
        }
        tails = blocks.mapValues { $0.suffix(Self.fadeLength).reversed() }
        return limiter.limit(sum)
    }
}

/// A limiter with the look-ahead that a block gives.
private struct Limiter: Sendable {
    static let ceiling: Float = 29_204
    /// 2.5 ms, within which the gain changes in a straight line.
    private static let stepLength = 120
    /// The most by which the gain rises in a step: from nothing to all in a quarter of a second.
    private static let recovery: Float = 0.01

    private var gain: Float = 1

    /// `samples` within 16 bits.
    mutating func limit(_ samples: [Float]) -> [Int16] {
        let steps = samples.count / Self.stepLength
        // The gain at which each step's peak just reaches the ceiling.
        let allowed = (0..<steps).map { step in
            let peak = samples[step * Self.stepLength..<(step + 1) * Self.stepLength].reduce(0) { max($0, abs($1)) }
            return peak > Self.ceiling ? Self.ceiling / peak : 1
        }
        if gain == 1, allowed.allSatisfy({ $0 == 1 }) { return samples.map { Int16($0.rounded()) } }
        var limited: [Int16] = []
        limited.reserveCapacity(samples.count)
        for step in 0..<steps {
            // By the step's end the gain must suit this step and the next, so between two ends it suits the step
            // between.
            let target = min(allowed[step], step + 1 < steps ? allowed[step + 1] : 1, gain + Self.recovery)
            let slope = (target - gain) / Float(Self.stepLength)
            for index in 0..<Self.stepLength {
                let sample = samples[step * Self.stepLength + index] * (gain + slope * Float(index))
                limited.append(Int16(Self.bend(sample).rounded()))
            }
            gain = target
        }
        return limited
    }

    /// Leaves what is below the ceiling, and leads what is above it smoothly towards full scale.
    private static func bend(_ sample: Float) -> Float {
        let excess = abs(sample) - ceiling
        guard excess > 0 else { return sample }
        let room = Float(Int16.max) - ceiling
        let bent = ceiling + room * excess / (room + excess)
        return sample < 0 ? -bent : bent
    }
}
