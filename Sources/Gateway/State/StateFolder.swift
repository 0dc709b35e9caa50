import DTLS
import Glibc

/// Why something could not be kept or read, for the log.
struct StateError: Error, CustomStringConvertible {
    let description: String
}

/// The folder of what outlives a restart: the certificate, and the control socket of the running daemon.
struct StateFolder: Sendable {
    let path: String

    /// Where the running daemon listens for `doorward ring`.
    var controlSocket: String { path + "/control" }
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
        guard access(certificateFile, F_OK) == 0 else { return nil }
        let text = try read(certificateFile)
        do throws(DTLSError) {
            let certificate = try DTLSCertificate(pem: text)
            let isDue = certificate.expires(within: Self.renewalMargin, of: now.epochMilliseconds / 1000)
            return isDue ? nil : certificate
        } catch {
            throw StateError(description: "\(certificateFile) holds no usable certificate (\(error))")
        }
    }

    /// Keeps `certificate`; a power cut leaves the old one or the new one.
    func save(_ certificate: DTLSCertificate) throws(StateError) {
        let temporary = certificateFile + ".new"
        // one that a power cut left behind may be readable by others, and O_CREAT would leave it so
        unlink(temporary)
        try write(Array(certificate.pem.utf8), to: temporary)
        guard rename(temporary, certificateFile) == 0 else {
            let failure = failure("cannot write \(certificateFile)")
            unlink(temporary)
            throw failure
        }
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    /// Makes `file`, readable by its owner alone, and waits until it is on the disk.
    private func write(_ bytes: [UInt8], to file: String) throws(StateError) {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot write \(file)") }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw failure("cannot write \(file)") }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw failure("cannot write \(file)") }
    }

    private func read(_ file: String) throws(StateError) -> String {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot read \(file)") }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw failure("cannot read \(file)") }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    private func failure(_ what: String) -> StateError {
        StateError(description: "\(what): \(String(cString: strerror(errno)))")
    }
}
