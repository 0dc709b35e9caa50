internal import Glibc

/// A TCP socket that listens, made here rather than by libwebsockets so that a failure has a reason, all addresses of
/// both families can be one socket, and connections can be refused before they cost anything.
struct ListeningSocket: ~Copyable {
    private(set) var descriptor: Int32
    let port: UInt16

    /// Listens on `address` (all of IPv4 and IPv6 where empty) and `port` (any that is free where 0).
    init(address: String, port: UInt16) throws(WebError) {
        guard address.isEmpty else {
            descriptor = try ListeningSocket.listen(address, port)
            self.port = ListeningSocket.localPort(of: descriptor)
            return
        }
        do {
            descriptor = try ListeningSocket.listen("::", port, shown: "")
        } catch {
            // A machine without IPv6.
            guard case .noSuchAddress = error else { throw error }
            descriptor = try ListeningSocket.listen("0.0.0.0", port, shown: "")
        }
        self.port = ListeningSocket.localPort(of: descriptor)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Hands the descriptor over to someone who will close it.
    consuming func release() -> Int32 {
        let released = descriptor
        descriptor = -1
        return released
    }

    private static func listen(_ address: String, _ port: UInt16, shown: String? = nil) throws(WebError) -> Int32 {
        let shown = shown ?? address
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address, String(port), &hints, &found) == 0, let info = found?.pointee else {
            throw .noSuchAddress(address)
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(
            info.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw failure(errno, address, shown, port) }
        var on: Int32 = 1
        var off: Int32 = 0
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
        if info.ai_family == AF_INET6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, size)
        }
        guard bind(descriptor, info.ai_addr, info.ai_addrlen) == 0, Glibc.listen(descriptor, 64) == 0 else {
            let code = errno
            close(descriptor)
            throw failure(code, address, shown, port)
        }
        return descriptor
    }

    private static func failure(_ code: Int32, _ address: String, _ shown: String, _ port: UInt16) -> WebError {
        switch code {
        case EADDRINUSE: .portInUse(address: shown, port: port)
        case EACCES, EPERM: .notPermitted(address: shown, port: port)
        case EADDRNOTAVAIL, EAFNOSUPPORT: .noSuchAddress(address)
        default: .system("cannot listen on port \(port): \(String(cString: strerror(code)))")
        }
    }

    private static func localPort(of descriptor: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
            return pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                UInt16(bigEndian: $0.pointee.sin6_port)
            }
        }
    }
}

/// A TCP connection that was just accepted.
struct AcceptedConnection {
    let descriptor: Int32
    let remoteAddress: String

    /// Why no connection was accepted.
    enum Failure: Error {
        /// None waits.
        case none
        /// The process or the system has no descriptor left.
        case outOfDescriptors
    }

    /// Accepts the next connection that waits.
    init(from listener: Int32) throws(Failure) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let accepted = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                accept(listener, $0, &length)
            }
        }
        guard accepted >= 0 else {
            throw errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM ? .outOfDescriptors : .none
        }
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        var on: Int32 = 1
        setsockopt(accepted, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        descriptor = accepted
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        _ = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getnameinfo($0, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
            }
        }
        let text = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // An IPv4 client of the socket for both families.
        remoteAddress = text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text
    }
}
