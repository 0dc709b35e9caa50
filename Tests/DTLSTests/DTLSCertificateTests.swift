import Testing
import Wire

@testable import DTLS

@Suite("A certificate")
struct DTLSCertificateTests {
    @Test("written as PEM and read again is the same")
    func pem() throws {
        let certificate = certificates.client
        let pem = certificate.pem
        #expect(pem.hasPrefix("-----BEGIN PRIVATE KEY-----\n") && pem.contains("-----BEGIN CERTIFICATE-----\n"))
        let copy = try DTLSCertificate(pem: pem)
        #expect(copy.der == certificate.der)
        #expect(copy.notAfter == certificate.notAfter)
        #expect(copy.pem == pem)
        // In the other order, too, as some keep them.
        let parts = pem.split(separator: "-----END PRIVATE KEY-----\n")
        let swapped = parts[1] + parts[0] + "-----END PRIVATE KEY-----\n"
        #expect(try DTLSCertificate(pem: String(swapped)).der == certificate.der)
    }

    @Test("that was read serves a transport")
    func use() throws {
        let copy = try DTLSCertificate(pem: certificates.server.pem)
        let link = SimulatedLink(
            client: DTLSTransport(role: .client, certificate: certificates.client),
            server: DTLSTransport(role: .server, certificate: copy))
        link.exchangeFingerprints()
        link.connect()
        #expect(link.client.keyingMaterial != nil && link.server.keyingMaterial != nil)
    }

    @Test("with an RSA key serves a transport, too")
    func rsa() throws {
        let rsa = try makeRSACertificate()
        for isServer in [true, false] {
            let link = SimulatedLink(
                client: DTLSTransport(role: .client, certificate: isServer ? certificates.client : rsa),
                server: DTLSTransport(role: .server, certificate: isServer ? rsa : certificates.server))
            link.exchangeFingerprints()
            link.handle(.remoteFingerprints([rsa.fingerprint()]), client: isServer)
            link.connect()
            #expect(link.client.keyingMaterial != nil && link.server.keyingMaterial != nil)
            #expect(
                link.client.transport.cipherSuite
                    == (isServer
                        ? "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" : "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"))
        }
    }

    @Test("is never like another")
    func random() {
        #expect(certificates.client.der != certificates.server.der)
        #expect(certificates.client.fingerprint() != certificates.server.fingerprint())
    }

    @Test("says when it expires")
    func expiry() throws {
        let certificate = try DTLSCertificate(generatedAt: aDay, lifetime: .seconds(3600))
        #expect(certificate.notAfter == aDay + 3600)
        #expect(!certificate.expires(of: aDay + 3599) && certificate.expires(of: aDay + 3600))
        #expect(certificate.expires(within: .seconds(60), of: aDay + 3540))
        #expect(!certificate.expires(within: .seconds(60), of: aDay + 3539))
        // Beyond 2050, where X.509 writes its times in another form.
        #expect(try DTLSCertificate(generatedAt: 2_600_000_000).notAfter == 2_600_000_000 + 365 * 86400)
        #expect(throws: DTLSError.self) { try DTLSCertificate(generatedAt: .max / 4) }
    }

    @Test("that is damaged is refused")
    func malformed() {
        let pem = certificates.client.pem
        let key = pem.split(separator: "-----BEGIN CERTIFICATE")[0]
        let foreign = certificates.server.pem.split(separator: "-----END PRIVATE KEY-----\n")[1]
        let encrypted = """
            -----BEGIN ENCRYPTED PRIVATE KEY-----
            MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAg=
            -----END ENCRYPTED PRIVATE KEY-----
            """
        let texts: [String] = [
            "", "nonsense", String(key), String(key + foreign), pem.replacing("M", with: "N"),
            String(encrypted + foreign),
            String(repeating: "x", count: 70000),
        ]
        for text in texts {
            #expect(throws: DTLSError.malformedCertificate) { try DTLSCertificate(pem: text) }
        }
    }

    @Test("has the fingerprints that its hash functions give")
    func fingerprint() throws {
        // FIPS 180-4's example.
        let example = DTLSFingerprint(.sha1, of: Array("abc".utf8))
        #expect(example.description == "sha-1 A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D")
        for function in DTLSFingerprint.HashFunction.allCases {
            #expect(certificates.client.fingerprint(function).bytes.count == function.length)
        }
    }

    @Test("is found by its fingerprint's text in any case")
    func fingerprintName() {
        let bytes = [UInt8](repeating: 7, count: 32)
        #expect(DTLSFingerprint(hashFunction: "SHA-256", bytes) == DTLSFingerprint(.sha256, bytes))
        #expect(DTLSFingerprint(hashFunction: "sha-512", bytes) == nil)
        #expect(DTLSFingerprint(hashFunction: "md5", [UInt8](repeating: 7, count: 16)) == nil)
        #expect(DTLSFingerprint(hashFunction: "", []) == nil)
    }
}
