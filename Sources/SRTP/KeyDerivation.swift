import COpenSSL

/// The keys that protect the RTP or the RTCP packets of one direction.
struct SRTPSessionKeys {
    let encryptionKey: [UInt8]
    /// Empty for an AEAD.
    let authenticationKey: [UInt8]
    let salt: [UInt8]

    /// Session keys as they are, of which the RFCs' test vectors are made.
    init(encryptionKey: [UInt8], authenticationKey: [UInt8], salt: [UInt8]) {
        self.encryptionKey = encryptionKey
        self.authenticationKey = authenticationKey
        self.salt = salt
    }

    /// The session keys for RTP, or for RTCP, that follow from `master` (RFC 3711 §4.3.1) when keys are derived once,
    /// at a key derivation rate of zero.
    init(deriving profile: SRTPProtectionProfile, from master: SRTPMasterKey, forRTCP: Bool) {
        precondition(
            master.key.count == profile.keyLength && master.salt.count == profile.saltLength,
            "a master key fits its profile")
        // RFC 3711 §4.3.2: labels 0, 1, 2 for RTP and 3, 4, 5 for RTCP.
        let base: UInt8 = forRTCP ? 3 : 0
        encryptionKey = Self.derive(label: base, count: profile.keyLength, from: master)
        authenticationKey = profile.isAEAD ? [] : Self.derive(label: base + 1, count: 20, from: master)
        salt = Self.derive(label: base + 2, count: profile.saltLength, from: master)
    }

    /// RFC 3711 §4.3.3, RFC 6188 §3 (256-bit keys): `count` bytes of AES counter mode's keystream, the block counter
    /// starting at (label ‖ 0⁴⁸ ⊕ salt) · 2¹⁶.
    private static func derive(label: UInt8, count: Int, from master: SRTPMasterKey) -> [UInt8] {
        // RFC 7714 §11: a salt of 96 bits is extended to 112 by zeros on its right.
        var counter = master.salt + [UInt8](repeating: 0, count: 16 - master.salt.count)
        counter[7] ^= label
        let context = CipherContext(
            master.key.count == 32 ? .aes256CounterMode : .aes128CounterMode, key: master.key, encrypts: true)
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { bytes in
            counter.withUnsafeBytes { context.start(iv: $0) }
            context.update(bytes)
        }
        return bytes
    }
}
