/// How SRTP and SRTCP are protected; the raw value is the code point of the `use_srtp` extension (RFC 5764 §4.1.2,
/// RFC 7714 §14.2).
public enum SRTPProtectionProfile: UInt16, Hashable, Sendable, CaseIterable {
    /// SRTP_AES128_CM_HMAC_SHA1_80: AES-128 in counter mode, HMAC-SHA1 tags of 80 bits (RFC 3711).
    case aes128CounterModeSHA1Tag80 = 0x0001
    /// SRTP_AES128_CM_HMAC_SHA1_32: the same with tags of 32 bits on SRTP; SRTCP keeps 80 (RFC 5764 §4.1.2).
    case aes128CounterModeSHA1Tag32 = 0x0002
    /// SRTP_AEAD_AES_128_GCM (RFC 7714).
    case aeadAES128GCM = 0x0007
    /// SRTP_AEAD_AES_256_GCM (RFC 7714).
    case aeadAES256GCM = 0x0008

    /// The bytes of a master key, and of a session encryption key.
    public var keyLength: Int { self == .aeadAES256GCM ? 32 : 16 }

    /// The bytes of a master salt, and of a session salt.
    public var saltLength: Int { isAEAD ? 12 : 14 }

    /// By how many bytes protection lengthens an RTP packet.
    public var rtpOverhead: Int {
        switch self {
        case .aes128CounterModeSHA1Tag80: 10
        case .aes128CounterModeSHA1Tag32: 4
        case .aeadAES128GCM, .aeadAES256GCM: 16
        }
    }

    /// By how many bytes protection lengthens an RTCP packet: the tag and the word with the E flag and the SRTCP index.
    public var rtcpOverhead: Int { rtcpTagLength + 4 }

    /// The profile's name in IANA's registry, as `RTCTransportStats.srtpCipher` shows it.
    public var name: String {
        switch self {
        case .aes128CounterModeSHA1Tag80: "SRTP_AES128_CM_HMAC_SHA1_80"
        case .aes128CounterModeSHA1Tag32: "SRTP_AES128_CM_HMAC_SHA1_32"
        case .aeadAES128GCM: "SRTP_AEAD_AES_128_GCM"
        case .aeadAES256GCM: "SRTP_AEAD_AES_256_GCM"
        }
    }

    var isAEAD: Bool { self == .aeadAES128GCM || self == .aeadAES256GCM }

    var rtcpTagLength: Int { isAEAD ? 16 : 10 }
}

/// The master key and master salt that protect one direction.
public struct SRTPMasterKey: Hashable, Sendable {
    /// The key, `profile.keyLength` bytes.
    public let key: [UInt8]
    /// The salt, `profile.saltLength` bytes.
    public let salt: [UInt8]

    /// A master key made of `key` and `salt`.
    public init(key: [UInt8], salt: [UInt8]) {
        self.key = key
        self.salt = salt
    }
}
