@testable import Identity

/// Hashing for tests, which are about who comes in and not about how hard secrets are to find.
struct PlainHashing: SecretHashing {
    func digest(_ secret: [UInt8]) -> [UInt8] { mix(secret, 1) }
    func stretch(_ code: [UInt8], salt: [UInt8]) -> [UInt8] { mix(code + salt, 2) }

    private func mix(_ bytes: [UInt8], _ seed: UInt64) -> [UInt8] {
        let word = bytes.reduce(seed) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
        return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } + bytes
    }
}
