import Certificates
import Glibc
import Testing
import Wire

@testable import Gateway

/// 2026-11-29.
private let today: Int64 = 1_795_910_400
private let day: Int64 = 86400

@Suite struct ServerCertificatesTests {
    private let folder = TemporaryFolder()
    private let house = CertificateSubjects(names: ["door.local", "localhost"], addresses: [.v4(0xC0A8_0114)])

    private func start(
        _ change: (inout Configuration.Web) -> Void = { _ in }, for subjects: CertificateSubjects? = nil,
        at seconds: Int64 = today, isSynchronised: Bool = true, log: Log? = nil
    ) throws -> ServerCertificates {
        var configuration = Configuration.Web()
        change(&configuration)
        var certificates = ServerCertificates(
            configuration: configuration, folder: StateFolder(path: folder.path), log: log ?? Log(level: .error))
        try certificates.start(
            name: "Doorward", for: subjects ?? house, at: .init(seconds: seconds, isSynchronised: isSynchronised))
        return certificates
    }

    private func time(_ days: Int64, isSynchronised: Bool = true) -> ServerCertificates.Time {
        .init(seconds: today + days * day, isSynchronised: isSynchronised)
    }

    @Test func `Authority and certificate outlive a restart, for nobody else to read`() throws {
        let first = try start()
        let second = try start(at: today + day)
        #expect(first.current?.subjects == house)
        #expect(second.authority?.fingerprint == first.authority?.fingerprint)
        #expect(second.current?.fingerprint == first.current?.fingerprint)
        for file in ["authority.pem", "https.pem"] { #expect(permissions(of: "\(folder.path)/\(file)") == 0o600) }
    }

    @Test func `A certificate is replaced long before its end, and its authority is not`() throws {
        var certificates = try start()
        let first = try #require(certificates.current)
        #expect(try certificates.refresh(for: house, at: time(180)) == nil)
        let second = try #require(try certificates.refresh(for: house, at: time(190)))
        #expect(second.fingerprint != first.fingerprint && second.issuedAt == today + 190 * day)
        #expect(certificates.authority?.hasIssued(second) == true)
        #expect(try start(at: today + 191 * day).current?.fingerprint == second.fingerprint)
    }

    @Test func `New names and addresses make a new certificate, and those that go do not`() throws {
        var certificates = try start()
        var more = house
        more.addresses.insert(.v4(0x0A00_0001))
        #expect(try certificates.refresh(for: more, at: time(0))?.subjects == more)
        #expect(try certificates.refresh(for: house, at: time(0)) == nil)
        // what the authority may not sign for neither matters nor spoils the rest
        more.names.insert("bank.example")
        more.addresses.insert(.v4(0x0808_0808))
        #expect(try certificates.refresh(for: more, at: time(0)) == nil)
    }

    @Test func `A clock that starts in 1970 makes a certificate of a likelier time, replaced when the clock is right`()
        throws
    {
        var certificates = try start(at: 1000, isSynchronised: false)
        let first = try #require(certificates.current)
        #expect(first.notBefore > 1_760_000_000)
        #expect(try certificates.refresh(for: house, at: .init(seconds: 2000, isSynchronised: false)) == nil)
        let second = try #require(try certificates.refresh(for: house, at: time(0)))
        #expect(second.issuedAt == today)
    }

    @Test func `After a power cut a clock that is behind changes nothing`() throws {
        let first = try start()
        for seconds in [0, today - 300 * day] {
            #expect(try start(at: seconds, isSynchronised: false).current?.fingerprint == first.current?.fingerprint)
        }
        // with other names it is still that time at least
        let other = CertificateSubjects(names: ["other.local"])
        #expect(try start(for: other, at: 0, isSynchronised: false).current?.issuedAt == today)
    }

    @Test func `A clock that was years ahead is mended when it is set right`() throws {
        let first = try start(at: today + 4000 * day)
        var second = try start(at: today, isSynchronised: false)
        #expect(second.current?.fingerprint == first.current?.fingerprint)
        #expect(try second.refresh(for: house, at: time(0))?.issuedAt == today)
    }

    @Test(arguments: ["", "half a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    func `Files that are damaged are replaced, for good`(text: String) throws {
        let first = try start()
        put(text, at: "\(folder.path)/https.pem")
        let second = try start()
        #expect(second.authority?.fingerprint == first.authority?.fingerprint)
        #expect(second.current?.subjects == house)
        put(text, at: "\(folder.path)/authority.pem")
        let third = try start()
        let authority = try #require(third.authority)
        #expect(authority.fingerprint != first.authority?.fingerprint)
        // what the lost authority signed is no longer shown
        #expect(try authority.hasIssued(#require(third.current)))
        #expect(try start().authority?.fingerprint == authority.fingerprint)
    }

    @Test func `Without a folder there is a certificate all the same`() throws {
        var certificates = ServerCertificates(configuration: .init(), folder: nil, log: Log(level: .error))
        try certificates.start(name: "Doorward", for: house, at: time(0))
        #expect(certificates.current?.subjects == house)
    }

    // MARK: The owner's own

    private var ownFile: String { folder.path + "/own.pem" }
    private var keyFile: String { folder.path + "/own.key" }

    /// A certificate and its key, in PEM.
    private func ownCertificate(_ name: String = "door.example") throws -> (certificate: String, key: String) {
        let pem = try CertificateAuthority(name: "Owner's", names: [name]).issue(for: .init(names: [name]), at: today)
            .pem
        let start = try #require(pem.firstRange(of: "-----BEGIN PRIVATE KEY")).lowerBound
        return (String(pem[..<start]), String(pem[start...]))
    }

    @Test func `The owner's certificate is shown, from one file or two`() throws {
        let own = try ownCertificate()
        put(own.certificate, at: ownFile)
        put(own.key, at: keyFile)
        let two = try start {
            $0.certificate = ownFile
            $0.key = keyFile
        }
        #expect(two.isOwners && two.current?.subjects.names == ["door.example"])
        put(own.key + own.certificate, at: ownFile)
        let one = try start { $0.certificate = ownFile }
        #expect(one.isOwners && one.current?.fingerprint == two.current?.fingerprint)
    }

    @Test func `It is read again when its files change, and stays in use while they are wrong`() throws {
        let own = try ownCertificate()
        put(own.certificate + own.key, at: ownFile)
        var certificates = try start { $0.certificate = ownFile }
        #expect(try certificates.refresh(for: house, at: time(0)) == nil)
        let first = certificates.current?.fingerprint
        let renewed = try ownCertificate()
        for wrong in ["", renewed.certificate, renewed.certificate + own.key] {
            put(wrong, at: ownFile)
            #expect(try certificates.refresh(for: house, at: time(0)) == nil)
            #expect(certificates.current?.fingerprint == first)
        }
        unlink(ownFile)
        #expect(try certificates.refresh(for: house, at: time(500)) == nil)
        // as a program that renews puts it into place
        put(renewed.certificate + renewed.key, at: ownFile + ".new")
        rename(ownFile + ".new", ownFile)
        #expect(try certificates.refresh(for: house, at: time(0))?.pem == renewed.certificate + renewed.key)
        #expect(certificates.isOwners)
    }

    @Test func `Until it can be read the door shows its own`() throws {
        var certificates = try start { $0.certificate = ownFile }
        #expect(!certificates.isOwners && certificates.current?.subjects == house)
        let own = try ownCertificate()
        put(own.certificate + own.key, at: ownFile)
        #expect(try certificates.refresh(for: house, at: time(0))?.subjects.names == ["door.example"])
        #expect(certificates.isOwners)
    }

    @Test(arguments: [
        ("door", ["door.local", "door"]), ("Door.example.org", ["door.local", "door", "door.example.org"]),
        ("door.local", ["door.local", "door"]), ("localhost", []), ("", []), ("a_b", []),
    ])
    func `The machine's name is known by multicast DNS, too`(name: String, names: [String]) {
        #expect(HostNames.names(ofHost: name) == names)
    }
}
