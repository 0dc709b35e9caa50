import DTLS
import Glibc

/// Why something could not be kept or read, for the log.
struct StateError: Error, CustomStringConvertible {
    let description: String
}

/// The folder of what outlives a restart: the certificate, who belongs to the household, what the owner set on the page,
/// and the control socket of the running daemon.
struct StateFolder: Sendable {
    let path: String
    /// What the files lie on.
    let disk: any Disk

    /// The folder at `path`.
    init(path: String, disk: any Disk = SystemDisk()) {
        self.path = path
        self.disk = disk
    }

    /// Where the running daemon listens for `doorward ring`.
    var controlSocket: String { path + "/control" }
    /// Who belongs to the household.
    var householdFile: String { path + "/household.json" }
    /// The private key by which pages outside the house know the door.
    var meetingKeyFile: String { path + "/meeting.key" }
    /// What the owner set on the page.
    var settingsFile: String { path + "/settings.yaml" }
    private var certificateFile: String { path + "/certificate.pem" }

    /// A certificate is replaced when it has less than this left, so that it never expires in a call.
    private static let renewalMargin = Duration.seconds(30 * 86400)

    /// Makes the folder, and those above it, readable by its owner alone.
    func create() throws(StateError) {
        var prefix = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: true) {
            prefix += (prefix.isEmpty && !path.hasPrefix("/") ? "" : "/") + part
            guard mkdir(prefix, 0o700) != 0, errno != EEXIST else { continue }
            // a folder that exists but may not be written above is no obstacle; the one that counts is checked below
            if errno != EROFS && errno != EACCES { throw failure("cannot make the folder \(prefix)") }
        }
        guard access(path, W_OK) == 0 else { throw failure("cannot write to the folder \(path)") }
    }

    /// The certificate that was kept; nil where there is none, or it is about to expire. Throws where it cannot be used.
    func loadCertificate(now: WallClock) throws(StateError) -> DTLSCertificate? {
        guard let bytes = try read(certificateFile, limit: 16_384) else { return nil }
        do throws(DTLSError) {
            let certificate = try DTLSCertificate(pem: String(decoding: bytes, as: UTF8.self))
            let isDue = certificate.expires(within: Self.renewalMargin, of: now.epochMilliseconds / 1000)
            return isDue ? nil : certificate
        } catch {
            throw StateError(description: "\(certificateFile) holds no usable certificate (\(error))")
        }
    }

    /// Keeps `certificate`; a power cut leaves the old one or the new one.
    func save(_ certificate: DTLSCertificate) throws(StateError) {
        try replace(certificateFile, with: Array(certificate.pem.utf8))
    }

    /// Makes `bytes` the content of `file`, readable by its owner alone. A power cut at any moment leaves the old content
    /// or the new; once this returns, the new.
    func replace(_ file: String, with bytes: [UInt8]) throws(StateError) {
        let temporary = file + ".new"
        do throws(StateError) {
            // one that a power cut left behind may be readable by others, and O_CREAT would leave it so
            disk.remove(temporary)
            try disk.write(bytes, to: temporary)
            // a new name for what is not on the disk yet would survive the power cut, and the content would not
            try disk.sync(temporary)
            try disk.rename(temporary, to: file)
            try disk.syncFolder(path)
        } catch {
            disk.remove(temporary)
            throw error
        }
    }

    /// What `file` holds, which must be no longer than `limit` bytes; nil where there is none.
    func read(_ file: String, limit: Int = 1 << 20) throws(StateError) -> [UInt8]? {
        try disk.read(file, limit: limit)
    }

    private func failure(_ what: String) -> StateError {
        StateError(description: "\(what): \(String(cString: strerror(errno)))")
    }
}
