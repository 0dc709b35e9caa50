import Media
import Testing
import Wire

@testable import Sound

@Suite struct CaptureClockTests {
    @Test func `Captured times are steady though the device reports them by periods`() {
        var clock = CaptureClock()
        let random = SeededRandomSource(seed: 1)
        var times: [Instant] = []
        for block in 1...500 {
            // The block's true end, told up to 10 ms late.
            let now = Instant(nanoseconds: Int64(block) * 20_000_000 + Int64(random.below(10_000_000)))
            times.append(clock.captured(now: now, samplesBehind: AudioFormat.samplesPerBlock))
        }
        let steps = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect(steps.allSatisfy { $0 > .milliseconds(19) && $0 < .milliseconds(21) })
        let settled = times.enumerated().dropFirst(100).map { $1 - Instant(nanoseconds: Int64($0) * 20_000_000) }
        #expect(settled.allSatisfy { $0 > .milliseconds(2) && $0 < .milliseconds(8) })
    }

    @Test func `Samples that still wait in the device make the block older`() {
        var clock = CaptureClock()
        let now = Instant(nanoseconds: 1_000_000_000)
        #expect(clock.captured(now: now, samplesBehind: 960 + 480) == now - .milliseconds(30))
    }

    @Test func `The clock follows a gap at once`() {
        var clock = CaptureClock()
        _ = clock.captured(now: Instant(nanoseconds: 1_000_000_000), samplesBehind: 960)
        let later = clock.captured(now: Instant(nanoseconds: 3_000_000_000), samplesBehind: 960)
        #expect(later == Instant(nanoseconds: 2_980_000_000))
    }

    @Test func `The clock keeps up with a crystal that is 200 ppm off`() {
        var clock = CaptureClock()
        var error = Duration.zero
        for block in 1...5000 {
            let now = Instant(nanoseconds: Int64(block) * 20_004_000)
            error = clock.captured(now: now, samplesBehind: 960) - (now - .milliseconds(20))
        }
        #expect(error > .microseconds(-100) && error < .microseconds(100))
    }
}
