/// The key of MESSAGE-INTEGRITY (RFC 8489 §14.5): HMAC-SHA1 (RFC 2104) with both pads already hashed, so that a message
/// costs only the blocks of its own.
public struct STUNKey: Sendable {
    private let inner: SHA1
    private let outer: SHA1

    /// The key of short-term credentials (RFC 8489 §9.1.1): the password itself, here of ice-chars, which OpaqueString
    /// leaves as they are.
    public init(password: String) {
        self.init(Array(password.utf8))
    }

    /// A raw key, as long-term credentials make one (RFC 8489 §9.2.2).
    public init(_ key: [UInt8]) {
        var key = key
        if key.count > SHA1.blockLength {
            var hash = SHA1()
            hash.update(key)
            key = hash.digest()
        }
        key += [UInt8](repeating: 0, count: SHA1.blockLength - key.count)
        var (inner, outer) = (SHA1(), SHA1())
        inner.update(key.lazy.map { $0 ^ 0x36 })
        outer.update(key.lazy.map { $0 ^ 0x5C })
        self.inner = inner
        self.outer = outer
    }

    /// HMAC-SHA1 of `bytes`.
    func code(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var hash = inner
        hash.update(bytes)
        return finish(hash)
    }

    /// The MESSAGE-INTEGRITY of the message that begins with `prefix`, a header and the attributes before it. The
    /// header's length is taken to end with MESSAGE-INTEGRITY, whatever follows (RFC 8489 §14.5).
    func authenticate(_ prefix: ArraySlice<UInt8>) -> [UInt8] {
        let length = UInt16(truncatingIfNeeded: prefix.count - STUNMessage.headerLength + 4 + SHA1.digestLength)
        var hash = inner
        hash.update(prefix.prefix(2))
        hash.update([UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length)])
        hash.update(prefix.dropFirst(4))
        return finish(hash)
    }

    private func finish(_ hash: SHA1) -> [UInt8] {
        var result = outer
        result.update(hash.digest())
        return result.digest()
    }
}
