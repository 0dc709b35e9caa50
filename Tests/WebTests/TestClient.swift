import Glibc
import Testing
import Web

/// A TCP client that blocks, at most 20 seconds.
final class TestClient {
    private let descriptor: Int32
    private var received: [UInt8] = []
    private(set) var isAtEnd = false

    init(_ server: TestServer, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if var receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = server.port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw TimedOut() }
    }

    deinit {
        close(descriptor)
    }

    func send(_ text: String) {
        send(Array(text.utf8))
    }

    /// Sends everything, or as much as the other side takes before it closes.
    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(descriptor, buffer.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Says that nothing more will be sent.
    func endSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Ends the connection without a word, as a browser that was killed.
    func reset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private func receive() throws {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 {
            received += buffer[..<count]
        } else if count == 0 || errno == ECONNRESET {
            isAtEnd = true
        } else {
            throw TimedOut()
        }
    }

    /// The next `count` bytes; fewer where the connection ends before.
    func read(_ count: Int) throws -> [UInt8] {
        while received.count < count, !isAtEnd { try receive() }
        let bytes = Array(received.prefix(count))
        received.removeFirst(bytes.count)
        return bytes
    }

    /// Everything until the other side closes.
    func readToEnd() throws -> [UInt8] {
        while !isAtEnd { try receive() }
        defer { received = [] }
        return received
    }

    /// An answer as it came.
    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// The next answer; nil where the connection ends first.
    func readAnswer(toHead: Bool = false) throws -> Answer? {
        let end = Array("\r\n\r\n".utf8)
        var length: Int?
        while length == nil {
            length = received.indices.first { received[$0...].starts(with: end) }
            if length == nil {
                guard !isAtEnd else { return nil }
                try receive()
            }
        }
        let head = String(decoding: try read((length ?? 0) + 4), as: UTF8.self)
        var lines = head.split(separator: "\r\n")
        let status = Int(lines.removeFirst().split(separator: " ")[1]) ?? 0
        var headers: [String: String] = [:]
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts[1].drop { $0 == " " }.description
        }
        let bodyLength = toHead ? 0 : headers["content-length"].flatMap { Int($0) } ?? 0
        return Answer(status: status, headers: headers, body: try read(bodyLength))
    }

    /// Sends a request over a connection of its own and reads the answer.
    static func request(
        _ server: TestServer, _ method: String, _ path: String, headers: [String] = [], body: String? = nil
    ) throws -> Answer {
        let client = try TestClient(server)
        var text = "\(method) \(path) HTTP/1.1\r\nHost: door.test\r\n"
        for header in headers { text += "\(header)\r\n" }
        if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
        client.send("\(text)\r\n\(body ?? "")")
        return try #require(try client.readAnswer(toHead: method == "HEAD"))
    }

    // MARK: - WebSocket

    /// Asks for a WebSocket and reads the answer.
    func upgrade(path: String = "/ws", host: String = "door.test", headers: [String] = []) throws -> Answer {
        var text = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        text += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        for header in headers { text += "\(header)\r\n" }
        send("\(text)\r\n")
        return try #require(try readAnswer())
    }

    struct Frame: Equatable {
        var opcode: UInt8
        var isFinal = true
        var payload: [UInt8]

        var text: String { String(decoding: payload, as: UTF8.self) }
        /// A close frame's code.
        var code: UInt16? { payload.count >= 2 ? UInt16(payload[0]) << 8 | UInt16(payload[1]) : nil }

        static func text(_ text: String) -> Frame { Frame(opcode: 1, payload: Array(text.utf8)) }
    }

    func send(_ frame: Frame) {
        send(header(frame, length: frame.payload.count) + TestClient.mask(frame.payload))
    }

    private static let mask: [UInt8] = [0x12, 0x34, 0x56, 0x78]

    static func mask(_ payload: [UInt8]) -> [UInt8] {
        payload.enumerated().map { $1 ^ mask[$0 % 4] }
    }

    /// The beginning of a frame that says it has `length` bytes.
    func header(_ frame: Frame, length: Int) -> [UInt8] {
        let masked: UInt8 = 0x80
        var bytes = [frame.opcode | (frame.isFinal ? 0x80 : 0)]
        switch length {
        case ..<126: bytes.append(masked | UInt8(length))
        case ..<65_536: bytes += [masked | 126, UInt8(length >> 8), UInt8(length & 0xFF)]
        default:
            bytes.append(masked | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: length >> shift))
            }
        }
        return bytes + TestClient.mask
    }

    /// The next frame; nil where the connection ends first.
    func readFrame() throws -> Frame? {
        let start = try read(2)
        guard start.count == 2 else { return nil }
        var length = Int(start[1] & 0x7F)
        if length >= 126 {
            length = try read(length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
        }
        return Frame(opcode: start[0] & 0x0F, isFinal: start[0] & 0x80 != 0, payload: try read(length))
    }

    /// The next text, with pings answered on the way; nil where the socket closes first.
    func readText() throws -> String? {
        while let frame = try readFrame() {
            switch frame.opcode {
            case 1: return frame.text
            case 9: send(Frame(opcode: 10, payload: frame.payload))
            default: return nil
            }
        }
        return nil
    }

    /// The code that the server closes with; nil where the connection just ends.
    func readClose() throws -> UInt16? {
        while let frame = try readFrame() {
            guard frame.opcode == 8 else { continue }
            send(Frame(opcode: 8, payload: frame.payload))
            return frame.code
        }
        return nil
    }
}
