import COpenSSL
import Testing
import Wire

@testable import Certificates

/// 2026-11-29.
private let today: Int64 = 1_795_910_400
private let day: Int64 = 86400

@Suite struct CertificateAuthorityTests {
    private let authority: CertificateAuthority
    private let subjects = CertificateSubjects(
        names: ["doorward", "doorward.local", "localhost"],
        addresses: [IPAddress("192.168.1.20")!, IPAddress("127.0.0.1")!, IPAddress("fd00::20")!, IPAddress("::1")!])

    init() throws {
        authority = try CertificateAuthority(name: "Doorward doorward", names: ["doorward"])
    }

    private var verifier: Verifier { Verifier(authority: authority, now: today) }

    @Test func `A client that trusts the authority takes its certificates for every name and address`() throws {
        let server = try authority.issue(for: subjects, at: today)
        #expect(server.subjects == subjects)
        for host in subjects.names { #expect(verifier.problem(with: server, at: host) == nil, "\(host)") }
        for host in subjects.addresses { #expect(verifier.problem(with: server, at: "\(host)") == nil, "\(host)") }
        #expect(authority.hasIssued(server))
    }

    @Test func `It takes them for no other name, and from no other authority`() throws {
        let server = try authority.issue(for: subjects, at: today)
        #expect(verifier.problem(with: server, at: "other.local") == "hostname mismatch")
        #expect(verifier.problem(with: server, at: "192.168.1.21") == "IP address mismatch")
        let other = try CertificateAuthority(name: "Doorward doorward", names: [])
        #expect(Verifier(authority: other, now: today).problem(with: server, at: "doorward.local") != nil)
        #expect(!other.hasIssued(server))
    }

    @Test func `A certificate is good for at most 398 days, and for clocks that differ by weeks`() throws {
        let server = try authority.issue(for: subjects, at: today)
        #expect(server.notAfter - server.notBefore <= 398 * day)
        #expect(server.issuedAt == today)
        for offset in [-29, 0, 365] {
            let client = Verifier(authority: authority, now: today + Int64(offset) * day)
            #expect(client.problem(with: server, at: "doorward.local") == nil, "\(offset) days")
        }
        for (offset, problem) in [(-31, "certificate is not yet valid"), (367, "certificate has expired")] {
            let client = Verifier(authority: authority, now: today + Int64(offset) * day)
            #expect(client.problem(with: server, at: "doorward.local") == problem)
        }
    }

    @Test func `It is due long before its end, and where the clock has gone back far`() throws {
        let server = try authority.issue(for: subjects, at: today)
        for (offset, isDue) in [(0, false), (182, false), (184, true), (400, true), (-14, false), (-16, true)] {
            #expect(server.isDue(at: today + Int64(offset) * day) == isDue, "\(offset) days")
        }
    }

    @Test func `The authority's own time does not depend on any clock`() throws {
        // 1970, 2020, 2038, 2049
        for (now, problem) in [
            (60 * day, "certificate is not yet valid"), (1_580_000_000, nil), (2_150_000_000, nil),
            (2_520_000_000, nil),
        ] {
            let server = try authority.issue(for: subjects, at: now)
            let client = Verifier(authority: authority, now: now)
            #expect(client.problem(with: server, at: "doorward.local") == problem, "\(now)")
        }
    }

    @Test(arguments: [
        ("doorward", true), ("doorward.local", true), ("anything.local", true), ("localhost", true),
        ("door.home.arpa", true), ("door.lan", true), ("bank.example", false), ("doorward.example", false),
        ("*.local", false), ("a,DNS:bank.example", false), ("Doorward.local", false), ("", false),
        ("10.1.2.3", true), ("172.31.0.1", true), ("172.32.0.1", false), ("192.168.0.1", true), ("192.0.2.1", false),
        ("169.254.9.9", true), ("8.8.8.8", false), ("100.64.0.1", true), ("100.128.0.1", false), ("fd12::1", true),
        ("fe80::1", true), ("::1", true), ("::2", false),
        ("2001:db8::1", false),
    ])
    func `It signs for the house and for nothing else`(host: String, isPermitted: Bool) throws {
        let one = IPAddress(host).map { CertificateSubjects(addresses: [$0]) } ?? CertificateSubjects(names: [host])
        let all = CertificateSubjects(
            names: subjects.names.union(one.names), addresses: subjects.addresses.union(one.addresses))
        #expect(authority.permitted(of: one) == (isPermitted ? one : CertificateSubjects()))
        // what it may not sign for does not spoil the rest
        let server = try authority.issue(for: all, at: today)
        #expect(server.subjects.covers(one) == isPermitted)
        #expect(verifier.problem(with: server, at: "doorward.local") == nil)
    }

    @Test func `A certificate beyond the constraints is refused, whoever made it with the key`() throws {
        let key = PEM.key(in: authority.pem)
        let stolen = try #require(key)
        let leafKey = try PrivateKey()
        let leaf = try X509Draft(
            commonName: "bank.example", key: leafKey, validity: (today - day)...(today + day),
            extensions: [(NID_subject_alt_name, "DNS:bank.example"), (NID_ext_key_usage, "serverAuth")]
        ).signed(by: stolen, of: authority.certificate)
        let server = try ServerCertificate(chain: [leaf], key: leafKey)
        #expect(verifier.problem(with: server, at: "bank.example") != nil)
    }

    @Test func `Names that the device has when the authority is made are covered for good`() throws {
        let made = try CertificateAuthority(
            name: "Doorward", names: ["door.example.org", "*.bad", "x,permitted;DNS:y"])
        let again = try CertificateAuthority(pem: made.pem)
        #expect(again.der == made.der && again.fingerprint == made.fingerprint && again.name == "Doorward")
        let server = try again.issue(for: .init(names: ["door.example.org", "y"]), at: today)
        #expect(server.subjects.names == ["door.example.org"])
        #expect(Verifier(authority: made, now: today).problem(with: server, at: "door.example.org") == nil)
    }

    @Test func `What was kept is read again, and what is damaged is told apart`() throws {
        let server = try authority.issue(for: subjects, at: today)
        let again = try ServerCertificate(pem: server.pem)
        #expect(again.pem == server.pem && again.subjects == subjects && again.fingerprint == server.fingerprint)
        #expect(again.notBefore == server.notBefore && again.notAfter == server.notAfter)
        let other = try authority.issue(for: subjects, at: today)
        let halves = { (pem: String) in pem.split(separator: "-----BEGIN PRIVATE KEY-----").map(String.init) }
        let certificates = halves(server.pem)[0]
        #expect(throws: CertificateError.noCertificate) { try ServerCertificate(pem: "") }
        #expect(throws: CertificateError.noKey) { try ServerCertificate(pem: certificates) }
        #expect(throws: CertificateError.noKey) { try ServerCertificate(pem: String(server.pem.dropLast(60))) }
        #expect(throws: CertificateError.keyOfAnother) {
            try ServerCertificate(pem: certificates + "-----BEGIN PRIVATE KEY-----" + halves(other.pem)[1])
        }
        #expect(throws: CertificateError.noAuthority) { try CertificateAuthority(pem: server.pem) }
        #expect(throws: CertificateError.noCertificate) {
            try ServerCertificate(pem: String(repeating: "x", count: 1 << 20))
        }
    }
}
