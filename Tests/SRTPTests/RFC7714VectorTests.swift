import Testing

@testable import SRTP

/// A packet, and what each of the two AEADs makes of it.
@Suite("RFC 7714, sections 16 and 17")
struct RFC7714VectorTests {
    static let rtp = hex(
        """
        8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472
        6573
        """)
    static let rtcp = hex(
        """
        81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef
        deadbeef
        """)
    static let rtcpIndex: UInt32 = 0x5d4

    struct Vector: Sendable, CustomTestStringConvertible {
        let profile: SRTPProtectionProfile
        let srtp: [UInt8]
        let srtcp: [UInt8]
        let authenticatedSRTCP: [UInt8]
        var testDescription: String { profile.name }

        var keys: SRTPSessionKeys {
            SRTPSessionKeys(
                encryptionKey: Array(0..<UInt8(profile.keyLength)), authenticationKey: [],
                salt: hex("517569642070726f2071756f"))
        }
        var sender: SRTPSender { SRTPSender(profile: profile, rtpKeys: keys, rtcpKeys: keys) }
        var receiver: SRTPReceiver { SRTPReceiver(profile: profile, rtpKeys: keys, rtcpKeys: keys) }
    }

    static let vectors = [
        Vector(
            profile: .aeadAES128GCM,
            srtp: hex(
                """
                8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b
                36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce
                """),
            srtcp: hex(
                """
                81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46
                86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4
                """),
            authenticatedSRTCP: rtcp + hex("841dd968 3dd78ec9 2ae58790 125f62b3 000005d4")),
        Vector(
            profile: .aeadAES256GCM,
            srtp: hex(
                """
                8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f
                1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13
                """),
            srtcp: hex(
                """
                81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be 8415f658
                c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4
                """),
            authenticatedSRTCP: rtcp + hex("91db4afb feee5a97 8fab4393 ed2615fe 000005d4")),
    ]

    @Test("§16: an RTP packet is encrypted, wherever in a buffer it lies", arguments: vectors)
    func protectRTP(vector: Vector) throws {
        var buffer = [1, 2, 3] + Self.rtp
        try vector.sender.protectRTP(&buffer, from: 3)
        #expect(buffer == [1, 2, 3] + vector.srtp)
    }

    @Test("§16: an SRTP packet is decrypted", arguments: vectors)
    func unprotectRTP(vector: Vector) throws {
        var packet = vector.srtp
        try vector.receiver.unprotectRTP(&packet)
        #expect(packet == Self.rtp)
    }

    @Test("§17: an RTCP packet is encrypted, wherever in a buffer it lies", arguments: vectors)
    func protectRTCP(vector: Vector) throws {
        let sender = vector.sender
        sender.rtcpSources.append(0x4d61_7273, Self.rtcpIndex)
        var buffer = [1, 2, 3] + Self.rtcp
        try sender.protectRTCP(&buffer, from: 3)
        #expect(buffer == [1, 2, 3] + vector.srtcp)
    }

    @Test("§17: an SRTCP packet is decrypted", arguments: vectors)
    func unprotectRTCP(vector: Vector) throws {
        var packet = vector.srtcp
        try vector.receiver.unprotectRTCP(&packet)
        #expect(packet == Self.rtcp)
    }

    @Test("§17: an SRTCP packet that is authenticated and not encrypted is accepted", arguments: vectors)
    func unprotectPlainRTCP(vector: Vector) throws {
        var packet = vector.authenticatedSRTCP
        try vector.receiver.unprotectRTCP(&packet)
        #expect(packet == Self.rtcp)
    }
}
