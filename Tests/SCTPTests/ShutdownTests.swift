import Testing
import Wire

@testable import SCTP

/// How an association ends (RFC 9260 §9).
@Suite struct ShutdownTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `a shutdown delivers what waits, then ends both sides (§9.2)`(seed: UInt64) {
        let link = LossyLink(seed: seed, seed == 0 ? .perfect : .init(loss: 15, duplication: 5, delay: 5...60))
        link.connect()
        link.send(payload(1, count: 50_000))
        link.send(payload(2, count: 20_000), from: .right)
        link.act(.left) { $0.handle(.shutdown, at: $1) }
        link.run(for: .seconds(200))
        #expect(link.right.messages.count == 1 && link.left.messages.count == 1)
        #expect(link.left.events.last == .closed)
        // the last packet, which tells it that all is well, may be lost
        #expect(link.right.events.last == .closed || seed > 0)
        #expect(link.right.association.state == .closed)
        #expect(link.left.association.deadline == nil && link.right.association.deadline == nil)
    }

    @Test func `both sides may shut down at once`() {
        let link = LossyLink()
        link.connect()
        for side in LossyLink.Side.allCases { link.act(side) { $0.handle(.shutdown, at: $1) } }
        link.run(for: .seconds(10))
        #expect(link.left.events.last == .closed && link.right.events.last == .closed)
    }

    @Test func `nothing is taken to be sent once the end has begun`() {
        let link = LossyLink()
        link.connect()
        link.act(.left) { $0.handle(.shutdown, at: $1) }
        #expect(throws: SCTPAssociation.SendError.closed) {
            try link.act(.left) { association, now in
                let message = SCTPMessage(stream: SCTPStreamIdentifier(0), payloadProtocol: .binary, payload: [1])
                try association.send(message, at: now)
            }
        }
    }

    @Test func `a shutdown that is not answered is given up (T5)`() {
        let link = LossyLink()
        link.connect()
        link.filter = { _, _, _ in nil }
        link.act(.left) { $0.handle(.shutdown, at: $1) }
        link.run(for: .seconds(16))
        #expect(link.left.events.last == .failed(.unresponsive))
    }

    @Test func `ABORT ends both sides at once (§9.1)`() {
        let link = LossyLink()
        link.connect()
        link.act(.left) { $0.handle(.abort, at: $1) }
        link.run(for: .milliseconds(100))
        #expect(link.left.events.last == .closed)
        #expect(link.right.events.last == .failed(.aborted(cause: 12, reason: "")))
    }

    @Test func `an ABORT whose tag is another association's is not taken (§8.5.1 B)`() {
        let link = LossyLink()
        link.connect()
        let (own, other) = (link.left.association.localTag, link.right.association.localTag)
        link.inject([.abort([], isReflected: false)], to: .left, tag: other)
        link.inject([.abort([], isReflected: true)], to: .left, tag: own)
        #expect(link.left.association.state == .established)
        link.inject([.abort([], isReflected: true)], to: .left, tag: other)
        #expect(link.left.events.last == .failed(.aborted(cause: nil, reason: "")))
    }

    @Test func `what comes after the end changes nothing`() {
        let link = LossyLink()
        link.connect()
        link.act(.left) { $0.handle(.abort, at: $1) }
        let (events, sent) = (link.left.events.count, link.left.sent.count)
        link.inject([.shutdownAcknowledgement], to: .left)
        link.inject([1, 2, 3], to: .left)
        link.act(.left) { $0.handle(.start, at: $1) }
        #expect(link.left.events.count == events && link.left.sent.count == sent)
    }
}
