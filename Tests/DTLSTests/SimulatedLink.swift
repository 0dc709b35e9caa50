import CVirtualClock
import DTLS
import SRTP
import Wire

/// A client and a server with a network between them that loses, repeats and delays datagrams as a seed has it, on a
/// clock that jumps from event to event. Must be used on one thread, whose wall clock it stops.
final class SimulatedLink {
    struct Conditions {
        /// Of 100 datagrams so many are lost.
        var loss = 0
        /// Of 100 datagrams so many arrive twice.
        var duplication = 0
        /// How long a datagram takes, in milliseconds, at least and at most.
        var delay = 1...1
    }

    /// What became of one side.
    struct Side {
        let transport: DTLSTransport
        var keyingMaterial: SRTPKeyingMaterial?
        var messages: [[UInt8]] = []
        var isClosed = false
        var error: DTLSError?
        var sentDatagrams: [[UInt8]] = []
    }

    var client: Side
    var server: Side
    var conditions: Conditions
    /// Decides about datagrams on its own: false loses one. The arguments are whether the client sent it, and how many
    /// that side had sent before.
    var filter: (Bool, Int) -> Bool = { _, _ in true }
    private(set) var now = Instant(nanoseconds: 5_000_000_000)
    private let random: SeededRandomSource
    private var inFlight: [(at: Instant, toServer: Bool, bytes: [UInt8])] = []

    init(
        client: DTLSTransport, server: DTLSTransport, conditions: Conditions = Conditions(), seed: UInt64 = 0
    ) {
        self.client = Side(transport: client)
        self.server = Side(transport: server)
        self.conditions = conditions
        random = SeededRandomSource(seed: seed)
        virtual_clock_set(now.nanoseconds)
    }

    /// Two sides that know each other's fingerprint.
    convenience init(conditions: Conditions = Conditions(), seed: UInt64 = 0, clientMTU: Int = 1200) {
        self.init(
            client: DTLSTransport(role: .client, certificate: certificates.client, mtu: clientMTU),
            server: DTLSTransport(role: .server, certificate: certificates.server), conditions: conditions, seed: seed)
        exchangeFingerprints()
    }

    deinit {
        virtual_clock_clear()
    }

    func exchangeFingerprints() {
        handle(.remoteFingerprints([certificates.server.fingerprint()]), client: true)
        handle(.remoteFingerprints([certificates.client.fingerprint()]), client: false)
    }

    /// Starts both sides and lets time pass until nothing happens any more, at most for `limit`.
    func connect(limit: Duration = .seconds(60)) {
        handle(.start, client: true)
        handle(.start, client: false)
        run(for: limit)
    }

    func handle(_ input: DTLSTransport.Input, client isClient: Bool) {
        let transport = isClient ? client.transport : server.transport
        transport.handle(input, at: now)
        while let output = transport.nextOutput() {
            switch output {
            case .transmit(let bytes): transmit(bytes, fromClient: isClient)
            case .event(let event): take(event, client: isClient)
            }
        }
    }

    /// Lets time pass until nothing is due any more, or for `limit`.
    func run(for limit: Duration) {
        let end = now + limit
        while true {
            let arrival = inFlight.map(\.at).min()
            guard let next = earliest(arrival, client.transport.deadline, server.transport.deadline), next <= end else {
                break
            }
            now = max(now, next)
            virtual_clock_set(now.nanoseconds)
            if let index = inFlight.firstIndex(where: { $0.at <= now }) {
                let datagram = inFlight.remove(at: index)
                handle(.datagram(datagram.bytes), client: !datagram.toServer)
            } else {
                handle(.timePassed, client: true)
                handle(.timePassed, client: false)
            }
        }
    }

    private func transmit(_ bytes: [UInt8], fromClient: Bool) {
        let count = fromClient ? client.sentDatagrams.count : server.sentDatagrams.count
        if fromClient { client.sentDatagrams.append(bytes) } else { server.sentDatagrams.append(bytes) }
        guard filter(fromClient, count), random.below(100) >= conditions.loss else { return }
        for _ in 0...(random.below(100) < conditions.duplication ? 1 : 0) {
            let delay = conditions.delay.lowerBound + random.below(conditions.delay.count)
            inFlight.append((now + .milliseconds(delay), fromClient, bytes))
        }
    }

    private func take(_ event: DTLSTransport.Event, client isClient: Bool) {
        var side = isClient ? client : server
        switch event {
        case .connected(let material): side.keyingMaterial = material
        case .applicationData(let bytes): side.messages.append(bytes)
        case .closed: side.isClosed = true
        case .failed(let error): side.error = error
        }
        if isClient { client = side } else { server = side }
    }
}

/// 2026-01-01T00:00:00Z
let aDay: Int64 = 1_767_225_600

/// Made once: a key takes a while.
let certificates = (
    client: try! DTLSCertificate(generatedAt: aDay), server: try! DTLSCertificate(generatedAt: aDay),
    stranger: try! DTLSCertificate(generatedAt: aDay)
)
