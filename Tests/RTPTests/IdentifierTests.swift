import RTP
import Testing
import Wire

@Suite("Numbers that wrap")
struct IdentifierTests {
    @Test("RFC 1982 §3.2: sequence numbers compare around the wrap")
    func sequenceNumbersCompareAroundTheWrap() {
        #expect(SequenceNumber(65535).precedes(0))
        #expect(!SequenceNumber(0).precedes(65535))
        #expect(SequenceNumber(65535).distance(to: 3) == 4)
        #expect(SequenceNumber(3).distance(to: 65535) == -4)
        #expect(!SequenceNumber(7).precedes(7))
    }

    @Test("RFC 1982 §3.2: of two numbers half the circle apart neither precedes")
    func oppositeNumbersHaveNoOrder() {
        #expect(!SequenceNumber(0).precedes(32768))
        #expect(!SequenceNumber(32768).precedes(0))
    }

    @Test("An unwrapper follows a random walk over many wraps", arguments: 0..<20 as Range<UInt64>)
    func unwrapperFollowsAWalk(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        var truth = Int64(random.below(65536))
        var sixteen = Unwrapper<UInt16>()
        var thirtyTwo = Unwrapper<UInt32>()
        for _ in 0..<5000 {
            #expect(sixteen.unwrap(UInt16(truncatingIfNeeded: truth)) == truth)
            #expect(thirtyTwo.unwrap(UInt32(truncatingIfNeeded: truth &* 40_000)) == truth &* 40_000)
            truth += Int64(random.below(40_000)) - 10_000
            if truth < 0 { truth = 0 }
        }
    }

    @Test("A timestamp follows its clock for any epoch without overflow")
    func timestampsFollowTheirClock() {
        let epoch = Instant(nanoseconds: 1_750_000_000_000_000_000)
        let first = RTPTimestamp(epoch, clockRate: 90_000)
        let later = RTPTimestamp(epoch + .seconds(1), clockRate: 90_000)
        #expect(first.distance(to: later) == 90_000)
        #expect(RTPTimestamp(Instant(nanoseconds: .max), clockRate: 90_000).rawValue != 0)
        #expect(RTPTimestamp(4_294_967_295).distance(to: 5) == 6)
        #expect(RTPTimestamp(5) + -6 == RTPTimestamp(4_294_967_295))
    }

    @Test("RFC 3550 §4: NTP time has seconds above and their fraction below")
    func ntpTime() {
        #expect(NTPTime(Instant(nanoseconds: 1_500_000_000)).rawValue == 0x0000_0001_8000_0000)
        #expect(NTPTime(Instant(nanoseconds: -500_000_000)).rawValue == 0xFFFF_FFFF_8000_0000)
        // RFC 3550 §6.4.1, figure 2: 0xb44db705:20000000 is shown as 0xb705:2000.
        #expect(NTPTime(rawValue: 0xB44D_B705_2000_0000).middle == 0xB705_2000)
    }

    @Test("A payload type has seven bits")
    func payloadTypes() {
        #expect(PayloadType(exactly: 127)?.rawValue == 127)
        #expect(PayloadType(exactly: 128) == nil)
        #expect(PayloadType(exactly: -1) == nil)
    }
}
