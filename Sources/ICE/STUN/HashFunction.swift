import Wire

/// A hash that works on blocks of 64 bytes: SHA-1, SHA-256 and MD5, of which STUN makes its keys and codes.
protocol HashFunction {
    /// How many bytes the digest has.
    static var digestLength: Int { get }
    init()
    mutating func update(_ bytes: some Sequence<UInt8>)
    /// The digest of all that was given; the state is not used after it.
    consuming func digest() -> [UInt8]
}

extension HashFunction {
    static var blockLength: Int { 64 }

    /// The digest of `bytes`.
    static func digest(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var hash = Self()
        hash.update(bytes)
        return hash.digest()
    }
}

/// HMAC (RFC 2104) with both pads already hashed, so that a message costs only the blocks of its own.
struct HMAC<Hash: HashFunction & Sendable>: Sendable {
    private let inner: Hash
    private let outer: Hash

    init(key: [UInt8]) {
        var key = key.count > Hash.blockLength ? Hash.digest(key) : key
        key += [UInt8](repeating: 0, count: Hash.blockLength - key.count)
        var (inner, outer) = (Hash(), Hash())
        inner.update(key.lazy.map { $0 ^ 0x36 })
        outer.update(key.lazy.map { $0 ^ 0x5C })
        self.inner = inner
        self.outer = outer
    }

    /// The code of what `write` gives to the hash.
    func code(_ write: (inout Hash) -> Void) -> [UInt8] {
        var hash = inner
        write(&hash)
        var result = outer
        result.update(hash.digest())
        return result.digest()
    }
}
