internal import CWebSockets
private import Synchronization

// What libwebsockets is asked, in Swift's types.

/// A connection or a listening descriptor of libwebsockets (`struct lws *`), valid until its WSI_DESTROY.
typealias WSI = OpaquePointer

/// Where a frame's text begins in its bytes: behind what lws_write() wants free.
let frameStart = doorward_lws_pre()

/// What a request's header table holds.
struct RequestHead {
    var method: String
    var path: String
    /// Path and query as they stand in an address (RFC 3986 §3.3, §3.4).
    var target: String
    var query: [String: String]
    var headers: [String: String]
    /// Whether this is HTTP/1.1, rather than 1.0.
    var isCurrent: Bool

    var host: String { headers["host"] ?? "" }

    // lws_token_indexes in the order of lws_token_to_string(); methods are tokens too.
    private static let methods: [(token: lws_token_indexes, name: String)] = [
        (WSI_TOKEN_GET_URI, "GET"), (WSI_TOKEN_HEAD_URI, "HEAD"), (WSI_TOKEN_POST_URI, "POST"),
        (WSI_TOKEN_OPTIONS_URI, "OPTIONS"), (WSI_TOKEN_PUT_URI, "PUT"), (WSI_TOKEN_PATCH_URI, "PATCH"),
        (WSI_TOKEN_DELETE_URI, "DELETE"),
    ]

    private static let fields: [(token: lws_token_indexes, name: String)] =
        (0..<WSI_TOKEN_COUNT.rawValue).compactMap { index in
            let token = lws_token_indexes(rawValue: index)
            guard let text = lws_token_to_string(token) else { return nil }
            let name = String(cString: text)
            // "host:" is a field, ":path" is HTTP/2's, "get " is a method.
            guard name.hasSuffix(":"), !name.hasPrefix(":") else { return nil }
            return (token, String(name.dropLast()))
        }

    /// The head of the request that `wsi` is at; nil where it is none that this server understands.
    init?(of wsi: WSI) {
        guard let (token, method) = RequestHead.methods.first(where: { lws_hdr_total_length(wsi, $0.token) > 0 }),
            let path = RequestHead.text(wsi, token), path.hasPrefix("/")
        else { return nil }
        self.method = method
        self.path = path
        headers = [:]
        for (token, name) in RequestHead.fields where lws_hdr_total_length(wsi, token) > 0 {
            guard let value = RequestHead.text(wsi, token) else { return nil }
            headers[name] = value
        }
        query = [:]
        target = RequestHead.percentEncoded(path)
        var index: Int32 = 0
        while let parameter = RequestHead.fragment(wsi, WSI_TOKEN_HTTP_URI_ARGS, index) {
            target += (index == 0 ? "?" : "&") + RequestHead.percentEncoded(parameter)
            let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if let name = parts.first, !name.isEmpty { query[String(name)] = String(parts.dropFirst().first ?? "") }
            index += 1
        }
        isCurrent = RequestHead.text(wsi, WSI_TOKEN_HTTP)?.hasPrefix("HTTP/1.1") == true
    }

    /// The request of which this is the head.
    func request(from connection: Connection, body: [UInt8] = []) -> HTTPRequest {
        HTTPRequest(
            method: method, path: path, query: query, headers: headers, body: body,
            remoteAddress: connection.remoteAddress, host: host, isSecure: connection.isSecure)
    }

    /// The header fields of the answer that `wsi` has got; those that are no text are left out.
    static func fields(of wsi: WSI) -> [HTTPResponse.Header] {
        RequestHead.fields.compactMap { token, name in
            guard lws_hdr_total_length(wsi, token) > 0 else { return nil }
            return text(wsi, token).map { HTTPResponse.Header(name, $0) }
        }
    }

    private static func percentEncoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { encoded, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where "-._~!$'()*,;:@/=".utf8.contains(byte):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
    }

    private static func text(_ wsi: WSI, _ token: lws_token_indexes) -> String? {
        let length = Int(lws_hdr_total_length(wsi, token))
        let bytes = [UInt8](unsafeUninitializedCapacity: length + 1) { buffer, count in
            buffer.withMemoryRebound(to: CChar.self) {
                count = max(0, Int(lws_hdr_copy(wsi, $0.baseAddress, Int32(length + 1), token)))
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func fragment(_ wsi: WSI, _ token: lws_token_indexes, _ index: Int32) -> String? {
        let length = Int(lws_hdr_fragment_length(wsi, token, index))
        guard length > 0 else { return nil }
        let bytes = [UInt8](unsafeUninitializedCapacity: length + 1) { buffer, count in
            buffer.withMemoryRebound(to: CChar.self) {
                count = max(0, Int(lws_hdr_copy_fragment(wsi, $0.baseAddress, Int32(length + 1), token, index)))
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension [UInt8] {
    /// Hands the bytes in `range` to libwebsockets, which keeps what the socket does not take at once; there must be
    /// `frameStart` bytes in front, which it may overwrite. False where the connection is broken.
    mutating func write(_ range: Range<Int>, to wsi: WSI, as kind: lws_write_protocol) -> Bool {
        precondition(range.lowerBound >= frameStart && range.upperBound <= count)
        return withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return true }
            return lws_write(wsi, base + range.lowerBound, range.count, kind) >= 0
        }
    }
}

/// What libwebsockets complains of. Before 4.3 its log is one for the whole process, so the last server started hears it.
enum LibraryLog {
    private static let sink = Mutex<(@Sendable (String) -> Void)?>(nil)

    static func route(to log: @escaping @Sendable (String) -> Void) {
        sink.withLock { $0 = log }
        lws_set_log_level(LLL_ERR | LLL_WARN, emit)
    }

    /// Where nobody hears the log, nothing is written: a client tells of its failures itself.
    static func silenceUnlessRouted() {
        sink.withLock { if $0 == nil { lws_set_log_level(0, nil) } }
    }

    /// Tells of trouble that is not the library's own.
    static func note(_ text: String) {
        sink.withLock { $0 }?(text)
    }

    /// Takes a line of the library's.
    static let emit: @Sendable @convention(c) (Int32, UnsafePointer<CChar>?) -> Void = { _, line in
        guard let line else { return }
        let text = String(cString: line).split(whereSeparator: \.isNewline).joined(separator: " ")
        LibraryLog.sink.withLock { $0 }?("libwebsockets: \(text)")
    }
}
