import Calls
import PeerConnection
import Testing
import Wire

/// Checks, output by output, what must hold whatever the pages, the button, the peers and time do.
private struct Witness {
    private var present: Set<ParticipantID> = []
    private var sessions: [CallID: ParticipantID] = [:]
    private var ended: Set<CallID> = []
    private var ring: CallID?
    private var ringEnds: Instant?
    private var isRinging = false
    /// The rings that each page believes to be going on.
    private var ringing: [ParticipantID: Set<CallID>] = [:]
    /// The call that each page believes to be in.
    private var inCall: [ParticipantID: CallID] = [:]
    private var acceptors: [CallID: ParticipantID] = [:]
    private(set) var faults: [String] = []

    var openCalls: [CallID] { sessions.keys.sorted { $0.rawValue < $1.rawValue } }
    var viewers: [ParticipantID] { present.sorted { $0.rawValue < $1.rawValue } }
    var currentRing: CallID? { ring }
    private(set) var everyCall: [CallID] = []

    mutating func see(_ input: HubInput) {
        if case .viewerConnected(let id) = input { present.insert(id) }
    }

    private mutating func forget(_ id: ParticipantID) {
        present.remove(id)
        ringing[id] = nil
        inCall[id] = nil
    }

    mutating func see(_ output: HubOutput, at now: Instant) {
        switch output {
        case .send(let message, let viewer):
            check(present.contains(viewer), "a message to somebody who is gone")
            see(message, to: viewer, at: now)
        case .disconnect(let viewer, _): check(!present.contains(viewer), "a page was thrown out but not forgotten")
        case .log(.viewerLeft(let party)): forget(party.id)
        case .startSession(let call, let viewer):
            check(present.contains(viewer), "a session with somebody who is gone")
            check(sessions[call] == nil && !ended.contains(call), "a session began twice")
            check(!sessions.values.contains(viewer), "a viewer has two sessions")
            sessions[call] = viewer
        case .endSession(let call, _):
            check(sessions.removeValue(forKey: call) != nil, "a session ended that had not begun")
            ended.insert(call)
        case .deliver(let call, _): check(sessions[call] != nil, "a negotiation without a session")
        case .ringingChanged(let new):
            check(new != isRinging, "the light was told what it knew")
            isRinging = new
        case .log(.rang(let call, _)):
            check(ring == nil, "two rings at once")
            ring = call
            everyCall.append(call)
            ringEnds = now + .seconds(30)
        case .log(.ringEnded(let call, _)), .log(.answered(let call, _, _)):
            check(ring == call, "a ring ended that was not going on")
            ring = nil
            ringEnds = nil
        case .log: break
        }
    }

    private mutating func see(_ message: DoorMessage, to viewer: ParticipantID, at now: Instant) {
        switch message {
        case .callIncoming(let call, _, _, let expiry):
            check(ringing[viewer, default: []].insert(call).inserted, "a page was rung twice by one ring")
            check(expiry > .zero && expiry <= .seconds(30), "a ring of no or too long a time")
        case .callAccepted(let call, let by, let continues):
            if by.id == .door {
                check(inCall.updateValue(call, forKey: viewer) == nil, "a page has two calls")
                everyCall.append(call)
                return
            }
            check(acceptors[call] == nil || acceptors[call] == by.id, "two pages were accepted")
            acceptors[call] = by.id
            check(ringing[viewer]?.remove(call) != nil, "a page was told of an answer to a ring it had not")
            guard by.id == viewer else { return check(continues == nil, "another's call is told") }
            if let continues {
                check(inCall[viewer] == continues, "the call that goes on is another")
            } else {
                check(inCall.updateValue(call, forKey: viewer) == nil, "a page has two calls")
            }
        case .callHangup(let call, let reason, _):
            if ringing[viewer]?.remove(call) != nil {
                check([.unanswered, .rejected, .shutdown].contains(reason), "a ring ended by \(reason)")
            } else {
                check(inCall[viewer] == call, "the end of a call was told twice, or to somebody else")
                inCall[viewer] = nil
            }
        case .negotiation(let call, _): check(inCall[viewer] == call, "a negotiation of a call that the page has not")
        case .welcome, .iceServers, .presence, .door, .callError: break
        }
    }

    /// What must hold whenever the hub has said all.
    mutating func settle(_ hub: CallHub, at now: Instant) {
        check(hub.callCount == sessions.count, "a call without a session")
        check(hub.viewerCount == present.count, "the hub counts others than are present")
        check(hub.isRinging == isRinging && isRinging == (ring != nil), "the light does not follow the ring")
        check(inCall.count == sessions.count, "a page believes in a call that is none")
        check(Set(inCall.values) == Set(sessions.keys), "the pages' calls are not the door's")
        if let ringEnds { check(now < ringEnds, "a ring outlived its time") }
        for (viewer, rings) in ringing where !rings.isEmpty {
            check(rings == ring.map { [$0] } ?? [], "\(viewer) rings though the ring is over")
        }
        if let ring {
            check(present.allSatisfy { ringing[$0]?.contains(ring) == true }, "somebody present is not rung")
        }
        if let deadline = hub.deadline { check(deadline > now, "a deadline that has passed") }
    }

    private mutating func check(_ condition: Bool, _ fault: String) {
        if !condition { faults.append(fault) }
    }
}

@Suite struct HubSimulationTests {
    @Test(arguments: 0..<40)
    func whateverHappensEveryRingAndEveryCallHasOneBeginningAndOneEnd(seed: Int) throws {
        for offset in 0..<25 {
            let faults = HubSimulationTests.run(seed: UInt64(seed * 25 + offset), steps: 300)
            #expect(faults.isEmpty, "seed \(seed * 25 + offset): \(faults.prefix(3))")
        }
    }

    /// One house with a life decided by `seed`; returns what went wrong.
    private static func run(seed: UInt64, steps: Int) -> [String] {
        let dice = SeededRandomSource(seed: seed &* 0x9E37 &+ 1)
        var configuration = CallHub.Configuration()
        configuration.maximumCalls = 1 + dice.below(5)
        configuration.maxCallDuration = dice.below(2) == 0 ? nil : .seconds(20)
        configuration.messageBurst = dice.below(10) == 0 ? 5 : 200
        var hub = CallHub(configuration: configuration, devices: House.devices, random: SeededRandomSource(seed: seed))
        var witness = Witness()
        var now = Instant.zero
        let act = { (input: HubInput) in
            witness.see(input)
            hub.handle(input, at: now)
            while let output = hub.nextOutput() { witness.see(output, at: now) }
            witness.settle(hub, at: now)
        }
        for step in 0..<steps {
            // Now and then the timer is late; mostly it is not.
            now += .milliseconds([0, 0, 1, 20, 200, 3000, 12_000][dice.below(7)])
            if dice.below(8) != 0, let deadline = hub.deadline, deadline <= now { act(.timePassed) }
            act(input(from: dice, witness, step: step))
        }
        for viewer in witness.viewers { act(.viewerDisconnected(viewer)) }
        while let deadline = hub.deadline {
            now = max(now, deadline)
            act(.timePassed)
        }
        if hub.callCount != 0 || hub.isRinging { return witness.faults + ["something is left"] }
        return witness.faults
    }

    private static func input(from dice: SeededRandomSource, _ witness: Witness, step: Int) -> HubInput {
        let viewers = witness.viewers
        let stranger = ParticipantID("stranger")
        let viewer = viewers.isEmpty || dice.below(30) == 0 ? stranger : viewers[dice.below(viewers.count)]
        let anyCall = { () -> CallID in
            let all = witness.everyCall
            return all.isEmpty || dice.below(20) == 0 ? CallID("none") : all[max(0, all.count - 1 - dice.below(4))]
        }
        let step: NegotiationStep =
            switch dice.below(3) {
            case 0: .description(RTCSessionDescription(type: .offer, sdp: "v=0"))
            case 1: .description(RTCSessionDescription(type: .answer, sdp: "v=0"))
            default: .candidate(nil)
            }
        switch dice.below(20) {
        case 0, 1: return viewers.count < 6 ? .viewerConnected(.random(from: dice)) : .timePassed
        case 2: return .viewerDisconnected(viewer)
        case 3, 4, 5: return .buttonPressed(wallClock: 1)
        case 6, 7: return .message(viewer, .callInitiate(recipient: dice.below(5) == 0 ? viewer : .door))
        case 8, 9, 10: return .message(viewer, .callAccept(witness.currentRing ?? anyCall()))
        case 11, 12: return .message(viewer, .callReject(witness.currentRing ?? anyCall()))
        case 13: return .message(viewer, .callHangup(anyCall()))
        case 14: return .message(viewer, .negotiation(anyCall(), step))
        case 15: return .negotiation(anyCall(), step)
        case 16: return .peerConnected(anyCall())
        case 17: return dice.below(2) == 0 ? .peerFailed(anyCall(), "gone") : .peerClosed(anyCall())
        case 18: return .message(viewer, .presence(name: "Name \(dice.below(9))"))
        default: return dice.below(40) == 0 ? .shutdown : .watchersChanged(dice.below(3))
        }
    }
}
