import CLinux
import Glibc
import Media
import Testing
import Wire

@testable import Gateway

extension ControlSocket {
    /// Answers one client that waits.
    fileprivate func answer(_ respond: (String) -> String) {
        guard let question = takeQuestion() else { return }
        question.answer(respond(question.text))
    }
}

@Suite(.timeLimit(.minutes(1))) struct ControlSocketTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path + "/control" }

    /// Connects as a client that then does as it likes.
    private func connect() throws -> Int32 {
        let client = linux_control_connect(path, 5000)
        try #require(client >= 0)
        return client
    }

    /// What comes from `client` until the other side closes.
    private func rest(of client: Int32) -> String {
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 512)
        while case let count = read(client, &bytes, bytes.count), count > 0 { all += bytes.prefix(count) }
        return String(decoding: all, as: UTF8.self)
    }

    @Test func `A question gets its answer`() throws {
        let socket = try ControlSocket(path: path)
        let answers = Record<String?>()
        let shell = WorkerThread(name: "shell") { [path] _ in answers.append(ControlSocket.ask("ring", at: [path])) }
        var descriptor = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
        try #require(poll(&descriptor, 1, 30_000) == 1)
        var question: String?
        socket.answer {
            question = $0
            return "ok 2"
        }
        shell.join()
        #expect(question == "ring")
        #expect(answers.values == ["ok 2"])
    }

    @Test func `An answer may have many lines, and come later`() throws {
        let socket = try ControlSocket(path: path)
        let answers = Record<String?>()
        let shell = WorkerThread(name: "shell") { [path] _ in answers.append(ControlSocket.ask("people", at: [path])) }
        var descriptor = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
        try #require(poll(&descriptor, 1, 30_000) == 1)
        let long = "ok " + (0..<2000).map { "line \($0)" }.joined(separator: "\n")
        var question = socket.takeQuestion()
        #expect(question?.text == "people")
        onOwnThread { [question] in question?.answer(long) }
        question = nil
        shell.join()
        #expect(answers.values == [long])
    }

    @Test func `Only the owner may ask`() throws {
        let mask = umask(0)
        defer { umask(mask) }
        let socket = try ControlSocket(path: path)
        #expect(permissions(of: path) == 0o600)
        _ = consume socket
    }

    @Test func `Where no daemon is there is no answer`() {
        #expect(ControlSocket.ask("ring", at: []) == nil)
        #expect(ControlSocket.ask("ring", at: [path, "/nowhere/control"]) == nil)
        put("a file", at: path)
        #expect(ControlSocket.ask("ring", at: [path]) == nil)
    }

    @Test func `The socket goes with the daemon`() throws {
        var socket: ControlSocket? = try ControlSocket(path: path)
        #expect(permissions(of: path) != nil)
        _ = socket
        socket = nil
        #expect(permissions(of: path) == nil)
    }

    @Test func `What a killed daemon left behind is replaced`() throws {
        let killed = linux_control_listen(path)
        try #require(killed >= 0)
        close(killed)  // as the kernel does, which leaves the file
        try #require(permissions(of: path) != nil)
        let socket = try ControlSocket(path: path)
        let client = try connect()
        socket.answer { "ok \($0)" }
        close(client)
    }

    @Test func `The socket of a daemon that runs is left to it`() throws {
        let first = try ControlSocket(path: path)
        let error = #expect(throws: StateError.self) { try ControlSocket(path: path) }
        #expect(error?.description == "another daemon listens at \(path)")
        #expect(permissions(of: path) != nil)
        _ = consume first
    }

    @Test func `A path that no socket can have is an error that says so`() {
        let long = folder.path + "/" + String(repeating: "x", count: 120)
        let error = #expect(throws: StateError.self) { try ControlSocket(path: long) }
        #expect(error?.description.contains("File name too long") == true)
        #expect(throws: StateError.self) { try ControlSocket(path: "/nowhere/control") }
    }

    @Test func `A client that says nothing is cut off soon`() throws {
        let socket = try ControlSocket(path: path)
        let client = try connect()
        defer { close(client) }
        let before = MonotonicClock.now
        socket.answer { _ in
            Issue.record("nothing was asked")
            return ""
        }
        #expect(MonotonicClock.now - before < .seconds(5))
        #expect(rest(of: client) == "")
    }

    @Test func `A client that has gone holds nothing up`() throws {
        let socket = try ControlSocket(path: path)
        close(try connect())
        socket.answer { _ in
            Issue.record("nothing was asked")
            return ""
        }
        // nobody waits any more
        socket.answer { _ in
            Issue.record("nobody asked")
            return ""
        }
    }

    @Test func `A client that asks and does not wait for the answer ends nothing`() throws {
        let socket = try ControlSocket(path: path)
        let client = try connect()
        write(client, "ring\n", 5)
        close(client)
        var asked = false
        socket.answer { _ in
            asked = true
            return "ok 1"
        }
        #expect(asked)
    }

    @Test func `A question longer than any is cut, not refused`() throws {
        let socket = try ControlSocket(path: path)
        let client = try connect()
        defer { close(client) }
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 4000)
        write(client, long, long.count)
        var length = 0
        socket.answer {
            length = $0.utf8.count
            return "error what"
        }
        #expect(length == 512)
    }

    @Test func `Clients are answered one by one in their order`() throws {
        let socket = try ControlSocket(path: path)
        let clients = try (0..<3).map { _ in try connect() }
        for (number, client) in clients.enumerated() { write(client, "\(number)\n", 2) }
        for _ in clients { socket.answer { "ok \($0)" } }
        #expect(clients.map(rest) == ["ok 0\n", "ok 1\n", "ok 2\n"])
        for client in clients { close(client) }
    }
}
