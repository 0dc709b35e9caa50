import FoundationEssentials

/// One Swift file of the repository.
struct SourceFile: CustomStringConvertible {
    /// Its path from the repository's top.
    let path: String
    /// Its text without comments.
    let code: String

    var description: String { path }

    /// The folder below `Sources` that it lies in.
    var room: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

    /// The modules that it imports.
    var imports: [String] {
        code.matches(
            of:
                /(?m)^[ \t]*(?:@\w+\s+|public\s+|package\s+|internal\s+|fileprivate\s+|private\s+)*import\s+(?:struct\s+|class\s+|enum\s+|protocol\s+|func\s+|var\s+|let\s+|typealias\s+)?(\w+)/
        )
        .map { String($0.1) }
    }

    /// `text` without its comments; what stands in string literals is kept, for interpolations are code.
    static func withoutComments(_ text: String) -> String {
        var code: [UInt8] = []
        var rest = Array(text.utf8)[...]
        var delimiter: String?
        while let byte = rest.first {
            let starts = { (token: String) in rest.starts(with: token.utf8) }
            if let end = delimiter {
                if byte == UInt8(ascii: "\\") {
                    code += rest.prefix(2)
                    rest = rest.dropFirst(2)
                    continue
                }
                if starts(end) { delimiter = nil }
                let count = starts(end) ? end.utf8.count : 1
                code += rest.prefix(count)
                rest = rest.dropFirst(count)
            } else if starts("//") {
                rest = rest.drop { $0 != UInt8(ascii: "\n") }
            } else if starts("/*") {
                rest = rest.dropFirst(2)
                while !rest.isEmpty, !rest.starts(with: "*/".utf8) { rest = rest.dropFirst() }
                rest = rest.dropFirst(2)
            } else {
                delimiter = starts("\"\"\"") ? "\"\"\"" : starts("\"") ? "\"" : nil
                let count = delimiter?.utf8.count ?? 1
                code += rest.prefix(count)
                rest = rest.dropFirst(count)
            }
        }
        return String(decoding: code, as: UTF8.self)
    }
}

/// The repository that this test was built from.
struct SourceTree {
    let top: URL

    init(containing file: String = #filePath) {
        top = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }

    /// What lies at the top, without dot files.
    func topLevelEntries() throws -> Set<String> {
        Set(try entries(of: ""))
    }

    /// The folders below `Sources`.
    func rooms() throws -> Set<String> {
        Set(try entries(of: "Sources"))
    }

    /// Every Swift file below `folder`.
    func swiftFiles(in folder: String = "Sources") throws -> [SourceFile] {
        try FileManager.default.subpathsOfDirectory(atPath: top.appending(path: folder).path)
            .filter { $0.hasSuffix(".swift") }
            .map { path in
                let text = try String(
                    decoding: Data(contentsOf: top.appending(path: folder).appending(path: path)), as: UTF8.self)
                return SourceFile(path: "\(folder)/\(path)", code: SourceFile.withoutComments(text))
            }
    }

    private func entries(of folder: String) throws -> [String] {
        let path = folder.isEmpty ? top.path : top.appending(path: folder).path
        return try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }
    }
}
