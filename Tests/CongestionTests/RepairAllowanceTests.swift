import Congestion
import Testing
import Wire

/// How long a receiver is asked to hold pictures back.
@Suite struct RepairAllowanceTests {
    private var allowance = RepairAllowance()
    private var now = Instant.zero + .seconds(7)

    /// Half a second after half a second.
    private mutating func pass(_ seconds: Int, loss: Double?, roundTrip: Duration? = .milliseconds(50)) {
        for _ in 0..<2 * seconds {
            now += .milliseconds(500)
            allowance.handle(lossFraction: loss, roundTripTime: roundTrip, at: now)
        }
    }

    @Test(arguments: [0, 0.005, 0.02]) mutating func `a path that loses little is left to the receiver`(loss: Double) {
        pass(60, loss: loss)
        #expect(allowance.delay == nil)
    }

    @Test mutating func `nothing is asked for while nothing is known`() {
        pass(10, loss: nil)
        pass(10, loss: 0.1, roundTrip: nil)
        #expect(allowance.delay == nil)
    }

    @Test(arguments: [
        (0.03, 0, 140), (0.03, 50, 190), (0.03, 51, 190), (0.03, 61, 200), (0.05, 50, 290), (0.05, 2000, 400),
    ])
    mutating func `a lossy path has the time of some repairs, and a talk no more than it bears`(
        loss: Double, roundTrip: Int, expected: Int
    ) {
        pass(1, loss: loss, roundTrip: .milliseconds(roundTrip))
        #expect(allowance.delay == .milliseconds(expected))
    }

    @Test mutating func `it is there until little was lost for long`() {
        pass(1, loss: 0.03)
        pass(60, loss: 0.011)
        #expect(allowance.delay == .milliseconds(190))
        pass(19, loss: 0.002)
        pass(1, loss: 0.03)
        pass(20, loss: 0.002)
        #expect(allowance.delay == .milliseconds(190))
        pass(2, loss: 0.002)
        #expect(allowance.delay == nil)
    }

    @Test mutating func `a round trip that grows is followed at once, one that shrinks when it stays`() {
        pass(1, loss: 0.03)
        pass(1, loss: 0.03, roundTrip: .milliseconds(120))
        #expect(allowance.delay == .milliseconds(260))
        pass(60, loss: 0.03, roundTrip: .milliseconds(90))
        #expect(allowance.delay == .milliseconds(260))
        pass(19, loss: 0.03, roundTrip: .milliseconds(50))
        #expect(allowance.delay == .milliseconds(260))
        pass(2, loss: 0.03, roundTrip: .milliseconds(50))
        #expect(allowance.delay == .milliseconds(190))
    }
}
