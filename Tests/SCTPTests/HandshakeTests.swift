import Testing
import Wire

@testable import SCTP

/// How an association begins (RFC 9260 §5).
@Suite struct HandshakeTests {
    @Test func `four packets establish it when one side begins (§5.1)`() {
        let link = LossyLink()
        link.act(.left) { $0.handle(.start, at: $1) }
        link.run(for: .seconds(1))
        #expect(link.left.events == [.established(outboundStreams: 65535)])
        #expect(link.right.events == [.established(outboundStreams: 65535)])
        #expect(link.left.sent.count == 2 && link.right.sent.count == 2)
        #expect(link.left.association.remoteTag == link.right.association.localTag)
        #expect(link.right.association.remoteTag == link.left.association.localTag)
    }

    @Test func `both may begin at once (§5.2.1)`() {
        let link = LossyLink()
        link.connect()
        for side in LossyLink.Side.allCases {
            #expect(link[side].events == [.established(outboundStreams: 65535)])
            #expect(link[side].association.remoteTag == link[side.other].association.localTag)
        }
        link.send([1])
        link.send([2], from: .right)
        link.run(for: .seconds(1))
        #expect(link.right.messages.map(\.payload) == [[1]] && link.left.messages.map(\.payload) == [[2]])
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `it begins through loss, repetition and reordering, once`(seed: UInt64) {
        let link = LossyLink(seed: seed, .init(loss: 30, duplication: 20, delay: 1...300))
        link.connect()
        link.send(payload(1, count: 5000))
        link.send(payload(2, count: 5000), from: .right)
        #expect(link.run { $0.left.messages.count == 1 && $0.right.messages.count == 1 })
        for side in LossyLink.Side.allCases {
            #expect(link[side].events.filter { $0 == .established(outboundStreams: 65535) }.count == 1)
            #expect(!link[side].events.contains(.restarted))
        }
    }

    @Test func `streams are as many as both sides want (§5.1.1)`() {
        let link = LossyLink(left: { $0.maximumStreams = 100 }, right: { $0.maximumStreams = 1024 })
        link.connect()
        #expect(link.left.association.outboundStreams == 100 && link.right.association.outboundStreams == 100)
        #expect(throws: SCTPAssociation.SendError.stream) {
            try link.act(.left) { association, now in
                let message = SCTPMessage(
                    stream: SCTPStreamIdentifier(100), payloadProtocol: .binary, payload: [1])
                try association.send(message, at: now)
            }
        }
    }

    @Test func `what waits is sent once it has begun`() {
        let link = LossyLink()
        link.send([7])
        #expect(link.left.association.bufferedAmount(of: SCTPStreamIdentifier(0)) == 1)
        link.connect()
        link.run(for: .seconds(1))
        #expect(link.right.messages.map(\.payload) == [[7]])
    }

    @Test func `without an answer INIT is repeated, ever more slowly, for as long as it takes (§5.1.6)`() {
        let link = LossyLink()
        link.filter = { _, _, _ in nil }
        link.act(.left) { $0.handle(.start, at: $1) }
        link.run(for: .milliseconds(8000))
        // 0, 0.5, 1.5, 3.5, then every 3 s
        #expect(link.left.sent.count == 5)
        #expect(link.left.association.state == .cookieWait)
    }

    @Test func `with a limit it fails when that is reached`() {
        let link = LossyLink(left: { $0.maximumRetransmissions = 8 })
        link.filter = { _, _, _ in nil }
        link.act(.left) { $0.handle(.start, at: $1) }
        link.run()
        #expect(link.left.events == [.failed(.unresponsive)])
        #expect(link.left.sent.count == 9)
        #expect(link.left.association.deadline == nil)
    }

    @Test func `an INIT that is not alone, or has a tag, is not taken (§6.10, §8.5.1)`() {
        let link = LossyLink()
        let initiation = SCTPChunk.initiation(
            InitiationChunk(initiateTag: 1, receiverWindow: 9999, outboundStreams: 1, inboundStreams: 1, initialTSN: 1))
        link.inject([initiation, .cookieAcknowledgement], to: .left, tag: 0)
        link.inject([initiation], to: .left, tag: 1)
        #expect(link.left.sent.isEmpty)
        #expect(link.left.association.discards == [.notOurs: 2])
        link.inject([initiation], to: .left, tag: 0)
        #expect(link.left.sent.count == 1)
        #expect(link.left.association.state == .closed, "nothing is kept of it")
    }

    @Test func `an INIT without streams is answered by ABORT, one without a tag not at all (§3.3.2)`() {
        let link = LossyLink()
        let initiation = InitiationChunk(
            initiateTag: 5, receiverWindow: 9999, outboundStreams: 0, inboundStreams: 1, initialTSN: 1)
        link.inject([.initiation(initiation)], to: .left, tag: 0)
        #expect(link.left.sent.map(\.verificationTag) == [5])
        #expect(link.left.sent[0].chunks == [.abort([ErrorCause(.invalidMandatoryParameter)], isReflected: false)])
        var untagged = initiation
        untagged.initiateTag = 0
        link.inject([.initiation(untagged)], to: .left, tag: 0)
        #expect(link.left.sent.count == 1)
    }

    @Test func `a cookie that this side did not make, or of another tag, establishes nothing (§5.1.5)`() throws {
        let link = LossyLink()
        link.inject([.cookieEcho([UInt8](repeating: 7, count: 54)[...])], to: .left)
        link.act(.right) { $0.handle(.start, at: $1) }
        link.filter = { $0 == .left ? $2 : nil }
        link.run(for: .milliseconds(100))
        link.inject(link.right.sent[0].bytes, to: .left)
        guard case .initiationAcknowledgement(let answer) = try #require(link.left.sent.last).chunks[0] else {
            Issue.record("no INIT ACK")
            return
        }
        let cookie = try #require(answer.cookie)
        link.inject([.cookieEcho(cookie)], to: .left, tag: answer.initiateTag ^ 1)
        #expect(link.left.association.discards == [.cookie: 2])
        #expect(link.left.association.state == .closed)
        link.inject([.cookieEcho(cookie)], to: .left, tag: answer.initiateTag)
        #expect(link.left.association.state == .established)
    }

    @Test func `a cookie that is too old is refused, and the other side begins again (§5.2.6)`() {
        let link = LossyLink(left: { $0.cookieLifetime = .milliseconds(100) })
        link.filter = { side, count, packet in side == .right && count == 1 ? nil : packet }
        link.act(.right) { $0.handle(.start, at: $1) }
        link.run(for: .seconds(5))
        #expect(link.left.association.discards[.cookie] == 1)
        #expect(link.left.association.state == .established && link.right.association.state == .established)
    }

    @Test func `a COOKIE ECHO that comes again is answered again (§5.2.4 D)`() {
        let link = LossyLink()
        var lost = 0
        link.filter = { side, _, packet in
            guard side == .right, packet.chunks.contains(.cookieAcknowledgement), lost < 2 else { return packet }
            lost += 1
            return nil
        }
        link.act(.left) { $0.handle(.start, at: $1) }
        link.run(for: .seconds(5))
        #expect(lost == 2)
        #expect(link.left.association.state == .established)
        #expect(link.right.events == [.established(outboundStreams: 65535)])
    }

    @Test func `a side that lost everything begins anew, and numbers with it (§5.2.4.1)`() {
        let link = LossyLink()
        link.connect()
        link.send([1])
        link.run(for: .seconds(1))
        // what the restarted side never hears of
        link.filter = { side, _, packet in side == .right ? nil : packet }
        link.send([2], from: .right)
        link.run(for: .milliseconds(100))
        link.filter = { $2 }
        link.left = .init(association: SCTPAssociation(random: SeededRandomSource(seed: 99)))
        link.act(.left) { $0.handle(.start, at: $1) }
        link.run { $0.left.association.state == .established }
        link.run(for: .seconds(1))
        #expect(link.right.events.suffix(1) == [.restarted])
        #expect(link.right.association.remoteTag == link.left.association.localTag)
        link.send([3])
        link.send([4], from: .right)
        link.run(for: .seconds(5))
        #expect(link.left.messages.map(\.payload) == [[4]])
        #expect(link.right.messages.map(\.payload) == [[1], [3]])
    }

    @Test func `an INIT in mid-association that is followed by nothing changes nothing (§5.2.2)`() {
        let link = LossyLink()
        link.connect()
        let initiation = InitiationChunk(
            initiateTag: 5, receiverWindow: 9999, outboundStreams: 1, inboundStreams: 1, initialTSN: 1)
        for _ in 0..<100 { link.inject([.initiation(initiation)], to: .right, tag: 0) }
        link.run(for: .seconds(1))
        link.send([1])
        link.run(for: .seconds(1))
        #expect(link.right.messages.count == 1)
        #expect(!link.right.events.contains(.restarted))
    }
}
