import Testing
import Wire

@testable import SCTP

/// How messages get to the other side (RFC 9260 §6, §7; RFC 8260).
@Suite struct TransferTests {
    @Test(arguments: 0..<24 as Range<UInt64>)
    func `every reliable message arrives once and unharmed, in its stream's order`(seed: UInt64) {
        let link = LossyLink(
            seed: seed, .hostile, left: { $0.offersInterleaving = seed % 3 != 0 },
            right: { $0.receiverWindow = seed % 2 == 0 ? 100_000 : 1_000_000 })
        let random = SeededRandomSource(seed: seed)
        link.connect()
        var sent: [UInt16: [Int]] = [:]
        for index in 0..<80 {
            let stream = UInt16(random.below(4))
            let size = random.below(10) == 0 ? 20_000 + random.below(40_000) : 2 + random.below(3000)
            // of unordered ones only that they arrive
            link.send(payload(index, count: size), stream: stream, isUnordered: stream == 3)
            sent[stream, default: []].append(index)
            if index % 10 == 0 { link.run(for: .milliseconds(30)) }
        }
        #expect(link.run { $0.right.messages.count == 80 })
        link.run(for: .seconds(25))
        #expect(link.right.messages.count == 80)
        for message in link.right.messages {
            #expect(message.payload == payload(number(of: message.payload), count: message.payload.count))
        }
        for stream in 0..<4 as Range<UInt16> {
            let numbers = link.right.messages.filter { $0.stream.rawValue == stream }.map { number(of: $0.payload) }
            #expect((stream == 3 ? numbers.sorted() : numbers) == sent[stream])
        }
        #expect(link.left.association.bufferedAmount(of: SCTPStreamIdentifier(0)) == 0)
        #expect(link.right.association.reassembly.bufferedBytes == 0)
        #expect(link.left.association.outstanding.isEmpty)
    }

    @Test func `a message is cut into fragments of consecutive TSNs that fit the path (§6.9)`() {
        let link = LossyLink(left: { $0.offersInterleaving = false })
        link.connect()
        link.send(payload(1, count: 10_000))
        link.run(for: .seconds(2))
        let data = link.left.sentData
        #expect(data.map(\.isBeginning) == [true] + [Bool](repeating: false, count: data.count - 1))
        #expect(data.map(\.isEnding) == [Bool](repeating: false, count: data.count - 1) + [true])
        #expect(zip(data, data.dropFirst()).allSatisfy { $0.tsn &+ 1 == $1.tsn })
        #expect(link.left.sent.allSatisfy { $0.bytes.count <= 1160 })
        #expect(link.left.sent.contains { $0.bytes.count == 1160 })
        #expect(link.right.messages.map(\.payload) == [payload(1, count: 10_000)])
    }

    @Test func `small messages share a packet (§6.10)`() {
        let link = LossyLink()
        link.filter = { _, count, packet in packet }
        for index in 0..<20 { link.send(payload(index, count: 20)) }
        link.connect()
        link.run(for: .seconds(1))
        let packets = link.left.sent.filter { packet in
            packet.chunks.contains { if case .data = $0 { true } else { false } }
        }
        #expect(packets.count == 1)
        #expect(link.right.messages.map { number(of: $0.payload) } == Array(0..<20))
    }

    @Test func `a long message lets a short one of another stream pass when both sides interleave (RFC 8260)`() {
        func order(interleaving: Bool) -> [Int] {
            let link = LossyLink(right: { $0.offersInterleaving = interleaving })
            link.connect()
            link.send(payload(1, count: 200_000), stream: 1)
            link.send(payload(2, count: 10), stream: 2)
            link.run { $0.right.messages.count == 2 }
            #expect(link.left.association.isInterleaving == interleaving)
            return link.right.messages.map { number(of: $0.payload) }
        }
        #expect(order(interleaving: true) == [2, 1])
        #expect(order(interleaving: false) == [1, 2])
    }

    @Test func `streams take turns, message by message, without interleaving`() {
        let link = LossyLink(left: { $0.offersInterleaving = false })
        link.connect()
        for index in 0..<20 { link.send(payload(index, count: 3000), stream: 1) }
        for index in 20..<23 { link.send(payload(index, count: 3000), stream: 2) }
        link.run { $0.right.messages.count == 23 }
        let places = link.right.messages.enumerated().filter { $0.element.stream.rawValue == 2 }.map(\.offset)
        #expect(places.allSatisfy { $0 < 10 })
    }

    @Test func `every second packet is acknowledged at once, a single one after a while (§6.2)`() {
        let link = LossyLink(.init(delay: 10...10))
        link.connect()
        link.run(for: .seconds(1))
        let before = link.right.sentAcknowledgements.count
        link.send([1])
        link.run(for: .milliseconds(50))
        #expect(link.right.sentAcknowledgements.count == before)
        link.run(for: .milliseconds(80))
        #expect(link.right.sentAcknowledgements.count == before + 1)
        link.send([2])
        link.send([3])
        link.run(for: .milliseconds(15))
        #expect(link.right.sentAcknowledgements.count == before + 2)
    }

    @Test func `what waits to be acknowledged goes with data of this side (§6.2)`() {
        let link = LossyLink(.init(delay: 10...10))
        link.connect()
        link.send([1])
        link.run(for: .milliseconds(15))
        link.send([2], from: .right)
        #expect(link.right.sent.last?.chunks.count == 2)
    }

    @Test func `gaps are reported, and what came twice (§3.3.4, §6.2)`() throws {
        let link = LossyLink(.init(delay: 10...10))
        link.connect()
        link.filter = { side, _, packet in
            guard side == .left, case .data(let data) = packet.chunks[0], data.payload == [2] else { return packet }
            return nil
        }
        for value in 1...3 as ClosedRange<UInt8> {
            link.send([value])
            link.run(for: .milliseconds(1))
        }
        link.run(for: .milliseconds(10))
        let sack = try #require(link.right.sentAcknowledgements.last)
        #expect(sack.gaps == [.init(start: 2, end: 2)])
        let last = try #require(link.left.sent.last)
        link.inject(last.bytes, to: .right)
        #expect(link.right.sentAcknowledgements.last?.duplicates == [link.left.sentData[2].tsn])
        #expect(link.right.messages.map(\.payload) == [[1]])
    }

    @Test func `three acknowledgements that miss a chunk have it sent again without a timeout (§7.2.4)`() {
        let link = LossyLink(.init(delay: 10...10))
        link.connect()
        var lost = false
        link.filter = { side, _, packet in
            guard side == .left, !lost, case .data = packet.chunks[0] else { return packet }
            lost = true
            return nil
        }
        for index in 0..<6 {
            link.send(payload(index, count: 900))
            link.run(for: .milliseconds(2))
        }
        link.run(for: .milliseconds(60))
        #expect(link.right.messages.map { number(of: $0.payload) } == Array(0..<6))
        #expect(link.left.association.statistics.retransmittedChunks == 1)
        #expect(link.left.association.statistics.timeouts == 0)
    }

    @Test func `what was sent again and lost again is noticed before a timeout`() {
        let link = LossyLink(.init(delay: 10...10))
        link.connect()
        var lost = 0
        link.filter = { side, _, packet in
            guard side == .left, lost < 2, case .data(let data) = packet.chunks[0], data.payload.first == 0,
                data.payload.dropFirst().first == 0
            else { return packet }
            lost += 1
            return nil
        }
        for index in 0..<30 {
            link.send(payload(index, count: 900))
            link.run(for: .milliseconds(3))
        }
        link.run(for: .milliseconds(100))
        #expect(lost == 2)
        #expect(link.right.messages.count == 30)
        #expect(link.left.association.statistics.timeouts == 0)
    }

    @Test func `a lost tail is sent again when the timer runs out (§6.3.3)`() {
        let link = LossyLink(.init(delay: 10...10))
        link.connect()
        var lost = false
        link.filter = { side, _, packet in
            guard side == .left, !lost, case .data = packet.chunks[0] else { return packet }
            lost = true
            return nil
        }
        let start = link.now
        link.send([1])
        link.run { !$0.right.messages.isEmpty }
        #expect(link.left.association.statistics.timeouts == 1)
        #expect(link.now - start == .milliseconds(510))
    }

    @Test func `the window opens in slow start and is halved by a loss (§7.2.1, §7.2.3)`() {
        let link = LossyLink(.init(delay: 10...10))
        link.connect()
        let initial = link.left.association.congestionWindow
        #expect(initial == 4404)
        link.send(payload(1, count: 200_000))
        link.run { !$0.right.messages.isEmpty }
        let opened = link.left.association.congestionWindow
        #expect(opened > 20_000)
        var lost = false
        link.filter = { side, count, packet in
            guard side == .left, !lost, packet.bytes.count == 1160 else { return packet }
            lost = true
            return nil
        }
        link.send(payload(2, count: 100_000))
        link.run { $0.right.messages.count == 2 }
        #expect(link.left.association.congestionWindow < opened * 3 / 4)
        #expect(link.left.association.statistics.timeouts == 0)
    }

    @Test func `an idle association forgets how open the window was (§7.2.1)`() {
        let link = LossyLink(.init(delay: 10...10))
        link.connect()
        link.send(payload(1, count: 200_000))
        link.run { !$0.right.messages.isEmpty }
        #expect(link.left.association.congestionWindow > 20_000)
        link.run(for: .seconds(10))
        link.send([1])
        #expect(link.left.association.congestionWindow == 4 * 1160)
    }

    @Test func `a closed window is probed until it opens (§6.1 A)`() {
        let link = LossyLink(right: { $0.receiverWindow = 10_000 })
        link.connect()
        // a hole that the other side keeps what follows for
        var isLost = true
        link.filter = { side, _, packet in
            guard side == .left, isLost, case .data(let data) = packet.chunks[0], data.isBeginning else {
                return packet
            }
            return nil
        }
        link.send(payload(1, count: 60_000))
        link.run(for: .seconds(3))
        #expect(link.right.association.reassembly.bufferedBytes <= 12_000)
        isLost = false
        #expect(link.run(for: .seconds(100)) { $0.right.messages.count == 1 })
    }

    @Test(arguments: [(true, 300), (false, 66_000)])
    func `messages go on across the wraps of TSN and stream sequence number`(interleaving: Bool, count: Int) {
        let link = LossyLink(.init(delay: 1...1), left: { $0.offersInterleaving = interleaving })
        link.left.association.localInitialTSN = .max - 100
        link.left.association.outstanding = OutstandingQueue(initial: TSN(initial: .max - 100))
        for index in 0..<count { link.send(payload(index, count: 2), stream: 3) }
        link.connect()
        link.run { $0.right.messages.count == count }
        #expect(link.right.messages.map { number(of: $0.payload) } == (0..<count).map { $0 & 0xFFFF })
    }

    @Test func `more than the send buffer holds is refused, and nothing of it sent`() throws {
        let link = LossyLink(left: { $0.sendBufferSize = 1000 })
        link.send(payload(1, count: 600))
        #expect(throws: SCTPAssociation.SendError.bufferFull) {
            try link.act(.left) { association, now in
                let message = SCTPMessage(
                    stream: SCTPStreamIdentifier(0), payloadProtocol: .binary, payload: payload(2, count: 600))
                try association.send(message, at: now)
            }
        }
        #expect(link.left.association.bufferedAmount(of: SCTPStreamIdentifier(0)) == 600)
        link.connect()
        link.run(for: .seconds(1))
        #expect(link.right.messages.count == 1)
    }

    @Test func `what is buffered shrinks as it is sent, and the application hears of it`() {
        let link = LossyLink()
        link.connect()
        link.left.events = []
        link.send(payload(1, count: 50_000))
        let stream = SCTPStreamIdentifier(0)
        let first = link.left.association.bufferedAmount(of: stream)
        #expect(first > 40_000 && first < 50_000)
        link.run(for: .seconds(5))
        #expect(link.left.association.bufferedAmount(of: stream) == 0)
        #expect(link.left.events.filter { $0 == .bufferedAmountDecreased(stream) }.count > 3)
    }

    @Test func `an idle path is asked whether it lives (§8.3)`() {
        let link = LossyLink()
        link.connect()
        link.run(for: .seconds(100))
        let beats = link.left.sent.filter { packet in
            packet.chunks.contains { if case .heartbeat = $0 { true } else { false } }
        }
        #expect(beats.count == 3)
        #expect(link.left.association.smoothedRoundTripTime == .milliseconds(40))
    }

    @Test func `with a limit an idle association whose other side has gone fails (§8.1)`() {
        let link = LossyLink(left: { $0.maximumRetransmissions = 2 })
        link.connect()
        link.filter = { _, _, _ in nil }
        link.run(for: .seconds(200))
        #expect(link.left.events.last == .failed(.unresponsive))
    }
}
