import CLinux
import Glibc

/// The Unix socket by which a shell on the board presses the daemon's button. A request is one line, so is the answer:
/// `ok …` or `error …`.
final class ControlSocket {
    private let path: String
    let descriptor: Int32

    /// Listens at `path`; only the daemon's own user (and root) can connect. One that a daemon left behind is replaced,
    /// one at which a daemon listens is not.
    init(path: String) throws(StateError) {
        let other = linux_control_connect(path, Self.patience)
        guard other < 0 else {
            close(other)
            throw StateError(description: "another daemon listens at \(path)")
        }
        self.path = path
        descriptor = linux_control_listen(path)
        guard descriptor >= 0 else {
            throw StateError(description: "cannot listen at \(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    /// How long `ask` waits for a daemon, in milliseconds: one that is busy answers in a fraction of it.
    private static let patience: Int32 = 3000
    /// How long a daemon waits for its client, in milliseconds.
    private static let clientLimit: Int32 = 100

    /// Answers one client that waits. The exchange is a few bytes between two programs on one machine; one that dawdles
    /// is cut off after a tenth of a second.
    func answer(_ respond: (String) -> String) {
        let client = linux_control_accept(descriptor, Self.clientLimit)
        guard client >= 0 else { return }
        defer { close(client) }
        guard let request = Self.readLine(client) else { return }
        Self.writeLine(respond(request), to: client)
    }

    /// Sends `request` to the daemon that listens at one of `paths` and returns its answer; nil where none does.
    static func ask(_ request: String, at paths: [String]) -> String? {
        for path in paths {
            let server = linux_control_connect(path, patience)
            guard server >= 0 else { continue }
            defer { close(server) }
            writeLine(request, to: server)
            if let answer = readLine(server) { return answer }
        }
        return nil
    }

    private static func readLine(_ descriptor: Int32) -> String? {
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let line = bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }
        return String(decoding: line, as: UTF8.self)
    }

    private static func writeLine(_ text: String, to descriptor: Int32) {
        let bytes = Array((text + "\n").utf8)
        // the other side may be gone, which is no reason to be killed by SIGPIPE
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
