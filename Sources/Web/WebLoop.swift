internal import CWebSockets
internal import Glibc

/// The web thread: libwebsockets' context and everything that only this thread touches.
///
/// libwebsockets keeps nothing of ours but a number for each connection, so that no callback can meet an object that
/// is gone.
final class WebLoop {
    let configuration: WebServerConfiguration
    let mailbox: Mailbox
    let mayOpen: @Sendable (HTTPRequest) -> HTTPResponse?
    let onEvent: @Sendable (WebEvent) -> Void
    let files: PageFiles

    /// The requests that wait for an answer.
    var waiting: [RequestID: Connection] = [:]
    /// The WebSockets that messages may be sent to.
    var sockets: [WebSocketID: Connection] = [:]
    var lastIdentifier: UInt64 = 0

    private let listener: Int32
    private let secureListener: Int32?
    private var context: OpaquePointer?
    /// The context's own log, where the library has such a thing.
    private var log: UnsafeMutableRawPointer?
    private var vhost: OpaquePointer?
    private var secureVhost: OpaquePointer?
    /// OpenSSL's settings for the connections of the secure port (`SSL_CTX`), which libwebsockets owns.
    private var tls: OpaquePointer?
    private var connections: [UInt: Connection] = [:]
    private var lastConnection: UInt = 0
    // Held so that, when no descriptor is left, one can be freed to accept and refuse whoever waits.
    private var spareDescriptor = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
    private var stopDeadline: lws_usec_t?
    private var isFinished = false

    // What libwebsockets keeps pointers to as long as the context lives.
    private let protocols = UnsafeMutablePointer<lws_protocols>.allocate(capacity: 2)
    private let retryPolicy = UnsafeMutablePointer<lws_retry_bo_t>.allocate(capacity: 1)
    private let protocolName = strdup("doorward")
    private let secureName = strdup("secure")
    private let applicationProtocol = strdup("http/1.1")
    private let waker = UnsafeMutablePointer<doorward_waker>.allocate(capacity: 1)

    /// Takes over `listener` and `secureListener`.
    init(
        configuration: WebServerConfiguration, files: PageFiles, mailbox: Mailbox, listener: Int32,
        secureListener: Int32?, mayOpen: @escaping @Sendable (HTTPRequest) -> HTTPResponse?,
        onEvent: @escaping @Sendable (WebEvent) -> Void
    ) {
        self.configuration = configuration
        self.files = files
        self.mailbox = mailbox
        self.listener = listener
        self.secureListener = secureListener
        self.mayOpen = mayOpen
        self.onEvent = onEvent
        protocols.initialize(repeating: lws_protocols(), count: 2)
        retryPolicy.initialize(to: lws_retry_bo_t())
        waker.initialize(to: doorward_waker())
    }

    deinit {
        protocols.deallocate()
        retryPolicy.deallocate()
        free(log)
        waker.deallocate()
        free(protocolName)
        free(secureName)
        free(applicationProtocol)
        if spareDescriptor >= 0 { close(spareDescriptor) }
    }

    /// Makes libwebsockets' context. On failure the listening sockets are closed.
    func prepare() throws(WebError) {
        protocols[0].name = UnsafePointer(protocolName)
        protocols[0].callback = webCallback
        // What one RECEIVE callback delivers at most; messages are put together from these.
        protocols[0].rx_buffer_size = 4096
        protocols[0].tx_packet_size = 65_536
        retryPolicy.pointee.secs_since_valid_ping = UInt16(
            clamping: max(1, configuration.pingInterval.components.seconds))
        retryPolicy.pointee.secs_since_valid_hangup = UInt16(
            clamping: max(2, configuration.silenceLimit.components.seconds))

        var info = lws_context_creation_info()
        info.port = CONTEXT_PORT_NO_LISTEN
        info.protocols = UnsafePointer(protocols)
        info.user = Unmanaged.passUnretained(self).toOpaque()
        info.uid = .init(truncatingIfNeeded: -1)
        info.gid = .init(truncatingIfNeeded: -1)
        // Also keeps libwebsockets from tables as large as the system's descriptor limit.
        info.fd_limit_per_thread = UInt32(clamping: configuration.maximumConnections + 16)
        // Cookies of other services on the same host come along.
        info.max_http_header_data2 = 16_384
        info.max_http_header_pool2 = UInt32(clamping: configuration.maximumConnections)
        let seconds = UInt32(clamping: max(1, configuration.requestTimeout.components.seconds))
        info.timeout_secs = 4 * seconds
        info.timeout_secs_ah_idle = seconds
        info.keepalive_timeout = Int32(clamping: seconds)
        info.retry_and_idle_policy = UnsafePointer(retryPolicy)
        info.options = UInt64(LWS_SERVER_OPTION_EXPLICIT_VHOSTS)
        if secureListener != nil { info.options |= UInt64(LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT) }
        log = doorward_lws_log(LibraryLog.emit)
        doorward_lws_use_log(&info, log)
        guard let context = lws_create_context(&info) else {
            close(listener)
            if let secureListener { close(secureListener) }
            throw .system("libwebsockets could not start")
        }
        self.context = context
        waker.pointee.context = context
        vhost = lws_create_vhost(context, &info)
        guard vhost != nil, watch(listener) else {
            lws_context_destroy(context)
            close(listener)
            if let secureListener { close(secureListener) }
            throw .system("libwebsockets could not take the listening socket")
        }
        if let secureListener { try prepareTLS(secureListener, &info, in: context) }
        mailbox.open(context: context)
    }

    /// Makes the virtual host of the secure port, which has TLS.
    private func prepareTLS(
        _ secureListener: Int32, _ info: inout lws_context_creation_info, in context: OpaquePointer
    ) throws(WebError) {
        info.vhost_name = UnsafePointer(secureName)
        // Unlike CONTEXT_PORT_NO_LISTEN a server's, with TLS.
        info.port = CONTEXT_PORT_NO_LISTEN_SERVER
        info.alpn = UnsafePointer(applicationProtocol)
        // The certificate is set where the callback tells of the SSL_CTX. Who speaks plain HTTP to the secure port is
        // answered as at the plain one.
        info.options |= doorward_lws_secure_options()
        secureVhost = lws_create_vhost(context, &info)
        guard secureVhost != nil, tls != nil, watch(secureListener) else {
            // the plain listener is the context's by now
            lws_context_destroy(context)
            close(secureListener)
            throw .system("the certificate for HTTPS cannot be used")
        }
    }

    /// Has libwebsockets tell when somebody connects to `listener`.
    private func watch(_ listener: Int32) -> Bool {
        var adoption = lws_adopt_desc_t()
        adoption.vh = vhost
        adoption.type = LWS_ADOPT_RAW_FILE_DESC
        adoption.fd.filefd = listener
        return lws_adopt_descriptor_vhost_via_info(&adoption) != nil
    }

    /// Settles what the secure port's connections have in common; false where that fails.
    fileprivate func tlsBegan(_ context: OpaquePointer) -> Bool {
        guard doorward_tls_prepare(context) == 1, let pem = configuration.credentials?.pem,
            doorward_tls_use(context, pem, Int32(pem.utf8.count)) == 1
        else { return false }
        tls = context
        return true
    }

    /// Serves until told to stop.
    func run() {
        doorward_name_thread("web")
        serve()
        mailbox.close()
        doorward_forget_waker(waker)
        lws_context_destroy(context)
        context = nil
    }

    /// Ends without having run.
    func abandon() {
        isFinished = true
        run()
    }

    private func serve() {
        while !isFinished, lws_service(context, 0) >= 0 {
            if let stopDeadline, lws_now_usecs() >= stopDeadline { return }
        }
    }

    // MARK: - What libwebsockets tells

    /// Acts on a callback; anything but 0 closes the connection.
    func handle(_ reason: lws_callback_reasons, _ wsi: WSI, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        switch reason {
        case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
            mailbox.take().forEach(obey)
            return 0
        case LWS_CALLBACK_RAW_RX_FILE:
            acceptConnections(from: lws_get_socket_fd(wsi))
            return 0
        case LWS_CALLBACK_WSI_DESTROY:
            connectionEnded(wsi)
            return 0
        default:
            guard let connection = connection(of: wsi) else { return 0 }
            return handle(reason, connection, bytes)
        }
    }

    private func handle(
        _ reason: lws_callback_reasons, _ connection: Connection, _ bytes: UnsafeRawBufferPointer
    ) -> Int32 {
        switch reason {
        case LWS_CALLBACK_FILTER_HTTP_CONNECTION: mayAsk(connection)
        case LWS_CALLBACK_HTTP: requestBegan(connection)
        case LWS_CALLBACK_HTTP_BODY: bodyArrived(connection, bytes)
        case LWS_CALLBACK_TIMER: timeRanOut(connection)
        case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: upgradeAsked(connection, String(decoding: bytes, as: UTF8.self))
        case LWS_CALLBACK_ESTABLISHED: socketOpened(connection)
        case LWS_CALLBACK_RECEIVE: fragmentArrived(connection, bytes)
        case LWS_CALLBACK_SERVER_WRITEABLE: socketMaySend(connection)
        case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: peerCloses(connection, bytes)
        // What a CONNECT request becomes: a connection without a protocol and without a time limit.
        case LWS_CALLBACK_RAW_ADOPT: -1
        default: 0
        }
    }

    private func connection(of wsi: WSI) -> Connection? {
        connections[UInt(bitPattern: lws_get_opaque_user_data(wsi))]
    }

    private func connectionEnded(_ wsi: WSI) {
        let number = UInt(bitPattern: lws_get_opaque_user_data(wsi))
        guard let connection = connections.removeValue(forKey: number) else { return }
        switch connection.state {
        case .waiting(let id, _): waiting[id] = nil
        case .webSocket(let socket): tellClosed(socket, .lost)
        case .new, .receiving, .answering, .draining, .ended: break
        }
        finishWhenDone()
    }

    // MARK: - Connections

    private func acceptConnections(from listener: Int32) {
        // Not more at once, so that those who are connected get their turn.
        for _ in 0..<16 {
            do throws(AcceptedConnection.Failure) {
                adopt(try AcceptedConnection(from: listener), isSecure: listener == secureListener)
            } catch .none {
                return
            } catch {
                refuseForLackOfDescriptors(from: listener)
            }
        }
    }

    private func adopt(_ accepted: AcceptedConnection, isSecure: Bool) {
        guard stopDeadline == nil, connections.count < configuration.maximumConnections else {
            mailbox.count(\.refusedConnections)
            close(accepted.descriptor)
            return
        }
        lastConnection += 1
        var adoption = lws_adopt_desc_t()
        adoption.vh = isSecure ? secureVhost : vhost
        let type = LWS_ADOPT_SOCKET.rawValue | LWS_ADOPT_HTTP.rawValue
        adoption.type = lws_adoption_type(isSecure ? type | LWS_ADOPT_ALLOW_SSL.rawValue : type)
        adoption.fd.sockfd = accepted.descriptor
        adoption.opaque = UnsafeMutableRawPointer(bitPattern: lastConnection)
        // Closes the descriptor when it fails.
        guard let wsi = lws_adopt_descriptor_vhost_via_info(&adoption) else {
            mailbox.count(\.refusedConnections)
            return
        }
        connections[lastConnection] = Connection(wsi: wsi, remoteAddress: accepted.remoteAddress)
        mailbox.count(\.connections)
    }

    // The listening socket stays readable as long as someone waits: without this the thread would spin.
    private func refuseForLackOfDescriptors(from listener: Int32) {
        if spareDescriptor >= 0 { close(spareDescriptor) }
        if let refused = try? AcceptedConnection(from: listener) { close(refused.descriptor) }
        spareDescriptor = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
        mailbox.count(\.refusedConnections)
    }

    // MARK: - What other threads ask

    private func obey(_ command: WebCommand) {
        switch command {
        case .send(let frame, let id): send(frame, to: id)
        case .close(let id, let code, let reason): closeSocket(id, code: code, reason: reason)
        case .respond(let id, let response): respond(to: id, with: response)
        case .use(let credentials):
            guard let tls else { return }
            if doorward_tls_use(tls, credentials.pem, Int32(credentials.pem.utf8.count)) != 1 {
                LibraryLog.note("the new certificate cannot be used; the old one stays")
            }
        case .stop:
            stopDeadline = lws_now_usecs() + 500_000
            doorward_wake_after(waker, 500_000)
            waiting.keys.forEach { respond(to: $0, with: HTTPResponse(status: 503, text: "The server is stopping\n")) }
            sockets.keys.forEach { closeSocket($0, code: 1001, reason: "the server is stopping") }
            finishWhenDone()
        }
    }

    /// Ends the thread where it is to stop and nobody waits for anything.
    func finishWhenDone() {
        guard stopDeadline != nil else { return }
        let isBusy = connections.values.contains { connection in
            switch connection.state {
            case .webSocket, .answering, .waiting: true
            case .new, .receiving, .draining, .ended: false
            }
        }
        if !isBusy { isFinished = true }
    }
}

/// The one function that libwebsockets calls: finds the loop that the call is for.
private func webCallback(
    _ wsi: OpaquePointer?, _ reason: lws_callback_reasons, _ user: UnsafeMutableRawPointer?,
    _ bytes: UnsafeMutableRawPointer?, _ count: Int
) -> Int32 {
    guard let wsi, let context = lws_get_context(wsi), let owner = lws_context_user(context) else { return 0 }
    let loop = Unmanaged<WebLoop>.fromOpaque(owner).takeUnretainedValue()
    switch reason {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        // `user` is the SSL_CTX here.
        return user.map { loop.tlsBegan(OpaquePointer($0)) } == true ? 0 : -1
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        // The protocol's name, as a C string.
        return loop.handle(reason, wsi, UnsafeRawBufferPointer(start: bytes, count: bytes.map(cStringLength) ?? 0))
    case LWS_CALLBACK_HTTP_BODY, LWS_CALLBACK_RECEIVE, LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return loop.handle(reason, wsi, UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count))
    default:
        return loop.handle(reason, wsi, UnsafeRawBufferPointer(start: nil, count: 0))
    }
}

private func cStringLength(_ pointer: UnsafeMutableRawPointer) -> Int {
    strlen(pointer.assumingMemoryBound(to: CChar.self))
}
