import Testing
import Wire

@testable import SCTP

/// What a peer may send that means no good: counted or refused, and never more than bounded memory.
@Suite struct HostileTests {
    private func connected(interleaving: Bool = false, window: Int = 100_000) -> LossyLink {
        let link = LossyLink(
            left: { $0.offersInterleaving = interleaving },
            right: {
                $0.receiverWindow = window
                $0.maximumMessageSize = 65536
            })
        link.connect()
        link.run(for: .seconds(1))
        link.filter = { side, _, packet in side == .right ? nil : packet }
        return link
    }

    private func data(
        _ offset: Int, of link: LossyLink, stream: UInt16 = 0, message: UInt32 = 0, fragment: UInt32 = 0,
        begins: Bool = false, ends: Bool = false, isUnordered: Bool = false, count: Int = 1
    ) -> SCTPChunk {
        let first = link.right.association.received.cumulative + 1
        return .data(
            DataChunk(
                tsn: (first + offset).rawValue, stream: SCTPStreamIdentifier(stream), messageNumber: message,
                fragmentNumber: fragment, payloadProtocol: .binary, isUnordered: isUnordered, isBeginning: begins,
                isEnding: ends, isInterleaved: link.right.association.isInterleaving,
                payload: [UInt8](repeating: 1, count: count)[...]))
    }

    @Test func `data without data ends the association (§6.2)`() {
        let link = connected()
        link.inject([data(0, of: link, begins: true, ends: true, count: 0)], to: .right)
        #expect(link.right.events.last == .failed(.protocolViolation("data without data")))
        #expect(
            link.right.sent.last?.chunks.first.map {
                if case .abort(let causes, _) = $0 { causes[0].code == 9 } else { false }
            } == true)
    }

    @Test func `a kind of data that was not agreed on ends the association (RFC 8260 §2.2.1)`() {
        let link = connected()
        guard case .data(var chunk) = data(0, of: link, begins: true, ends: true) else { return }
        chunk.isInterleaved = true
        link.inject([.data(chunk)], to: .right)
        #expect(link.right.association.state == .closed)
    }

    @Test func `a hole that is never filled costs no more than the window`() {
        let link = connected()
        for offset in 1..<1000 {
            link.inject(
                [data(offset, of: link, message: UInt32(offset), begins: true, ends: true, count: 900)], to: .right)
        }
        #expect(link.right.association.reassembly.bufferedBytes <= 100_000 + 1100)
        #expect(link.right.association.discards[.window, default: 0] > 800)
        #expect(link.right.association.state == .established)
        #expect(link.right.messages.isEmpty)
    }

    @Test func `a hole between any two chunks is kept only so many times`() {
        let link = connected(window: 1_000_000)
        for offset in stride(from: 1, to: 2000, by: 2) {
            link.inject([data(offset, of: link, message: UInt32(offset), begins: true, ends: true)], to: .right)
        }
        #expect(link.right.association.received.ranges.count == 200)
        #expect(link.right.sent.allSatisfy { $0.bytes.count <= 1160 })
    }

    @Test(arguments: [true, false])
    func `a message without an end is refused beyond the largest size`(interleaving: Bool) {
        let link = connected(interleaving: interleaving, window: 1_000_000)
        var count = 0
        while link.right.association.state == .established, count < 200 {
            link.inject([data(0, of: link, fragment: UInt32(count), begins: count == 0, count: 1000)], to: .right)
            count += 1
        }
        #expect(count == 66)
        #expect(link.right.events.last == .failed(.outOfResource))
    }

    @Test(arguments: [true, false])
    func `messages without an end are refused when they are too many`(interleaving: Bool) {
        let link = connected(interleaving: interleaving)
        var (count, most) = (0, 0)
        while link.right.association.state == .established, count < 2000 {
            // in order, so that none is ever beyond the window
            let begins = interleaving || count % 2 == 0
            link.inject(
                [data(0, of: link, stream: UInt16(count), message: UInt32(count), begins: begins, count: 1000)],
                to: .right)
            most = max(most, link.right.association.reassembly.bufferedBytes)
            count += 1
        }
        #expect(link.right.association.state == .closed)
        #expect(most < 2 * 100_000 + 65536 + 2000)
    }

    @Test func `fragments of two messages in one are refused`() {
        let link = connected()
        link.inject([data(0, of: link, stream: 1, begins: true)], to: .right)
        link.inject([data(0, of: link, stream: 2, ends: true)], to: .right)
        #expect(link.right.events.last == .failed(.protocolViolation("fragments of two messages")))
    }

    @Test func `a message's number that came before is of no use, and nothing waits for it`() {
        let link = connected()
        for message in [0, 0, 40_000, 65535] as [UInt32] {
            link.inject([data(0, of: link, message: message, begins: true, ends: true)], to: .right)
        }
        #expect(link.right.messages.count == 1)
        #expect(link.right.association.state == .established)
        #expect(link.right.association.reassembly.bufferedBytes == 0)
    }

    @Test func `data on a stream that was not agreed on is reported, acknowledged and dropped (§6.5)`() {
        let link = LossyLink(right: { $0.maximumStreams = 10 })
        link.connect()
        link.run(for: .seconds(1))
        guard case .data(var chunk) = data(0, of: link, stream: 10, begins: true, ends: true) else { return }
        chunk.isInterleaved = true
        let before = link.right.association.received.cumulative
        link.inject([.data(chunk)], to: .right)
        #expect(link.right.messages.isEmpty)
        #expect(link.right.association.received.cumulative == before + 1)
        #expect(link.right.sent.last?.chunks.first == .error([ErrorCause(code: 1, information: [0, 10, 0, 0])]))
    }

    @Test func `an acknowledgement of what was never sent is discarded`() {
        let link = connected()
        let sent = link.right.association.outstanding.cumulativeTSN
        for (cumulative, gaps) in [
            (sent + 1, []), (sent + 1_000_000, []), (sent - 1, []), (sent, [.init(start: 1, end: 1)]),
            (sent, [.init(start: 0, end: 0)]), (sent, [.init(start: 5, end: 2)]),
        ] as [(TSN, [SelectiveAcknowledgementChunk.GapBlock])] {
            let sack = SelectiveAcknowledgementChunk(
                cumulativeTSN: cumulative.rawValue, receiverWindow: 1000, gaps: gaps, duplicates: [])
            link.inject([.selectiveAcknowledgement(sack)], to: .right)
        }
        #expect(link.right.association.discards[.acknowledgement] == 6)
        link.filter = { $2 }
        link.send([1], from: .right)
        link.run(for: .seconds(1))
        #expect(link.left.messages.count == 1)
    }

    @Test func `a chunk that is not known is passed over or ends the packet, and is reported or not (§3.2)`() {
        for (type, isRead, isReported) in [
            (0x3F, false, false), (0x7F, false, true), (0xBF, true, false), (0xFF, true, true),
        ] as [(UInt8, Bool, Bool)] {
            let link = connected()
            let before = link.right.sent.count
            link.inject(
                [
                    .unrecognized(type: type, [type, 0, 0, 5, 9]),
                    data(0, of: link, begins: true, ends: true),
                ], to: .right)
            #expect(link.right.messages.count == (isRead ? 1 : 0))
            let reports = link.right.sent.dropFirst(before).flatMap(\.chunks).filter {
                $0 == .error([ErrorCause(.unrecognizedChunkType, [type, 0, 0, 5, 9])])
            }
            #expect(reports.count == (isReported ? 1 : 0))
        }
    }

    @Test func `a packet of other ports or another tag is not ours`() {
        let link = connected()
        link.inject([data(0, of: link, begins: true, ends: true)], to: .right, tag: 12345)
        let packet = SCTPPacket(
            sourcePort: 5001, destinationPort: 5000, verificationTag: link.right.association.localTag,
            chunks: [data(0, of: link, begins: true, ends: true)])
        link.inject(packet.bytes, to: .right)
        #expect(link.right.association.discards == [.notOurs: 2])
    }

    @Test func `a HEARTBEAT ACK that answers nothing says nothing of the round trip`() {
        let link = connected()
        let before = link.right.association.smoothedRoundTripTime
        link.inject([.heartbeatAcknowledgement([0, 0, 0, 0, 0, 0, 0, 0])], to: .right)
        #expect(link.right.association.smoothedRoundTripTime == before)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `packets changed at random never trap, and what is kept stays bounded`(seed: UInt64) {
        let link = LossyLink(
            seed: seed, .hostile, left: { $0.offersInterleaving = seed % 2 == 0 }, right: { $0.receiverWindow = 50_000 }
        )
        let random = SeededRandomSource(seed: seed)
        link.filter = { _, _, packet in
            guard random.below(4) == 0 else { return packet }
            // changed within its chunks, the checksum made right again
            var bytes = packet.bytes
            for _ in 0...random.below(3) {
                let index = 12 + random.below(min(60, bytes.count - 12))
                bytes[index] = UInt8(truncatingIfNeeded: random.next())
            }
            SCTPPacket.seal(&bytes)
            return (try? SCTPPacket(parsing: bytes)) ?? packet
        }
        for side in LossyLink.Side.allCases { link.act(side) { $0.handle(.start, at: $1) } }
        for index in 0..<60 {
            let stream = UInt16(index % 5)
            for side in LossyLink.Side.allCases {
                link.act(side) { association, now in
                    let message = SCTPMessage(
                        stream: SCTPStreamIdentifier(stream), payloadProtocol: .binary,
                        payload: payload(index, count: 1 + random.below(6000)))
                    try? association.send(message, reliability: .retransmissions(index % 3), at: now)
                    if index % 20 == 19 { association.handle(.resetStreams([SCTPStreamIdentifier(stream)]), at: now) }
                }
            }
            link.run(for: .milliseconds(20))
            for side in LossyLink.Side.allCases {
                #expect(link[side].association.reassembly.bufferedBytes < 3_000_000)
            }
        }
    }
}
