import Testing
import Wire

@testable import SCTP

/// Messages that may be given up (RFC 3758, RFC 7496).
@Suite struct PartialReliabilityTests {
    /// Loses every packet of data from the left in which a fragment of message `number` of stream 0 begins or goes on.
    private func lose(_ numbers: Set<Int>, on link: LossyLink, times: Int = .max) {
        var left = times
        var doomed: Set<UInt32> = []
        link.filter = { side, _, packet in
            guard side == .left else { return packet }
            for case .data(let data) in packet.chunks {
                if data.isBeginning, numbers.contains(number(of: Array(data.payload))) { doomed.insert(data.tsn) }
                if doomed.contains(data.tsn), left > 0 {
                    left -= 1
                    return nil
                }
            }
            return packet
        }
    }

    @Test(arguments: [true, false])
    func `a message without retransmissions is skipped, and what follows is delivered`(interleaving: Bool) {
        let link = LossyLink(.init(delay: 10...10), left: { $0.offersInterleaving = interleaving })
        link.connect()
        lose([2], on: link)
        for index in 1...6 {
            link.send(payload(index, count: 1000), .retransmissions(0))
            link.run(for: .milliseconds(2))
        }
        link.run(for: .seconds(3))
        #expect(link.right.messages.map { number(of: $0.payload) } == [1, 3, 4, 5, 6])
        #expect(link.left.association.statistics.retransmittedChunks == 0)
        #expect(link.left.association.statistics.messagesAbandoned == 1)
        #expect(link.left.sentForwards.contains { $0.isInterleaved == interleaving && $0.skipped.count == 1 })
        #expect(link.left.association.outstanding.isEmpty)
    }

    @Test(arguments: 0..<4)
    func `a message is sent again as often as it may, and no more (RFC 7496 §3.2)`(limit: Int) {
        let link = LossyLink(.init(delay: 10...10))
        link.connect()
        lose([1], on: link)
        link.send(payload(1, count: 100), .retransmissions(limit))
        link.send(payload(2, count: 1100))
        link.run(for: .seconds(30))
        let first = link.left.sentData.filter { number(of: Array($0.payload)) == 1 }
        #expect(first.count == limit + 1)
        #expect(link.right.messages.map { number(of: $0.payload) } == [2])
    }

    @Test func `a message whose time is over before it was sent leaves no trace (RFC 3758 §3.5)`() {
        let link = LossyLink(.init(delay: 10...10))
        link.send(payload(1, count: 100), .lifetime(.milliseconds(5)))
        link.send(payload(2, count: 100))
        link.run(for: .milliseconds(20))
        link.connect()
        link.run(for: .seconds(1))
        #expect(link.right.messages.map { number(of: $0.payload) } == [2])
        #expect(link.left.sentForwards.isEmpty)
        #expect(link.left.association.bufferedAmount(of: SCTPStreamIdentifier(0)) == 0)
    }

    @Test func `a message whose time is over is not sent again (RFC 7496 §3.1)`() {
        let link = LossyLink(.init(delay: 10...10))
        link.connect()
        lose([1, 3], on: link)
        link.send(payload(1, count: 100), .lifetime(.milliseconds(300)))
        link.send(payload(2, count: 1100))
        link.send(payload(3, count: 100), .lifetime(.seconds(3)))
        link.run(for: .milliseconds(1000))
        link.filter = { $2 }
        link.run(for: .seconds(10))
        #expect(link.right.messages.map { number(of: $0.payload) } == [2, 3])
    }

    @Test(arguments: [true, false])
    func `a long message that is given up in the middle is skipped as a whole`(interleaving: Bool) {
        let link = LossyLink(.init(delay: 10...10), left: { $0.offersInterleaving = interleaving })
        link.connect()
        link.run(for: .seconds(1))
        link.send(payload(1, count: 200_000), .lifetime(.milliseconds(15)))
        link.run(for: .milliseconds(50))
        link.send(payload(2, count: 10))
        link.run(for: .seconds(5))
        #expect(link.right.messages.map { number(of: $0.payload) } == [2])
        #expect(link.right.association.reassembly.bufferedBytes == 0)
        #expect(link.left.association.outstanding.isEmpty)
        #expect(link.left.association.bufferedAmount(of: SCTPStreamIdentifier(0)) == 0)
    }

    @Test(arguments: 0..<24 as Range<UInt64>)
    func `through loss, unreliable messages arrive at most once, unharmed and in order, and reliable ones all`(
        seed: UInt64
    ) {
        let link = LossyLink(
            seed: seed, .init(loss: 20, duplication: 5, delay: 5...60), left: { $0.offersInterleaving = seed % 2 == 0 })
        let random = SeededRandomSource(seed: seed)
        link.connect()
        var reliable: [Int] = []
        for index in 0..<150 {
            let stream = UInt16(random.below(5))
            let size = random.below(8) == 0 ? 5000 + random.below(20_000) : 2 + random.below(2000)
            switch stream {
            case 0: link.send(payload(index, count: size), stream: 0, .retransmissions(random.below(2)))
            case 1: link.send(payload(index, count: size), stream: 1, .lifetime(.milliseconds(random.below(400))))
            case 2:
                link.send(payload(index, count: size), stream: 2, isUnordered: true, .retransmissions(0))
            default:
                link.send(payload(index, count: size), stream: stream)
                reliable.append(index)
            }
            link.run(for: .milliseconds(random.below(20)))
        }
        let isDone = { (link: LossyLink) in
            link.left.association.outstanding.isEmpty && link.left.association.queue.isEmpty
        }
        #expect(link.run(until: isDone))
        link.run(for: .seconds(1))
        #expect(link.right.association.reassembly.bufferedBytes == 0)
        for message in link.right.messages {
            #expect(message.payload == payload(number(of: message.payload), count: message.payload.count))
        }
        let numbers = link.right.messages.map { number(of: $0.payload) }
        #expect(Set(numbers).count == numbers.count)
        #expect(Set(reliable).isSubset(of: numbers))
        #expect(numbers.count < 150, "something was given up")
        for stream in [0, 1, 3, 4] as [UInt16] {
            let own = link.right.messages.filter { $0.stream.rawValue == stream }.map { number(of: $0.payload) }
            #expect(own == own.sorted())
        }
    }

    @Test func `to a side that cannot skip, every message is reliable (RFC 3758 §3.3.1)`() {
        let link = LossyLink(right: { $0.offersPartialReliability = false })
        link.connect()
        lose([1], on: link, times: 2)
        link.send(payload(1, count: 100), .retransmissions(0))
        link.run(for: .seconds(10))
        #expect(link.right.messages.count == 1)
        #expect(link.left.sentForwards.isEmpty)
    }

    @Test func `FORWARD-TSN that is lost is sent again`() {
        let link = LossyLink(.init(delay: 10...10))
        link.connect()
        var forwards = 0
        link.filter = { side, _, packet in
            guard side == .left else { return packet }
            for chunk in packet.chunks {
                if case .data(let data) = chunk, data.payload.count == 100 { return nil }
                if case .forwardTSN = chunk {
                    forwards += 1
                    return forwards < 3 ? nil : packet
                }
            }
            return packet
        }
        link.send(payload(1, count: 100), .retransmissions(0))
        link.run(for: .seconds(20))
        #expect(forwards == 3)
        #expect(link.left.association.outstanding.isEmpty)
        #expect(link.left.association.deadline.map { $0 > link.now + .seconds(5) } ?? true)
    }

    @Test func `a FORWARD-TSN that is old is only acknowledged (RFC 3758 §3.6)`() {
        let link = LossyLink()
        link.connect()
        link.send([1])
        link.run(for: .seconds(1))
        let count = link.right.sentAcknowledgements.count
        let old = link.right.association.received.cumulative - 1
        link.inject(
            [.forwardTSN(ForwardTSNChunk(newCumulativeTSN: old.rawValue, skipped: [], isInterleaved: true))],
            to: .right)
        #expect(link.right.sentAcknowledgements.count == count + 1)
        #expect(link.right.association.received.cumulative == old + 1)
    }
}
