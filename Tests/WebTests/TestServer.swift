import Glibc
import Synchronization
import Testing
import Web

/// A server on a free port of the loopback, and everything it told.
final class TestServer: Sendable {
    let server: WebServer
    let events: EventLog

    init(_ change: (inout WebServerConfiguration) -> Void = { _ in }) throws {
        let events = EventLog()
        var configuration = WebServerConfiguration(address: "127.0.0.1", port: 0)
        change(&configuration)
        self.events = events
        server = WebServer(configuration: configuration, onLog: { events.append(log: $0) }) { events.append($0) }
        try server.start()
    }

    var port: UInt16 { server.port }

    deinit {
        server.stop()
    }

    /// The next request that arrives.
    func nextRequest() throws -> (RequestID, HTTPRequest) {
        while true {
            if case .request(let id, let request) = try events.next() { return (id, request) }
        }
    }

    /// The next WebSocket that opens.
    func nextSocket() throws -> WebSocketID {
        while true {
            if case .opened(let id, _) = try events.next() { return id }
        }
    }

    /// The next message that arrives.
    func nextMessage() throws -> String {
        while true {
            if case .message(_, let text) = try events.next() { return text }
        }
    }

    /// The next WebSocket that closes, and why.
    func nextClosed() throws -> (WebSocketID, WebSocketCloseReason) {
        while true {
            if case .closed(let id, let reason) = try events.next() { return (id, reason) }
        }
    }

    /// Answers every request with what `answer` makes of it, on a thread of the server's events.
    func answerNext(_ count: Int = 1, _ answer: (HTTPRequest) -> HTTPResponse) throws {
        for _ in 0..<count {
            let (id, request) = try nextRequest()
            server.respond(to: id, with: answer(request))
        }
    }
}

struct TimedOut: Error {}

/// What a server told, in order, for a test's thread to wait on.
final class EventLog: Sendable {
    private struct State {
        var events: [WebEvent] = []
        var logs: [String] = []
        var count = 0
    }

    private let state = Mutex(State())
    // Readable while there is an event: what a thread can wait on with a limit.
    private let reading: Int32
    private let writing: Int32

    init() {
        var ends: [Int32] = [0, 0]
        precondition(pipe(&ends) == 0)
        reading = ends[0]
        writing = ends[1]
    }

    deinit {
        close(reading)
        close(writing)
    }

    var logs: [String] { state.withLock { $0.logs } }

    /// How many events came, those taken included.
    var count: Int { state.withLock { $0.count } }

    func append(log: String) {
        state.withLock { $0.logs.append(log) }
    }

    func append(_ event: WebEvent) {
        state.withLock {
            $0.events.append(event)
            $0.count += 1
        }
        var byte: UInt8 = 0
        _ = write(writing, &byte, 1)
    }

    func next() throws -> WebEvent {
        var waiting = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, 20_000) == 1 else { throw TimedOut() }
        var byte: UInt8 = 0
        _ = read(reading, &byte, 1)
        return state.withLock { $0.events.removeFirst() }
    }
}
