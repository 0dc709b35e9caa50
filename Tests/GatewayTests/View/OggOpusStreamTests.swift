import RTP
import Testing

@testable import Gateway

/// Ogg's pages (RFC 3533 §6) and what Opus puts in them (RFC 7845).
@Suite struct OggOpusStreamTests {
    /// A page, read back.
    private struct Page {
        let flags: UInt8
        let granulePosition: UInt64
        let serialNumber: UInt32
        let number: UInt32
        let packets: [[UInt8]]
    }

    /// Every page in `bytes`; each one's checksum must be right.
    private func pages(_ bytes: [UInt8]) throws -> [Page] {
        var rest = bytes[...]
        var pages: [Page] = []
        while !rest.isEmpty {
            try #require(rest.starts(with: Array("OggS".utf8) + [0]))
            let start = rest.startIndex
            let table = Array(rest[(start + 27)..<(start + 27 + Int(rest[start + 26]))])
            var body = rest[(start + 27 + table.count)...]
            let length = 27 + table.count + table.reduce(0) { $0 + Int($1) }
            var page = Array(rest.prefix(length))
            let checksum = number(page[22..<26])
            page.replaceSubrange(22..<26, with: [0, 0, 0, 0])
            #expect(checksum == bitwiseChecksum(page))
            var packets: [[UInt8]] = [[]]
            for segment in table {
                packets[packets.count - 1] += body.prefix(Int(segment))
                body = body.dropFirst(Int(segment))
                if segment < 255 { packets.append([]) }
            }
            #expect(packets.removeLast().isEmpty, "the last packet ends within the page")
            pages.append(
                Page(
                    flags: page[5], granulePosition: number(page[6..<14]),
                    serialNumber: UInt32(truncatingIfNeeded: number(page[14..<18])),
                    number: UInt32(truncatingIfNeeded: number(page[18..<22])), packets: packets))
            rest = rest.dropFirst(length)
        }
        return pages
    }

    private func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The checksum by its definition, bit by bit.
    private func bitwiseChecksum(_ bytes: [UInt8]) -> UInt64 {
        var value: UInt32 = 0
        for byte in bytes {
            value ^= UInt32(byte) << 24
            for _ in 0..<8 { value = value & 0x8000_0000 == 0 ? value << 1 : value << 1 ^ 0x04C1_1DB7 }
        }
        return UInt64(value)
    }

    /// 20 ms (CELT, full band, one frame of `size` bytes).
    private func packet(_ size: Int = 80) -> [UInt8] { [0xF8] + [UInt8](repeating: 7, count: size) }

    @Test func `the first two pages say how it is decoded and who made it`() throws {
        var stream = OggOpusStream(serialNumber: 0x1234_5678)
        let pages = try pages(stream.header())
        #expect(pages.map(\.flags) == [2, 0])
        #expect(pages.map(\.number) == [0, 1])
        #expect(pages.allSatisfy { $0.serialNumber == 0x1234_5678 && $0.granulePosition == 0 })
        let head = try #require(pages[0].packets.first)
        #expect(head == Array("OpusHead".utf8) + [1, 2, 0x00, 0x0F, 0x80, 0xBB, 0, 0, 0, 0, 0])
        #expect(pages[1].packets[0].starts(with: Array("OpusTags".utf8)))
    }

    @Test func `a page holds a second, and counts the samples to its end`() throws {
        var stream = OggOpusStream(serialNumber: 1)
        var bytes = stream.header()
        for index in 0..<120 { bytes += stream.append(packet(), timestamp: RTPTimestamp(UInt32(index) * 960)) }
        bytes += stream.finish()
        let pages = try pages(bytes).dropFirst(2)
        #expect(pages.map(\.packets.count) == [50, 50, 20])
        #expect(pages.map(\.granulePosition) == [48_000, 96_000, 115_200])
        #expect(pages.map(\.number) == [2, 3, 4])
        #expect(pages.map(\.flags) == [0, 0, 4])
    }

    @Test func `packets of every size come through whole`() throws {
        var stream = OggOpusStream(serialNumber: 1)
        let sizes = [0, 1, 253, 254, 255, 256, 509, 510, 1274]
        var bytes: [UInt8] = []
        for (index, size) in sizes.enumerated() {
            bytes += stream.append(packet(size), timestamp: RTPTimestamp(UInt32(index) * 960))
        }
        bytes += stream.finish()
        #expect(try pages(bytes).flatMap(\.packets) == sizes.map(packet))
    }

    @Test func `a page never has more segments than it can say`() throws {
        var stream = OggOpusStream(serialNumber: 1)
        var bytes: [UInt8] = []
        for index in 0..<60 { bytes += stream.append(packet(1274), timestamp: RTPTimestamp(UInt32(index) * 960)) }
        bytes += stream.finish()
        let pages = try pages(bytes)
        #expect(pages.flatMap(\.packets).count == 60)
        #expect(pages.count == 2)
        #expect(pages.last?.granulePosition == 57_600)
    }

    @Test func `what is missing is filled with packets to be concealed, across the timestamps' wrap too`() throws {
        var stream = OggOpusStream(serialNumber: 1)
        let first = UInt32.max - 959
        var bytes = stream.append(packet(), timestamp: RTPTimestamp(first))
        bytes += stream.append(packet(), timestamp: RTPTimestamp(first &+ 4 * 960))
        bytes += stream.finish()
        let pages = try pages(bytes)
        #expect(pages.flatMap(\.packets) == [packet(), [0xF8], [0xF8], [0xF8], packet()])
        let last = try #require(pages.last)
        #expect(last.granulePosition == 4800)
    }

    @Test func `what comes again is left out, and a sender that began anew is followed`() throws {
        var stream = OggOpusStream(serialNumber: 1)
        var bytes = stream.append(packet(1), timestamp: 960_000)
        bytes += stream.append(packet(2), timestamp: 960_000)
        bytes += stream.append(packet(3), timestamp: 0)
        bytes += stream.append(packet(4), timestamp: 3_000_000_000)
        bytes += stream.finish()
        #expect(try pages(bytes).flatMap(\.packets) == [packet(1), packet(3), packet(4)])
    }

    @Test func `what is no packet of Opus is left out`() throws {
        var stream = OggOpusStream(serialNumber: 1)
        #expect(stream.append([], timestamp: 0).isEmpty)
        #expect(stream.append([0xFB], timestamp: 0).isEmpty)
        #expect(try pages(stream.finish()).map(\.packets) == [[]])
    }
}
