import Testing

@testable import SRTP

@Suite("RFC 3711, appendix B")
struct RFC3711VectorTests {
    @Test("B.2: counter mode's keystream, from the first block to the last of the RFC's 65282")
    func keystream() {
        let keys = SRTPSessionKeys(
            encryptionKey: hex("2B7E151628AED2A6ABF7158809CF4F3C"), authenticationKey: [],
            salt: hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"))
        var stream = [UInt8](repeating: 0, count: 0xFF02 * 16)
        stream.withUnsafeMutableBytes { CounterModeTransform(keys: keys).crypt($0, ssrc: 0, index: 0) }
        #expect(
            stream.prefix(48)
                == hex(
                    """
                    E03EAD0935C95E80E166B16DD92B4EB4
                    D23513162B02D0F72A43A2FE4A5F97AB
                    41E95B3BB0A2E8DD477901E4FCA894C0
                    """)[...])
        #expect(
            stream.suffix(48)
                == hex(
                    """
                    EC8CDF7398607CB0F2D21675EA9EA1E4
                    362B7C3C6773516318A077D7FC5073AE
                    6A2CC3787889374FBEB4C81B17BA6C44
                    """)[...])
    }

    @Test("B.3: session keys follow from the master key and salt")
    func keyDerivation() {
        let keys = SRTPSessionKeys(
            deriving: .aes128CounterModeSHA1Tag80,
            from: SRTPMasterKey(
                key: hex("E1F97A0D3E018BE0D64FA32C06DE4139"), salt: hex("0EC675AD498AFEEBB6960B3AABE6")),
            forRTCP: false)
        #expect(keys.encryptionKey == hex("C61E7A93744F39EE10734AFE3FF7A087"))
        #expect(keys.salt == hex("30CBBC08863D8C85D49DB34A9AE1"))
        // The RFC derives 94 bytes; HMAC-SHA1 takes the first 20.
        #expect(keys.authenticationKey == hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"))
    }

    @Test("RFC 2202, cases 1 and 2: HMAC-SHA1")
    func authenticationCode() {
        let code: ([UInt8], String, UInt32?) -> [UInt8] = { key, text, trailer in
            Array(text.utf8).withUnsafeBytes {
                HMACSHA1(key: key).authenticate($0, followedBy: trailer) { Array($0) }
            }
        }
        #expect(
            code([UInt8](repeating: 0x0B, count: 20), "Hi There", nil)
                == hex("b617318655057264e28bc0b6fb378c8ef146be00"))
        #expect(
            code(Array("Jefe".utf8), "what do ya want for nothing?", nil)
                == hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"))
        // A trailing word is the same as four more bytes of text.
        #expect(
            code(Array("Jefe".utf8), "what do ya want for noth", 0x696E_673F)
                == hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"))
    }
}
