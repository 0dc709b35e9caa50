internal import CWebSockets
internal import Glibc

/// One request and its answer, with a libwebsockets context of its own that lives as long as they take.
final class HTTPExchange {
    private let method: String
    private let target: HTTPClient.Target
    private let headers: [HTTPResponse.Header]
    private let body: [UInt8]

    private var status: Int?
    private var received: [HTTPResponse.Header] = []
    private var receivedBody: [UInt8] = []
    private var failure: HTTPClient.Failure?
    private var isOver = false
    /// Where TLS's settings are; nil for the context's only one.
    private var vhost: OpaquePointer?

    // What libwebsockets keeps pointers to as long as the context lives.
    private let protocols = UnsafeMutablePointer<lws_protocols>.allocate(capacity: 2)
    private let protocolName = strdup("doorward-client")
    private let timer = UnsafeMutablePointer<lws_sorted_usec_list_t>.allocate(capacity: 1)

    init(method: String, target: HTTPClient.Target, headers: [HTTPResponse.Header], body: [UInt8]) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        protocols.initialize(repeating: lws_protocols(), count: 2)
        timer.initialize(to: lws_sorted_usec_list_t())
        protocols[0].name = UnsafePointer(protocolName)
        protocols[0].callback = clientCallback
        protocols[0].rx_buffer_size = 65_536
    }

    deinit {
        protocols.deallocate()
        timer.deallocate()
        free(protocolName)
    }

    func run(trustsAnyCertificate: Bool, timeout: Duration) throws(HTTPClient.Failure) -> HTTPResponse {
        LibraryLog.silenceUnlessRouted()
        var info = lws_context_creation_info()
        info.port = CONTEXT_PORT_NO_LISTEN
        info.protocols = UnsafePointer(protocols)
        info.user = Unmanaged.passUnretained(self).toOpaque()
        info.uid = .init(truncatingIfNeeded: -1)
        info.gid = .init(truncatingIfNeeded: -1)
        info.fd_limit_per_thread = 16
        info.max_http_header_data2 = 16_384
        if target.isSecure {
            HTTPExchange.prepareOpenSSL
            info.options = UInt64(LWS_SERVER_OPTION_EXPLICIT_VHOSTS)
        }
        guard let context = lws_create_context(&info) else {
            throw HTTPClient.Failure(description: "libwebsockets could not start")
        }
        defer { lws_context_destroy(context) }
        if target.isSecure {
            info.options |= UInt64(LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT)
            vhost = lws_create_vhost(context, &info)
            guard vhost != nil else { throw HTTPClient.Failure(description: "TLS could not start") }
        }
        let microseconds = timeout.components.seconds * 1_000_000
        let deadline = lws_now_usecs() + microseconds
        // it only wakes the loop below: lws_service() sleeps until something happens
        lws_sul_schedule(context, 0, timer, { _ in }, microseconds)
        defer { lws_sul_schedule(context, 0, timer, { _ in }, lws_usec_t(LWS_SET_TIMER_USEC_CANCEL)) }
        guard connect(in: context, trustsAnyCertificate: trustsAnyCertificate) || failure != nil else {
            throw HTTPClient.Failure(description: "\(target.hostField) cannot be reached")
        }
        while !isOver, lws_service(context, 0) >= 0 {
            guard lws_now_usecs() < deadline else {
                throw HTTPClient.Failure(description: "\(target.hostField) did not answer in time")
            }
        }
        if let failure { throw failure }
        guard let status else {
            throw HTTPClient.Failure(description: "\(target.hostField) closed the connection without an answer")
        }
        return HTTPResponse(status: status, headers: received, body: receivedBody)
    }

    /// Done once: with each context that asks for it libwebsockets has OpenSSL make a place in every connection of the
    /// process, for good.
    private static let prepareOpenSSL: Void = {
        var info = lws_context_creation_info()
        info.port = CONTEXT_PORT_NO_LISTEN
        info.uid = .init(truncatingIfNeeded: -1)
        info.gid = .init(truncatingIfNeeded: -1)
        info.fd_limit_per_thread = 16
        info.options = UInt64(LWS_SERVER_OPTION_EXPLICIT_VHOSTS) | UInt64(LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT)
        lws_context_destroy(lws_create_context(&info))
    }()

    private func connect(in context: OpaquePointer, trustsAnyCertificate: Bool) -> Bool {
        var flags = LCCSCF_HTTP_NO_FOLLOW_REDIRECT.rawValue
        if target.isSecure {
            flags |= LCCSCF_USE_SSL.rawValue
            if trustsAnyCertificate {
                flags |=
                    LCCSCF_ALLOW_SELFSIGNED.rawValue | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK.rawValue
                    | LCCSCF_ALLOW_EXPIRED.rawValue | LCCSCF_ALLOW_INSECURE.rawValue
            }
        }
        return target.host.withCString { address in
            target.path.withCString { path in
                target.hostField.withCString { host in
                    method.withCString { method in
                        "http/1.1".withCString { alpn in
                            var connection = lws_client_connect_info()
                            connection.context = context
                            connection.vhost = vhost
                            connection.address = address
                            connection.port = Int32(target.port)
                            connection.ssl_connection = Int32(bitPattern: flags)
                            connection.path = path
                            connection.host = host
                            connection.method = method
                            connection.alpn = alpn
                            connection.protocol = UnsafePointer(protocolName)
                            return lws_client_connect_via_info(&connection) != nil
                        }
                    }
                }
            }
        }
    }

    // MARK: - What libwebsockets tells

    fileprivate func handle(
        _ reason: lws_callback_reasons, _ wsi: WSI, _ bytes: UnsafeMutableRawPointer?, _ count: Int
    ) -> Int32 {
        switch reason {
        case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
            let text = bytes.map { String(cString: $0.assumingMemoryBound(to: CChar.self)) }
            let complaint = "\(target.hostField) cannot be asked" + (text.map { ": \($0)" } ?? "")
            failure = failure ?? HTTPClient.Failure(description: complaint)
            isOver = true
        case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
            return bytes.map { appendHeaders(wsi, $0, count) } ?? 0
        case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
            return sendBody(wsi)
        case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
            status = Int(lws_http_client_http_response(wsi))
            received = RequestHead.fields(of: wsi)
        case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
            return readBody(wsi)
        case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
            receivedBody += UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count)
            guard receivedBody.count <= HTTPClient.bodyLimit else {
                failure = HTTPClient.Failure(description: "\(target.hostField) answers with too much")
                return -1
            }
        case LWS_CALLBACK_COMPLETED_CLIENT_HTTP, LWS_CALLBACK_CLOSED_CLIENT_HTTP, LWS_CALLBACK_WSI_DESTROY:
            isOver = true
        default:
            break
        }
        return 0
    }

    /// libwebsockets writes the request's head, and lets the rest be appended to it.
    private func appendHeaders(_ wsi: WSI, _ place: UnsafeMutableRawPointer, _ room: Int) -> Int32 {
        let position = place.assumingMemoryBound(to: UnsafeMutablePointer<UInt8>?.self)
        guard let start = position.pointee else { return -1 }
        var fields = headers
        if !body.isEmpty || method == "POST" || method == "PATCH" {
            fields.append(.init("Content-Length", String(body.count)))
        }
        for field in fields {
            let value = Array(field.value.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 })
            let result = "\(field.name):".withCString { name in
                name.withMemoryRebound(to: UInt8.self, capacity: field.name.utf8.count + 1) {
                    lws_add_http_header_by_name(
                        wsi, $0, value, Int32(value.count), position, start + max(0, room - 12))
                }
            }
            guard result == 0 else {
                failure = HTTPClient.Failure(description: "the request's head is too long")
                return -1
            }
        }
        if !body.isEmpty {
            lws_client_http_body_pending(wsi, 1)
            lws_callback_on_writable(wsi)
        }
        return 0
    }

    private func sendBody(_ wsi: WSI) -> Int32 {
        guard !body.isEmpty, status == nil else { return 0 }
        var bytes = [UInt8](repeating: 0, count: frameStart) + body
        lws_client_http_body_pending(wsi, 0)
        return bytes.write(frameStart..<bytes.count, to: wsi, as: LWS_WRITE_HTTP_FINAL) ? 0 : -1
    }

    /// Has libwebsockets take the body out of its transfer coding; what comes of it is given to `_READ`.
    private func readBody(_ wsi: WSI) -> Int32 {
        var buffer = [UInt8](repeating: 0, count: frameStart + 4096)
        return buffer.withUnsafeMutableBytes { buffer in
            var place = buffer.baseAddress.map { ($0 + frameStart).assumingMemoryBound(to: CChar.self) }
            var room = Int32(buffer.count - frameStart)
            return lws_http_client_read(wsi, &place, &room) < 0 ? -1 : 0
        }
    }
}

private func clientCallback(
    _ wsi: OpaquePointer?, _ reason: lws_callback_reasons, _ user: UnsafeMutableRawPointer?,
    _ bytes: UnsafeMutableRawPointer?, _ count: Int
) -> Int32 {
    guard let wsi, let context = lws_get_context(wsi), let user = lws_context_user(context) else { return 0 }
    return Unmanaged<HTTPExchange>.fromOpaque(user).takeUnretainedValue().handle(reason, wsi, bytes, count)
}
