import RTP
import Testing
import Wire

/// An access unit of NAL units with the given first bytes and sizes; the rest of the bytes are counted up, but for the first,
/// which has `first_mb_in_slice` 0.
private func accessUnit(_ units: [(header: UInt8, size: Int)]) -> (bytes: [UInt8], nalUnits: [Range<Int>]) {
    var bytes: [UInt8] = []
    var ranges: [Range<Int>] = []
    for unit in units {
        bytes += [0, 0, 0, 1]
        let start = bytes.count
        bytes.append(unit.header)
        for index in 1..<max(unit.size, 1) { bytes.append(index == 1 ? 0x88 : UInt8(truncatingIfNeeded: index &* 7)) }
        ranges.append(start..<bytes.count)
    }
    return (bytes, ranges)
}

private let start = Instant(nanoseconds: 5_000_000_000)

extension PacketizedFrame {
    fileprivate func payload(_ index: Int) -> [UInt8] { Array(storage[payloads[index]]) }

    /// The packets that a sender would make of it.
    fileprivate func packets(from sequence: Int64) -> [(packet: RTPPacket, sequence: Int64)] {
        payloads.indices.map { index in
            let header = RTPHeader(
                marker: index == markedPayload, payloadType: 96,
                sequenceNumber: SequenceNumber(truncating: sequence + Int64(index)), timestamp: timestamp, ssrc: 1)
            return (RTPPacket(header: header, payload: storage[payloads[index]]), sequence + Int64(index))
        }
    }
}

extension H264Depacketizer {
    fileprivate mutating func outputs() -> [Output] {
        var outputs: [Output] = []
        while let output = nextOutput() { outputs.append(output) }
        return outputs
    }
}

@Suite("H.264 payloads")
struct H264PacketizerTests {
    private let packetizer = H264Packetizer(maximumPayloadSize: 100)

    private func packetize(_ units: [(header: UInt8, size: Int)]) -> PacketizedFrame {
        let unit = accessUnit(units)
        return packetizer.packetize(bytes: unit.bytes, nalUnits: unit.nalUnits, captured: start, isKeyFrame: false)
    }

    @Test("RFC 6184 §5.6: a NAL unit that fits is its own payload")
    func singleUnit() {
        let frame = packetize([(0x41, 100)])
        #expect(frame.payloads.count == 1)
        #expect(frame.payload(0)[0] == 0x41)
        #expect(frame.payload(0).count == 100)
        #expect(frame.markedPayload == 0)
        #expect(frame.timestamp == RTPTimestamp(start, clockRate: 90_000))
    }

    @Test("RFC 6184 §5.7.1: small units share a STAP-A with the greatest NRI and the OR of F")
    func aggregation() {
        let frame = packetize([(0x67, 10), (0x28, 4), (0x06, 5), (0x85, 60)])
        #expect(frame.payloads.count == 1)
        let payload = frame.payload(0)
        #expect(payload[0] == 0x80 | 0x60 | 24)
        #expect(Array(payload[1..<4]) == [0, 10, 0x67])
        #expect(Array(payload[13..<16]) == [0, 4, 0x28])
        #expect(payload.count == 1 + 4 * 2 + 79)
    }

    @Test("An aggregation of exactly the size fits, and one byte more does not")
    func aggregationLimits() {
        #expect(packetize([(0x67, 50), (0x41, 45)]).payloads.count == 1)
        #expect(packetize([(0x67, 50), (0x41, 46)]).payloads.count == 2)
    }

    @Test("RFC 6184 §5.8: a large unit is cut into fragments of equal size with S on the first and E on the last")
    func fragmentation() {
        let frame = packetize([(0x65, 101)])
        #expect(frame.payloads.map(\.count) == [52, 52])
        // NRI 3 and type 28, then S or E and the type 5.
        #expect(Array(frame.payload(0)[0..<2]) == [0x7C, 0x85])
        #expect(Array(frame.payload(1)[0..<2]) == [0x7C, 0x45])
        #expect(frame.markedPayload == 1)
    }

    @Test("RFC 6184 §6.3: parameter sets together, then the picture in fragments, the marker on the last")
    func keyFrame() {
        let frame = packetize([(0x67, 12), (0x68, 4), (0x65, 500)])
        #expect(frame.payload(0)[0] & 0x1F == 24)
        #expect(frame.payloads.dropFirst().allSatisfy { frame.storage[$0.lowerBound] & 0x1F == 28 })
        #expect(frame.payloads.count == 1 + 6)
        #expect(frame.markedPayload == 6)
    }

    @Test("Units of types that RFC 6184 keeps for itself are left out, and nothing makes no payload")
    func reservedTypes() {
        #expect(packetize([(0x00, 5), (0x18, 5), (0x7C, 5)]).payloads.isEmpty)
        #expect(packetize([(0x18, 5), (0x41, 5)]).payloads.count == 1)
        #expect(packetize([]).markedPayload == nil)
    }

    @Test(
        "Whatever is packetised comes back, in payloads within the size, cut evenly", arguments: 0..<60 as Range<UInt64>
    )
    func roundTrip(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        let packetizer = H264Packetizer(maximumPayloadSize: 64 + random.below(1200))
        var depacketizer = H264Depacketizer()
        depacketizer.acceptAnyFrame()
        var sequence = Int64(random.below(65536))
        for index in 0..<20 {
            let units: [(header: UInt8, size: Int)] = (0..<(1 + random.below(6))).map { _ in
                let header = UInt8(1 + random.below(23)) | UInt8(random.below(4) << 5)
                return (header, 1 + random.below(1 << random.below(14)))
            }
            let unit = accessUnit(units)
            let frame = packetizer.packetize(
                bytes: unit.bytes, nalUnits: unit.nalUnits, captured: start + .milliseconds(33 * index),
                isKeyFrame: false)
            #expect(frame.payloads.allSatisfy { (1...packetizer.maximumPayloadSize).contains($0.count) })
            let fragments = frame.payloads.filter { frame.storage[$0.lowerBound] & 0x1F == 28 }
            if units.count == 1, let longest = fragments.map(\.count).max() {
                #expect(fragments.allSatisfy { $0.count >= longest - 1 })
            }
            for (packet, number) in frame.packets(from: sequence) { depacketizer.handle(packet, sequence: number) }
            sequence += Int64(frame.payloads.count)
            let outputs = depacketizer.outputs()
            guard case .frame(let received)? = outputs.first, outputs.count == 1 else {
                Issue.record("\(outputs)")
                return
            }
            #expect(received.nalUnits.map { Array(received.bytes[$0]) } == unit.nalUnits.map { Array(unit.bytes[$0]) })
            #expect(received.isKeyFrame == units.contains { $0.header & 0x1F == 5 })
            #expect(received.timestamp == frame.timestamp)
        }
    }
}

@Suite("H.264 reassembly")
struct H264DepacketizerTests {
    private func frame(_ index: Int, key: Bool, size: Int = 300) -> PacketizedFrame {
        let picture: [(header: UInt8, size: Int)] = [(key ? 0x65 : 0x41, size)]
        let unit = accessUnit(key ? [(0x67, 8), (0x68, 4)] + picture : picture)
        return H264Packetizer(maximumPayloadSize: 100).packetize(
            bytes: unit.bytes, nalUnits: unit.nalUnits, captured: start + .milliseconds(33 * index), isKeyFrame: key)
    }

    private func kinds(_ outputs: [H264Depacketizer.Output]) -> [String] {
        outputs.map {
            switch $0 {
            case .frame(let frame): frame.isKeyFrame ? "key" : "frame"
            case .frameLost: "lost"
            case .frameSkipped: "skipped"
            case .discarded: "discarded"
            }
        }
    }

    @Test("Nothing comes out before a key frame")
    func awaitsKeyFrame() {
        var depacketizer = H264Depacketizer()
        var sequence: Int64 = 100
        for (index, key) in [false, true, false].enumerated() {
            let frame = frame(index, key: key)
            for (packet, number) in frame.packets(from: sequence) { depacketizer.handle(packet, sequence: number) }
            sequence += Int64(frame.payloads.count)
        }
        #expect(kinds(depacketizer.outputs()) == ["skipped", "key", "frame"])
    }

    @Test(
        "A stream that is first heard in the middle of a key frame has only begun with the next", arguments: [1, 3, 4])
    func beginsInTheMiddle(missing: Int) {
        // parameter sets, then three slices in a packet each
        let unit = accessUnit([(0x67, 60), (0x65, 90), (0x65, 90), (0x65, 90), (0x65, 90)])
        var bytes = unit.bytes
        for slice in unit.nalUnits.dropFirst(2) { bytes[slice.lowerBound + 1] = 0x40 }
        var depacketizer = H264Depacketizer()
        var sequence: Int64 = 0
        for index in 0..<2 {
            let frame = H264Packetizer(maximumPayloadSize: 100).packetize(
                bytes: bytes, nalUnits: unit.nalUnits, captured: start + .milliseconds(33 * index), isKeyFrame: true)
            for (packet, number) in frame.packets(from: sequence).dropFirst(index == 0 ? missing : 0) {
                depacketizer.handle(packet, sequence: number)
            }
            sequence += Int64(frame.payloads.count)
        }
        // without the parameter sets alone it is whole to whoever knows them
        #expect(kinds(depacketizer.outputs()) == (missing == 1 ? ["key", "key"] : ["lost", "key"]))
    }

    @Test("A lost packet spoils its frame, and frames are skipped until the next key frame", arguments: 0..<4)
    func lossSpoilsAFrame(lost: Int) {
        var depacketizer = H264Depacketizer()
        var sequence: Int64 = 0
        for (index, key) in [true, false, false, true, false].enumerated() {
            let frame = frame(index, key: key)
            for (packet, number) in frame.packets(from: sequence)
            where !(index == 1 && number == sequence + Int64(lost)) {
                depacketizer.handle(packet, sequence: number)
            }
            sequence += Int64(frame.payloads.count)
        }
        // The loss of a last packet shows only with the next frame, which the gap may have reached into.
        let spoilsNext = lost == frame(1, key: false).payloads.count - 1
        let expected =
            spoilsNext ? ["key", "lost", "lost", "key", "frame"] : ["key", "lost", "skipped", "key", "frame"]
        #expect(kinds(depacketizer.outputs()) == expected)
    }

    @Test("A key frame after a lost packet comes out, for it shows its beginning")
    func keyFrameAfterLoss() {
        var depacketizer = H264Depacketizer()
        var sequence: Int64 = 0
        for (index, key) in [true, false, true].enumerated() {
            let frame = frame(index, key: key)
            let packets = frame.packets(from: sequence)
            for (packet, number) in index == 1 ? packets.dropLast() : packets[...] {
                depacketizer.handle(packet, sequence: number)
            }
            sequence += Int64(frame.payloads.count)
        }
        #expect(kinds(depacketizer.outputs()) == ["key", "lost", "key"])
    }

    @Test("A whole frame that is missing breaks the chain as well")
    func missingFrame() {
        var depacketizer = H264Depacketizer()
        var sequence: Int64 = 0
        for (index, key) in [true, false, false, false].enumerated() {
            let frame = frame(index, key: key)
            for (packet, number) in frame.packets(from: sequence) where index != 1 {
                depacketizer.handle(packet, sequence: number)
            }
            sequence += Int64(frame.payloads.count)
        }
        #expect(kinds(depacketizer.outputs()) == ["key", "lost", "skipped"])
    }

    @Test("After a loss frames come out again when the decoder copes")
    func acceptsAnyFrame() {
        var depacketizer = H264Depacketizer()
        depacketizer.acceptAnyFrame()
        let first = frame(0, key: false)
        for (packet, number) in first.packets(from: 0).dropFirst() { depacketizer.handle(packet, sequence: number) }
        #expect(depacketizer.outputs().contains { if case .frameLost = $0 { true } else { false } })
        depacketizer.acceptAnyFrame()
        for (packet, number) in frame(1, key: false).packets(from: 10) { depacketizer.handle(packet, sequence: number) }
        #expect(kinds(depacketizer.outputs()) == ["lost"])
        depacketizer.acceptAnyFrame()
        let next = frame(2, key: false)
        let lost = frame(1, key: false).payloads.count
        let after = Int64(10 + lost)
        for (packet, number) in next.packets(from: after) { depacketizer.handle(packet, sequence: number) }
        #expect(kinds(depacketizer.outputs()) == ["frame"])
    }

    @Test("RFC 6184 §5.1: a frame whose sender sets no marker ends with the next timestamp")
    func framesEndWithoutMarker() {
        var depacketizer = H264Depacketizer()
        let unmarked = frame(0, key: true).packets(from: 0).map { entry in
            var header = entry.packet.header
            header.marker = false
            return (RTPPacket(header: header, payload: entry.packet.payload), entry.sequence)
        }
        for (packet, number) in unmarked { depacketizer.handle(packet, sequence: number) }
        #expect(depacketizer.outputs().isEmpty)
        for (packet, number) in frame(1, key: false).packets(from: Int64(unmarked.count)) {
            depacketizer.handle(packet, sequence: number)
        }
        #expect(kinds(depacketizer.outputs()) == ["key", "frame"])
    }

    @Test("Duplicates and packets from the past are ignored")
    func duplicates() {
        var depacketizer = H264Depacketizer()
        for (packet, number) in frame(0, key: true).packets(from: 0) {
            depacketizer.handle(packet, sequence: number)
            depacketizer.handle(packet, sequence: number)
            depacketizer.handle(packet, sequence: number - 1)
        }
        #expect(kinds(depacketizer.outputs()) == ["key"])
    }

    @Test(
        "Malformed payloads are discarded with their reason",
        arguments: [
            ([24], .truncated), ([24, 0], .truncated), ([24, 0, 5, 0x41], .truncated), ([24, 0, 0], .truncated),
            ([24, 0, 2, 28, 0x85], .unsupportedType(28)), ([28], .truncated),
            ([28, 0x41, 1], .unexpectedFragment), ([28, 0xC1, 1], .unexpectedFragment),
            ([28, 0x9C, 1], .unsupportedType(28)), ([25, 1, 2, 3], .unsupportedType(25)),
            ([26, 1, 2, 3], .unsupportedType(26)), ([27, 1, 2, 3], .unsupportedType(27)),
            ([29, 0x81, 2, 3], .unsupportedType(29)), ([0, 1], .unsupportedType(0)), ([31, 1], .unsupportedType(31)),
        ] as [([UInt8], H264Depacketizer.DiscardReason)])
    func malformed(payload: [UInt8], reason: H264Depacketizer.DiscardReason) {
        var depacketizer = H264Depacketizer()
        depacketizer.acceptAnyFrame()
        let header = RTPHeader(marker: true, payloadType: 96, sequenceNumber: 1, timestamp: 2, ssrc: 3)
        depacketizer.handle(RTPPacket(header: header, payload: payload[...]), sequence: 1)
        #expect(depacketizer.outputs() == [.discarded(reason), .frameLost(2)])
    }

    @Test("RFC 6184 §5.8: a unit between fragments and a fragment of another type spoil the frame")
    func mixedFragments() {
        for second: [UInt8] in [[0x41, 1], [28, 0x42, 1], [28, 0x81, 1]] {
            var depacketizer = H264Depacketizer()
            depacketizer.acceptAnyFrame()
            var header = RTPHeader(marker: false, payloadType: 96, sequenceNumber: 1, timestamp: 2, ssrc: 3)
            depacketizer.handle(RTPPacket(header: header, payload: [28, 0x81, 7]), sequence: 1)
            header.marker = true
            depacketizer.handle(RTPPacket(header: header, payload: second[...]), sequence: 2)
            #expect(depacketizer.outputs() == [.discarded(.unexpectedFragment), .frameLost(2)])
        }
    }

    @Test("A frame that grows without end is dropped at the limit")
    func tooLarge() {
        var depacketizer = H264Depacketizer(maximumFrameSize: 1000)
        depacketizer.acceptAnyFrame()
        let header = RTPHeader(marker: false, payloadType: 96, sequenceNumber: 1, timestamp: 2, ssrc: 3)
        depacketizer.handle(RTPPacket(header: header, payload: [28, 0x81, 7]), sequence: 0)
        for sequence in 1..<100 as Range<Int64> {
            depacketizer.handle(
                RTPPacket(header: header, payload: ([28, 1] + [UInt8](repeating: 1, count: 98))[...]),
                sequence: sequence)
        }
        #expect(depacketizer.outputs().contains(.discarded(.tooLarge)))
    }

    @Test("A frame of a thousand tiny units is dropped at the limit")
    func tooManyUnits() {
        var depacketizer = H264Depacketizer()
        depacketizer.acceptAnyFrame()
        var payload: [UInt8] = [24]
        for _ in 0..<1025 { payload += [0, 1, 0x41] }
        let header = RTPHeader(marker: true, payloadType: 96, sequenceNumber: 1, timestamp: 2, ssrc: 3)
        depacketizer.handle(RTPPacket(header: header, payload: payload[...]), sequence: 0)
        #expect(depacketizer.outputs() == [.discarded(.tooLarge), .frameLost(2)])
    }
}
