import RTP
import Testing
import Wire

private let start = Instant(nanoseconds: 77_000_000_000)

private func header(_ number: UInt16, timestamp: UInt32 = 0) -> RTPHeader {
    RTPHeader(
        marker: false, payloadType: 111, sequenceNumber: SequenceNumber(number), timestamp: RTPTimestamp(timestamp),
        ssrc: 5)
}

@Suite("A stream that arrives")
struct RTPReceiverTests {
    private var receiver = RTPReceiver(ssrc: 5, clockRate: 48_000)

    @Test("RFC 3550 A.1: sequence numbers are extended over the wrap")
    mutating func extendsSequenceNumbers() {
        #expect(receiver.handle(header(65534), payloadBytes: 1, at: start) == .accepted(sequence: 65534))
        #expect(receiver.handle(header(65535), payloadBytes: 1, at: start) == .accepted(sequence: 65535))
        #expect(receiver.handle(header(1), payloadBytes: 1, at: start) == .accepted(sequence: 65537))
        #expect(receiver.handle(header(0), payloadBytes: 1, at: start) == .accepted(sequence: 65536))
        #expect(receiver.reportBlock(at: start)?.extendedHighestSequenceNumber == 65537)
        #expect(receiver.statistics.packetsLost == 0)
    }

    @Test("Duplicates are rejected, near and reordered, and counted")
    mutating func rejectsDuplicates() {
        for number in [10, 12, 11] as [UInt16] { _ = receiver.handle(header(number), payloadBytes: 1, at: start) }
        for number in [10, 11, 12] as [UInt16] {
            #expect(receiver.handle(header(number), payloadBytes: 1, at: start) == .duplicate)
        }
        #expect(receiver.statistics.packetsDuplicated == 3)
        #expect(receiver.statistics.packetsReceived == 3)
    }

    @Test(
        "Over random loss, reordering and duplication each packet is accepted once", arguments: 0..<20 as Range<UInt64>)
    func acceptsEachOnce(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        var receiver = RTPReceiver(ssrc: 5, clockRate: 48_000)
        let first = Int64(random.below(65536))
        var schedule: [(time: Int, sequence: Int64)] = []
        for index in 0..<5000 where index == 0 || random.below(10) > 0 {
            for _ in 0...(random.below(5) == 0 ? 1 : 0) {
                schedule.append((index * 10 + (index == 0 ? 0 : random.below(400)), first + Int64(index)))
            }
        }
        schedule.sort { $0.time < $1.time }
        var accepted: Set<Int64> = []
        for packet in schedule {
            let arrival = receiver.handle(
                header(UInt16(truncatingIfNeeded: packet.sequence)), payloadBytes: 1, at: start)
            switch arrival {
            case .accepted(let sequence):
                #expect(accepted.insert(sequence).inserted)
                #expect(sequence == packet.sequence)
            case .duplicate: #expect(accepted.contains(packet.sequence))
            case .restarted, .unproven: Issue.record("\(arrival)")
            }
        }
        #expect(accepted == Set(schedule.map(\.sequence)))
    }

    @Test("RFC 3550 A.3: the fraction lost is of the interval, the cumulative loss of all")
    mutating func loss() throws {
        for number in 0..<100 as Range<UInt16> where number % 4 != 3 {
            _ = receiver.handle(header(number), payloadBytes: 1, at: start)
        }
        let firstBlock = receiver.reportBlock(at: start)
        let first = try #require(firstBlock)
        #expect(first.cumulativeLost == 24)
        #expect(first.fractionLost == UInt8(24 * 256 / 99))
        for number in 99..<200 as Range<UInt16> { _ = receiver.handle(header(number), payloadBytes: 1, at: start) }
        let secondBlock = receiver.reportBlock(at: start)
        let second = try #require(secondBlock)
        #expect(second.fractionLost == 0)
        #expect(second.cumulativeLost == 24)
        #expect(receiver.statistics.packetsLost == 24)
    }

    @Test("RFC 4588 §6.3: a retransmission fills its place but not the loss account")
    mutating func retransmissions() {
        for number in [1, 2, 4] as [UInt16] { _ = receiver.handle(header(number), payloadBytes: 1, at: start) }
        #expect(
            receiver.handle(header(3), payloadBytes: 1, isRetransmission: true, at: start) == .accepted(sequence: 3))
        #expect(receiver.handle(header(3), payloadBytes: 1, at: start) == .duplicate)
        #expect(receiver.statistics.packetsLost == 1)
        #expect(receiver.statistics.retransmittedPacketsReceived == 1)
    }

    @Test("RFC 3550 A.1: a great jump waits for the next in sequence, then restarts the stream")
    mutating func restarts() {
        _ = receiver.handle(header(100), payloadBytes: 1, at: start)
        #expect(receiver.handle(header(40_000), payloadBytes: 1, at: start) == .unproven)
        #expect(receiver.handle(header(101), payloadBytes: 1, at: start) == .accepted(sequence: 101))
        #expect(receiver.handle(header(40_000), payloadBytes: 1, at: start) == .unproven)
        #expect(receiver.handle(header(40_001), payloadBytes: 1, at: start) == .restarted(sequence: 40_001))
        #expect(receiver.handle(header(40_002), payloadBytes: 1, at: start) == .accepted(sequence: 40_002))
    }

    @Test("RFC 3550 A.1: under probation packets must come in sequence before they count")
    func probation() {
        var receiver = RTPReceiver(ssrc: 5, clockRate: 48_000, probation: 3)
        for number in [7, 9, 10] as [UInt16] {
            #expect(receiver.handle(header(number), payloadBytes: 1, at: start) == .unproven)
        }
        #expect(receiver.handle(header(11), payloadBytes: 1, at: start) == .accepted(sequence: 11))
    }

    @Test("RFC 3550 A.8: steady packets have no jitter; a deviation counts one sixteenth and fades")
    mutating func jitter() throws {
        var now = start
        for index in 0..<50 as Range<UInt32> {
            _ = receiver.handle(header(UInt16(index), timestamp: index * 960), payloadBytes: 1, at: now)
            now += .milliseconds(20)
        }
        #expect(receiver.reportBlock(at: now)?.jitter == 0)
        now += .milliseconds(10)
        _ = receiver.handle(header(50, timestamp: 50 * 960), payloadBytes: 1, at: now)
        let jitter = receiver.reportBlock(at: now)?.jitter
        #expect(jitter == 30)
        #expect(receiver.statistics.jitter == .microseconds(625))
    }

    @Test("RFC 3550 §6.4.1: a report block returns the last sender report and the time since")
    mutating func senderReports() throws {
        _ = receiver.handle(header(1), payloadBytes: 1, at: start)
        #expect(receiver.reportBlock(at: start)?.lastSenderReport == 0)
        let report = SenderReport(
            ssrc: 5, ntpTime: NTPTime(rawValue: 0xB44D_B705_2000_0000), timestamp: 1, packetCount: 1, octetCount: 1)
        receiver.handle(report, at: start)
        let answer = receiver.reportBlock(at: start + .milliseconds(5250))
        let block = try #require(answer)
        #expect(block.lastSenderReport == 0xB705_2000)
        #expect(block.delaySinceLastSenderReport == 0x0005_4000)
        #expect(RTPReceiver(ssrc: 6, clockRate: 1).lastSenderReport == nil)
    }

    @Test("A stream of which nothing came has nothing to report")
    mutating func nothing() {
        #expect(receiver.reportBlock(at: start) == nil)
        #expect(receiver.statistics.packetsReceived == 0)
        #expect(receiver.statistics.packetsLost == 0)
    }
}

@Suite("Asking for packets again")
struct NACKGeneratorTests {
    @Test("A gap is asked for after a moment, again after a round trip, and no more once it came")
    func asks() {
        var generator = NACKGenerator()
        generator.roundTripTime = .milliseconds(50)
        generator.handle(10, at: start)
        generator.handle(13, at: start)
        #expect(generator.requests(at: start).isEmpty)
        #expect(generator.deadline == start + .milliseconds(5))
        #expect(generator.requests(at: start + .milliseconds(5)) == [11, 12])
        #expect(generator.requests(at: start + .milliseconds(54)).isEmpty)
        generator.handle(11, at: start + .milliseconds(54))
        #expect(generator.requests(at: start + .milliseconds(55)) == [12])
        generator.handle(12, at: start + .milliseconds(60))
        #expect(generator.deadline == nil)
        #expect(!generator.needsKeyFrame)
    }

    @Test("Numbers beyond the wrap are asked for by their 16 bits")
    func wraps() {
        var generator = NACKGenerator()
        generator.handle(65534, at: start)
        generator.handle(65537, at: start)
        #expect(generator.requests(at: start + .milliseconds(5)) == [65535, 0])
    }

    @Test("A packet that never comes is given up for a key frame")
    func givesUp() {
        var generator = NACKGenerator()
        generator.handle(1, at: start)
        generator.handle(3, at: start)
        var now = start
        var requests = 0
        while let deadline = generator.deadline, requests < 100 {
            now = max(deadline, now)
            requests += generator.requests(at: now).count
        }
        #expect((2...10).contains(requests))
        #expect(generator.requestKeyFrame() == true)
        #expect(generator.requestKeyFrame() == false)
    }

    @Test("With too many missing a key frame is cheaper, and memory stays bounded")
    func overflow() {
        var generator = NACKGenerator()
        generator.handle(1, at: start)
        generator.handle(3000, at: start)
        #expect(generator.deadline == nil)
        #expect(generator.needsKeyFrame)
    }
}

@Suite("Putting packets in order")
struct PacketReordererTests {
    private func packet(_ number: Int64) -> RTPPacket {
        RTPPacket(header: header(UInt16(truncatingIfNeeded: number)), payload: [1])
    }

    private func drain(_ reorderer: inout PacketReorderer, at now: Instant) -> [Int64] {
        var numbers: [Int64] = []
        while let next = reorderer.nextPacket(at: now) { numbers.append(next.sequence) }
        return numbers
    }

    @Test("Packets come out in order, each once")
    func order() {
        var reorderer = PacketReorderer()
        for number in [5, 7, 8, 7, 6, 5] as [Int64] { reorderer.handle(packet(number), sequence: number, at: start) }
        #expect(drain(&reorderer, at: start) == [5, 6, 7, 8])
        #expect(reorderer.handle(packet(6), sequence: 6, at: start) == false)
    }

    @Test("A gap holds what follows until patience ends")
    func patience() {
        var reorderer = PacketReorderer(patience: .milliseconds(100))
        for number in [1, 3, 4] as [Int64] { reorderer.handle(packet(number), sequence: number, at: start) }
        #expect(drain(&reorderer, at: start) == [1])
        #expect(reorderer.deadline == start + .milliseconds(100))
        #expect(drain(&reorderer, at: start + .milliseconds(99)).isEmpty)
        #expect(drain(&reorderer, at: start + .milliseconds(100)) == [3, 4])
    }

    @Test("More than the capacity does not wait")
    func capacity() {
        var reorderer = PacketReorderer(capacity: 4)
        reorderer.handle(packet(1), sequence: 1, at: start)
        #expect(drain(&reorderer, at: start) == [1])
        for number in 3..<8 as Range<Int64> { reorderer.handle(packet(number), sequence: number, at: start) }
        #expect(drain(&reorderer, at: start) == [3, 4, 5, 6, 7])
    }
}
