import COpenSSL
public import Wire

/// A key pair for X25519 (RFC 7748 §5).
public struct X25519KeyPair: Hashable, Sendable {
    /// How many bytes a key has, private or public.
    public static let keyBytes = 32

    /// The private key, 32 bytes.
    public let privateKey: [UInt8]
    /// The public key, 32 bytes.
    public let publicKey: [UInt8]

    /// The pair of `privateKey`; nil where that is not 32 bytes.
    public init?(privateKey: [UInt8]) {
        guard privateKey.count == Self.keyBytes,
            let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nil, privateKey, privateKey.count)
        else { return nil }
        defer { EVP_PKEY_free(key) }
        var publicKey = [UInt8](repeating: 0, count: Self.keyBytes)
        var count = publicKey.count
        guard EVP_PKEY_get_raw_public_key(key, &publicKey, &count) == 1 else {
            preconditionFailure("a private key has a public one")
        }
        self.privateKey = privateKey
        self.publicKey = publicKey
    }

    /// A new pair.
    public init(random: any RandomSource) {
        guard let pair = X25519KeyPair(privateKey: random.bytes(Self.keyBytes)) else {
            preconditionFailure("any 32 bytes are a private key")
        }
        self = pair
    }

    /// What this pair and the owner of `publicKey` have in common, 32 bytes; nil where that is no key, or one of those
    /// few that have the same in common with everybody (RFC 7748 §6.1).
    func secret(with publicKey: [UInt8]) -> [UInt8]? {
        guard publicKey.count == Self.keyBytes,
            let own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nil, privateKey, privateKey.count)
        else { return nil }
        defer { EVP_PKEY_free(own) }
        guard let other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nil, publicKey, publicKey.count) else {
            return nil
        }
        defer { EVP_PKEY_free(other) }
        guard let context = EVP_PKEY_CTX_new(own, nil) else { preconditionFailure("there is memory for a context") }
        defer {
            EVP_PKEY_CTX_free(context)
            // what failed here is of no interest to whoever looks at OpenSSL's errors next
            ERR_clear_error()
        }
        var secret = [UInt8](repeating: 0, count: Self.keyBytes)
        var count = secret.count
        guard EVP_PKEY_derive_init(context) == 1, EVP_PKEY_derive_set_peer(context, other) == 1,
            EVP_PKEY_derive(context, &secret, &count) == 1, count == Self.keyBytes
        else { return nil }
        return secret
    }
}
