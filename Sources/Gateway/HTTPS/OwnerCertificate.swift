import Certificates
import Glibc

/// The owner's own certificate and its key, in files that somebody else renews.
final class OwnerCertificate {
    let certificateFile: String
    let keyFile: String
    /// How the files looked when they were last read.
    private var seen: [Stamp]?

    /// What changes when a file does, whether it is written over or replaced.
    private struct Stamp: Equatable {
        var device: UInt64
        var node: UInt64
        var size: Int64
        var seconds: Int
        var nanoseconds: Int
        var error: Int32

        init(of file: String) {
            var information = stat()
            error = stat(file, &information) == 0 ? 0 : errno
            device = UInt64(information.st_dev)
            node = UInt64(information.st_ino)
            size = Int64(information.st_size)
            seconds = information.st_mtim.tv_sec
            nanoseconds = Int(information.st_mtim.tv_nsec)
        }
    }

    init(certificateFile: String, keyFile: String) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }

    /// What the files hold where they have changed, and why it cannot be used; nil where they are as they were.
    func change() -> Result<ServerCertificate, StateError>? {
        let stamps = [Stamp(of: certificateFile), Stamp(of: keyFile)]
        guard stamps != seen else { return nil }
        seen = stamps
        return Result { () throws(StateError) in try read() }
    }

    private func read() throws(StateError) -> ServerCertificate {
        var pem = try text(of: certificateFile)
        if keyFile != certificateFile { pem += "\n" + (try text(of: keyFile)) }
        do throws(CertificateError) {
            return try ServerCertificate(pem: pem)
        } catch {
            let files = keyFile == certificateFile ? certificateFile : "\(certificateFile) with \(keyFile)"
            throw StateError(description: "\(files) cannot be used: \(error)")
        }
    }

    private func text(of file: String) throws(StateError) -> String {
        guard let bytes = try SystemDisk().read(file, limit: 131_072) else {
            throw StateError(description: "cannot read \(file): \(String(cString: strerror(ENOENT)))")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
