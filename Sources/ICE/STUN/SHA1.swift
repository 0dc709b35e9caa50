import Wire

/// SHA-1 (RFC 3174). STUN's MESSAGE-INTEGRITY wants it as HMAC, where it is still sound; use it for nothing else.
struct SHA1: HashFunction {
    static let digestLength = 20

    private var state: (UInt32, UInt32, UInt32, UInt32, UInt32) =
        (0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0)
    private var block = InlineArray<64, UInt8>(repeating: 0)
    private var filled = 0
    private var length: UInt64 = 0

    init() {}

    mutating func update(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            block[filled] = byte
            filled += 1
            length &+= 8
            if filled == SHA1.blockLength { compress() }
        }
    }

    consuming func digest() -> [UInt8] {
        let bits = length
        update(CollectionOfOne(0x80))
        while filled != SHA1.blockLength - 8 { update(CollectionOfOne(0)) }
        update((0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) })
        var digest: [UInt8] = []
        digest.reserveCapacity(SHA1.digestLength)
        for word in [state.0, state.1, state.2, state.3, state.4] { digest.append(uint32: word) }
        return digest
    }

    private mutating func compress() {
        var words = InlineArray<80, UInt32>(repeating: 0)
        for index in 0..<16 {
            let byte = index * 4
            words[index] =
                UInt32(block[byte]) << 24 | UInt32(block[byte + 1]) << 16 | UInt32(block[byte + 2]) << 8
                | UInt32(block[byte + 3])
        }
        for index in 16..<80 {
            let word = words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16]
            words[index] = word << 1 | word >> 31
        }
        var (a, b, c, d, e) = state
        for index in 0..<80 {
            let (mixed, constant): (UInt32, UInt32) =
                switch index {
                case ..<20: (b & c | ~b & d, 0x5A82_7999)
                case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
                case ..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
                default: (b ^ c ^ d, 0xCA62_C1D6)
                }
            let next = (a << 5 | a >> 27) &+ mixed &+ e &+ words[index] &+ constant
            (e, d, c, b, a) = (d, c, b << 30 | b >> 2, a, next)
        }
        state = (state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d, state.4 &+ e)
        filled = 0
    }
}
