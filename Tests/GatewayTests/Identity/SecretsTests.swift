import Testing

@testable import Gateway

@Suite struct SecretsTests {
    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// FIPS 180-2, appendix B.1
    @Test func `A digest is SHA-256`() {
        #expect(
            hexadecimal(OpenSSLHashing().digest(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    /// RFC 7914 §12, whose third vector has our parameters; ours is half as long.
    @Test func `A code is stretched by scrypt`() {
        #expect(
            hexadecimal(OpenSSLHashing().stretch(Array("pleaseletmein".utf8), salt: Array("SodiumChloride".utf8)))
                == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2")
    }

    @Test func `A QR code has its three finders and light around it`() throws {
        let code = try #require(QRCode("http://192.168.1.20:8080/#pair=K7QM-3XPD"))
        for (left, top) in [(0, 0), (code.width - 7, 0), (0, code.width - 7)] {
            for offset in 0..<7 {
                #expect(code.isDark(left + offset, top) && code.isDark(left + offset, top + 6))
                #expect(code.isDark(left, top + offset) && code.isDark(left + 6, top + offset))
            }
            #expect(code.isDark(left + 3, top + 3) && !code.isDark(left + 1, top + 1))
        }
        #expect((-4..<code.width + 4).allSatisfy { !code.isDark($0, -1) && !code.isDark(-1, $0) })
        let lines = code.terminalText.split(separator: "\n")
        #expect(lines.count == (code.width + 9) / 2)
        #expect(code.svg.hasPrefix("<svg ") && code.svg.hasSuffix("</svg>"))
        #expect(QRCode(String(repeating: "x", count: 5000)) == nil)
    }
}
