import Wire

/// The key of MESSAGE-INTEGRITY (HMAC-SHA1, RFC 8489 §14.5) or of MESSAGE-INTEGRITY-SHA256 (HMAC-SHA256, §14.6).
public struct STUNKey: Sendable {
    private enum Code {
        case sha1(HMAC<SHA1>)
        case sha256(HMAC<SHA256>)
    }

    private let code: Code

    /// The key of short-term credentials (RFC 8489 §9.1.1): the password itself, here of ice-chars, which OpaqueString
    /// leaves as they are.
    public init(password: String) {
        self.init(Array(password.utf8))
    }

    /// A raw key, as long-term credentials make one (RFC 8489 §9.2.2); `isSHA256` for MESSAGE-INTEGRITY-SHA256.
    public init(_ key: [UInt8], isSHA256: Bool = false) {
        code = isSHA256 ? .sha256(HMAC(key: key)) : .sha1(HMAC(key: key))
    }

    /// Whether it is for MESSAGE-INTEGRITY-SHA256.
    var isSHA256: Bool {
        if case .sha256 = code { true } else { false }
    }

    /// How many bytes its whole code has.
    var codeLength: Int { isSHA256 ? SHA256.digestLength : SHA1.digestLength }

    /// The HMAC of `bytes`.
    func code(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        switch code {
        case .sha1(let hmac): hmac.code { $0.update(bytes) }
        case .sha256(let hmac): hmac.code { $0.update(bytes) }
        }
    }

    /// The integrity of the message that begins with `prefix`, a header and the attributes before it, cut to `length`
    /// bytes. The header's length is taken to end with the integrity attribute, whatever follows (RFC 8489 §14.5).
    func authenticate(_ prefix: ArraySlice<UInt8>, length: Int) -> [UInt8] {
        switch code {
        case .sha1(let hmac): hmac.code { STUNKey.feed(prefix, length: length, to: &$0) }
        case .sha256(let hmac): Array(hmac.code { STUNKey.feed(prefix, length: length, to: &$0) }.prefix(length))
        }
    }

    private static func feed(_ prefix: ArraySlice<UInt8>, length: Int, to hash: inout some HashFunction) {
        let count = UInt16(truncatingIfNeeded: prefix.count - STUNMessage.headerLength + 4 + length)
        hash.update(prefix.prefix(2))
        hash.update([UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)])
        hash.update(prefix.dropFirst(4))
    }
}
