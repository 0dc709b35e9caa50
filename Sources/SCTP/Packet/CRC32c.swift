/// The CRC-32 of Castagnoli's polynomial, an SCTP packet's checksum (RFC 9260 §6.8, appendix A).
enum CRC32c {
    /// Eight tables, so that eight bytes are taken in one step: entry `n * 256 + b` is the remainder of the byte `b`
    /// with `n` zero bytes behind it.
    private static let tables: [UInt32] = {
        var tables: [UInt32] = (0..<256).map { index in
            (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
        }
        for index in 256..<2048 {
            let before = tables[index - 256]
            tables.append(before >> 8 ^ tables[Int(before & 0xFF)])
        }
        return tables
    }()

    /// The checksum of `bytes`, those of `hole` counted as zeros.
    static func checksum(_ bytes: ArraySlice<UInt8>, zeroing hole: Range<Int>? = nil) -> UInt32 {
        var remainder = ~UInt32(0)
        if let hole {
            remainder = update(remainder, bytes[bytes.startIndex..<hole.lowerBound])
            remainder = update(remainder, ArraySlice(repeating: 0, count: hole.count))
            remainder = update(remainder, bytes[hole.upperBound...])
        } else {
            remainder = update(remainder, bytes)
        }
        return ~remainder
    }

    private static func update(_ start: UInt32, _ bytes: ArraySlice<UInt8>) -> UInt32 {
        let tables = tables
        var remainder = start
        var index = bytes.startIndex
        while bytes.endIndex - index >= 8 {
            let first = remainder ^ word(bytes, at: index)
            let second = word(bytes, at: index + 4)
            remainder = tables[1792 + Int(first & 0xFF)] ^ tables[1536 + Int(first >> 8 & 0xFF)]
            remainder ^= tables[1280 + Int(first >> 16 & 0xFF)] ^ tables[1024 + Int(first >> 24)]
            remainder ^= tables[768 + Int(second & 0xFF)] ^ tables[512 + Int(second >> 8 & 0xFF)]
            remainder ^= tables[256 + Int(second >> 16 & 0xFF)] ^ tables[Int(second >> 24)]
            index += 8
        }
        while index < bytes.endIndex {
            remainder = remainder >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: remainder) ^ bytes[index])]
            index += 1
        }
        return remainder
    }

    /// Four bytes, least significant first.
    private static func word(_ bytes: ArraySlice<UInt8>, at index: Int) -> UInt32 {
        let low = UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8
        return low | UInt32(bytes[index + 2]) << 16 | UInt32(bytes[index + 3]) << 24
    }
}
