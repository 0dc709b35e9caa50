internal import CWebSockets
internal import Glibc

// A connection's one request: new → (receiving →) (waiting →) answering → (draining →) ended.
//
// libwebsockets must read nothing behind a request. 4.1 takes the head of a second request that a client sent ahead for
// that request's body, and can be kept busy for ever so; 4.3 meets an assertion. So the connection is paused as soon as
// its request is complete, and ends with the answer. The price is a TCP handshake for each file of the page.
extension WebLoop {
    /// Whether a request whose head is complete is the connection's first.
    func mayAsk(_ connection: Connection) -> Int32 {
        if case .new = connection.state { 0 } else { -1 }
    }

    /// A request's head is complete.
    func requestBegan(_ connection: Connection) -> Int32 {
        restartTimer(connection)
        receive(connection)
        return 0
    }

    private func receive(_ connection: Connection) {
        guard let head = RequestHead(of: connection.wsi) else {
            return answer(connection, nil, HTTPResponse(status: 400, text: "Not a request\n"))
        }
        // RFC 9112 §3.2: a request without a Host field, or with an invalid one, MUST be answered with 400.
        guard Origin.isHost(head.host) || head.headers["host"] == nil && !head.isCurrent else {
            return answer(connection, head, HTTPResponse(status: 400, text: "No valid Host field\n"))
        }
        let length: Int
        switch contentLength(head) {
        case .success(let given): length = given
        case .failure(let refusal): return answer(connection, head, refusal.response)
        }
        let request = IncomingRequest(head: head, length: length)
        guard length <= configuration.maximumBodyBytes else {
            let limit = configuration.maximumBodyBytes
            let response = HTTPResponse(status: 413, text: "A body may have \(limit) bytes\n")
            // What is a little too long is read and thrown away, so that the client reads the answer.
            return answer(connection, head, response, bodyToDrain: length <= 16 * limit ? length : 0)
        }
        if length > 0 {
            connection.state = .receiving(request)
        } else {
            requestEnded(connection, request)
        }
    }

    /// A piece of a body arrived; libwebsockets 4.3 adds what the client sent behind it. It is counted here, since that
    /// version then never tells of the body's end.
    func bodyArrived(_ connection: Connection, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        switch connection.state {
        case .receiving(let request):
            request.body += bytes.prefix(request.length - request.body.count)
            if request.body.count == request.length {
                restartTimer(connection)
                requestEnded(connection, request)
            }
        case .answering(let response):
            response.bodyToDrain -= bytes.count
        case .draining(let response):
            response.bodyToDrain -= bytes.count
            if response.bodyToDrain <= 0 { end(connection) }
        case .new, .waiting, .ended, .webSocket:
            break
        }
        return 0
    }

    private func requestEnded(_ connection: Connection, _ request: IncomingRequest) {
        if let response = redirection(connection, request.head) ?? pageResponse(request.head, on: connection) {
            return answer(connection, request.head, response)
        }
        lastIdentifier += 1
        let id = RequestID(rawValue: lastIdentifier)
        connection.state = .waiting(id, request)
        waiting[id] = connection
        pause(connection)
        onEvent(.request(id, request.head.request(from: connection, body: request.body)))
    }

    /// Gives a request its answer.
    func respond(to id: RequestID, with response: HTTPResponse) {
        guard let connection = waiting.removeValue(forKey: id), case .waiting(_, let request) = connection.state else {
            return
        }
        answer(connection, request.head, response)
    }

    /// A request took too long to arrive or to be answered, or its client to take the answer; or it is time to look
    /// whether a paused answer can go on.
    func timeRanOut(_ connection: Connection) -> Int32 {
        switch connection.state {
        case .waiting(let id, _):
            respond(to: id, with: HTTPResponse(status: 504, text: "No answer in time\n"))
            return 0
        case .answering(let response):
            guard lws_now_usecs() < response.deadline else { return -1 }
            push(response, on: connection)
            return 0
        case .new, .receiving, .draining, .ended:
            return -1
        case .webSocket:
            return 0
        }
    }

    private func answer(
        _ connection: Connection, _ head: RequestHead?, _ response: HTTPResponse, bodyToDrain: Int = 0
    ) {
        if bodyToDrain == 0 { pause(connection) }
        let bytes = ResponseBytes(response, withoutBody: head?.method == "HEAD")
        bytes.bodyToDrain = bodyToDrain
        bytes.deadline = lws_now_usecs() + 3 * requestPeriod
        connection.state = .answering(bytes)
        push(bytes, on: connection)
    }

    /// Sends what the socket takes; the rest when the timer looks again, because libwebsockets does not tell of a paused
    /// connection that it takes more.
    private func push(_ response: ResponseBytes, on connection: Connection) {
        switch response.send(to: connection.wsi) {
        case .blocked:
            lws_set_timer_usecs(connection.wsi, 20_000)
        case .broken:
            end(connection)
        case .complete:
            mailbox.count(\.responses)
            if response.bodyToDrain > 0 {
                connection.state = .draining(response)
                restartTimer(connection)
                finishWhenDone()
            } else {
                end(connection)
            }
        }
    }

    private func pause(_ connection: Connection) {
        lws_rx_flow_control(connection.wsi, 0)
    }

    private func end(_ connection: Connection) {
        connection.state = .ended
        // Not now: this may be in the middle of what libwebsockets does with the connection.
        lws_set_timeout(connection.wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC)
        finishWhenDone()
    }

    private func restartTimer(_ connection: Connection) {
        lws_set_timer_usecs(connection.wsi, requestPeriod)
    }

    private var requestPeriod: lws_usec_t {
        max(1, configuration.requestTimeout.components.seconds) * 1_000_000
    }

    // MARK: - What the head says

    private struct Refusal: Error {
        let response: HTTPResponse
    }

    private func contentLength(_ head: RequestHead) -> Result<Int, Refusal> {
        guard head.headers["transfer-encoding"] == nil else {
            return .failure(Refusal(response: HTTPResponse(status: 411, text: "Send the body with a Content-Length\n")))
        }
        guard let text = head.headers["content-length"] else {
            // libwebsockets would wait for a body of its own idea of length.
            guard !["POST", "PUT", "PATCH"].contains(head.method) else {
                return .failure(Refusal(response: HTTPResponse(status: 411, text: "No Content-Length\n")))
            }
            return .success(0)
        }
        guard (1...15).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let length = Int(text)
        else {
            return .failure(Refusal(response: HTTPResponse(status: 400, text: "No valid Content-Length\n")))
        }
        return .success(length)
    }

    /// The answer to a request for a file of the page, or for the WebSocket without one; nil where it is neither.
    private func pageResponse(_ head: RequestHead, on connection: Connection) -> HTTPResponse? {
        if head.path == WebLoop.socketPath {
            return mayOpen(head.request(from: connection))
                ?? HTTPResponse(
                    status: 426, text: "This is a WebSocket\n",
                    headers: [.init("Upgrade", "websocket")])
        }
        // where there is no HTTPS there is nothing to be trusted
        guard configuration.securePort != nil || !head.path.hasPrefix("/certificate"),
            let file = files.file(at: head.path)
        else { return nil }
        guard head.method == "GET" || head.method == "HEAD" else { return .methodNotAllowed(allow: "GET, HEAD") }
        // The page changes with the daemon: ask each time, and get 304 nearly always. What that says of the protection takes
        // the place of what the browser has kept (RFC 9111 §3.2).
        let headers =
            [.init("Cache-Control", "no-cache"), .init("ETag", file.entityTag)] + protection(host: head.host)
        if let tags = head.headers["if-none-match"], file.matches(ifNoneMatch: tags) {
            return HTTPResponse(status: 304, headers: headers)
        }
        return HTTPResponse(
            status: 200, headers: headers + [.init("Content-Type", file.contentType)], body: file.bytes)
    }
}
