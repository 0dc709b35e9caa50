import Testing
import Wire

@testable import Gateway

@Suite struct PublishDelaysTests {
    /// Always the same number.
    private final class Zero: RandomSource {
        func next() -> UInt64 { 0 }
    }

    private func seconds(_ delay: Duration) -> Double { Double(delay.nanoseconds) / 1e9 }

    @Test func `Each failure doubles the delay, up to a minute, until it went well once`() {
        var delays = PublishDelays()
        let random = Zero()
        let waits = (0..<9).map { _ in seconds(delays.failed(random: random)) }
        #expect(waits == [1, 2, 4, 8, 16, 32, 60, 60, 60])
        for _ in 0..<100 { #expect(delays.failed(random: random) == .seconds(60)) }
        delays.succeeded()
        #expect(delays.failed(random: random) == .seconds(1))
    }

    @Test func `A server that says when to come again is heeded, within an hour`() {
        var delays = PublishDelays()
        let random = Zero()
        #expect(delays.failed(asked: .seconds(7), random: random) == .seconds(7))
        #expect(delays.failed(asked: .zero, random: random) == .seconds(2))
        #expect(delays.failed(asked: .seconds(86400), random: random) == .seconds(3600))
    }

    @Test func `Not all come back at once`() {
        let waits = (0..<50).map { _ in
            var delays = PublishDelays()
            return delays.failed(random: SystemRandomSource())
        }
        #expect(Set(waits).count > 10)
        #expect(waits.allSatisfy { $0 >= .seconds(1) && $0 < .milliseconds(1250) })
    }
}
