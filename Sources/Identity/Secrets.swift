import Wire

/// How secrets are made into what may be kept. A core has no cryptography of its own; the shell has OpenSSL's.
///
/// Two functions, because there are two kinds of secret. A session, an invitation and a bearer token are 256 random bits
/// that no person ever types: nobody finds one by trying, however fast, so one SHA-256 hides it, and every request can
/// afford that. A pairing code is what a person reads and types, 40 bits: whoever has stolen the file could try them all,
/// so each trial must be slow and take memory (scrypt, RFC 7914).
public protocol SecretHashing: Sendable {
    /// SHA-256 of `secret`: 32 bytes.
    func digest(_ secret: [UInt8]) -> [UInt8]
    /// scrypt of `code` with `salt`: 32 bytes. Takes long, by intent.
    func stretch(_ code: [UInt8], salt: [UInt8]) -> [UInt8]
}

/// What is kept of a random 256-bit secret.
public struct SecretDigest: Hashable, Codable, Sendable {
    let bytes: HexadecimalBytes

    init(of secret: String, by hashing: some SecretHashing) {
        bytes = HexadecimalBytes(hashing.digest(Array(secret.utf8)))
    }

    /// Reads it from hexadecimal digits.
    public init(from decoder: any Decoder) throws {
        bytes = try HexadecimalBytes(from: decoder)
    }

    /// Writes it as hexadecimal digits.
    public func encode(to encoder: any Encoder) throws {
        try bytes.encode(to: encoder)
    }
}

/// A random secret of 256 bits as text, which goes to whom it is for and is not kept.
enum RandomSecret {
    /// 43 characters of 5.95 bits each.
    static func text(from random: any RandomSource) -> String { random.token(43) }
}

/// Bytes that are written as hexadecimal digits.
struct HexadecimalBytes: Hashable, Codable, Sendable {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let digits = Array(try container.decode(String.self).utf8)
        let complaint = DecodingError.dataCorruptedError(in: container, debugDescription: "not hexadecimal digits")
        guard digits.count % 2 == 0 else { throw complaint }
        bytes = try stride(from: 0, to: digits.count, by: 2).map { index in
            guard let high = Self.value(digits[index]), let low = Self.value(digits[index + 1]) else { throw complaint }
            return high << 4 | low
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(
            bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// Whether both are the same, in a time that does not tell where they differ.
    static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.count == other.count && zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
