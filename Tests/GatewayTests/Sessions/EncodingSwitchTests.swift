import Media
import RTP
import Testing
import Wire

@testable import Gateway

private func frame(_ timestamp: UInt32, key: Bool = false) -> PacketizedFrame {
    PacketizedFrame(
        storage: [1, 2], payloads: [0..<2], markedPayload: 0, timestamp: RTPTimestamp(timestamp), captured: .zero,
        isKeyFrame: key)
}

extension EncodingSwitch {
    /// The timestamp that the frame leaves with; nil where it does not.
    fileprivate mutating func send(_ frame: PacketizedFrame, of encoding: Encoding = .main) -> UInt32? {
        if case .send(let sent) = take(frame, of: encoding) { sent.timestamp.rawValue } else { nil }
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
}
