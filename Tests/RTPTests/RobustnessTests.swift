import RTP
import Testing
import Wire

/// Nothing that comes from the network traps, whatever its bytes; what parses can be used.
@Suite("Random bytes")
struct RobustnessTests {
    @Test("RTP: parsing and walking the extensions of anything ends", arguments: 0..<10 as Range<UInt64>)
    func rtp(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        var map = HeaderExtensionMap()
        for (index, kind) in HeaderExtension.allCases.enumerated() { map[kind] = UInt8(index + 1) }
        var parsed = 0
        for _ in 0..<3000 {
            var bytes = random.bytes(random.below(80))
            if bytes.count > 16 {
                bytes[0] = 0x80 | bytes[0] & 0x3F
                if random.below(2) == 0 { bytes[0] = 0x90 }
                if random.below(2) == 0 { (bytes[12], bytes[13], bytes[14]) = (0xBE, 0xDE, 0) }
                if random.below(3) == 0 { (bytes[12], bytes[13], bytes[14]) = (0x10, 0, 0) }
                bytes[15] = UInt8(random.below(12))
            }
            guard let packet = try? RTPPacket(bytes[...]) else { continue }
            parsed += 1
            #expect(packet.payload.count <= bytes.count - 12)
            _ = packet.extensionValues(map)
            _ = RetransmissionPayload.unwrap(packet, ssrc: 1, payloadType: 2)
        }
        #expect(parsed > 100)
    }

    @Test(
        "RTCP: anything parses or throws, and what parsed can be written and parsed again",
        arguments: 0..<10 as Range<UInt64>)
    func rtcp(seed: UInt64) throws {
        let random = SeededRandomSource(seed: seed)
        var known = 0
        for _ in 0..<5000 {
            let words = random.below(20)
            var bytes: [UInt8] = [
                0x80 | UInt8([0, 1, 2, 4, 15, random.below(64)][random.below(6)]),
                UInt8([200, 201, 202, 203, 205, 206, 192 + random.below(32)][random.below(7)]),
            ]
            bytes.append(uint16: UInt16(words))
            bytes += random.bytes(words * 4)
            if bytes.count > 16, random.below(3) == 0 {
                (bytes[12], bytes[13], bytes[14], bytes[15]) = (0x52, 0x45, 0x4D, 0x42)
            }
            if bytes.count > 20, random.below(2) == 0 { (bytes[14], bytes[15]) = (0, UInt8(random.below(30))) }
            guard let packets = try? RTCPPacket.parse(bytes[...]) else { continue }
            var written: [UInt8] = []
            for packet in packets {
                packet.write(to: &written)
                if case .skipped = packet { continue }
                known += 1
            }
            if !written.isEmpty { _ = try RTCPPacket.parse(written[...]) }
        }
        #expect(known > 500)
    }

    @Test("RTCP: cut and changed compounds throw or parse", arguments: 0..<5 as Range<UInt64>)
    func damagedRTCP(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        var good: [UInt8] = []
        RTCPPacket.writeReport(
            senderReport: SenderReport(
                ssrc: 1, ntpTime: NTPTime(rawValue: 2), timestamp: 3, packetCount: 4, octetCount: 5),
            ssrc: 1, reportBlocks: [], canonicalName: "door", to: &good)
        RTCPPacket.nack(GenericNACK(sender: 1, media: 2, sequenceNumbers: [1, 2, 90])).write(to: &good)
        for _ in 0..<3000 {
            var bytes = good
            for _ in 0..<(1 + random.below(4)) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            bytes.removeLast(random.below(4) == 0 ? random.below(bytes.count) : 0)
            let packets = (try? RTCPPacket.parse(bytes[...])) ?? []
            #expect(packets.count <= bytes.count / 4)
        }
    }

    @Test(
        "H.264: random payloads never trap, and a frame's units lie within its bytes",
        arguments: 0..<10 as Range<UInt64>)
    func h264(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        var depacketizer = H264Depacketizer(maximumFrameSize: 2000)
        var sequence: Int64 = 0
        var frames = 0
        for index in 0..<5000 {
            sequence += Int64(random.below(10) == 0 ? random.below(5) : 1)
            var payload = random.bytes(random.below(40))
            if !payload.isEmpty {
                payload[0] = [0x41, 0x65, 24, 28, 28, UInt8(random.below(256))][random.below(6)]
                if payload.count > 1, payload[0] == 28 {
                    payload[1] = [0x85, 0x05, 0x45, UInt8(random.below(256))][random.below(4)]
                }
                if payload.count > 3, payload[0] == 24 { (payload[1], payload[2]) = (0, UInt8(payload.count - 3)) }
            }
            let header = RTPHeader(
                marker: random.below(3) == 0, payloadType: 96, sequenceNumber: SequenceNumber(truncating: sequence),
                timestamp: RTPTimestamp(UInt32(index / 3)), ssrc: 1)
            depacketizer.handle(RTPPacket(header: header, payload: payload[...]), sequence: sequence)
            if random.below(50) == 0 { depacketizer.acceptAnyFrame() }
            while let output = depacketizer.nextOutput() {
                guard case .frame(let frame) = output else { continue }
                frames += 1
                #expect(frame.bytes.count <= 2000)
                #expect(frame.nalUnits.allSatisfy { !$0.isEmpty && $0.upperBound <= frame.bytes.count })
            }
        }
        #expect(frames > 10)
    }

    @Test(
        "Streams: random numbers and timestamps never trap and never hand out more than was put in",
        arguments: 0..<10 as Range<UInt64>)
    func streams(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        var buffer = JitterBuffer()
        var receiver = RTPReceiver(ssrc: 1, clockRate: 48_000, probation: random.below(4))
        var generator = NACKGenerator()
        var reorderer = PacketReorderer(capacity: 16)
        var recorder = TransportFeedbackRecorder()
        var now = Instant(nanoseconds: Int64(random.below(1 << 60)))
        var sequence = random.uint16()
        var timestamp = random.uint32()
        var played = 0
        for _ in 0..<5000 {
            now += .microseconds(random.below(40) == 0 ? random.below(3_000_000) : random.below(30_000))
            sequence &+= random.below(20) == 0 ? random.uint16() : UInt16(random.below(3))
            timestamp &+= random.below(20) == 0 ? random.uint32() : UInt32(random.below(3000))
            let payload = random.bytes(random.below(5))
            let header = RTPHeader(
                marker: false, payloadType: 111, sequenceNumber: SequenceNumber(sequence),
                timestamp: RTPTimestamp(timestamp), ssrc: 1)
            buffer.push(
                payload[...], sequence: header.sequenceNumber, timestamp: header.timestamp,
                level: random.below(2) == 0 ? AudioLevel(byte: UInt8(random.below(256))) : nil, at: now)
            recorder.handle(sequence, at: now)
            switch receiver.handle(header, payloadBytes: payload.count, isRetransmission: random.below(5) == 0, at: now)
            {
            case .accepted(let number):
                generator.handle(number, at: now)
                reorderer.handle(RTPPacket(header: header, payload: payload[...]), sequence: number, at: now)
            case .restarted:
                generator.restart()
                reorderer.restart()
            case .duplicate, .unproven: break
            }
            for _ in 0..<random.below(4) {
                let playout = buffer.next(at: now)
                #expect((1...OpusPacket.maximumSamples).contains(playout.samples))
                switch playout {
                case .packet: played += 1
                case .merged: played += 2
                case .lost(_, let samples): #expect(samples % 120 == 0)
                case .silence: break
                }
            }
            #expect(generator.requests(at: now).count <= 256)
            while reorderer.nextPacket(at: now) != nil {}
            while let feedback = recorder.feedback(sender: 1, media: 2) { #expect(!feedback.arrivals.isEmpty) }
            _ = receiver.reportBlock(at: now)
        }
        #expect(played + buffer.statistics.packetsDiscarded <= 5000)
        #expect(played > 0)
    }

    @Test("Reports of anything leave a sender's statistics sane", arguments: 0..<5 as Range<UInt64>)
    func reports(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        var sender = RTPSender(ssrc: 1, payloadType: 96, clockRate: 1, random: random)
        for _ in 0..<2000 {
            let now = Instant(nanoseconds: Int64(bitPattern: random.next()))
            sender.handle(
                ReportBlock(
                    ssrc: 1, fractionLost: UInt8(random.below(256)), cumulativeLost: Int32(bitPattern: random.uint32()),
                    extendedHighestSequenceNumber: random.uint32(), jitter: random.uint32(),
                    lastSenderReport: random.uint32(), delaySinceLastSenderReport: random.uint32()),
                at: now)
            if let trip = sender.remote.roundTripTime { #expect(trip > .zero && trip < .seconds(60)) }
            var buffer: [UInt8] = []
            _ = sender.retransmission(of: SequenceNumber(random.uint16()), at: now, to: &buffer)
            #expect(buffer.isEmpty)
        }
    }
}
