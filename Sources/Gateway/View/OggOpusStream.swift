import RTP
import Wire

/// Packets of Opus as an Ogg stream (RFC 7845), which players take as a `.opus` file.
///
/// What the network lost, and silence that was not sent, is filled with packets that ask the decoder to conceal (§4.1), so
/// that the sound keeps time with the picture.
package struct OggOpusStream {
    /// Samples at 48 kHz that a decoder drops at the start: 80 ms, in which it settles when it joins in mid-stream (§4.2).
    package static let preSkip = 3840
    /// A page holds a second at most (§6: "pages SHOULD NOT be allowed to hold more than one second").
    private static let samplesPerPage = 48_000
    /// A longer gap than this is not filled: the sender began anew.
    private static let longestGap = 48_000 * 10
    private static let version: UInt8 = 1

    private let serialNumber: UInt32
    private var pageNumber: UInt32 = 0
    private var packets: [[UInt8]] = []
    private var pageSamples = 0
    /// Samples up to the end of the last packet.
    private var granulePosition: UInt64 = 0
    private var expected: RTPTimestamp?
    private var lastHeader: UInt8?

    /// A stream whose pages bear `serialNumber`.
    package init(serialNumber: UInt32) {
        self.serialNumber = serialNumber
    }

    /// The two pages that every stream begins with (§5): how to decode it, and who made it.
    package mutating func header() -> [UInt8] {
        var head = Array("OpusHead".utf8)
        head += [Self.version, 2]  // two channels, as Opus in RTP always is (RFC 7587 §7)
        head += littleEndian(UInt16(Self.preSkip)) + littleEndian(UInt32(OpusPacket.clockRate))
        head += littleEndian(UInt16(0)) + [0]  // no gain; channel mapping family 0
        let vendor = Array("doorward".utf8)
        let tags = Array("OpusTags".utf8) + littleEndian(UInt32(vendor.count)) + vendor + littleEndian(UInt32(0))
        return page([head], flags: 0x02, granulePosition: 0) + page([tags], flags: 0, granulePosition: 0)
    }

    /// Takes the next packet, with the timestamp that RTP gave it; returns the pages that it completes.
    package mutating func append(_ packet: [UInt8], timestamp: RTPTimestamp) -> [UInt8] {
        guard let samples = OpusPacket.sampleCount(packet) else { return [] }
        var pages: [UInt8] = []
        if let expected {
            let gap = Int(Int32(bitPattern: timestamp.rawValue &- expected.rawValue))
            guard gap >= 0 || gap < -Self.longestGap else { return [] }  // it comes again
            if gap > 0, gap <= Self.longestGap { pages += conceal(gap) }
        }
        pages += add(packet, samples: samples)
        expected = RTPTimestamp(timestamp.rawValue &+ UInt32(samples))
        lastHeader = packet.first
        return pages
    }

    /// Ends the stream; returns what is left of it.
    package mutating func finish() -> [UInt8] {
        flush(flags: 0x04)
    }

    /// §4.1: a packet of nothing but its first byte is a frame of no bytes, which a decoder conceals; it keeps mode,
    /// bandwidth and frame size of the packet before, with one frame.
    private mutating func conceal(_ gap: Int) -> [UInt8] {
        guard let header = lastHeader.map({ $0 & 0xFC }), let samples = OpusPacket.sampleCount([header]) else {
            return []
        }
        var pages: [UInt8] = []
        for _ in 0..<(gap / samples) { pages += add([header], samples: samples) }
        return pages
    }

    private mutating func add(_ packet: [UInt8], samples: Int) -> [UInt8] {
        var pages: [UInt8] = []
        let isFull = packets.reduce(packet.count / 255 + 1) { $0 + $1.count / 255 + 1 } > 255
        if isFull || pageSamples + samples > Self.samplesPerPage { pages = flush(flags: 0) }
        packets.append(packet)
        pageSamples += samples
        granulePosition += UInt64(samples)
        return pages
    }

    private mutating func flush(flags: UInt8) -> [UInt8] {
        guard !packets.isEmpty || flags != 0 else { return [] }
        let waiting = packets
        packets = []
        pageSamples = 0
        return page(waiting, flags: flags, granulePosition: granulePosition)
    }

    /// RFC 3533 §6: the page's header, its segment table, and the packets, each of which ends within the page.
    private mutating func page(_ packets: [[UInt8]], flags: UInt8, granulePosition: UInt64) -> [UInt8] {
        let table = packets.flatMap { [UInt8](repeating: 255, count: $0.count / 255) + [UInt8($0.count % 255)] }
        var bytes = Array("OggS".utf8) + [0, flags]
        bytes += littleEndian(granulePosition) + littleEndian(serialNumber) + littleEndian(pageNumber)
        let checksumAt = bytes.count
        bytes += [0, 0, 0, 0, UInt8(table.count)] + table
        for packet in packets { bytes += packet }
        bytes.replaceSubrange(checksumAt..<(checksumAt + 4), with: littleEndian(Self.checksum(bytes)))
        pageNumber &+= 1
        return bytes
    }

    /// RFC 3533 §6: a CRC of 32 bits with the polynomial 0x04C11DB7, from 0, neither reflected nor inverted.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.reduce(0) { value, byte in value << 8 ^ table[Int(UInt8(truncatingIfNeeded: value >> 24) ^ byte)] }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index) << 24) { value, _ in value << 1 ^ (value >> 31 == 0 ? 0 : 0x04C1_1DB7) }
    }
}

/// Ogg's numbers have their least significant byte first, unlike a network's.
private func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<(Number.bitWidth / 8)).map { UInt8(truncatingIfNeeded: number >> (8 * Number($0))) }
}
