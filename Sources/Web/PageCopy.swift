internal import Glibc

/// A copy of the page for any web host: no door is at its origin, and it reaches its door by the meeting point alone.
public enum PageCopy {
    // By this the page knows (enrolment.js). A host that sends no policy of its own gets the daemon's, but for the brokers, of
    // which any may be the door's.
    private static let original = "<html lang=\"en\">\n<head>\n"
    private static let marker = "<html lang=\"en\" data-door=\"elsewhere\">\n<head>\n"
    private static let policy =
        "    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self'; connect-src 'self' wss: ws:; "
        + "img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'\">\n"

    /// The page that explains the daemon's own certificate has no use elsewhere.
    private static let leftOut: Set = ["certificate.html", "certificate.js"]

    /// Every file of the copy by its name; all of them refer to each other by relative addresses.
    static let files: [String: [UInt8]] = {
        var files = PageFiles.embedded.filter { !leftOut.contains($0.key) }.mapValues { Array($0) }
        files["index.html"] = marked(files["index.html"] ?? [])
        return files
    }()

    private static func marked(_ page: [UInt8]) -> [UInt8] {
        let parts = String(decoding: page, as: UTF8.self).split(separator: original, maxSplits: 1)
        precondition(parts.count == 2, "index.html does not begin as it shall")
        return Array((parts[0] + marker + policy + parts[1]).utf8)
    }

    /// Writes the copy into a folder, which is made where there is none. Files of an earlier copy are replaced, each of them
    /// whole at any moment; others that lie there stay.
    ///
    /// Throws ``WebError/system(_:)`` where something cannot be written, and where the folder has files, but no copy.
    public static func write(to folder: String) throws(WebError) {
        guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { throw failure("cannot make the folder \(folder)") }
        guard try isFree(folder) else {
            throw .system(
                "the folder \(folder) has other things in it: name an empty one, or that of an earlier export")
        }
        // what the others are for comes last
        for (name, bytes) in files.sorted(by: { $0.key < $1.key }) where name != "index.html" {
            try write(bytes, to: "\(folder)/\(name)")
        }
        try write(files["index.html"] ?? [], to: "\(folder)/index.html")
    }

    private static func isFree(_ folder: String) throws(WebError) -> Bool {
        if let page = PageFiles.read("\(folder)/index.html") {
            return String(decoding: page, as: UTF8.self).contains(marker)
        }
        guard let directory = opendir(folder) else { throw failure("cannot read the folder \(folder)") }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let isDot = withUnsafeBytes(of: entry.pointee.d_name) { name in
                name.prefix { $0 != 0 }.elementsEqual(".".utf8) || name.prefix { $0 != 0 }.elementsEqual("..".utf8)
            }
            if !isDot { return false }
        }
        return true
    }

    private static func write(_ bytes: [UInt8], to file: String) throws(WebError) {
        let temporary = "\(file).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("cannot write \(temporary)") }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        guard rest.isEmpty, fsync(descriptor) == 0, close(descriptor) == 0, rename(temporary, file) == 0 else {
            throw failure("cannot write \(file)")
        }
    }

    private static func failure(_ what: String) -> WebError {
        .system("\(what): \(String(cString: strerror(errno)))")
    }
}
