import Wire

/// Which network interfaces and addresses media may use.
struct InterfaceFilter {
    private let included: [String]
    private let excluded: [String]
    private let family: Configuration.AddressFamily

    init(_ configuration: Configuration.Network) {
        included = configuration.interfaces.filter { !$0.hasPrefix("!") }
        excluded = configuration.interfaces.filter { $0.hasPrefix("!") }.map { String($0.dropFirst()) }
        family = configuration.addressFamily
    }

    /// Whether an address may be used.
    func admits(_ interface: NetworkInterface) -> Bool {
        let isOfFamily =
            switch family {
            case .any: true
            case .ipv4: !interface.address.isIPv6
            case .ipv6: interface.address.isIPv6
            }
        return isOfFamily && (included.isEmpty || names(interface.name))
            && !excluded.contains { Self.matches(interface.name[...], $0[...]) }
    }

    /// Whether an interface is named rather than just not left out.
    func names(_ interface: String) -> Bool { included.contains { Self.matches(interface[...], $0[...]) } }

    /// Whether `name` is as `pattern` says, in which `*` stands for any text and `?` for any character.
    private static func matches(_ name: Substring, _ pattern: Substring) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == "*" {
            return name.indices.contains { matches(name[$0...], pattern.dropFirst()) }
                || matches(name.suffix(0), pattern.dropFirst())
        }
        guard let character = name.first, first == "?" || first == character else { return false }
        return matches(name.dropFirst(), pattern.dropFirst())
    }
}
