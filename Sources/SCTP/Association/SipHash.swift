/// SipHash-2-4 (Aumasson and Bernstein, 2012): a message authentication code of 64 bits with a key of 128.
struct SipHash: Sendable {
    private let key: (UInt64, UInt64)

    /// With the key of 16 bytes whose halves, least significant byte first, are `key`.
    init(key: (UInt64, UInt64)) {
        self.key = key
    }

    func code(of bytes: ArraySlice<UInt8>) -> UInt64 {
        var state = State(key)
        var index = bytes.startIndex
        while bytes.endIndex - index >= 8 {
            state.absorb(Self.word(bytes[index..<(index + 8)]))
            index += 8
        }
        state.absorb(Self.word(bytes[index...]) | UInt64(truncatingIfNeeded: bytes.count) << 56)
        return state.finished()
    }

    /// Up to eight bytes, least significant first.
    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private struct State {
        var (v0, v1, v2, v3): (UInt64, UInt64, UInt64, UInt64)

        init(_ key: (UInt64, UInt64)) {
            v0 = key.0 ^ 0x736F_6D65_7073_6575
            v1 = key.1 ^ 0x646F_7261_6E64_6F6D
            v2 = key.0 ^ 0x6C79_6765_6E65_7261
            v3 = key.1 ^ 0x7465_6462_7974_6573
        }

        mutating func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        mutating func finished() -> UInt64 {
            v2 ^= 0xFF
            for _ in 0..<4 { round() }
            return v0 ^ v1 ^ v2 ^ v3
        }

        private mutating func round() {
            v0 &+= v1
            v1 = rotate(v1, 13) ^ v0
            v0 = rotate(v0, 32)
            v2 &+= v3
            v3 = rotate(v3, 16) ^ v2
            v0 &+= v3
            v3 = rotate(v3, 21) ^ v0
            v2 &+= v1
            v1 = rotate(v1, 17) ^ v2
            v2 = rotate(v2, 32)
        }

        private func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 { word << count | word >> (64 - count) }
    }
}
