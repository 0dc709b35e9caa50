import Glibc
import Testing

@testable import Web

@Suite struct PageCopyTests {
    /// A folder of the test's own, gone with it.
    private final class Folder {
        let path: String

        init() {
            var template = Array("/tmp/doorward-copy-XXXXXX".utf8CString)
            mkdtemp(&template)
            path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        }

        deinit {
            for name in PageFileTests.names(in: path) { unlink("\(path)/\(name)") }
            rmdir(path)
        }

        func write(_ text: String, to name: String) {
            guard let file = fopen("\(path)/\(name)", "w") else {
                Issue.record("\(name) cannot be written")
                return
            }
            fputs(text, file)
            fclose(file)
        }

        func text(of name: String) -> String? {
            PageFiles.read("\(path)/\(name)").map { String(decoding: $0, as: UTF8.self) }
        }
    }

    @Test func aCopyIsThePageThatKnowsThatItsDoorIsElsewhere() throws {
        let folder = Folder()
        try PageCopy.write(to: folder.path)
        let page = try PageFiles(folder: nil)
        let names = PageFileTests.names(in: folder.path)
        #expect(names.contains("worker.js") && !names.contains("certificate.html"))
        for name in names where name != "index.html" {
            #expect(folder.text(of: name).map { Array($0.utf8) } == page.file(at: "/\(name)")?.bytes)
        }
        let index = try #require(folder.text(of: "index.html"))
        #expect(index.hasPrefix("<!doctype html>\n<html lang=\"en\" data-door=\"elsewhere\">"))
        #expect(index.contains("Content-Security-Policy"))
    }

    @Test func everythingInACopyIsNamedByARelativeAddress() throws {
        for (name, bytes) in PageCopy.files {
            let text = String(decoding: bytes, as: UTF8.self)
            for absolute in ["href=\"/", "src=\"/", "from \"/", "import(\"/", "url(/", "register(\"/"] {
                #expect(!text.contains(absolute), "\(name)")
            }
        }
    }

    @Test func aCopyReplacesAnEarlierOneAndLeavesTheRestAlone() throws {
        let folder = Folder()
        try PageCopy.write(to: folder.path)
        folder.write("old", to: "app.js")
        folder.write("mine", to: "robots.txt")
        try PageCopy.write(to: folder.path)
        #expect(folder.text(of: "app.js") != "old")
        #expect(folder.text(of: "robots.txt") == "mine")
        #expect(!PageFileTests.names(in: folder.path).contains { $0.hasSuffix(".new") })
    }

    @Test(arguments: ["index.html", "notes.txt", ".htaccess"])
    func aFolderWithOtherThingsInItIsNotTouched(file: String) throws {
        let folder = Folder()
        folder.write("<html lang=\"en\">\n<head>\nmine", to: file)
        #expect(throws: WebError.self) { try PageCopy.write(to: folder.path) }
        #expect(folder.text(of: file)?.hasSuffix("mine") == true)
        #expect(folder.text(of: "app.js") == nil)
        unlink("\(folder.path)/\(file)")
    }

    @Test func aFolderThatCannotBeMadeIsAnError() {
        #expect(throws: WebError.system("cannot make the folder /proc/door: No such file or directory")) {
            try PageCopy.write(to: "/proc/door")
        }
    }
}
