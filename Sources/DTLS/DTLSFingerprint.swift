import COpenSSL

/// A certificate's fingerprint: the hash of its DER encoding (RFC 8122 §5).
public struct DTLSFingerprint: Hashable, Sendable, CustomStringConvertible {
    /// A hash function that fingerprints are made with. MD5 and MD2 are refused (RFC 8122 §5: they MUST NOT be used).
    public enum HashFunction: String, Hashable, Sendable, CaseIterable {
        /// SHA-1, 20 bytes.
        case sha1 = "sha-1"
        /// SHA-224, 28 bytes.
        case sha224 = "sha-224"
        /// SHA-256, 32 bytes: what every WebRTC peer offers.
        case sha256 = "sha-256"
        /// SHA-384, 48 bytes.
        case sha384 = "sha-384"
        /// SHA-512, 64 bytes.
        case sha512 = "sha-512"

        /// How many bytes the hash has.
        public var length: Int {
            switch self {
            case .sha1: 20
            case .sha224: 28
            case .sha256: 32
            case .sha384: 48
            case .sha512: 64
            }
        }
    }

    /// The hash function.
    public let hashFunction: HashFunction
    /// The hash, `hashFunction.length` bytes.
    public let bytes: [UInt8]

    /// The fingerprint `bytes` made with `hashFunction`; nil where the length does not fit.
    public init?(_ hashFunction: HashFunction, _ bytes: [UInt8]) {
        guard bytes.count == hashFunction.length else { return nil }
        self.hashFunction = hashFunction
        self.bytes = bytes
    }

    /// The fingerprint `bytes` made with the function that SDP calls `name` (in any case of letters); nil where the
    /// function is not supported or the length does not fit.
    public init?(hashFunction name: String, _ bytes: [UInt8]) {
        guard let function = HashFunction(rawValue: name.lowercased()) else { return nil }
        self.init(function, bytes)
    }

    /// The value of an `a=fingerprint` line: `sha-256 D5:B0:…`.
    public var description: String { "\(hashFunction.rawValue) \(hexadecimal)" }

    /// The hash as upper-case hexadecimal pairs between colons, as `RTCDtlsFingerprint.value` and SDP write it.
    public var hexadecimal: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: ":")
    }

    /// The fingerprint of the certificate `der`.
    public init(_ hashFunction: HashFunction, of der: [UInt8]) {
        var bytes = [UInt8](repeating: 0, count: hashFunction.length)
        let result = EVP_Digest(der, der.count, &bytes, nil, hashFunction.digest, nil)
        precondition(result == 1, "OpenSSL has the hash function")
        self.hashFunction = hashFunction
        self.bytes = bytes
    }

    /// Whether the certificate `der` is one of those with the fingerprints `announced`.
    ///
    /// RFC 8122 §5.1: several fingerprints are of one certificate by several hash functions, or of several
    /// certificates, all by the same functions. So for each function the certificate's fingerprint must be among those
    /// announced; one match by a weak function does not outweigh a mismatch by a strong one.
    static func match(_ der: [UInt8], announced: [DTLSFingerprint]) -> Bool {
        let functions = Set(announced.map(\.hashFunction))
        return !functions.isEmpty
            && functions.allSatisfy { announced.contains(DTLSFingerprint($0, of: der)) }
    }
}

extension DTLSFingerprint.HashFunction {
    fileprivate var digest: OpaquePointer? {
        switch self {
        case .sha1: EVP_sha1()
        case .sha224: EVP_sha224()
        case .sha256: EVP_sha256()
        case .sha384: EVP_sha384()
        case .sha512: EVP_sha512()
        }
    }
}
