import RTP
import Testing
import Wire

private let start = Instant(nanoseconds: 7_000_000_000)

/// An H.264 stream of one picture each 40 ms, as packets.
private struct Stream {
    var sender = RTPSender(
        ssrc: 7, payloadType: 102, clockRate: 90_000, random: SeededRandomSource(seed: 5))
    private let packetizer = H264Packetizer(maximumPayloadSize: 100)
    private var pictures = 0

    /// The packets of the next picture: four, after one of parameter sets where it is a key frame.
    mutating func picture(isKeyFrame: Bool) throws -> [RTPPacket] {
        let captured = start + .milliseconds(40 * pictures)
        pictures += 1
        var bytes: [UInt8] = []
        var units: [Range<Int>] = []
        for (header, size) in (isKeyFrame ? [(0x67, 10), (0x68, 5)] : []) + [(isKeyFrame ? 0x65 : 0x41, 390)] {
            units.append(bytes.count..<(bytes.count + size))
            bytes += [UInt8(header)] + [UInt8](repeating: UInt8(truncatingIfNeeded: pictures), count: size - 1)
        }
        let frame = packetizer.packetize(bytes: bytes, nalUnits: units, captured: captured, isKeyFrame: isKeyFrame)
        return try frame.payloads.indices.map { index in
            var buffer: [UInt8] = []
            sender.writePacket(index, of: frame, at: captured, to: &buffer)
            return try RTPPacket(buffer[...])
        }
    }
}

extension AccessUnitAssembler {
    fileprivate mutating func accessUnits() -> [H264Depacketizer.Frame] {
        var units: [H264Depacketizer.Frame] = []
        while let unit = nextAccessUnit() { units.append(unit) }
        return units
    }
}

@Suite("Access units from packets")
struct AccessUnitAssemblerTests {
    @Test(
        "Whatever the order within the patience, every access unit comes out whole and in order",
        arguments: 0..<20 as Range<UInt64>)
    func reordered(seed: UInt64) throws {
        let random = SeededRandomSource(seed: seed)
        var stream = Stream()
        var arrivals: [(at: Instant, packet: RTPPacket, sequence: Int64)] = []
        var sequence: Int64 = 100
        for number in 0..<50 {
            for packet in try stream.picture(isKeyFrame: number == 0) {
                // the first packet leads, for the stream starts where it is first heard
                let delay = sequence == 100 ? 0 : random.below(45)
                arrivals.append((start + .milliseconds(40 * number + delay), packet, sequence))
                sequence += 1
            }
        }
        var assembler = AccessUnitAssembler(isRepaired: true)
        var units: [H264Depacketizer.Frame] = []
        for arrival in arrivals.sorted(by: { $0.at < $1.at }) {
            assembler.handle(arrival.packet, sequence: arrival.sequence, at: arrival.at)
            units += assembler.accessUnits()
        }
        #expect(units.count == 50)
        #expect(units.map(\.isKeyFrame) == [true] + [Bool](repeating: false, count: 49))
        for (number, unit) in units.enumerated() {
            #expect(unit.nalUnits.map(\.count) == (number == 0 ? [10, 5, 390] : [390]))
            #expect(unit.bytes.last == UInt8(number + 1))
        }
        #expect(assembler.statistics.framesReceived == 50 && assembler.statistics.keyFramesReceived == 1)
        #expect(assembler.statistics.framesDropped == 0 && assembler.statistics.packetsDiscarded == 0)
        #expect(assembler.statistics.jitterBufferEmittedCount == 50)
        let mean = assembler.statistics.jitterBufferDelay / 50
        #expect((Duration.milliseconds(1)...Duration.milliseconds(90)).contains(mean))
    }

    @Test("A gap is waited for; then its frame is given up, and nothing comes out until a key frame")
    func loss() throws {
        var stream = Stream()
        var assembler = AccessUnitAssembler(isRepaired: true)
        #expect(assembler.awaitsKeyFrame)
        var sequence: Int64 = 10
        func feed(_ packets: [RTPPacket], at now: Instant, without lost: Int? = nil) {
            for (index, packet) in packets.enumerated() {
                if index != lost { assembler.handle(packet, sequence: sequence, at: now) }
                sequence += 1
            }
        }
        feed(try stream.picture(isKeyFrame: true), at: start)
        #expect(assembler.accessUnits().count == 1 && !assembler.awaitsKeyFrame)
        feed(try stream.picture(isKeyFrame: false), at: start, without: 1)
        #expect(assembler.accessUnits().isEmpty && !assembler.awaitsKeyFrame)
        #expect(assembler.deadline == start + .milliseconds(200))
        assembler.timePassed(at: start + .milliseconds(199))
        #expect(!assembler.awaitsKeyFrame)
        assembler.timePassed(at: start + .milliseconds(200))
        #expect(assembler.awaitsKeyFrame && assembler.deadline == nil)
        feed(try stream.picture(isKeyFrame: false), at: start + .milliseconds(240))
        #expect(assembler.accessUnits().isEmpty)
        feed(try stream.picture(isKeyFrame: true), at: start + .milliseconds(280))
        feed(try stream.picture(isKeyFrame: false), at: start + .milliseconds(320))
        #expect(assembler.accessUnits().map(\.isKeyFrame) == [true, false])
        #expect(assembler.statistics.framesDropped == 2 && assembler.statistics.framesReceived == 3)
    }

    @Test(
        "Patience covers two round trips and 200 ms where packets are sent again, and only reordering where they are not"
    )
    func patience() throws {
        for (isRepaired, roundTrip, patience) in [
            (true, 20, 200), (true, 100, 250), (true, 10_000, 500), (false, 100, 50),
        ] {
            var stream = Stream()
            var assembler = AccessUnitAssembler(isRepaired: isRepaired)
            assembler.roundTripTime = .milliseconds(roundTrip)
            for (index, packet) in try stream.picture(isKeyFrame: true).enumerated() where index != 2 {
                assembler.handle(packet, sequence: Int64(index), at: start)
            }
            #expect(assembler.deadline == start + .milliseconds(patience))
        }
    }

    @Test("Whole access units that are missing break the chain; a late packet is counted")
    func wholeFramesLost() throws {
        var stream = Stream()
        var assembler = AccessUnitAssembler(isRepaired: false)
        let key = try stream.picture(isKeyFrame: true)
        let lost = try stream.picture(isKeyFrame: false)
        let next = try stream.picture(isKeyFrame: false)
        for (index, packet) in key.enumerated() { assembler.handle(packet, sequence: Int64(index), at: start) }
        for (index, packet) in next.enumerated() {
            assembler.handle(packet, sequence: Int64(key.count + lost.count + index), at: start)
        }
        #expect(assembler.accessUnits().count == 1)
        assembler.timePassed(at: start + .milliseconds(50))
        #expect(assembler.accessUnits().isEmpty && assembler.awaitsKeyFrame)
        assembler.handle(lost[0], sequence: Int64(key.count), at: start + .milliseconds(60))
        #expect(assembler.statistics.packetsDiscarded == 1)
    }

    @Test("After the stream begins anew a key frame is awaited")
    func restart() throws {
        var stream = Stream()
        var assembler = AccessUnitAssembler(isRepaired: true)
        for (index, packet) in try stream.picture(isKeyFrame: true).enumerated() {
            assembler.handle(packet, sequence: Int64(index), at: start)
        }
        assembler.restart()
        for (index, packet) in try stream.picture(isKeyFrame: false).enumerated() {
            assembler.handle(packet, sequence: Int64(50_000 + index), at: start)
        }
        #expect(assembler.accessUnits().count == 1 && assembler.awaitsKeyFrame)
        for (index, packet) in try stream.picture(isKeyFrame: true).enumerated() {
            assembler.handle(packet, sequence: Int64(50_004 + index), at: start)
        }
        #expect(assembler.accessUnits().map(\.isKeyFrame) == [true])
    }
}
