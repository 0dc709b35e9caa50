import Glibc
import Wire

/// One HTTP/1.1 request to a server on this machine or the lab's network, on a connection of its own.
public struct HTTPClient {
    /// The server's answer.
    public struct Response {
        /// The status code.
        public let status: Int
        /// The header fields by their names in lower case.
        public let headers: [String: String]
        /// The body.
        public let body: String
    }

    /// Why there was no answer.
    public struct Failure: Error, CustomStringConvertible {
        /// The reason.
        public let description: String
    }

    private let host: IPAddress
    private let port: UInt16

    /// A client of the server at `address`.
    public init(_ address: SocketAddress) {
        host = address.ip
        port = address.port
    }

    /// Sends `method path` with `body` and waits, at most ten seconds, for the whole answer.
    public func send(_ method: String, _ path: String, type: String? = nil, body: String = "") throws(Failure)
        -> Response
    {
        let descriptor = try connect()
        defer { close(descriptor) }
        var request = "\(method) \(path) HTTP/1.1\r\nHost: \(SocketAddress(host, port: port))\r\nConnection: close\r\n"
        if let type { request += "Content-Type: \(type)\r\n" }
        request += "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        var rest = Array(request.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Failure(description: "the server does not read") }
            rest = rest.dropFirst(count)
        }
        return try response(from: descriptor)
    }

    private func connect() throws(Failure) -> Int32 {
        guard case .v4(let value) = host else { throw Failure(description: "only IPv4 servers are asked") }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = value.bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Failure(description: "cannot connect to \(SocketAddress(host, port: port)): \(reason)")
        }
        return descriptor
    }

    private func response(from descriptor: Int32) throws(Failure) -> Response {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else {
            throw Failure(description: "the answer has no end of headers")
        }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw Failure(description: "the answer has no status")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " }) }
        }
        return Response(status: status, headers: headers, body: String(text[end.upperBound...]))
    }
}

extension String {
    /// The first place where `text` stands.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].utf8.starts(with: text.utf8) {
                return start..<utf8.index(start, offsetBy: text.utf8.count)
            }
            start = utf8.index(after: start)
        }
        return nil
    }
}
