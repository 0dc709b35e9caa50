internal import CWebSockets

// WebSockets: the handshake's conditions, messages in both directions, the end.
extension WebLoop {
    /// Where the WebSocket is.
    static let socketPath = "/ws"

    /// A client asks to leave HTTP for another protocol. Where it may not, the refusal is written here and the
    /// connection closed.
    func upgradeAsked(_ connection: Connection, _ name: String) -> Int32 {
        let head = RequestHead(of: connection.wsi)
        guard let refusal = upgradeRefusal(connection, head, name) else {
            // its head is gone when the handshake is done
            connection.opening = head?.request(from: connection)
            return 0
        }
        mailbox.count(\.refusedSockets)
        _ = ResponseBytes(refusal).send(to: connection.wsi)
        return -1
    }

    private func upgradeRefusal(_ connection: Connection, _ head: RequestHead?, _ name: String) -> HTTPResponse? {
        guard let head, Origin.isHost(head.host) else {
            return HTTPResponse(status: 400, text: "Not a request\n")
        }
        // HTTP/2 without TLS is not served.
        guard name.lowercased() == "websocket" else { return HTTPResponse(status: 400, text: "No such protocol\n") }
        guard head.path == WebLoop.socketPath else { return .notFound }
        guard isTrustworthy(connection, head) else {
            return HTTPResponse(status: 403, text: "Over HTTPS only, at port \(mailbox.securePort)\n")
        }
        guard head.method == "GET" else { return .methodNotAllowed(allow: "GET") }
        // RFC 6455 §4.4
        guard head.headers["sec-websocket-version"] == "13" else {
            return HTTPResponse(
                status: 426, text: "WebSocket version 13 only\n", headers: [.init("Sec-WebSocket-Version", "13")])
        }
        // Browsers always send an Origin; what sends none is no browser and needs no protection from pages.
        if let origin = head.headers["origin"],
            !Origin.isOwn(origin, host: head.host, allowed: configuration.allowedOrigins)
        {
            return HTTPResponse(status: 403, text: "Pages from \(origin) may not open this WebSocket\n")
        }
        if let refusal = mayOpen(head.request(from: connection)) { return refusal }
        guard sockets.count < configuration.maximumSockets else {
            return HTTPResponse(status: 503, text: "Too many WebSockets\n", headers: [.init("Retry-After", "10")])
        }
        return nil
    }

    /// The handshake is done.
    func socketOpened(_ connection: Connection) -> Int32 {
        lws_set_timer_usecs(connection.wsi, lws_usec_t(LWS_SET_TIMER_USEC_CANCEL))
        guard let opening = connection.opening else { return -1 }
        connection.opening = nil
        lastIdentifier += 1
        let socket = SocketState(id: WebSocketID(rawValue: lastIdentifier))
        connection.state = .webSocket(socket)
        sockets[socket.id] = connection
        onEvent(.opened(socket.id, opening))
        return 0
    }

    /// A piece of a message arrived: a frame, or less of a large one.
    func fragmentArrived(_ connection: Connection, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        guard case .webSocket(let socket) = connection.state, !socket.isOver else { return 0 }
        guard lws_frame_is_binary(connection.wsi) == 0 else {
            return refuse(connection, socket, code: 1003, "text only")
        }
        let announced = Int(clamping: lws_remaining_packet_payload(connection.wsi))
        guard socket.partial.count + bytes.count + min(announced, 1 << 30) <= configuration.maximumMessageBytes else {
            return refuse(
                connection, socket, code: 1009, "a message may have \(configuration.maximumMessageBytes) bytes")
        }
        socket.partial += bytes
        guard lws_is_final_fragment(connection.wsi) != 0 else { return 0 }
        guard let text = String(validating: socket.partial, as: UTF8.self) else {
            return refuse(connection, socket, code: 1007, "not UTF-8")
        }
        socket.partial = []
        onEvent(.message(socket.id, text))
        return 0
    }

    /// The page closes; libwebsockets answers with the same code by itself.
    func peerCloses(_ connection: Connection, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        guard case .webSocket(let socket) = connection.state else { return 0 }
        tellClosed(socket, .closedByPeer(bytes.count >= 2 ? UInt16(bytes[0]) << 8 | UInt16(bytes[1]) : nil))
        return 0
    }

    /// The socket takes another message.
    func socketMaySend(_ connection: Connection) -> Int32 {
        guard case .webSocket(let socket) = connection.state else { return 0 }
        switch socket.next() {
        case .text(var frame):
            guard frame.write(frameStart..<frame.count, to: connection.wsi, as: LWS_WRITE_TEXT) else { return -1 }
            if !socket.isFlushed { lws_callback_on_writable(connection.wsi) }
            return 0
        case .close(let code, let reason):
            return end(connection, code: code, reason)
        case nil:
            return 0
        }
    }

    /// Queues a frame.
    func send(_ frame: [UInt8], to id: WebSocketID) {
        guard let connection = sockets[id], case .webSocket(let socket) = connection.state else { return }
        guard socket.queuedBytes + frame.count <= configuration.maximumQueuedBytes else {
            mailbox.count(\.slowSockets)
            tellClosed(socket, .tooSlow)
            // Not politely: what this page does not read, it would not read after a close frame either.
            lws_set_timeout(connection.wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC)
            return
        }
        socket.append(.text(frame))
        lws_callback_on_writable(connection.wsi)
    }

    /// Closes a socket behind what is queued.
    func closeSocket(_ id: WebSocketID, code: UInt16, reason: String) {
        guard let connection = sockets[id], case .webSocket(let socket) = connection.state else { return }
        socket.append(.close(code: code, reason: reason))
        lws_callback_on_writable(connection.wsi)
        tellClosed(socket, .closedHere(code))
    }

    /// Tells once that a socket is gone.
    func tellClosed(_ socket: SocketState, _ reason: WebSocketCloseReason) {
        guard !socket.isOver else { return }
        socket.isOver = true
        sockets[socket.id] = nil
        onEvent(.closed(socket.id, reason))
    }

    private func refuse(_ connection: Connection, _ socket: SocketState, code: UInt16, _ reason: String) -> Int32 {
        mailbox.count(\.faultySockets)
        tellClosed(socket, .closedHere(code))
        return end(connection, code: code, reason)
    }

    private func end(_ connection: Connection, code: UInt16, _ reason: String) -> Int32 {
        // RFC 6455 §5.5: a control frame holds 125 bytes, two of them the code.
        var text = reason
        while text.utf8.count > 123 { text.removeLast() }
        var bytes = Array(text.utf8)
        lws_close_reason(connection.wsi, lws_close_status(UInt32(code)), &bytes, bytes.count)
        return -1
    }
}
