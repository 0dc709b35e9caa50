import Glibc
import Testing

@testable import Web

@Suite struct PageFileTests {
    private static let page =
        #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Sources/Web/Page"

    static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    @Test func everyFileOfThePageIsServedAsAKnownType() throws {
        let files = try PageFiles(folder: nil)
        let names = PageFileTests.names(in: PageFileTests.page)
        #expect(names.contains("index.html"))
        for name in names {
            let file = try #require(files.file(at: "/\(name)"), "\(name) has no line in CPage.c")
            #expect(file.contentType != "application/octet-stream", "\(name)")
        }
    }

    @Test func theWorkerKeepsEveryFileOfThePage() throws {
        let files = try PageFiles(folder: nil)
        let worker = String(decoding: try #require(files.file(at: "/worker.js")).bytes, as: UTF8.self)
        let list = try #require(worker.split(separator: "const files = [").last?.split(separator: "];").first)
        let kept = list.split { $0.isWhitespace || $0 == "," }.map { $0.trimmingPrefix("\"").dropLast() }.map(
            String.init)
        // The worker's own file is the browser's to keep. That of the certificate is of use at home only.
        let others: Set = ["worker.js", "certificate.html", "certificate.js"]
        #expect(kept == PageFileTests.names(in: PageFileTests.page).filter { !others.contains($0) })
    }

    @Test func aFolderServesTheSamePage() throws {
        let binary = try PageFiles(folder: nil)
        let folder = try PageFiles(folder: PageFileTests.page)
        for name in PageFileTests.names(in: PageFileTests.page) {
            let expected = try #require(binary.file(at: "/\(name)"))
            let found = try #require(folder.file(at: "/\(name)"))
            #expect(found.bytes == expected.bytes)
            #expect(found.entityTag == expected.entityTag)
        }
        #expect(folder.file(at: "/")?.bytes == binary.file(at: "/")?.bytes)
    }

    @Test(arguments: [
        "/../WebServer.swift", "/..", "/.", "//index.html", "/./index.html", "/index.html/", "/.hidden",
        "/a/../index.html",
        "/index.html\0", "/%2e%2e/WebServer.swift", "/..\\WebServer.swift", "/\u{2024}\u{2024}/WebServer.swift", "/ ",
        "/nothing.js",
        "/etc/passwd", "",
    ])
    func nothingOutsideTheFolderIsServed(path: String) throws {
        #expect(try PageFiles(folder: PageFileTests.page).file(at: path) == nil)
        #expect(try PageFiles(folder: nil).file(at: path) == nil)
    }

    @Test(arguments: [
        "/../../../../../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2f..%2fetc/passwd",
        "/a/../../etc/passwd",
        "/%252e%252e/etc/passwd", "/WebServer.swift", "/../WebServer.swift",
    ])
    func aTraversalReachesNoFile(path: String) throws {
        let server = try TestServer { $0.pageFolder = PageFileTests.page }
        let client = try TestClient(server)
        client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
        try server.answerNext { _ in .notFound }
        #expect(try client.readAnswer()?.status == 404)
    }
}
