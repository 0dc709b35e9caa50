import Media
import RTP
import Testing
import Wire

@testable import Gateway

private enum Part { case first, middle, last, whole }

private func frame(_ timestamp: UInt32, key: Bool = false, _ part: Part = .whole) -> PacketizedFrame {
    PacketizedFrame(
        storage: [1, 2], payloads: [0..<2], markedPayload: 0, timestamp: RTPTimestamp(timestamp), captured: .zero,
        isKeyFrame: key, isFirst: part == .first || part == .whole, isLast: part == .last || part == .whole)
}

extension EncodingSwitch {
    /// The timestamp that the frame leaves with; nil where it does not.
    fileprivate mutating func send(_ frame: PacketizedFrame, of encoding: Encoding = .main) -> UInt32? {
        let sent = sendAll(frame, of: encoding)
        return sent.count == 1 ? sent[0] : nil
    }

    /// The timestamps of what leaves.
    fileprivate mutating func sendAll(_ frame: PacketizedFrame, of encoding: Encoding = .main) -> [UInt32] {
        switch take(frame, of: encoding) {
        case .send(let sent): [sent.timestamp.rawValue]
        case .sendAll(let sent): sent.map(\.timestamp.rawValue)
        case .skip, .needsKeyFrame: []
        }
    }
}

@Suite struct EncodingSwitchTests {
    @Test func `nothing leaves before a key frame`() {
        var choice = EncodingSwitch()
        guard case .needsKeyFrame = choice.take(frame(1), of: .main) else { return #expect(Bool(false)) }
        guard case .skip = choice.take(frame(1), of: .low) else { return #expect(Bool(false)) }
        #expect(choice.send(frame(2, key: true)) == 2)
        #expect(choice.send(frame(3)) == 3)
    }

    @Test func `the old encode goes on until the new one has a key frame, and ends with it`() {
        var choice = EncodingSwitch()
        #expect(choice.send(frame(1, key: true)) == 1)
        choice.wanted = .low
        #expect(choice.send(frame(2)) == 2)
        #expect(choice.send(frame(2), of: .low) == nil)
        #expect(choice.send(frame(3)) == 3)
        #expect(choice.send(frame(4, key: true), of: .low) == 4)
        #expect(choice.current == .low)
        #expect(choice.send(frame(5)) == nil)
        #expect(choice.send(frame(5, key: true)) == nil)
        #expect(choice.send(frame(6), of: .low) == 6)
    }

    @Test func `a change of mind before the key frame changes nothing`() {
        var choice = EncodingSwitch()
        #expect(choice.send(frame(1, key: true)) == 1)
        choice.wanted = .low
        choice.wanted = .main
        #expect(choice.send(frame(2, key: true), of: .low) == nil)
        #expect(choice.send(frame(2)) == 2)
    }

    @Test func `the slower encode's picture of the same moment is one more picture, later by a tick`() {
        var choice = EncodingSwitch()
        #expect(choice.send(frame(UInt32.max - 10, key: true)) == UInt32.max - 10)
        #expect(choice.send(frame(2990)) == 2990)
        #expect(choice.send(frame(5990)) == 5990)
        choice.wanted = .low
        #expect(choice.send(frame(2990, key: true), of: .low) == 5991)
        #expect(choice.send(frame(5990), of: .low) == 5992)
        #expect(choice.send(frame(8990), of: .low) == 8990)
    }

    @Test func `who waits for a key frame takes the first of the encode that he is to have`() {
        var choice = EncodingSwitch()
        #expect(choice.send(frame(1, key: true)) == 1)
        choice.awaitKeyFrame()
        choice.wanted = .low
        #expect(choice.send(frame(2, key: true)) == nil)
        guard case .needsKeyFrame = choice.take(frame(3), of: .low) else { return #expect(Bool(false)) }
        #expect(choice.send(frame(4, key: true), of: .low) == 4)
    }

    // MARK: Parts

    @Test func `a decoder starts at the first part of a key frame only`() {
        var choice = EncodingSwitch()
        #expect(choice.send(frame(1, key: true, .last)) == nil)
        #expect(choice.send(frame(2, key: true, .first)) == 2)
        #expect(choice.send(frame(2, key: true, .middle)) == 2)
        #expect(choice.send(frame(2, key: true, .last)) == 2)
        #expect(choice.send(frame(3, .middle)) == nil)
        #expect(choice.send(frame(4, .first)) == 4)
    }

    @Test func `a key frame of the other encode waits for the end of a frame that has begun to leave`() {
        var choice = EncodingSwitch()
        #expect(choice.send(frame(1, key: true)) == 1)
        choice.wanted = .low
        #expect(choice.send(frame(9, .first)) == 9)
        #expect(choice.send(frame(9, key: true), of: .low) == nil)
        #expect(choice.send(frame(9, .middle)) == 9)
        #expect(choice.current == .main)
        #expect(choice.sendAll(frame(9, .last)) == [9, 10])
        #expect(choice.current == .low)
        #expect(choice.send(frame(20, .first)) == nil)
        #expect(choice.send(frame(20), of: .low) == 20)
    }

    @Test func `a frame whose end never comes does not keep the other encode waiting for long`() {
        var choice = EncodingSwitch()
        #expect(choice.send(frame(1, key: true)) == 1)
        choice.wanted = .low
        #expect(choice.send(frame(9, .first)) == 9)
        #expect(choice.sendAll(frame(9, key: true), of: .low) == [])
        #expect(choice.sendAll(frame(20), of: .low) == [])
        #expect(choice.sendAll(frame(30), of: .low) == [])
        #expect(choice.sendAll(frame(40), of: .low) == [10, 20, 30, 40])
        #expect(choice.send(frame(9, .last)) == nil)
    }

    @Test func `a change of mind forgets what waited`() {
        var choice = EncodingSwitch()
        #expect(choice.send(frame(1, key: true)) == 1)
        choice.wanted = .low
        #expect(choice.send(frame(9, .first)) == 9)
        #expect(choice.send(frame(9, key: true), of: .low) == nil)
        choice.wanted = .main
        #expect(choice.sendAll(frame(9, .last)) == [9])
        choice.wanted = .low
        #expect(choice.send(frame(20), of: .low) == nil)
    }

    @Test func `the parts of a frame that leaves later than its time leave with one time`() {
        var choice = EncodingSwitch()
        choice.wanted = .low
        #expect(choice.send(frame(7, key: true), of: .low) == 7)
        choice.wanted = .main
        #expect(choice.sendAll(frame(7, key: true, .first)) == [8])
        #expect(choice.send(frame(7, key: true, .middle)) == 8)
        #expect(choice.send(frame(7, key: true, .last)) == 8)
    }
}
