import ICE
import Wire

/// Every part is a datagram that comes to the port of multicast DNS, where one name is ours and another is looked up. The
/// first byte says how much time has passed, and whether a responder has sent it or a legacy asker.
func fuzzMDNS(_ bytes: [UInt8]) {
    let (ours, theirs) = (FuzzTarget.publishedName, FuzzTarget.wantedName)
    var core = MulticastDNS()
    var now = Instant.zero + .seconds(10)
    core.handle(.publish(ours, .v4(0xC000_0201)), at: now)
    core.handle(.publish(ours, .v6(high: 0x2001_0DB8_0000_0000, low: 1)), at: now)
    for part in parts(of: bytes).prefix(64) {
        guard let first = part.first else { continue }
        now += .milliseconds(Int(first & 0x7F) * 20)
        core.handle(.lookUp(theirs), at: now)
        if let deadline = core.deadline, deadline <= now { core.handle(.timePassed, at: now) }
        let source = SocketAddress(.v4(0xC000_0202), port: first & 0x80 == 0 ? MulticastDNS.port : 40_000)
        core.handle(.datagram(Array(part.dropFirst()), from: source), at: now)
        drain(&core)
    }
    core.handle(.withdraw(ours), at: now)
    core.handle(.timePassed, at: now + .seconds(10))
    drain(&core)
}

private func drain(_ core: inout MulticastDNS) {
    while let output = core.nextOutput() {
        switch output {
        case .multicast(let datagram), .unicast(let datagram, _):
            precondition(datagram.count <= 1500, "our own message is longer than a packet")
            precondition((try? MDNSMessage(parsing: datagram)) != nil, "our own message is refused")
        case .resolved(let name, _):
            precondition(name == FuzzTarget.wantedName, "a name that nobody asked for is resolved")
        }
    }
}

func fuzzURL(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    for scheme in [nil, .stun, .turns] as [RTCIceServerURL.Scheme?] {
        guard let url = RTCIceServerURL(text, defaultScheme: scheme) else { continue }
        precondition(RTCIceServerURL(url.description) == url, "our own URL is another")
    }
    if let address = IPAddress(text) {
        precondition(IPAddress("\(address)") == address, "our own address is another")
    }
}
