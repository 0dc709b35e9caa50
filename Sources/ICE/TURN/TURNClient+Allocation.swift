import Wire

/// The allocation's life: Allocate, Refresh (RFC 8656 §7, §8).
extension TURNClient {
    /// What a server that tells no lifetime means (RFC 8656 §3.2).
    private static let defaultLifetime: Duration = .seconds(600)
    /// The longest that is believed (RFC 8656 §7.2 recommends servers to allow one hour at most).
    private static let maximumLifetime: Duration = .seconds(86_400)
    /// How often 437 makes the client try another port (RFC 8656 §7.4: "three times").
    private static let maximumMismatches = 3
    private static let maximumRedirections = 5

    mutating func begin(on transport: Transport, at now: Instant) {
        self.transport = transport
        state = .allocating
        reader = TURNStreamReader()
        allocate(at: now)
    }

    func allocationAttributes() -> [STUNAttribute] {
        let udp: UInt8 = 17
        return switch families {
        case .ipv4: [.requestedTransport(udp)]
        // RFC 8656 §7.1: "the ADDITIONAL-ADDRESS-FAMILY attribute with the IPv6 address family"
        case .both: [.requestedTransport(udp), .additionalAddressFamily(2)]
        case .ipv6: [.requestedTransport(udp), .requestedAddressFamily(2)]
        }
    }

    mutating func allocate(at now: Instant) {
        patienceEnds = now + configuration.timing.gatheringTimeout
        request(.allocate, method: .allocate, attributes: allocationAttributes(), at: now)
    }

    mutating func allocated(_ response: STUNMessage, at now: Instant) {
        var addresses: [SocketAddress] = []
        for address in response.relayedAddresses where !address.ip.isUnspecified && address.port != 0 {
            if !addresses.contains(where: { $0.ip.isIPv6 == address.ip.isIPv6 }) { addresses.append(address) }
        }
        guard !addresses.isEmpty else {
            return end(TURNError(code: 701, reason: "The server has told no relayed address"))
        }
        state = .allocated
        patienceEnds = nil
        relayedAddresses = addresses
        renew(response.lifetime, at: now)
        emit(.allocated(addresses, mapped: response.mappedAddress))
    }

    mutating func refresh(at now: Instant) {
        refreshAt = nil
        requests.removeAll { $0.purpose == .refresh }
        request(.refresh, method: .refresh, attributes: [], at: now)
    }

    mutating func refreshed(_ response: STUNMessage, at now: Instant) {
        formerCredentials = nil
        renew(response.lifetime, at: now)
    }

    private mutating func renew(_ seconds: UInt32?, at now: Instant) {
        let told = seconds.map { Duration.seconds(Int64($0)) } ?? Self.defaultLifetime
        let lifetime = min(max(told, .seconds(1)), Self.maximumLifetime)
        expiresAt = now + lifetime
        // RFC 8656 §8: "at least one minute before" it expires is what clients do; of a short one half is left
        refreshAt = now + (lifetime > .seconds(120) ? lifetime - .seconds(60) : lifetime / 2)
    }

    // MARK: Errors

    /// The server has refused Allocate.
    mutating func allocationRefused(_ error: TURNError, response: STUNMessage, isAuthentic: Bool, at now: Instant) {
        switch error.code {
        case 300:
            redirect(response, error, at: now)
        case 437 where mismatches < Self.maximumMismatches:
            // RFC 8656 §7.4: the 5-tuple has an allocation already; "the client SHOULD … pick an alternate client
            // port". Of a crash, say: that one ends by itself.
            mismatches += 1
            wantTransport(server: transport?.server, name: configuration.url.host, at: now)
        case 440 where families == .both:
            // "Address Family not Supported" is told when IPv4 is missing: an additional family alone is not an error
            families = .ipv6
            allocate(at: now)
        default:
            end(error)
        }
    }

    /// RFC 8489 §10. The client "MUST" not go in circles.
    private mutating func redirect(_ response: STUNMessage, _ error: TURNError, at now: Instant) {
        guard let transport, let alternate = response.alternateServer else { return end(error) }
        triedServers.append(transport.server)
        guard !triedServers.contains(alternate), triedServers.count <= Self.maximumRedirections,
            alternate.ip.isIPv6 == transport.local.ip.isIPv6, !alternate.ip.isUnspecified, alternate.port != 0
        else { return end(error) }
        // the challenge was another server's
        credentials = LongTermCredentials(username: credentials.username, password: credentials.password)
        wantTransport(server: alternate, name: response.alternateDomain ?? configuration.url.host, at: now)
    }

    private mutating func wantTransport(server: SocketAddress?, name: String, at now: Instant) {
        guard let server else { return }
        transport = nil
        state = .waiting
        requests = []
        patienceEnds = now + configuration.timing.gatheringTimeout
        emit(.transportWanted(server: server, name: name))
    }

    /// The server has refused Refresh.
    mutating func refreshRefused(_ error: TURNError, at now: Instant) {
        switch error.code {
        case 437:
            // RFC 8656 §8.3: "the client should consider the allocation deleted"
            end(error)
        case 401, 441:
            if let former = formerCredentials {
                formerCredentials = nil
                credentials = former
                emit(.replacementWanted)
                refresh(at: now)
            } else if credentialsWantedAt == nil {
                // what was valid is not any more: until the end only new credentials help
                emit(.credentialsWanted)
            }
        default:
            guard let end = expiresAt else { return }
            refreshAt = now + min(.seconds(5), max(end - now, .zero) / 2)
        }
    }
}
