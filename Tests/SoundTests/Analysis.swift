import Glibc
import Media

/// How strong `frequency` is in `samples`: the amplitude of that sine (Goertzel's algorithm).
func amplitude(of frequency: Double, in samples: [Int16]) -> Double {
    let step = 2 * cos(2 * .pi * frequency / Double(AudioFormat.sampleRate))
    var last = 0.0
    var beforeLast = 0.0
    for sample in samples {
        (last, beforeLast) = (Double(sample) + step * last - beforeLast, last)
    }
    let power = last * last + beforeLast * beforeLast - step * last * beforeLast
    return 2 * max(0, power).squareRoot() / Double(samples.count)
}

/// Blocks of a sine of `frequency` at `amplitude`, without a seam between them.
func sine(_ frequency: Double, amplitude: Double, block number: Int) -> [Int16] {
    (0..<AudioFormat.samplesPerBlock).map { index in
        let time = Double(number * AudioFormat.samplesPerBlock + index) / Double(AudioFormat.sampleRate)
        return Int16(amplitude * sin(2 * .pi * frequency * time))
    }
}
