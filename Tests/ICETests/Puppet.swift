import Testing
import Wire

@testable import ICE

/// An agent, and a peer of it whose every message the test writes by hand.
struct Puppet {
    var agent: ICEAgent
    var now = Instant(nanoseconds: 5_000_000_000)
    let random = SeededRandomSource(seed: 42)
    let credentials = ICECredentials(usernameFragment: "puppet", password: "the password of the puppet")
    var events: [ICEAgent.Event] = []
    /// What the agent has written to connections and `sent` does not show.
    var written: [(stream: StreamID, bytes: [UInt8])] = []
    var frames: [[UInt8]] = []
    /// What the agent has sent and `next` has not yet told.
    var sent: [(at: Instant, message: STUNMessage, local: SocketAddress, remote: SocketAddress)] = []

    static let local = address("192.0.2.1", 5000)
    static let remote = address("192.0.2.2", 6000)

    static func address(_ text: String, _ port: UInt16) -> SocketAddress {
        SocketAddress(IPAddress(text)!, port: port)
    }

    static func candidate(
        _ address: SocketAddress = remote, priority: UInt32 = 2_130_706_431, foundation: String = "1"
    ) -> ICECandidate {
        ICECandidate(
            foundation: foundation, priority: priority, address: .ip(address.ip), port: address.port, kind: .host)
    }

    /// An agent with one socket; `isDescribed` tells it the puppet's credentials too.
    init(_ role: ICERole, isDescribed: Bool = true, configuration: ICEConfiguration = .init()) {
        agent = ICEAgent(
            role: role, credentials: ICECredentials(random: random), random: random, configuration: configuration)
        tell(.localAddressAdded(Puppet.local, preference: 65535))
        if isDescribed { tell(.remoteCredentials(credentials, isLite: false)) }
    }

    mutating func tell(_ input: ICEAgent.Input) {
        agent.handle(input, at: now)
        while let output = agent.nextOutput() {
            switch output {
            case .event(let event):
                events.append(event)
            case .transmit(let datagram, let local, let remote):
                sent.append((now, try! STUNMessage(parsing: datagram), local, remote))
            case .write(let bytes, let stream, _, _):
                written.append((stream, bytes))
            case .frame(let frame, _, _, _):
                frames.append(frame)
            }
        }
    }

    /// Lets time pass, with a call at each of the agent's deadlines.
    mutating func pass(_ duration: Duration) {
        let end = now + duration
        while let deadline = agent.deadline, deadline <= end {
            now = max(now, deadline)
            tell(.timePassed)
        }
        now = end
    }

    mutating func takeSent() -> [STUNMessage] {
        defer { sent = [] }
        return sent.map(\.message)
    }

    /// A check of the puppet.
    mutating func check(
        _ attributes: [STUNAttribute] = [.iceControlling(.max)], nominates: Bool = false, username: String? = nil,
        password: String? = nil, priority: UInt32 = 1_862_270_975, from remote: SocketAddress = remote
    ) {
        var message = STUNMessage(.request, transactionID: .init(random: random))
        message.attributes =
            [.username(username ?? "\(agent.credentials.usernameFragment):puppet"), .priority(priority)] + attributes
            + (nominates ? [.useCandidate] : [])
        let key = STUNKey(password: password ?? agent.credentials.password)
        receive(message.serialized(key: key), from: remote)
    }

    mutating func receive(_ datagram: [UInt8], from remote: SocketAddress = remote, to local: SocketAddress = local) {
        tell(.datagram(datagram, local: local, remote: remote))
    }

    /// Answers the last request of the agent that went to `remote`.
    mutating func answer(
        _ messageClass: STUNMessage.Class = .successResponse, to address: SocketAddress = remote,
        _ attributes: [STUNAttribute] = [.xorMappedAddress(local)], password: String? = nil,
        from source: SocketAddress? = nil
    ) throws {
        let request = try #require(sent.last { $0.message.messageClass == .request && $0.remote == address })
        let message = STUNMessage(messageClass, transactionID: request.message.transactionID, attributes: attributes)
        let datagram = message.serialized(key: STUNKey(password: password ?? credentials.password))
        receive(datagram, from: source ?? address, to: request.local)
    }

    /// Connects the agent to the puppet.
    mutating func connect() throws {
        if agent.role == .controlled {
            check(nominates: true)
            try answer()
        } else {
            tell(.remoteCandidate(Puppet.candidate()))
            try answer()
            try answer()
        }
        #expect(agent.connectionState == .connected)
        sent = []
    }
}
