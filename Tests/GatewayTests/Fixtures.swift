import Glibc
import Synchronization
import Wire

@testable import Gateway

/// A folder of the test's own, which goes with it.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/doorward-test-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "/tmp is writable")
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        Self.empty(path)
        rmdir(path)
    }

    /// The names of what `folder` holds.
    static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func empty(_ folder: String) {
        for name in names(in: folder) {
            let path = "\(folder)/\(name)"
            guard unlink(path) != 0 else { continue }
            empty(path)
            rmdir(path)
        }
    }
}

/// The permission bits of `path`.
func permissions(of path: String) -> mode_t? {
    var information = stat()
    return stat(path, &information) == 0 ? information.st_mode & 0o7777 : nil
}

/// The text of the file at `path`.
func text(of path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    return rest(of: file)
}

/// What is left to read in `file`, at most 64 KiB.
func rest(of file: UnsafeMutablePointer<FILE>) -> String {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
}

/// Writes `text` to the file at `path`, which `mode` says who may read.
func put(_ text: String, at path: String, mode: mode_t = 0o600) {
    guard let file = fopen(path, "w") else { preconditionFailure("\(path) can be written") }
    fputs(text, file)
    fclose(file)
    chmod(path, mode)
}

/// Values that several threads append to.
final class Record<Value: Sendable>: Sendable {
    private let stored = Mutex<[Value]>([])
    var values: [Value] { stored.withLock { $0 } }

    func append(_ value: Value) {
        stored.withLock { $0.append(value) }
    }
}

/// What `body` returns on a thread of its own.
func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
    let results = Record<Result>()
    WorkerThread(name: "test") { _ in results.append(body()) }.join()
    return results.values[0]
}
