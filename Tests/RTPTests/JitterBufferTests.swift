import RTP
import Testing
import Wire

private let start = Instant(nanoseconds: 9_000_000_000_000)

@Suite("Jitter buffer")
struct JitterBufferTests {
    private var buffer = JitterBuffer()

    /// An Opus packet of 20 ms whose last byte is `tag`.
    private func payload(_ tag: UInt8) -> [UInt8] { [0x78, 1, 2, tag] }

    @discardableResult
    private mutating func push(
        _ index: Int, at milliseconds: Int, payload: [UInt8]? = nil, first: (UInt16, UInt32) = (65530, 4_294_966_000)
    ) -> JitterBuffer.PushOutcome {
        buffer.push(
            (payload ?? self.payload(UInt8(truncatingIfNeeded: index)))[...], sequence: SequenceNumber(first.0) + index,
            timestamp: RTPTimestamp(first.1) + Int64(index * 960), at: start + .milliseconds(milliseconds))
    }

    private mutating func pull(at milliseconds: Int) -> Playout {
        buffer.next(at: start + .milliseconds(milliseconds))
    }

    /// Pulls every 20 ms from `begin` on, without `end`; before each pull come the packets that are due: each number of
    /// `arrivals` in its 20 ms.
    private mutating func pull(from begin: Int, to end: Int, arrivals: [Int]) -> [Playout] {
        var playouts: [Playout] = []
        for time in stride(from: begin, to: end, by: 20) {
            for index in arrivals where (time - 19...time).contains(index * 20) { push(index, at: index * 20) }
            playouts.append(pull(at: time))
        }
        return playouts
    }

    /// Pulls every 20 ms from `begin` on, without `end`.
    private mutating func pull(from begin: Int, to end: Int) -> [Playout] {
        stride(from: begin, to: end, by: 20).map { pull(at: $0) }
    }

    private func packet(_ index: Int) -> Playout {
        .packet(payload(UInt8(truncatingIfNeeded: index)), samples: 960)
    }

    @Test("An empty buffer plays silence")
    mutating func empty() {
        #expect(pull(at: 0) == .silence(samples: 960))
        #expect(buffer.statistics.concealedSamples == 0)
    }

    @Test("The first packet waits for the initial delay; then all are played in order over both wraps")
    mutating func playsInOrder() {
        var played: [Playout] = []
        for tick in 0..<20 {
            push(tick, at: tick * 20)
            played.append(pull(at: tick * 20 + 5))
        }
        #expect(played.prefix(3).allSatisfy { $0 == .silence(samples: 960) })
        #expect(Array(played.dropFirst(3)) == (0..<17).map(packet))
        #expect(buffer.statistics.concealedSamples == 0)
    }

    @Test("Reordered packets are played in order, duplicates once")
    mutating func reorderedAndDuplicated() {
        for index in [1, 0, 2, 2, 0] { push(index, at: 40) }
        #expect(pull(at: 40) == .silence(samples: 960))
        let played = pull(from: 60, to: 120)
        #expect(played == [packet(0), packet(1), packet(2)])
        #expect(push(2, at: 120) == .discarded(.duplicate))
        #expect(buffer.statistics.packetsDuplicated == 3)
    }

    @Test("RFC 6716 §2.1.7: of a single lost packet the next one may hold a copy")
    mutating func offersForwardErrorCorrection() {
        let arrivals = [0, 1, 3, 4]
        _ = pull(from: 5, to: 65, arrivals: arrivals)
        let played = pull(from: 65, to: 165, arrivals: arrivals)
        #expect(played == [packet(0), packet(1), .lost(fec: payload(3), samples: 960), packet(3), packet(4)])
        #expect(buffer.statistics.concealedSamples == 960)
        #expect(buffer.statistics.concealmentEvents == 1)
        #expect(buffer.statistics.samplesOfferedForCorrection == 960)
    }

    @Test("Of several lost packets in a row only the last may be in the next; the others are concealed")
    mutating func concealsRuns() {
        let arrivals = [0, 1, 5, 6]
        _ = pull(from: 5, to: 65, arrivals: arrivals)
        let played = pull(from: 65, to: 185, arrivals: arrivals)
        #expect(
            played == [
                packet(0), packet(1), .lost(fec: nil, samples: 960), .lost(fec: nil, samples: 960),
                .lost(fec: payload(5), samples: 960), packet(5),
            ])
        #expect(buffer.statistics.concealmentEvents == 1)
    }

    @Test("A packet that comes after the buffer ran dry is played late, not lost")
    mutating func latePacketsArePlayed() {
        push(0, at: 0)
        _ = pull(from: 0, to: 60)
        #expect(pull(at: 60) == packet(0))
        #expect(pull(at: 80) == .lost(fec: nil, samples: 960))
        push(1, at: 90)
        #expect(pull(at: 100) == packet(1))
        #expect(buffer.statistics.packetsLate == 0)
    }

    @Test("What was concealed while the buffer was dry stands for the packet that turns out lost")
    mutating func concealmentIsNotRepeated() {
        push(0, at: 0)
        _ = pull(from: 0, to: 60)
        #expect(pull(at: 60) == packet(0))
        #expect(pull(at: 80) == .lost(fec: nil, samples: 960))
        push(2, at: 90)
        #expect(pull(at: 100) == packet(2))
        #expect(push(1, at: 105) == .discarded(.late))
        #expect(buffer.statistics.packetsLate == 1)
        #expect(buffer.statistics.concealedSamples == 960)
    }

    @Test("When the talker stops, 100 ms are concealed, then there is silence, and speech starts again with the delay")
    mutating func pauses() {
        push(0, at: 0)
        _ = pull(from: 0, to: 60)
        let ending = pull(from: 60, to: 280)
        #expect(ending[0] == packet(0))
        #expect(ending[1...5].allSatisfy { $0 == .lost(fec: nil, samples: 960) })
        #expect(ending[6...].allSatisfy { $0 == .silence(samples: 960) })

        // Discontinuous transmission: the next number, a timestamp 600 ms on.
        let outcome = buffer.push(
            payload(9)[...], sequence: SequenceNumber(65531), timestamp: RTPTimestamp(4_294_966_000) + 28_800,
            at: start + .milliseconds(600))
        #expect(outcome == .queued)
        #expect(pull(from: 600, to: 640).allSatisfy { $0 == .silence(samples: 960) })
        #expect(pull(at: 660) == packet(9))
    }

    @Test("RFC 7587 §3.1.3: a gap in the timestamps without one in the numbers is silence, not loss")
    mutating func discontinuousTransmission() {
        push(0, at: 0)
        _ = pull(from: 0, to: 60)
        var played = pull(from: 60, to: 80)
        buffer.push(
            payload(1)[...], sequence: SequenceNumber(65531), timestamp: RTPTimestamp(4_294_966_000) + 3840,
            at: start + .milliseconds(79))
        played += pull(from: 80, to: 160)
        #expect(played.first == packet(0))
        #expect(played.last == packet(1))
        #expect(played.dropFirst().dropLast().allSatisfy { $0 == .silence(samples: 960) })
        #expect(buffer.statistics.concealedSamples == 0)
    }

    @Test(
        "Packets of 10, 40, 60 and 120 ms: pulling when sound runs out keeps the pace",
        arguments: [([0x70], 480), ([0x10], 1920), ([0x18], 2880), ([0x1B, 2], 5760)] as [([UInt8], Int)])
    func otherDurations(toc: [UInt8], samples: Int) {
        var buffer = JitterBuffer()
        var pushed = 0
        var available = 0
        var packets = 0
        for tick in 0..<500 {
            let now = start + .milliseconds(20 * tick)
            while pushed * samples <= tick * 960 {
                buffer.push(
                    (toc + [1, 2, 3])[...], sequence: SequenceNumber(UInt16(pushed)),
                    timestamp: RTPTimestamp(UInt32(pushed * samples)), at: now)
                pushed += 1
            }
            while available < 960 {
                let playout = buffer.next(at: now)
                if case .packet = playout { packets += 1 }
                available += playout.samples
            }
            available -= 960
        }
        #expect(buffer.statistics.concealedSamples == 0)
        #expect(buffer.statistics.removedSamplesForAcceleration <= 5760)
        #expect(pushed - packets <= 1 + 9600 / samples)
    }

    @Test("A burst after a stall of seconds does not delay what follows")
    mutating func stalls() {
        var index = 0
        for tick in 0..<50 {
            push(index, at: tick * 20)
            index += 1
            _ = pull(at: tick * 20 + 1)
        }
        for tick in 50..<200 { _ = pull(at: tick * 20 + 1) }
        while index <= 200 {
            push(index, at: 4000)
            index += 1
        }
        for tick in 201..<400 {
            push(index, at: tick * 20)
            index += 1
            _ = pull(at: tick * 20 + 1)
        }
        #expect(buffer.statistics.currentDelay < .milliseconds(120))
        #expect(buffer.statistics.bufferedDuration < .milliseconds(120))
        #expect(buffer.statistics.packetsDiscarded > 100)
    }

    @Test("A stream that begins anew at other numbers is followed from its second packet on")
    mutating func restarts() {
        for tick in 0..<10 {
            push(tick, at: tick * 20)
            _ = pull(at: tick * 20)
        }
        #expect(push(0, at: 200, first: (20_000, 99)) == .discarded(.unproven))
        for tick in 1..<20 {
            #expect(push(tick, at: 200 + tick * 20, first: (20_000, 99)) == .queued)
            _ = pull(at: 200 + tick * 20)
        }
        #expect(buffer.statistics.restarts == 1)
        #expect(pull(at: 600) == packet(17))
    }

    @Test("A stray packet from far away does not disturb the stream")
    mutating func strayPackets() {
        for tick in 0..<20 {
            push(tick, at: tick * 20)
            if tick % 3 == 0 { push(tick * 7, at: tick * 20, first: (30_000, 7)) }
            let playout = pull(at: tick * 20 + 1)
            if tick >= 3 { #expect(playout == packet(tick - 3)) }
        }
        #expect(buffer.statistics.restarts == 0)
    }

    @Test("A sender whose timestamps stood still through a pause is heard at once when it goes on")
    mutating func frozenTimestamps() {
        for tick in 0..<50 {
            push(tick, at: tick * 20)
            _ = pull(at: tick * 20)
        }
        _ = pull(from: 1000, to: 6000)
        var heard = 0
        for tick in 50..<100 {
            push(tick, at: 5000 + tick * 20)
            if case .packet = pull(at: 5000 + tick * 20) { heard += 1 }
        }
        #expect(heard >= 45)
    }

    @Test(
        "A timestamp that jumps without its numbers is followed too", arguments: [-400_000, -60_000, 60_000, 400_000])
    func timestampJumps(jump: Int64) {
        var buffer = JitterBuffer()
        var heard = 0
        for tick in 0..<300 {
            let offset = tick >= 100 ? jump : 0
            buffer.push(
                payload(1)[...], sequence: SequenceNumber(UInt16(tick)),
                timestamp: RTPTimestamp(1_000_000) + (Int64(tick) * 960 + offset), at: start + .milliseconds(tick * 20))
            if case .packet = buffer.next(at: start + .milliseconds(tick * 20)), tick >= 200 { heard += 1 }
        }
        #expect(heard >= 95)
        #expect(buffer.statistics.currentDelay < .milliseconds(250))
    }

    @Test("A timestamp that contradicts its number is discarded")
    mutating func inconsistent() {
        push(0, at: 0)
        push(2, at: 0)
        let outcome = buffer.push(
            payload(1)[...], sequence: SequenceNumber(65531), timestamp: RTPTimestamp(4_294_966_000) + 4000,
            at: start)
        #expect(outcome == .discarded(.inconsistent))
    }

    @Test("What is no Opus packet is discarded")
    mutating func malformed() {
        #expect(push(0, at: 0, payload: []) == .discarded(.malformed))
        #expect(push(0, at: 0, payload: [3, 0]) == .discarded(.malformed))
    }

    @Test("However much is pushed without being pulled, memory is bounded")
    mutating func boundedMemory() {
        for index in 0..<10_000 { push(index, at: index * 20) }
        #expect(buffer.statistics.bufferedDuration <= .milliseconds(20 * 128))
    }
}
