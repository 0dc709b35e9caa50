import Glibc

/// The steps by which a file is replaced, each of which a power cut may come before.
protocol Disk: Sendable {
    /// Removes a file; nothing happens where there is none.
    func remove(_ file: String)
    /// Makes a file that is not there, readable by its owner alone, with `bytes`, which may be in memory only.
    func write(_ bytes: [UInt8], to file: String) throws(StateError)
    /// Waits until a file's content is on the disk.
    func sync(_ file: String) throws(StateError)
    /// Gives a file another name, which may be in memory only; a file of that name is gone.
    func rename(_ file: String, to name: String) throws(StateError)
    /// Waits until the names in a folder are on the disk.
    func syncFolder(_ path: String) throws(StateError)
    /// What a file holds; nil where there is none, an error where it is longer than `limit` bytes.
    func read(_ file: String, limit: Int) throws(StateError) -> [UInt8]?
}

/// The system's.
struct SystemDisk: Disk {
    func remove(_ file: String) {
        unlink(file)
    }

    func write(_ bytes: [UInt8], to file: String) throws(StateError) {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot write \(file)") }
        defer { close(descriptor) }
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest, rest.count)
            guard count > 0 else { throw failure("cannot write \(file)") }
            rest.removeFirst(count)
        }
    }

    func sync(_ file: String) throws(StateError) {
        let descriptor = open(file, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot write \(file)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("cannot write \(file)") }
    }

    func rename(_ file: String, to name: String) throws(StateError) {
        guard Glibc.rename(file, name) == 0 else { throw failure("cannot write \(name)") }
    }

    func syncFolder(_ path: String) throws(StateError) {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("cannot write to the folder \(path)") }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure("cannot write to the folder \(path)") }
    }

    func read(_ file: String, limit: Int) throws(StateError) -> [UInt8]? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno != ENOENT else { return nil }
            throw failure("cannot read \(file)")
        }
        defer { close(descriptor) }
        var result: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(descriptor, &bytes, bytes.count)
            guard count >= 0 else { throw failure("cannot read \(file)") }
            guard count > 0 else { return result }
            result += bytes.prefix(count)
            guard result.count <= limit else { throw StateError(description: "\(file) is too long to be ours") }
        }
    }

    private func failure(_ what: String) -> StateError {
        StateError(description: "\(what): \(String(cString: strerror(errno)))")
    }
}
