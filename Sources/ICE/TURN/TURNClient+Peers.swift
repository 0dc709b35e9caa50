public import Wire

/// Leave to send to an address and to hear from it (RFC 8656 §9). What is to be sent before the server has given it
/// waits.
struct TURNPermission {
    enum State {
        case requested
        /// Given until then; to be asked for again at `renewAt`.
        case granted(until: Instant, renewAt: Instant)
        /// Refused; it may be asked for again at `until`.
        case refused(until: Instant)
    }

    let ip: IPAddress
    var state = State.requested
    var isRenewing = false
    /// Whether anything was sent since it was last granted: if not, it lapses.
    var isUsed = true
    var waiting: [(bytes: [UInt8], peer: SocketAddress)] = []

    var deadline: Instant? {
        switch state {
        case .requested: nil
        case .granted(let until, let renewAt): isRenewing ? until : renewAt
        case .refused(let until): until
        }
    }
}

/// A number that stands for a peer's address (RFC 8656 §12).
struct TURNChannel {
    enum State {
        case requested
        /// Bound until then; to be bound again at `renewAt`.
        case bound(until: Instant, renewAt: Instant)
        /// Not bound any more; RFC 8656 §12: the number, and the peer, may be bound to another only five minutes later.
        case lapsed(until: Instant)
    }

    let number: UInt16
    let peer: SocketAddress
    var state = State.requested
    var isRenewing = false
    var isUsed = true

    var deadline: Instant? {
        switch state {
        case .requested: nil
        case .bound(let until, let renewAt): isRenewing ? until : renewAt
        case .lapsed(let until): until
        }
    }

    var isBound: Bool {
        if case .bound = state { true } else { false }
    }
}

extension TURNClient {
    /// RFC 8656 §9: "the permission lifetime MUST be 300 seconds".
    private static let permissionLifetime: Duration = .seconds(300)
    /// RFC 8656 §12: "channel bindings last for 10 minutes".
    private static let channelLifetime: Duration = .seconds(600)
    /// How long before its end either is renewed.
    private static let renewalLead: Duration = .seconds(60)
    /// Addresses with permission at once, as many as ICE keeps remote candidates.
    private static let maximumPermissions = 64
    private static let maximumChannels = 16
    private static let channelNumbers: ClosedRange<UInt16> = 0x4000...0x4FFF
    /// Datagrams that wait for one permission: as many checks as may leave until it is given.
    private static let maximumWaiting = 4

    // MARK: Permissions

    /// The index of the permission for `ip`, which is asked for where it is not known; nil where there can be none.
    mutating func permission(for ip: IPAddress, at now: Instant) -> Int? {
        guard state == .allocated, relayedAddress(for: ip) != nil else {
            discard(.noAddress)
            return nil
        }
        if let known = permissions.firstIndex(where: { $0.ip == ip }) { return known }
        guard permissions.count < Self.maximumPermissions else {
            discard(.tooMany)
            return nil
        }
        permissions.append(TURNPermission(ip: ip))
        requestPermission(ip, at: now)
        return permissions.count - 1
    }

    private mutating func requestPermission(_ ip: IPAddress, at now: Instant) {
        // RFC 8656 §10.1: the port of a permission means nothing
        request(
            .permission(ip), method: .createPermission, attributes: [.xorPeerAddress(SocketAddress(ip, port: 0))],
            at: now)
    }

    mutating func permissionGranted(_ ip: IPAddress, at now: Instant) {
        guard let index = permissions.firstIndex(where: { $0.ip == ip }) else { return }
        let until = now + Self.permissionLifetime
        permissions[index].state = .granted(until: until, renewAt: until - Self.renewalLead)
        permissions[index].isRenewing = false
        permissions[index].isUsed = false
        let waiting = permissions[index].waiting
        permissions[index].waiting = []
        for (bytes, peer) in waiting { send(bytes, to: peer, at: now) }
    }

    mutating func permissionRefused(_ ip: IPAddress, _ error: TURNError, at now: Instant) {
        guard error.code != 437 else { return end(error) }
        guard let index = permissions.firstIndex(where: { $0.ip == ip }) else { return }
        // one that is being renewed is good for the rest of its time
        if case .granted(let until, _) = permissions[index].state, error.code != 403 {
            permissions[index].state = .granted(until: until, renewAt: until)
            return
        }
        for _ in permissions[index].waiting { discard(.notPermitted) }
        permissions[index].waiting = []
        // what was only lost may be asked for again
        let wait: Duration = error.code == 701 ? .zero : Self.permissionLifetime
        permissions[index].state = .refused(until: now + wait)
    }

    mutating func renewPermissions(at now: Instant) {
        var renewed: [IPAddress] = []
        let bound = channels.filter(\.isBound).map(\.peer.ip)
        permissions.removeAll { permission in
            switch permission.state {
            case .requested: return false
            case .granted(let until, let renewAt):
                let isIdle = !permission.isUsed && !permission.isRenewing && !bound.contains(permission.ip)
                return now >= until || now >= renewAt && isIdle
            case .refused(let until): return now >= until
            }
        }
        for index in permissions.indices {
            guard case .granted(_, let renewAt) = permissions[index].state, now >= renewAt,
                !permissions[index].isRenewing
            else { continue }
            permissions[index].isRenewing = true
            renewed.append(permissions[index].ip)
        }
        for ip in renewed { requestPermission(ip, at: now) }
    }

    // MARK: Channels

    mutating func bindChannel(to peer: SocketAddress, at now: Instant) {
        guard permission(for: peer.ip, at: now) != nil, !channels.contains(where: { $0.peer == peer }) else { return }
        guard channels.count < Self.maximumChannels, Self.channelNumbers.contains(nextChannelNumber) else {
            return discard(.tooMany)
        }
        let number = nextChannelNumber
        nextChannelNumber += 1
        channels.append(TURNChannel(number: number, peer: peer))
        requestChannel(number, peer, at: now)
    }

    private mutating func requestChannel(_ number: UInt16, _ peer: SocketAddress, at now: Instant) {
        request(
            .channel(number), method: .channelBind, attributes: [.channelNumber(number), .xorPeerAddress(peer)],
            at: now)
    }

    mutating func channelBound(_ number: UInt16, at now: Instant) {
        guard let index = channels.firstIndex(where: { $0.number == number }) else { return }
        let until = now + Self.channelLifetime
        channels[index].state = .bound(until: until, renewAt: until - Self.renewalLead)
        channels[index].isRenewing = false
        channels[index].isUsed = false
        // RFC 8656 §12.2: binding a channel "also installs or refreshes a permission"
        permissionGranted(channels[index].peer.ip, at: now)
    }

    mutating func channelRefused(_ number: UInt16, _ error: TURNError, at now: Instant) {
        guard error.code != 437 else { return end(error) }
        guard let index = channels.firstIndex(where: { $0.number == number }) else { return }
        if case .bound(let until, _) = channels[index].state {
            channels[index].state = .bound(until: until, renewAt: until)
        } else {
            // without it data goes by indications
            channels[index].state = .lapsed(until: now + Self.permissionLifetime)
        }
    }

    mutating func renewChannels(at now: Instant) {
        var renewed: [(number: UInt16, peer: SocketAddress)] = []
        for index in channels.indices {
            guard case .bound(let until, let renewAt) = channels[index].state, now >= renewAt else { continue }
            if now >= until || !channels[index].isUsed {
                // what the server still binds it sends by the number until then
                if now >= until {
                    channels[index].state = .lapsed(until: until + Self.permissionLifetime)
                } else {
                    channels[index].state = .bound(until: until, renewAt: until)
                }
            } else if !channels[index].isRenewing {
                channels[index].isRenewing = true
                renewed.append((channels[index].number, channels[index].peer))
            }
        }
        channels.removeAll { channel in
            if case .lapsed(let until) = channel.state { now >= until } else { false }
        }
        for (number, peer) in renewed { requestChannel(number, peer, at: now) }
    }

    // MARK: Sending

    /// The way of datagrams to `peer` through the server; nil where it does not let them through (yet). The answer holds
    /// for one burst: it changes with the channels.
    public mutating func route(to peer: SocketAddress) -> DatagramRoute? {
        guard let transport, let index = permissions.firstIndex(where: { $0.ip == peer.ip }),
            case .granted = permissions[index].state
        else { return nil }
        permissions[index].isUsed = true
        var framing = DatagramRoute.Framing.indication(
            peer: peer, transactionID: STUNMessage.TransactionID(random: random))
        if let channel = channels.firstIndex(where: { $0.peer == peer }), channels[channel].isBound {
            channels[channel].isUsed = true
            framing = .channel(channels[channel].number)
        }
        return DatagramRoute(
            local: transport.local, remote: transport.server, stream: transport.stream, isPadded: transport.isReliable,
            framing: framing)
    }

    mutating func send(_ bytes: [UInt8], to peer: SocketAddress, at now: Instant) {
        guard let index = permission(for: peer.ip, at: now) else { return }
        switch permissions[index].state {
        case .requested:
            // a newer check says more than an older one
            if permissions[index].waiting.count == Self.maximumWaiting {
                permissions[index].waiting.removeFirst()
                discard(.tooMany)
            }
            permissions[index].waiting.append((bytes, peer))
        case .refused:
            discard(.notPermitted)
        case .granted:
            guard let route = route(to: peer) else { return }
            var framed: [UInt8] = []
            framed.reserveCapacity(bytes.count + 40)
            route.frame(into: &framed) { $0 += bytes }
            output(.transmit(framed))
        }
    }
}
