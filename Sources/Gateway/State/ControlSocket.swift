import CLinux
import Glibc

/// The Unix socket by which a shell on the board presses the daemon's button, and says who belongs to the household. A
/// question is one line; the answer is `ok …` or `error …`, and may have more lines.
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
    /// The most bytes of an answer: everybody's devices.
    private static let longestAnswer = 1 << 18

    /// What a client asks, who waits until it is answered, or nobody holds the question any more.
    final class Question: Sendable {
        /// The line.
        let text: String
        private let client: Int32

        fileprivate init(_ text: String, from client: Int32) {
            self.text = text
            self.client = client
        }

        deinit {
            close(client)
        }

        /// Answers it.
        func answer(_ text: String) {
            ControlSocket.write(text, to: client)
        }
    }

    /// What one client that waits asks. The exchange is a few bytes between two programs on one machine; one that dawdles
    /// is cut off after a tenth of a second.
    func takeQuestion() -> Question? {
        let client = linux_control_accept(descriptor, Self.clientLimit)
        guard client >= 0 else { return nil }
        guard let text = Self.readLine(client) else {
            close(client)
            return nil
        }
        return Question(text, from: client)
    }

    /// Sends `request` to the daemon that listens at one of `paths` and returns its answer; nil where none does.
    static func ask(_ request: String, at paths: [String]) -> String? {
        for path in paths {
            let server = linux_control_connect(path, patience)
            guard server >= 0 else { continue }
            defer { close(server) }
            write(request, to: server)
            if let answer = readAll(server) { return answer }
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

    /// What comes until the other side closes, without the last line's end; nil where that is nothing.
    private static func readAll(_ descriptor: Int32) -> String? {
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 4096)
        while all.count < longestAnswer, case let count = read(descriptor, &bytes, bytes.count), count > 0 {
            all += bytes.prefix(count)
        }
        guard !all.isEmpty else { return nil }
        if all.last == UInt8(ascii: "\n") { all.removeLast() }
        return String(decoding: all, as: UTF8.self)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array((text + "\n").utf8)
        // the other side may be gone, which is no reason to be killed by SIGPIPE
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
