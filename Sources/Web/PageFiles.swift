internal import CPage
internal import Glibc

/// A file of the page, ready to be sent.
struct PageFile {
    private enum Contents {
        /// Inside the program, where they stay until they are asked for.
        case embedded(UnsafeBufferPointer<UInt8>)
        case read([UInt8])
    }

    private let contents: Contents
    let contentType: String
    let entityTag: String

    init(name: String, bytes: [UInt8]) {
        contents = .read(bytes)
        contentType = PageFile.contentType(of: name)
        entityTag = PageFile.entityTag(of: bytes)
    }

    init(name: String, embedded bytes: UnsafeBufferPointer<UInt8>) {
        contents = .embedded(bytes)
        contentType = PageFile.contentType(of: name)
        entityTag = PageFile.entityTag(of: bytes)
    }

    var bytes: [UInt8] {
        switch contents {
        case .embedded(let bytes): Array(bytes)
        case .read(let bytes): bytes
        }
    }

    private static func contentType(of name: String) -> String {
        switch name.split(separator: ".").last ?? "" {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        // RFC 9239 §6: text/javascript is the one type that is not obsolete.
        case "js": "text/javascript; charset=utf-8"
        case "json": "application/json"
        case "webmanifest": "application/manifest+json"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "ico": "image/x-icon"
        case "woff2": "font/woff2"
        case "mp3": "audio/mpeg"
        case "ogg": "audio/ogg"
        case "wav": "audio/wav"
        case "txt": "text/plain; charset=utf-8"
        default: "application/octet-stream"
        }
    }

    // FNV-1a: two versions of a file need different tags, no more.
    private static func entityTag(of bytes: some Collection<UInt8>) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        return "\"\(String(hash, radix: 16))-\(String(bytes.count, radix: 16))\""
    }

    /// Whether the value of an If-None-Match field names this file (RFC 9110 §13.1.2: weak comparison).
    func matches(ifNoneMatch: String) -> Bool {
        ifNoneMatch.split(separator: ",").contains { item in
            let tag = item.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
            return tag == "*" || tag == entityTag || tag.hasPrefix("W/") && tag.dropFirst(2) == entityTag
        }
    }
}

/// The page's files: those inside the binary, or those of a folder.
struct PageFiles {
    /// Every file of Sources/Web/Page, by its name.
    static var embedded: [String: UnsafeBufferPointer<UInt8>] {
        let files = UnsafeBufferPointer(start: page_files(), count: page_file_count())
        return Dictionary(
            uniqueKeysWithValues: files.map { file in
                (String(cString: file.name), UnsafeBufferPointer(start: file.bytes, count: file.count))
            })
    }

    private enum Origin {
        case binary([String: PageFile])
        case folder(String)
    }

    private static let largestFile = 8 << 20

    private let origin: Origin

    init(folder: String?) throws(WebError) {
        guard let folder else {
            origin = .binary(
                Dictionary(
                    uniqueKeysWithValues: PageFiles.embedded.map { ($0, PageFile(name: $0, embedded: $1)) }))
            return
        }
        guard PageFiles.read("\(folder)/index.html") != nil else { throw .noPage(folder: folder) }
        origin = .folder(folder)
    }

    /// The file at an HTTP path; nil where there is none.
    func file(at path: String) -> PageFile? {
        let name =
            switch path {
            case "/": "index.html"
            case "/certificate": "certificate.html"
            default: String(path.dropFirst())
            }
        switch origin {
        case .binary(let files):
            return files[name]
        case .folder(let folder):
            guard PageFiles.isPlain(name), let bytes = PageFiles.read("\(folder)/\(name)") else { return nil }
            return PageFile(name: name, bytes: bytes)
        }
    }

    // Only names that cannot lead out of the folder: no part is empty or begins with a dot, no odd characters.
    private static func isPlain(_ name: String) -> Bool {
        name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && !part.hasPrefix(".")
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                        UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
    }

    static func read(_ path: String) -> [UInt8]? {
        // O_NONBLOCK: opening a FIFO must not stop the thread.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            (0...largestFile).contains(Int(status.st_size))
        else { return nil }
        let size = Int(status.st_size)
        var complete = false
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
                guard got > 0 else { return }
                count += got
            }
            complete = true
        }
        return complete ? bytes : nil
    }
}
