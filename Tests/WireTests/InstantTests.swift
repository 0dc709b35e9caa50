import Testing
import Wire

@Suite struct InstantTests {
    private let last = Instant(nanoseconds: .max)
    private let first = Instant(nanoseconds: .min)

    @Test func `an instant moves by a duration to the nanosecond`() {
        let instant = Instant.zero + .seconds(2) + .nanoseconds(3)
        #expect(instant.nanoseconds == 2_000_000_003)
        #expect((instant - .milliseconds(1)).nanoseconds == 1_999_000_003)
        let earlier = instant - .microseconds(7)
        #expect(instant - earlier == .microseconds(7))
        var moving = Instant.zero
        moving += .milliseconds(20)
        #expect(moving == Instant(nanoseconds: 20_000_000))
        #expect(Instant.zero < moving)
    }

    @Test func `arithmetic saturates at the clock's ends instead of trapping`() {
        #expect(last + .nanoseconds(1) == last)
        #expect(first - .nanoseconds(1) == first)
        #expect(first + .nanoseconds(-1) == first)
        #expect(last - .nanoseconds(-1) == last)
        #expect(Instant.zero - .nanoseconds(Int64.min) == last)
        // a duration of more than 64 bits of nanoseconds
        #expect(Instant.zero + .seconds(Int64.max) == last)
        #expect(Instant.zero + .seconds(Int64.min) == first)
        #expect(first + .seconds(Int64.max) == Instant(nanoseconds: -1))
    }

    @Test func `the time between the clock's ends is longer than 64 bits and still right`() {
        #expect(last - first == .nanoseconds(Int64.max) - .nanoseconds(Int64.min))
        #expect(first - last == .nanoseconds(Int64.min) - .nanoseconds(Int64.max))
        #expect((last - first) / 2 == .nanoseconds(Int64.max) + .nanoseconds(1) / 2)
    }

    @Test func `a duration's whole nanoseconds saturate to 64 bits`() {
        #expect(Duration.seconds(-1).nanoseconds == -1_000_000_000)
        #expect(Duration(secondsComponent: 0, attosecondsComponent: 1_999_999_999).nanoseconds == 1)
        #expect(Duration(secondsComponent: 0, attosecondsComponent: -1_999_999_999).nanoseconds == -1)
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect(Duration.seconds(Int64.min).nanoseconds == .min)
        // the seconds fit, the fraction with them does not
        #expect(
            Duration(secondsComponent: 9_223_372_036, attosecondsComponent: 900_000_000_000_000_000).nanoseconds == .max
        )
        #expect(
            Duration(secondsComponent: -9_223_372_036, attosecondsComponent: -900_000_000_000_000_000).nanoseconds
                == .min)
        #expect(Duration.nanoseconds(Int64.max).nanoseconds == .max)
        #expect(Duration.nanoseconds(Int64.min).nanoseconds == .min)
    }

    @Test func `a duration is told in milliseconds and seconds with its fraction`() {
        #expect(Duration.microseconds(1500).milliseconds == 1.5)
        #expect(Duration.milliseconds(-250).inSeconds == -0.25)
    }

    @Test func `the earliest deadline wins over those that never come`() {
        let soon = Instant(nanoseconds: 5)
        #expect(earliest(nil, Instant(nanoseconds: 9), soon, nil) == soon)
        #expect(earliest(nil, nil) == nil)
    }
}
