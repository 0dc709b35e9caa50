import DTLS
import Glibc
import Testing

@testable import Gateway

@Suite struct StateFolderTests {
    private let place = TemporaryFolder()
    private let now = WallClock(epochMilliseconds: 1_763_629_507_042)
    private var folder: StateFolder { StateFolder(path: place.path + "/state/doorward") }

    private func certificate(lifetime: Duration = .seconds(365 * 86400)) throws -> DTLSCertificate {
        try DTLSCertificate(generatedAt: now.epochMilliseconds / 1000, lifetime: lifetime)
    }

    @Test func `The folder is made with those above it, for its owner alone`() throws {
        try folder.create()
        #expect(permissions(of: place.path + "/state") == 0o700)
        #expect(permissions(of: folder.path) == 0o700)
    }

    @Test func `A folder that is there is kept with what it holds`() throws {
        try folder.create()
        try folder.save(try certificate())
        try folder.create()
        #expect(TemporaryFolder.names(in: folder.path) == ["certificate.pem"])
    }

    @Test func `A folder where a file stands in the way is an error that names it`() throws {
        put("", at: place.path + "/file")
        let folder = StateFolder(path: place.path + "/file/doorward")
        let error = #expect(throws: StateError.self) { try folder.create() }
        #expect(error?.description.contains(place.path + "/file/doorward") == true)
    }

    @Test(.enabled(if: geteuid() != 0, "root may write anywhere"))
    func `A folder that may not be written to is an error that names it`() throws {
        chmod(place.path, 0o500)
        defer { chmod(place.path, 0o700) }
        let error = #expect(throws: StateError.self) { try folder.create() }
        #expect(error?.description.contains("cannot write to the folder \(folder.path)") == true)
    }

    @Test func `A folder of the kernel's, where not even root makes one, is an error that names it`() {
        let folder = StateFolder(path: "/proc/doorward/state")
        let error = #expect(throws: StateError.self) { try folder.create() }
        #expect(error?.description.contains("/proc/doorward") == true)
    }

    @Test func `Without a certificate there is none`() throws {
        try folder.create()
        #expect(try folder.loadCertificate(now: now) == nil)
        #expect(try StateFolder(path: place.path + "/nowhere").loadCertificate(now: now) == nil)
    }

    @Test func `A certificate that was kept is the same after a restart`() throws {
        try folder.create()
        let made = try certificate()
        try folder.save(made)
        let kept = try #require(try folder.loadCertificate(now: now))
        #expect(kept.fingerprint(.sha256) == made.fingerprint(.sha256))
        #expect(kept.pem == made.pem)
    }

    @Test func `Only the owner can read the key`() throws {
        let mask = umask(0)
        defer { umask(mask) }
        try folder.create()
        try folder.save(try certificate())
        #expect(permissions(of: folder.path + "/certificate.pem") == 0o600)
    }

    @Test func `What a power cut left behind makes no key readable`() throws {
        try folder.create()
        put("half a certi", at: folder.path + "/certificate.pem.new", mode: 0o644)
        let made = try certificate()
        try folder.save(made)
        #expect(permissions(of: folder.path + "/certificate.pem") == 0o600)
        #expect(try folder.loadCertificate(now: now)?.pem == made.pem)
        #expect(TemporaryFolder.names(in: folder.path) == ["certificate.pem"])
    }

    @Test func `A certificate is replaced at once, never partly`() throws {
        try folder.create()
        let old = try certificate()
        try folder.save(old)
        // whoever has the old file open reads the old certificate to its end
        let reader = try #require(fopen(folder.path + "/certificate.pem", "r"))
        defer { fclose(reader) }
        let new = try certificate()
        try folder.save(new)
        #expect(rest(of: reader) == old.pem)
        #expect(text(of: folder.path + "/certificate.pem") == new.pem)
    }

    @Test func `A certificate that cannot be kept leaves the old one and no rest`() throws {
        try folder.create()
        // rename(2) replaces no folder by a file
        mkdir(folder.path + "/certificate.pem", 0o700)
        let error = #expect(throws: StateError.self) { try folder.save(try certificate()) }
        #expect(error?.description.contains("cannot write \(folder.path)/certificate.pem") == true)
        #expect(TemporaryFolder.names(in: folder.path) == ["certificate.pem"])
    }

    @Test(arguments: ["", "not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    func `A file that holds no certificate is an error that names it`(content: String) throws {
        try folder.create()
        put(content, at: folder.path + "/certificate.pem")
        let error = #expect(throws: StateError.self) { try folder.loadCertificate(now: now) }
        #expect(error?.description.contains(folder.path + "/certificate.pem") == true)
    }

    @Test func `A certificate cut short is an error`() throws {
        try folder.create()
        let pem = try certificate().pem
        put(String(pem.dropLast(40)), at: folder.path + "/certificate.pem")
        #expect(throws: StateError.self) { try folder.loadCertificate(now: now) }
    }

    @Test(arguments: [(31, true), (30, false), (1, false), (-1, false)])
    func `A certificate with less than a month left is none`(days: Int, isKept: Bool) throws {
        try folder.create()
        try folder.save(try certificate(lifetime: .seconds(days * 86400)))
        #expect((try folder.loadCertificate(now: now) != nil) == isKept)
    }
}
