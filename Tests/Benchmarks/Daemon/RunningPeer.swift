import Glibc
import Media
import Synchronization
import Wire

/// The process that ends with this one, whatever the reason; 0 for none.
let runningProcess = Atomic<pid_t>(0)

/// Has that process end; of use in a signal's handler.
func endRunningProcess() {
    let process = runningProcess.load(ordering: .relaxed)
    if process != 0 { kill(process, SIGTERM) }
}

/// A peer in a process of its own.
final class RunningPeer {
    let address: SocketAddress
    /// The process, and what it has started.
    let processes: ProcessTree
    private let folder: String
    /// What the peer writes, for which it must never wait.
    private let log: Int32
    /// What the others' servers read, and end at the end of.
    private let input: Int32
    private let endsBySignal: Bool

    /// Starts `program`, lets `body` have it while it serves, and ends it.
    static func run(_ program: PeerProgram, _ body: (RunningPeer) throws -> Void) throws {
        let peer = try RunningPeer(program)
        do { try body(peer) } catch {
            guard let end = peer.stop() else { throw error }
            throw PeerFailure("\(end); then: \(error)")
        }
        peer.stop()
    }

    private init(_ program: PeerProgram) throws(PeerFailure) {
        var template = Array("/tmp/doorward-benchmark-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { fail("cannot make a folder") }
        folder = String(cString: made)
        endsBySignal = program.endsBySignal
        let (output, input) = (Self.makePipe(), Self.makePipe())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, output.write, program.output)
        posix_spawn_file_actions_adddup2(&actions, input.read, STDIN_FILENO)
        let words = program.words(folder)
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        pointers.append(nil)
        var child = pid_t()
        let result = posix_spawn(&child, words[0], &actions, nil, pointers, environ)
        for pointer in pointers { free(pointer) }
        posix_spawn_file_actions_destroy(&actions)
        close(output.write)
        close(input.read)
        self.input = input.write
        log = output.read
        processes = ProcessTree(root: child)
        guard result == 0 else {
            address = SocketAddress(.v4(0), port: 0)
            close(log)
            close(self.input)
            rmdir(folder)
            throw PeerFailure("\(words[0]) cannot be started: \(String(cString: strerror(result)))")
        }
        runningProcess.store(child, ordering: .relaxed)
        let port = Self.readPort(after: program.portMark, from: log)
        address = SocketAddress(.v4(0x7F00_0001), port: port ?? 0)
        _ = fcntl(log, F_SETFL, O_NONBLOCK)
        guard port != nil else {
            stop()
            throw PeerFailure("\(words[0]) does not say where it serves")
        }
    }

    /// Ends the peer: the others' servers by the end of their input, so that they end what they have started.
    /// Says how it ended where it did that by itself, before.
    @discardableResult
    private func stop() -> String? {
        var status: Int32 = 0
        let hasEnded = waitpid(processes.root, &status, WNOHANG) == processes.root
        close(input)
        if endsBySignal, !hasEnded { kill(processes.root, SIGTERM) }
        let limit = MonotonicClock.now + .seconds(5)
        while !hasEnded, waitpid(processes.root, nil, WNOHANG) == 0 {
            drainLog()
            if MonotonicClock.now >= limit { kill(processes.root, SIGKILL) }
            usleep(1000)
        }
        runningProcess.store(0, ordering: .relaxed)
        close(log)
        unlink(folder + "/certificate.pem")
        rmdir(folder)
        guard hasEnded else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? "it exited with \(status >> 8 & 0xFF)" : "it was ended by signal \(signal)"
    }

    private static func makePipe() -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            fail("no pipe can be made")
        }
        return (ends[0], ends[1])
    }

    /// The port that stands behind `mark`; nil where the output ends before. What was written is then shown.
    private static func readPort(after mark: String, from descriptor: Int32) -> UInt16? {
        var log = ""
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(descriptor, &bytes, bytes.count)
            guard count > 0 else {
                print(log)
                return nil
            }
            log += String(decoding: bytes.prefix(count), as: UTF8.self)
            for line in log.split(separator: "\n").dropLast(log.hasSuffix("\n") ? 0 : 1) {
                guard let found = line.range(of: mark) else { continue }
                if let port = UInt16(line[found.upperBound...].prefix { $0.isNumber }) { return port }
            }
        }
    }

    /// Takes what the peer has written.
    func drainLog() {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while Glibc.read(log, &bytes, bytes.count) > 0 {}
    }
}

extension Substring {
    /// Where `text` stands first.
    func range(of text: String) -> Range<Index>? {
        indices.lazy.filter { self[$0...].hasPrefix(text) }.first.map { $0..<index($0, offsetBy: text.count) }
    }
}
