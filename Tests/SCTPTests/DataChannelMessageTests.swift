import Testing
import Wire

@testable import SCTP

/// The Data Channel Establishment Protocol (RFC 8832 §5).
@Suite struct DataChannelMessageTests {
    private typealias Message = DataChannelEstablishmentMessage

    @Test(
        arguments: [
            (DataChannelOpen(label: "a"), [3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0x61]),
            (
                DataChannelOpen(isOrdered: false, reliability: .retransmissions(5), label: "", subprotocol: "p"),
                [3, 0x81, 1, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0x70]
            ),
            (
                DataChannelOpen(reliability: .lifetime(0x1_0203), priority: 1024, label: "é"),
                [3, 2, 4, 0, 0, 1, 2, 3, 0, 2, 0, 0, 0xC3, 0xA9]
            ),
            (DataChannelOpen(isOrdered: false, label: ""), [3, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ] as [(DataChannelOpen, [UInt8])])
    func `DATA_CHANNEL_OPEN is written and read (§5.1)`(open: DataChannelOpen, bytes: [UInt8]) throws {
        #expect(Message.open(open).bytes == bytes)
        #expect(try Message(parsing: bytes) == .open(open))
        for count in 1..<bytes.count {
            #expect(throws: Message.ParsingError.truncated) { try Message(parsing: Array(bytes.prefix(count))) }
        }
    }

    @Test func `DATA_CHANNEL_ACK is one byte (§5.2)`() throws {
        #expect(Message.acknowledgement.bytes == [2])
        #expect(try Message(parsing: [2]) == .acknowledgement)
    }

    @Test func `other types, other channel types and what is not UTF-8 are refused`() {
        #expect(throws: Message.ParsingError.truncated) { try Message(parsing: []) }
        #expect(throws: Message.ParsingError.unknownType(9)) { try Message(parsing: [9]) }
        #expect(throws: Message.ParsingError.unknownChannelType(3)) {
            try Message(parsing: [3, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        }
        #expect(throws: Message.ParsingError.notText) {
            try Message(parsing: [3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xFF])
        }
    }

    @Test func `a label that is as long as can be said is read whole`() throws {
        let open = DataChannelOpen(
            label: String(repeating: "x", count: 65535), subprotocol: String(repeating: "y", count: 65535))
        #expect(try Message(parsing: Message.open(open).bytes) == .open(open))
    }
}
