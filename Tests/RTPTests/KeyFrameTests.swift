import RTP
import Testing
import Wire

private let start = Instant(nanoseconds: 1_000_000_000_000)

@Suite("Key frames on demand")
struct KeyFrameTests {
    @Test("RFC 4585 §6.3.1, RFC 5104 §4.3.1: a flood of requests costs a key frame an interval, and ends with one")
    func flood() {
        var demand = KeyFrameDemand()
        var granted: [Int] = []
        var millisecond = 0
        // a thousand requests in a second, each key frame leaving 30 ms after it was asked for
        for _ in 0..<1000 {
            let now = start + .milliseconds(millisecond)
            if let last = granted.last, millisecond == last + 30 { demand.keyFrameLeft(at: now) }
            if demand.timePassed(at: now) { granted.append(millisecond) }
            if demand.request(roundTripTime: nil, at: now) { granted.append(millisecond) }
            millisecond += 1
        }
        #expect(granted == [0, 300, 600, 900])
        #expect(demand.deadline == start + .milliseconds(1200), "the last request is not forgotten")
        #expect(demand.timePassed(at: start + .milliseconds(1199)) == false)
        #expect(demand.timePassed(at: start + .milliseconds(1200)) == true)
        #expect(demand.deadline == nil)
    }

    @Test("Who asks within a round trip of a key frame's leaving has not seen it yet")
    func roundTrip() {
        var demand = KeyFrameDemand()
        #expect(demand.request(roundTripTime: nil, at: start) == true)
        demand.keyFrameLeft(at: start + .milliseconds(20))
        #expect(demand.request(roundTripTime: .milliseconds(400), at: start + .milliseconds(419)) == false)
        #expect(demand.deadline == nil)
        #expect(demand.request(roundTripTime: .milliseconds(400), at: start + .milliseconds(420)) == true)
    }

    @Test("A key frame that leaves answers the requests that wait")
    func answered() {
        var demand = KeyFrameDemand()
        #expect(demand.request(roundTripTime: nil, at: start) == true)
        #expect(demand.request(roundTripTime: nil, at: start + .milliseconds(100)) == false)
        demand.keyFrameLeft(at: start + .milliseconds(200))
        #expect(demand.deadline == nil)
        #expect(demand.timePassed(at: start + .seconds(1)) == false)
    }

    @Test("A key frame is asked for at once, then after intervals that double, until it comes")
    func repeated() {
        var requester = KeyFrameRequester()
        #expect(requester.deadline == nil)
        #expect(requester.shouldAsk(roundTripTime: nil, at: start) == false)
        var asked: [Int] = []
        for millisecond in 0..<10_000 {
            let now = start + .milliseconds(millisecond)
            requester.packetArrived()
            requester.want(at: now)
            if requester.shouldAsk(roundTripTime: nil, at: now) { asked.append(millisecond) }
        }
        #expect(asked == [0, 300, 900, 2100, 4500, 6900, 9300])
        requester.keyFrameArrived()
        #expect(requester.deadline == nil)
        requester.want(at: start + .seconds(20))
        #expect(requester.deadline == start + .seconds(20))
    }

    @Test("Nobody who is silent is asked twice, and none is asked within two round trips")
    func silence() {
        var requester = KeyFrameRequester()
        requester.want(at: start)
        #expect(requester.shouldAsk(roundTripTime: .milliseconds(400), at: start) == true)
        #expect(requester.deadline == nil)
        requester.packetArrived()
        #expect(requester.deadline == start + .milliseconds(800))
        requester.keyFrameArrived()
        requester.want(at: start + .milliseconds(100))
        #expect(
            requester.shouldAsk(roundTripTime: nil, at: start + .milliseconds(299)) == false, "the last is too recent")
        #expect(requester.shouldAsk(roundTripTime: nil, at: start + .milliseconds(300)) == true)
    }

    @Test("RFC 3550 §8.2: one conflict is a collision, another soon after is a loop, and that is forgotten in time")
    func conflicts() {
        var conflicts = SourceConflicts()
        #expect(conflicts.handle(at: start) == .collision)
        for second in 1...60 { #expect(conflicts.handle(at: start + .seconds(second)) == .loop) }
        #expect(conflicts.collisions == 1 && conflicts.looped == 60)
        #expect(conflicts.handle(at: start + .seconds(60) + SourceConflicts.memory) == .collision)
    }
}
