internal import CWebSockets
internal import Glibc

/// The web thread: libwebsockets' context and everything that only this thread touches.
///
/// libwebsockets keeps nothing of ours but a number for each connection, so that no callback can meet an object that
/// is gone.
final class WebLoop {
    let configuration: WebServerConfiguration
    let mailbox: Mailbox
    let onEvent: @Sendable (WebEvent) -> Void
    let files: PageFiles

    /// The requests that wait for an answer.
    var waiting: [RequestID: Connection] = [:]
    /// The WebSockets that messages may be sent to.
    var sockets: [WebSocketID: Connection] = [:]
    var lastIdentifier: UInt64 = 0

    private let listener: Int32
    private var context: OpaquePointer?
    /// The context's own log, where the library has such a thing.
    private var log: UnsafeMutableRawPointer?
    private var vhost: OpaquePointer?
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
    private let waker = UnsafeMutablePointer<doorward_waker>.allocate(capacity: 1)

    /// Takes over `listener`.
    init(
        configuration: WebServerConfiguration, files: PageFiles, mailbox: Mailbox, listener: Int32,
        onEvent: @escaping @Sendable (WebEvent) -> Void
    ) {
        self.configuration = configuration
        self.files = files
        self.mailbox = mailbox
        self.listener = listener
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
        if spareDescriptor >= 0 { close(spareDescriptor) }
    }

    /// Makes libwebsockets' context. On failure the listening socket is closed.
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
        log = doorward_lws_log(LibraryLog.emit)
        doorward_lws_use_log(&info, log)
        guard let context = lws_create_context(&info) else {
            close(listener)
            throw .system("libwebsockets could not start")
        }
        self.context = context
        waker.pointee.context = context
        vhost = lws_create_vhost(context, &info)
        var adoption = lws_adopt_desc_t()
        adoption.vh = vhost
        adoption.type = LWS_ADOPT_RAW_FILE_DESC
        adoption.fd.filefd = listener
        guard vhost != nil, lws_adopt_descriptor_vhost_via_info(&adoption) != nil else {
            lws_context_destroy(context)
            close(listener)
            throw .system("libwebsockets could not take the listening socket")
        }
        mailbox.open(context: context)
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
            acceptConnections()
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

    private func acceptConnections() {
        // Not more at once, so that those who are connected get their turn.
        for _ in 0..<16 {
            do throws(AcceptedConnection.Failure) {
                adopt(try AcceptedConnection(from: listener))
            } catch .none {
                return
            } catch {
                refuseForLackOfDescriptors()
            }
        }
    }

    private func adopt(_ accepted: AcceptedConnection) {
        guard stopDeadline == nil, connections.count < configuration.maximumConnections else {
            mailbox.count(\.refusedConnections)
            close(accepted.descriptor)
            return
        }
        lastConnection += 1
        var adoption = lws_adopt_desc_t()
        adoption.vh = vhost
        adoption.type = lws_adoption_type(LWS_ADOPT_SOCKET.rawValue | LWS_ADOPT_HTTP.rawValue)
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
    private func refuseForLackOfDescriptors() {
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
    guard let wsi, let context = lws_get_context(wsi), let user = lws_context_user(context) else { return 0 }
    let loop = Unmanaged<WebLoop>.fromOpaque(user).takeUnretainedValue()
    switch reason {
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
