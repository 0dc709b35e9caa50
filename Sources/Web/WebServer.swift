internal import Glibc
private import Synchronization

/// A server's certificates, its own first, and its private key, in PEM.
public struct TLSCredentials: Hashable, Sendable {
    /// The text.
    public var pem: String

    /// What `pem` holds.
    public init(pem: String) {
        self.pem = pem
    }
}

/// The web server's settings.
public struct WebServerConfiguration: Hashable, Sendable {
    /// The IPv4 or IPv6 address to listen on; empty for all of both.
    public var address: String
    /// The TCP port; 0 for any that is free.
    public var port: UInt16
    /// A further TCP port, for TLS; 0 for any that is free; nil for none.
    ///
    /// Where there is one, `port` serves only clients on this machine that ask for `localhost`, which browsers trust as
    /// they trust HTTPS. Others are sent to the secure port: browsers by the page `/certificate`, which tells how to
    /// make the browser trust it, the rest by a redirect.
    public var securePort: UInt16?
    /// What is shown at the secure port, until `use` is called.
    public var credentials: TLSCredentials?
    /// A folder to serve the page's files from, instead of those inside the binary.
    public var pageFolder: String?
    /// Further origins (`https://door.example`) whose pages may open a WebSocket, besides the server's own.
    public var allowedOrigins: [String] = []
    /// Further origins (`wss://broker.example`) that the page may connect to.
    public var connectableOrigins: [String] = []
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
    private enum Phase {
        case new
        case running(pthread_t)
        case stopped
    }

    private let configuration: WebServerConfiguration
    private let onLog: @Sendable (String) -> Void
    private let mayOpen: @Sendable (HTTPRequest) -> HTTPResponse?
    private let onEvent: @Sendable (WebEvent) -> Void
    private let mailbox = Mailbox()
    private let phase = Mutex(Phase.new)

    /// A server that tells `onEvent`, and of trouble `onLog`, both on its own thread, where they must not block. There it
    /// also asks `mayOpen` about whoever would open a WebSocket: nil lets him.
    public init(
        configuration: WebServerConfiguration, onLog: @escaping @Sendable (String) -> Void = { _ in },
        mayOpen: @escaping @Sendable (HTTPRequest) -> HTTPResponse? = { _ in nil },
        onEvent: @escaping @Sendable (WebEvent) -> Void
    ) {
        self.configuration = configuration
        self.onLog = onLog
        self.mayOpen = mayOpen
        self.onEvent = onEvent
    }

    deinit {
        stop()
    }

    /// Listens and starts the thread. A server starts once.
    public func start() throws(WebError) {
        let files = try PageFiles(folder: configuration.pageFolder)
        let listener = try ListeningSocket(address: configuration.address, port: configuration.port)
        mailbox.port = listener.port
        var secureListener: Int32?
        if let port = configuration.securePort {
            let listener = try ListeningSocket(address: configuration.address, port: port)
            mailbox.securePort = listener.port
            secureListener = listener.release()
        }
        LibraryLog.route(to: onLog)
        let loop = WebLoop(
            configuration: configuration, files: files, mailbox: mailbox, listener: listener.release(),
            secureListener: secureListener, mayOpen: mayOpen, onEvent: onEvent)
        try loop.prepare()
        let thread = try WebServer.startThread(loop)
        phase.withLock { phase in
            guard case .new = phase else { preconditionFailure("a web server starts once") }
            phase = .running(thread)
        }
    }

    private static func startThread(_ loop: WebLoop) throws(WebError) -> pthread_t {
        // Signals are for the daemon's own threads.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let retained = Unmanaged.passRetained(loop)
        let code = pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<WebLoop>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }, retained.toOpaque())
        guard code == 0 else {
            retained.takeRetainedValue().abandon()
            throw .system("the web server's thread could not start: \(String(cString: strerror(code)))")
        }
        return thread
    }

    /// The port listened on; 0 before `start`.
    public var port: UInt16 { mailbox.port }

    /// The port listened on for TLS; 0 before `start`, and where there is none.
    public var securePort: UInt16 { mailbox.securePort }

    /// Shows `credentials` to clients that connect from now on; connections that are open stay as they are. What does not
    /// belong together is not used, and logged.
    public func use(_ credentials: TLSCredentials) {
        mailbox.post(.use(credentials))
    }

    /// What was counted so far.
    public var counters: WebCounters { mailbox.counters }

    /// Sends a text message; nothing happens where the socket is gone.
    public func send(_ text: String, to socket: WebSocketID) {
        mailbox.post(.send([UInt8](repeating: 0, count: frameStart) + text.utf8, to: socket))
    }

    /// Closes a WebSocket after what was sent before has left: 1000 normal, 1001 going away, 1008 policy violation
    /// (RFC 6455 §7.4.1). The reason is cut to the 123 bytes that a close frame holds.
    public func close(_ socket: WebSocketID, code: UInt16 = 1000, reason: String = "") {
        mailbox.post(.close(socket, code: code, reason: reason))
    }

    /// Answers a request; nothing happens where the client is gone.
    public func respond(to request: RequestID, with response: HTTPResponse) {
        mailbox.post(.respond(request, response))
    }

    /// Closes every connection, after what was sent before has left or half a second passed, and ends the thread.
    /// No event comes after it returns.
    public func stop() {
        let thread = phase.withLock { phase -> pthread_t? in
            defer { phase = .stopped }
            guard case .running(let thread) = phase else { return nil }
            return thread
        }
        guard let thread else { return }
        precondition(pthread_equal(thread, pthread_self()) == 0, "the web thread cannot wait for its own end")
        mailbox.post(.stop)
        pthread_join(thread, nil)
    }
}
