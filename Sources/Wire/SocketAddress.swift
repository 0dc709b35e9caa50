/// An IPv4 or IPv6 address.
public enum IPAddress: Hashable, Sendable {
    /// An IPv4 address as a number, most significant byte first.
    case v4(UInt32)
    /// An IPv6 address as two numbers, most significant byte first, with the scope (interface index) of a link-local
    /// one, else 0.
    case v6(high: UInt64, low: UInt64, scope: UInt32 = 0)

    /// The address in its text form; nil for anything else. A zone (`%eth0`) is not accepted.
    public init?(_ text: some StringProtocol) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            self.init(ipv6: text)
        } else if let value = IPAddress.ipv4(text) {
            self = .v4(value)
        } else {
            return nil
        }
    }

    /// Whether this is an IPv6 address.
    public var isIPv6: Bool {
        if case .v6 = self { true } else { false }
    }

    /// Whether this is 127.0.0.0/8 or ::1.
    public var isLoopback: Bool {
        switch self {
        case .v4(let value): value >> 24 == 127
        case .v6(let high, let low, _): high == 0 && low == 1
        }
    }

    /// Whether this is 169.254.0.0/16 or fe80::/10.
    public var isLinkLocal: Bool {
        switch self {
        case .v4(let value): value >> 16 == 0xA9FE
        case .v6(let high, _, _): high >> 54 == 0x3FA
        }
    }

    /// Whether this is 0.0.0.0 or ::.
    public var isUnspecified: Bool {
        switch self {
        case .v4(let value): value == 0
        case .v6(let high, let low, _): high == 0 && low == 0
        }
    }

    /// The address in network byte order: 4 or 16 bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .v4(let value):
            bytes.append(uint32: value)
        case .v6(let high, let low, _):
            bytes.append(uint64: high)
            bytes.append(uint64: low)
        }
        return bytes
    }

    private static func ipv4(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            // RFC 6943 §3.1.1: to some readers a leading zero makes an octet octal, so that none is accepted.
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != UInt8(ascii: "0"), let octet = UInt8(part)
            else { return nil }
            value = value << 8 | UInt32(octet)
        }
        return value
    }

    // RFC 4291 §2.2: eight groups of hexadecimal digits, one run of zeros may be "::", the last 32 bits may be dotted.
    private init?(ipv6 text: some StringProtocol) {
        var halves: [[UInt16]] = [[]]
        var rest = Substring(text)
        if rest.hasPrefix("::") {
            halves.append([])
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let group = rest.prefix { $0 != ":" }
            rest = rest.dropFirst(group.count)
            if rest.isEmpty, group.contains("."), let value = IPAddress.ipv4(group) {
                halves[halves.count - 1] += [UInt16(value >> 16), UInt16(truncatingIfNeeded: value)]
                continue
            }
            guard (1...4).contains(group.utf8.count), group.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }),
                let value = UInt16(group, radix: 16)
            else { return nil }
            halves[halves.count - 1].append(value)
            if rest.hasPrefix("::") {
                guard halves.count == 1 else { return nil }
                halves.append([])
                rest = rest.dropFirst(2)
            } else if rest.hasPrefix(":") {
                rest = rest.dropFirst()
                guard !rest.isEmpty else { return nil }
            }
        }
        let given = halves.reduce(0) { $0 + $1.count }
        guard halves.count == 1 ? given == 8 : given < 8 else { return nil }
        let zeros = [UInt16](repeating: 0, count: 8 - given)
        let groups = halves[0] + zeros + (halves.count == 2 ? halves[1] : [])
        let words = groups.map(UInt64.init)
        self = .v6(
            high: words[0] << 48 | words[1] << 32 | words[2] << 16 | words[3],
            low: words[4] << 48 | words[5] << 32 | words[6] << 16 | words[7])
    }
}

extension IPAddress: CustomStringConvertible {
    /// The canonical text form (RFC 5952 for IPv6, without a zone).
    public var description: String {
        switch self {
        case .v4(let value):
            return (0..<4).map { String(value >> (24 - 8 * UInt32($0)) & 0xFF) }.joined(separator: ".")
        case .v6(0, let low, _) where low >> 32 == 0xFFFF:
            // RFC 5952 §5: an IPv4 address in IPv6's clothes shows it.
            return "::ffff:\(IPAddress.v4(UInt32(truncatingIfNeeded: low)))"
        case .v6(let high, let low, _):
            let groups = [high, low].flatMap { word in
                (0..<4).map { UInt16(truncatingIfNeeded: word >> (48 - 16 * UInt64($0))) }
            }
            let text: (ArraySlice<UInt16>) -> String = { groups in
                groups.map { String($0, radix: 16) }.joined(separator: ":")
            }
            guard let zeros = IPAddress.longestZeroRun(groups) else { return text(groups[...]) }
            return text(groups[..<zeros.lowerBound]) + "::" + text(groups[zeros.upperBound...])
        }
    }

    // RFC 5952 §4.2: the longest run of at least two zero groups, the first of equals.
    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
        var longest = 0..<0
        var start = 0
        while start < groups.count {
            var end = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start > longest.count { longest = start..<end }
            start = max(end, start + 1)
        }
        return longest.count >= 2 ? longest : nil
    }
}

/// A transport address: an IP address and a UDP or TCP port.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// The IP address.
    public var ip: IPAddress
    /// The port, in host byte order.
    public var port: UInt16

    /// The transport address of `port` at `ip`.
    public init(_ ip: IPAddress, port: UInt16) {
        self.ip = ip
        self.port = port
    }

    /// `192.0.2.1:5000` or `[2001:db8::1]:5000`.
    public var description: String {
        ip.isIPv6 ? "[\(ip)]:\(port)" : "\(ip):\(port)"
    }
}
