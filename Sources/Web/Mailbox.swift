internal import CWebSockets
private import Synchronization

/// What other threads ask of the web thread.
enum WebCommand: Sendable {
    /// A text frame, with what lws_write() wants free in front.
    case send([UInt8], to: WebSocketID)
    case close(WebSocketID, code: UInt16, reason: String)
    case respond(RequestID, HTTPResponse)
    case use(TLSCredentials)
    /// End once what waits has left, or half a second later.
    case stop
}

/// The way into the web thread, and what other threads may know of it.
final class Mailbox: Sendable {
    private struct State {
        var commands: [WebCommand] = []
        // The address of the lws_context while lws_cancel_service() may be called.
        var context: UInt?
        var counters = WebCounters()
        var port: UInt16 = 0
        var securePort: UInt16 = 0
    }

    private let state = Mutex(State())

    var counters: WebCounters { state.withLock { $0.counters } }

    var port: UInt16 {
        get { state.withLock { $0.port } }
        set { state.withLock { $0.port = newValue } }
    }

    var securePort: UInt16 {
        get { state.withLock { $0.securePort } }
        set { state.withLock { $0.securePort = newValue } }
    }

    func count(_ counter: any WritableKeyPath<WebCounters, Int> & Sendable) {
        state.withLock { $0.counters[keyPath: counter] += 1 }
    }

    /// Opens the way: from now on the thread that serves `context` is woken.
    func open(context: OpaquePointer) {
        let address = UInt(bitPattern: context)
        state.withLock { $0.context = address }
    }

    /// Closes the way; `context` may be destroyed afterwards.
    func close() {
        state.withLock {
            $0.context = nil
            $0.commands = []
        }
    }

    func post(_ command: WebCommand) {
        state.withLock { state in
            guard let address = state.context else { return }
            state.commands.append(command)
            // The only call of libwebsockets that any thread may make. One wake-up is enough for all that waits.
            if state.commands.count == 1 { lws_cancel_service(OpaquePointer(bitPattern: address)) }
        }
    }

    func take() -> [WebCommand] {
        state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }
}
