internal import CWebSockets
internal import Glibc

/// An answer as it goes over the wire, and how far it got.
final class ResponseBytes {
    // The head and the body.
    private var bytes: [UInt8]
    // How many of them the socket has taken.
    private var position = 0
    /// When the client must have taken it, on lws_now_usecs()'s clock.
    var deadline: Int64 = 0
    /// How many bytes of the request's body are read before the connection ends, so that the client, which is still
    /// sending, comes to read the answer.
    var bodyToDrain = 0

    init(_ response: HTTPResponse, withoutBody: Bool = false) {
        let status = (200...599).contains(response.status) ? response.status : 500
        var head = "HTTP/1.1 \(status) \(ResponseBytes.reason(status))\r\n"
        head += "Date: \(ResponseBytes.date(time(nil)))\r\n"
        var defaults = ResponseBytes.defaults
        for header in response.headers where ResponseBytes.isToken(header.name) {
            let name = header.name.lowercased()
            guard !ResponseBytes.ownFields.contains(name) else { continue }
            defaults.removeAll { $0.name == name }
            head += "\(header.name): \(ResponseBytes.fieldValue(header.value))\r\n"
        }
        for field in defaults { head += field.line }
        head += "X-Content-Type-Options: nosniff\r\n"
        // RFC 9110 §8.6: no Content-Length in a 204; a 304 and the answer to HEAD may tell that of the 200 to GET.
        let bodiless = status == 204 || status == 304
        if !bodiless { head += "Content-Length: \(response.body.count)\r\n" }
        head += "Connection: close\r\n\r\n"
        bytes = Array(head.utf8)
        if !bodiless && !withoutBody { bytes += response.body }
    }

    /// How much of an answer has left.
    enum Progress {
        case complete
        /// The socket takes no more now.
        case blocked
        /// The connection is gone.
        case broken
    }

    /// Sends as much as the connection takes.
    ///
    /// Not through lws_write(): what it cannot send at once it keeps, and sends on only while it also reads, which it
    /// must not do here (see WebLoop+HTTP.swift).
    func send(to wsi: WSI) -> Progress {
        let tls = lws_get_ssl(wsi)
        while position < bytes.count {
            let step = tls.map(sendEncrypted) ?? sendPlain(lws_get_socket_fd(wsi))
            guard case .complete = step else { return step }
        }
        return .complete
    }

    // One step: `complete` where some of it left.
    private func sendPlain(_ socket: Int32) -> Progress {
        while true {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    socket, buffer.baseAddress.map { $0 + position }, bytes.count - position, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                position += count
                return .complete
            } else if errno == EAGAIN {
                return .blocked
            } else if errno != EINTR {
                return .broken
            }
        }
    }

    private func sendEncrypted(_ tls: OpaquePointer) -> Progress {
        ERR_clear_error()
        let count = bytes.withUnsafeBytes { buffer in
            SSL_write(tls, buffer.baseAddress.map { $0 + position }, Int32(clamping: bytes.count - position))
        }
        if count > 0 {
            position += Int(count)
            return .complete
        }
        let error = SSL_get_error(tls, count)
        return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? .blocked : .broken
    }

    // What an answer has that says nothing else. An answer that is no page loads nothing, whatever a browser takes it for.
    private static let defaults = [
        (name: "cache-control", line: "Cache-Control: no-store\r\n"),
        (name: "referrer-policy", line: "Referrer-Policy: no-referrer\r\n"),
        (
            name: "content-security-policy",
            line: "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
        ),
    ]

    private static let ownFields: Set<String> = [
        "content-length", "connection", "date", "transfer-encoding", "x-content-type-options",
    ]

    // RFC 9110 §5.6.2
    private static func isToken(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    // RFC 9110 §5.5: CR, LF and NUL in a value are dangerous; a line break would begin another field.
    private static func fieldValue(_ value: String) -> String {
        let safe = value.utf8.map { $0 < 0x20 && $0 != UInt8(ascii: "\t") || $0 == 0x7F ? UInt8(ascii: " ") : $0 }
        return String(decoding: safe, as: UTF8.self)
    }

    // RFC 9110 §5.6.7: IMF-fixdate
    private static func date(_ seconds: time_t) -> String {
        var seconds = seconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let two = { (number: Int32) in number < 10 ? "0\(number)" : "\(number)" }
        let day = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][Int(parts.tm_wday)]
        let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][
            Int(parts.tm_mon)]
        return "\(day), \(two(parts.tm_mday)) \(month) \(parts.tm_year + 1900) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 422: "Unprocessable Content"
        case 426: "Upgrade Required"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Status"
        }
    }
}
