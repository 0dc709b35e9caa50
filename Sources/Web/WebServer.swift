/// The web server's settings.
public struct WebServerConfiguration: Hashable, Sendable {
    /// The IPv4 or IPv6 address to listen on; empty for all of both.
    public var address: String
    /// The TCP port; 0 for any that is free.
    public var port: UInt16
    /// A folder to serve the page's files from, instead of those inside the binary.
    public var pageFolder: String?
    /// Further origins (`https://door.example`) whose pages may open a WebSocket, besides the server's own.
    public var allowedOrigins: [String] = []
    /// The most WebSockets at once.
    public var maximumSockets = 64
    /// The most TCP connections at once, WebSockets among them.
    public var maximumConnections = 192
    /// The most bytes of a request's body.
    public var maximumBodyBytes = 65_536
    /// The most bytes of a WebSocket message from a page.
    public var maximumMessageBytes = 65_536
    /// The most bytes that may wait for a page to read them.
    public var maximumQueuedBytes = 1_048_576
    /// How long a client may take to send a request, and `onEvent`'s side to answer one; whole seconds.
    public var requestTimeout: Duration = .seconds(10)
    /// How long a WebSocket may be silent before it is pinged; whole seconds.
    public var pingInterval: Duration = .seconds(8)
    /// How long a WebSocket may be silent, pings unanswered, before it counts as lost; whole seconds.
    public var silenceLimit: Duration = .seconds(16)

    /// The defaults, at `address` and `port`.
    public init(address: String = "", port: UInt16 = 8080, pageFolder: String? = nil) {
        self.address = address
        self.port = port
        self.pageFolder = pageFolder
    }
}

/// Serves the page and its WebSocket, and hands every other HTTP request over; on a thread of its own.
///
/// `/` and the page's files are answered here. `/ws` is the WebSocket. Everything else is a `WebEvent.request`.
/// All methods may be called from any thread, from within `onEvent` too (but for `stop`).
public final class WebServer: Sendable {
    /// A server that tells `onEvent`, and of trouble `onLog`, both on its own thread, where they must not block.
    public init(
        configuration: WebServerConfiguration, onLog: @escaping @Sendable (String) -> Void = { _ in },
        onEvent: @escaping @Sendable (WebEvent) -> Void
    ) {
        fatalError("not yet")
    }

    /// Listens and starts the thread. A server starts once.
    public func start() throws(WebError) {
        fatalError("not yet")
    }

    /// The port listened on; 0 before `start`.
    public var port: UInt16 { fatalError("not yet") }

    /// What was counted so far.
    public var counters: WebCounters { fatalError("not yet") }

    /// Sends a text message; nothing happens where the socket is gone.
    public func send(_ text: String, to socket: WebSocketID) {
        fatalError("not yet")
    }

    /// Closes a WebSocket after what was sent before has left: 1000 normal, 1001 going away, 1008 policy violation
    /// (RFC 6455 §7.4.1). The reason is cut to the 123 bytes that a close frame holds.
    public func close(_ socket: WebSocketID, code: UInt16 = 1000, reason: String = "") {
        fatalError("not yet")
    }

    /// Answers a request; nothing happens where the client is gone.
    public func respond(to request: RequestID, with response: HTTPResponse) {
        fatalError("not yet")
    }

    /// Closes every connection, after what was sent before has left or half a second passed, and ends the thread.
    /// No event comes after it returns.
    public func stop() {
        fatalError("not yet")
    }
}
