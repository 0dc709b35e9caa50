import Calls
import Wire

/// Checks, output by output, what must hold whatever the pages, the button, the peers and time do.
struct HubWitness {
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
    /// The calls that wait for somebody, and since when.
    private var waiting: [CallID: Instant] = [:]
    /// Who each page believes to be in the call with it.
    private var told: [ParticipantID: [Member]] = [:]
    private var secrets: [ParticipantID: ResumptionSecret] = [:]
    /// What each call is resumed with, and what the one was that ended last.
    private var keys: [CallID: ResumptionSecret] = [:]
    private var lastKey: ResumptionSecret?
    private var shown: ResumptionSecret?
    private var missed: [CallID] = []
    /// The calls with an open data channel.
    private var channels: Set<CallID> = []
    private let configuration: CallHub.Configuration
    /// What it saw of the calls between viewers.
    private(set) var direct: DirectWitness
    private var ownFaults: [String] = []

    var faults: [String] { ownFaults + direct.faults }
    var viewers: [ParticipantID] { present.sorted { $0.rawValue < $1.rawValue } }
    var currentRing: CallID? { ring }
    private(set) var everyCall: [CallID] = []
    private(set) var everySecret: [ResumptionSecret] = []
    var everyMissed: [CallID] { missed }

    /// A witness of a hub with these settings.
    init(_ configuration: CallHub.Configuration) {
        self.configuration = configuration
        direct = DirectWitness(configuration)
    }

    mutating func see(_ input: HubInput) {
        shown = nil
        switch input {
        case .viewerConnected(let id): present.insert(id)
        case .message(_, .callResume(let secret, _)): shown = secret
        case .channelOpened(let call): if sessions[call] != nil { channels.insert(call) }
        case .channelClosed(let call): channels.remove(call)
        default: break
        }
    }

    private mutating func forget(_ id: ParticipantID, at now: Instant) {
        present.remove(id)
        direct.forget(id, at: now)
        ringing[id] = nil
        told[id] = nil
        secrets[id] = nil
        if let call = inCall.removeValue(forKey: id), sessions[call] != nil { waiting[call] = now }
    }

    mutating func see(_ output: HubOutput, at now: Instant) {
        switch output {
        case .send(let message, let viewer):
            check(present.contains(viewer), "a message to somebody who is gone")
            let isDirect = direct.see(message, to: viewer, secrets: secrets, shown: shown, at: now)
            if case .callRinging(let call, _, _) = message { everyCall.append(call) }
            if !isDirect { see(message, to: viewer, at: now) }
        case .disconnect(let viewer, _): check(!present.contains(viewer), "a page was thrown out but not forgotten")
        case .log(.viewerLeft(let party)): forget(party.id, at: now)
        case .startSession(let call, let viewer):
            check(present.contains(viewer), "a session with somebody who is gone")
            check(sessions[call] == nil && !ended.contains(call), "a session began twice")
            check(!sessions.values.contains(viewer), "a viewer has two sessions")
            sessions[call] = viewer
            keys[call] = secrets[viewer]
        case .endSession(let call, _):
            check(sessions.removeValue(forKey: call) != nil, "a session ended that had not begun")
            ended.insert(call)
            waiting[call] = nil
            channels.remove(call)
            lastKey = keys.removeValue(forKey: call)
        case .deliver(let call, _):
            check(sessions[call].map { inCall[$0] == call } ?? false, "a negotiation without a session or a viewer")
        case .sendOnChannel(let message, let call):
            check(channels.contains(call), "a message on a channel that is not open")
            if case .chat(let from, _, _) = message {
                check(
                    sessions.values.contains(from.id) && sessions[call] != from.id,
                    "a text of one who is not in the call")
            }
        case .actuate(_, let call, _, let party): check(sessions[call] == party.id, "a control of one in no call")
        case .takeSnapshot(let call, _): check(channels.contains(call), "a picture for a channel that is not open")
        case .ringingChanged(let new):
            check(new != isRinging, "the light was told what it knew")
            isRinging = new
        case .log(.rang(let call, _)):
            check(ring == nil, "two rings at once")
            ring = call
            everyCall.append(call)
            ringEnds = now + .seconds(30)
        case .log(.ringEnded(let call, let reason)):
            endRing(call)
            if reason == .unanswered { missed = (missed + [call]).suffix(configuration.maximumMissed) }
        case .log(.answered(let call, _, _)): endRing(call)
        case .log(.missedSeen(_, let left)):
            check(left < missed.count, "what was seen is not less")
            missed = missed.suffix(left)
        case .log: break
        }
    }

    private mutating func endRing(_ call: CallID) {
        check(ring == call, "a ring ended that was not going on")
        ring = nil
        ringEnds = nil
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
                told[viewer] = nil
            }
        case .callResumed(let call, let elapsed):
            check(shown != nil && (keys[call] == shown || lastKey == shown), "a call was resumed without its secret")
            check(elapsed >= .zero, "a call that will have begun")
            check(inCall.updateValue(call, forKey: viewer) == nil, "a page has two calls")
            if sessions[call] != nil {
                sessions[call] = viewer
                keys[call] = secrets[viewer]
            } else {
                everyCall.append(call)
            }
            waiting[call] = nil
        case .callMembers(let call, let members):
            check(inCall[viewer] == call, "the members of a call that the page has not")
            check(members.contains { $0.id == viewer && !$0.isAway }, "a member is not told of himself")
            told[viewer] = members
        case .negotiation(let call, let sender, _):
            check(inCall[viewer] == call, "a negotiation of a call that the page has not")
            check(
                sender == .door || sender != viewer && inCall[sender] != nil, "a message of one who is not in the call")
        case .missed(let rings): check(rings.map(\.call) == missed, "what was missed is not what is told")
        case .welcome(let welcome):
            secrets[viewer] = welcome.resumption
            everySecret.append(welcome.resumption)
        case .callRinging, .iceServers, .presence, .door, .doorSettings, .callError: break
        }
    }

    /// What must hold whenever the hub has said all.
    mutating func settle(_ hub: CallHub, at now: Instant) {
        check(hub.callCount == sessions.count, "a call without a session")
        check(hub.viewerCount == present.count, "the hub counts others than are present")
        check(hub.isRinging == isRinging && isRinging == (ring != nil), "the light does not follow the ring")
        check(inCall.count + waiting.count == sessions.count, "a page believes in a call that is none")
        check(Set(inCall.values).union(waiting.keys) == Set(sessions.keys), "the pages' calls are not the door's")
        for since in waiting.values {
            check(now < since + configuration.resumptionGrace, "a call waits for longer than it should")
        }
        check(sessions.count <= configuration.maximumCalls, "more calls than the door serves")
        settleMembers(hub, at: now)
        direct.settle(hub, at: now)
        check(direct.busy.isDisjoint(with: inCall.keys), "a page has a call with the door and one with a viewer")
        if let ringEnds { check(now < ringEnds, "a ring outlived its time") }
        for (viewer, rings) in ringing where !rings.isEmpty {
            check(rings == ring.map { [$0] } ?? [], "\(viewer) rings though the ring is over")
        }
        if let ring {
            check(present.allSatisfy { ringing[$0]?.contains(ring) == true }, "somebody present is not rung")
        }
        if let deadline = hub.deadline { check(deadline > now, "a deadline that has passed") }
    }

    /// What must hold when everybody has left and all time has passed.
    mutating func seeTheEnd(of hub: CallHub) {
        check(hub.callCount == 0 && hub.directCallCount == 0 && !hub.isRinging, "something is left")
    }

    /// What each member was told last is how it is; a new name may be a moment late.
    private mutating func settleMembers(_ hub: CallHub, at now: Instant) {
        let members = hub.members
        check(Set(members.map(\.id)) == Set(sessions.values), "the members are not those who are in a call")
        let isQuiet = hub.deadline.map { $0 > now + configuration.presenceInterval } ?? true
        for viewer in inCall.keys {
            let list = told[viewer] ?? []
            check(
                isQuiet
                    ? list == members
                    : list.map(\.id) == members.map(\.id) && list.map(\.isAway) == members.map(\.isAway),
                "\(viewer) knows other members than there are")
        }
    }

    private mutating func check(_ condition: Bool, _ fault: String) {
        if !condition { ownFaults.append(fault) }
    }
}
