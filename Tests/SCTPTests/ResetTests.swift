import Testing
import Wire

@testable import SCTP

/// Streams whose numbers begin anew (RFC 6525), by which data channels close (RFC 8831 §6.7).
@Suite struct ResetTests {
    private let stream = SCTPStreamIdentifier(7)

    private func reset(_ streams: [UInt16], on link: LossyLink, from side: LossyLink.Side = .left) {
        link.act(side) { $0.handle(.resetStreams(streams.map { SCTPStreamIdentifier($0) }), at: $1) }
    }

    @Test func `both sides hear of a reset, and the stream can be used again from its beginning`() {
        let link = LossyLink()
        link.connect()
        for _ in 0..<3 { link.send([1], stream: 7) }
        reset([7], on: link)
        link.run(for: .seconds(1))
        #expect(link.left.events.last == .outgoingStreamsReset([stream]))
        #expect(link.right.events.last == .incomingStreamsReset([stream]))
        #expect(link.right.messages.count == 3)
        link.send([2], stream: 7)
        link.run(for: .seconds(1))
        #expect(link.right.messages.count == 4)
        #expect(link.left.sentData.last?.messageNumber == 0)
    }

    @Test func `what was sent before the reset arrives before it (RFC 6525 §5.1.2)`() throws {
        let link = LossyLink()
        link.connect()
        link.send(payload(1, count: 100_000), stream: 7)
        reset([7], on: link)
        #expect(throws: SCTPAssociation.SendError.stream) {
            try link.act(.left) { association, now in
                let message = SCTPMessage(stream: stream, payloadProtocol: .binary, payload: [1])
                try association.send(message, at: now)
            }
        }
        link.run { $0.right.events.contains(.incomingStreamsReset([SCTPStreamIdentifier(7)])) }
        #expect(link.right.messages.count == 1)
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func `through loss every reset is done once, and no message is lost or crosses it`(seed: UInt64) {
        let link = LossyLink(seed: seed, .init(loss: 20, duplication: 10, delay: 5...80))
        let random = SeededRandomSource(seed: seed)
        link.connect()
        var sent: [[UInt8]] = []
        for round in 0..<5 {
            for index in 0..<3 {
                let bytes = payload(round * 10 + index, count: 1 + random.below(4000))
                sent.append(bytes)
                link.send(bytes, stream: 7)
            }
            reset([7], on: link)
            let count = round + 1
            let isDone = { (link: LossyLink) in
                link.left.events.filter { $0 == .outgoingStreamsReset([SCTPStreamIdentifier(7)]) }.count == count
            }
            #expect(link.run(until: isDone))
        }
        #expect(link.right.messages.map(\.payload) == sent)
        #expect(link.right.events.filter { $0 == .incomingStreamsReset([stream]) }.count == 5)
    }

    @Test func `both sides may reset a stream at once`() {
        let link = LossyLink()
        link.connect()
        reset([7], on: link)
        reset([7], on: link, from: .right)
        link.run(for: .seconds(2))
        for side in LossyLink.Side.allCases {
            #expect(link[side].events.contains(.outgoingStreamsReset([stream])))
            #expect(link[side].events.contains(.incomingStreamsReset([stream])))
        }
    }

    @Test func `a thousand streams are reset in few requests`() {
        let link = LossyLink()
        link.connect()
        reset(Array(0..<1000), on: link)
        link.run(for: .seconds(5))
        let reset = link.right.events.reduce(into: 0) { count, event in
            if case .incomingStreamsReset(let streams) = event { count += streams.count }
        }
        #expect(reset == 1000)
        let requests = link.left.sent.filter { packet in
            packet.chunks.contains { if case .reconfiguration = $0 { true } else { false } }
        }
        #expect(requests.count == 4)
        #expect(link.left.sent.allSatisfy { $0.bytes.count <= 1160 })
    }

    private func request(_ number: UInt32, lastTSN: UInt32) -> SCTPChunk {
        .reconfiguration([.outgoingReset(request: number, response: 0, lastTSN: lastTSN, streams: [stream])])
    }

    private func responses(of endpoint: LossyLink.Endpoint) -> [UInt32] {
        endpoint.sent.flatMap(\.chunks).compactMap { chunk in
            if case .reconfiguration(let parameters) = chunk, case .response(_, let result) = parameters[0] {
                result
            } else {
                nil
            }
        }
    }

    @Test func `a reset waits for data before it; what comes for after it is held back (§5.2.2 E1)`() throws {
        let link = LossyLink(left: { $0.offersInterleaving = false })
        link.connect()
        link.run(for: .seconds(1))
        link.filter = { _, _, _ in nil }
        let number = link.left.association.localInitialTSN
        let data = { (tsn: UInt32, ssn: UInt32) in
            SCTPChunk.data(
                DataChunk(
                    tsn: number &+ tsn, stream: stream, messageNumber: ssn, payloadProtocol: .binary,
                    isUnordered: false, isBeginning: true, isEnding: true, isInterleaved: false,
                    payload: [UInt8(tsn), UInt8(ssn)]))
        }
        link.inject([data(0, 0)], to: .right)
        link.inject([request(number, lastTSN: number &+ 1)], to: .right)
        // the first after the reset overtakes the last before it
        link.inject([data(2, 0)], to: .right)
        #expect(link.right.messages.map(\.payload) == [[0, 0]])
        #expect(responses(of: link.right) == [6])
        link.inject([data(1, 1)], to: .right)
        #expect(link.right.messages.map(\.payload) == [[0, 0], [1, 1], [2, 0]])
        #expect(responses(of: link.right) == [6, 1])
        // asked again, by the old number and by a new one
        link.inject([request(number, lastTSN: number &+ 1)], to: .right)
        #expect(responses(of: link.right) == [6, 1, 1])
        link.inject([request(number &+ 5, lastTSN: number)], to: .right)
        #expect(responses(of: link.right) == [6, 1, 1, 5], "bad sequence number")
    }

    @Test func `requests that data channels do not make are denied`() {
        let link = LossyLink()
        link.connect()
        let number = link.left.association.localInitialTSN
        link.inject([.reconfiguration([.otherRequest(request: number)])], to: .right)
        #expect(responses(of: link.right) == [2])
    }

    @Test func `an answer that it is in progress has it asked again later`() {
        let link = LossyLink()
        link.connect()
        link.filter = { side, _, packet in side == .left ? packet : nil }
        reset([7], on: link)
        link.run(for: .milliseconds(30))
        let first = link.left.association.resets.request?.number ?? 0
        link.inject([.reconfiguration([.response(request: first, result: 6)])], to: .left)
        link.filter = { $2 }
        link.run(for: .seconds(2))
        #expect(link.left.events.last == .outgoingStreamsReset([stream]))
        let numbers = link.left.sent.flatMap(\.chunks).compactMap { chunk -> UInt32? in
            if case .reconfiguration(let parameters) = chunk,
                case .outgoingReset(let number, _, _, _) = parameters[0]
            {
                number
            } else {
                nil
            }
        }
        #expect(numbers == [first, first &+ 1])
    }
}
