import Calls
import Testing
import Wire

/// A hub with a clock of its own, and everything it wanted done.
struct House {
    var hub: CallHub
    var now = Instant.zero
    /// What the hub wanted since this was last looked at.
    private(set) var outputs: [HubOutput] = []
    private let random: SeededRandomSource

    init(seed: UInt64 = 1, _ change: (inout CallHub.Configuration) -> Void = { _ in }) {
        var configuration = CallHub.Configuration()
        change(&configuration)
        random = SeededRandomSource(seed: seed)
        hub = CallHub(configuration: configuration, devices: House.devices, random: random)
    }

    static let devices = DoorDevices(camera: .live, microphone: .live, speaker: .live)
    static let door = Party(id: .door, name: "Front door")

    /// Gives the hub an input; returns all that it wanted.
    @discardableResult
    mutating func handle(_ input: HubInput) -> [HubOutput] {
        hub.handle(input, at: now)
        var new: [HubOutput] = []
        while let output = hub.nextOutput() { new.append(output) }
        outputs += new
        return new
    }

    @discardableResult
    mutating func send(_ message: ViewerMessage, from viewer: ParticipantID) -> [HubOutput] {
        handle(.message(viewer, message))
    }

    /// Lets `duration` pass, the hub woken whenever it asked for it; returns all that it wanted.
    @discardableResult
    mutating func pass(_ duration: Duration) -> [HubOutput] {
        let end = now + duration
        var new: [HubOutput] = []
        while let deadline = hub.deadline, deadline <= end {
            now = max(now, deadline)
            new += handle(.timePassed)
        }
        now = end
        return new
    }

    /// Opens a page with a name; what the hub wants of that is over with.
    mutating func open(_ name: String) -> ParticipantID {
        let viewer = ParticipantID.random(from: random)
        handle(.viewerConnected(viewer))
        send(.presence(name: name), from: viewer)
        pass(.seconds(1))
        return viewer
    }

    /// What `viewer` has his call back with.
    func resumption(of viewer: ParticipantID) throws -> ResumptionSecret {
        for case .welcome(let welcome) in outputs.allMessages(to: viewer) { return welcome.resumption }
        throw BadMessage("\(viewer) was not welcomed")
    }

    /// Calls the door; the call is connected.
    mutating func watch(_ viewer: ParticipantID) throws -> CallID {
        let outputs = send(.callInitiate(recipient: .door), from: viewer)
        let call = try #require(outputs.accepted(by: viewer))
        handle(.peerConnected(call))
        pass(.seconds(1))
        return call
    }

    /// Presses the button; the ring's identifier.
    mutating func press(at wallClock: Int64 = 1_764_000_000_000) throws -> CallID {
        let outputs = handle(.buttonPressed(wallClock: wallClock))
        let rings = outputs.compactMap { output -> CallID? in
            if case .log(.rang(let call, _)) = output { call } else { nil }
        }
        #expect(rings.count == 1)
        return try #require(rings.first)
    }
}

extension [HubOutput] {
    /// The messages to `viewer`, without those about who is there.
    func messages(to viewer: ParticipantID) -> [DoorMessage] {
        allMessages(to: viewer).filter { message in
            switch message {
            case .presence, .callMembers: false
            default: true
            }
        }
    }

    /// Who is in the call with the door, as `viewer` was told last.
    func members(toldTo viewer: ParticipantID) -> [Member]? {
        for case .callMembers(_, let members) in allMessages(to: viewer).reversed() { return members }
        return nil
    }

    /// The messages to `viewer`.
    func allMessages(to viewer: ParticipantID) -> [DoorMessage] {
        compactMap { output in
            if case .send(let message, to: viewer) = output { message } else { nil }
        }
    }

    /// The call that `viewer` was told was accepted.
    func accepted(by viewer: ParticipantID) -> CallID? {
        for case .callAccepted(let call, _, _) in messages(to: viewer) { return call }
        return nil
    }

    /// The codes of the errors that `viewer` was told.
    func errors(to viewer: ParticipantID) -> [CallErrorCode] {
        messages(to: viewer).compactMap { message in
            if case .callError(let code, _, _, _) = message { code } else { nil }
        }
    }

    /// What is neither a message nor a line for the log.
    var acts: [HubOutput] {
        filter { output in
            switch output {
            case .send, .log: false
            default: true
            }
        }
    }
}
