import Calls
import Wire

/// Checks what must hold of the calls between viewers, by what each page is told.
struct DirectWitness {
    /// What a page believes of its call.
    private enum Belief: Hashable {
        case ringing(ParticipantID)
        case rung(by: ParticipantID)
        case accepted
    }

    private struct Call {
        let caller: ParticipantID
        var callee: ParticipantID?
        let rungUntil: Instant
        var acceptedAt: Instant?
        /// The two by the secrets that they have the call back with.
        var secrets: [ParticipantID: ResumptionSecret] = [:]
        /// Who is away, and since when.
        var away: [ParticipantID: Instant] = [:]

        var sides: [ParticipantID] { [caller, callee].compactMap(\.self) }
    }

    private let configuration: CallHub.Configuration
    private var calls: [CallID: Call] = [:]
    /// Who is who: a page that came back has the place of the one it was.
    private var origins: [ParticipantID: ParticipantID] = [:]
    private var beliefs: [ParticipantID: [CallID: Belief]] = [:]
    private var members: [ParticipantID: [Member]] = [:]
    private var over: Set<CallID> = []
    private(set) var faults: [String] = []
    /// How often a call was accepted, had back, and ended for each reason: a simulation that gets nowhere shows nothing.
    private(set) var reached: [String: Int] = [:]

    init(_ configuration: CallHub.Configuration) { self.configuration = configuration }

    /// Whom to let answer, and what.
    var ringing: [(call: CallID, callee: ParticipantID)] {
        beliefs.flatMap { viewer, calls in
            calls.compactMap { call, belief in if case .rung = belief { (call, viewer) } else { nil } }
        }.sorted { $0.0.rawValue < $1.0.rawValue }
    }

    /// The pages that have such a call.
    var busy: Set<ParticipantID> { Set(beliefs.filter { !$0.value.isEmpty }.keys) }

    /// The calls that go on, each with who is there.
    var openCalls: [(call: CallID, pages: [ParticipantID])] {
        calls.keys.sorted { $0.rawValue < $1.rawValue }.map { call in
            (call, beliefs.filter { $0.value[call] != nil }.keys.sorted { $0.rawValue < $1.rawValue })
        }
    }

    /// What those who are away have their calls back with.
    var awaited: [ResumptionSecret] {
        calls.values.flatMap { call in call.away.keys.compactMap { call.secrets[$0] } }.sorted {
            $0.rawValue < $1.rawValue
        }
    }

    mutating func forget(_ id: ParticipantID, at now: Instant) {
        let gone = origin(id)
        for (call, belief) in beliefs.removeValue(forKey: id) ?? [:] where belief == .accepted {
            calls[call]?.away[gone] = now
        }
        members[id] = nil
    }

    /// Whether the message is about a call between viewers; if so, it is looked at.
    mutating func see(
        _ message: DoorMessage, to viewer: ParticipantID, secrets: [ParticipantID: ResumptionSecret],
        shown: ResumptionSecret?, at now: Instant
    ) -> Bool {
        let origin = self.origin(viewer)
        switch message {
        case .callRinging(let call, let callee, let expiry):
            check(calls[call] == nil && !over.contains(call), "a call rings twice")
            check(expiry > .zero, "a ring of no time")
            calls[call] = Call(caller: origin, callee: nil, rungUntil: now + expiry)
            calls[call]?.secrets[origin] = secrets[viewer]
            believe(.ringing(callee.id), of: call, viewer)
        case .callIncoming(let call, let caller, let at, _) where caller.id != .door:
            check(at == nil, "a person's call is no press of the button")
            check(beliefs[caller.id]?[call] == .ringing(viewer), "a page is rung and the caller does not know")
            check(calls[call]?.callee == nil, "two pages ring by one call")
            calls[call]?.callee = origin
            calls[call]?.secrets[origin] = secrets[viewer]
            believe(.rung(by: caller.id), of: call, viewer)
        case .callAccepted(let call, let by, let continues) where calls[call] != nil:
            check(continues == nil && calls[call]?.callee == self.origin(by.id), "somebody else answered")
            let before = beliefs[viewer]?[call]
            check(before != nil && before != .accepted, "a call was accepted twice")
            beliefs[viewer]?[call] = .accepted
            calls[call]?.acceptedAt = now
            count("accepted")
        case .callResumed(let call, let elapsed) where calls[call] != nil:
            let side = calls[call]?.secrets.first { $0.value == shown }?.key
            check(shown != nil && side != nil, "a call was had back without its secret")
            check(calls[call]?.acceptedAt.map { now - $0 } == elapsed, "it began at another time")
            origins[viewer] = side
            if let side {
                calls[call]?.away[side] = nil
                calls[call]?.secrets[side] = secrets[viewer]
            }
            believe(.accepted, of: call, viewer)
            count("had back")
        case .callHangup(let call, let reason, _) where calls[call] != nil || over.contains(call):
            check(beliefs[viewer]?.removeValue(forKey: call) != nil, "the end was told twice, or to somebody else")
            members[viewer] = nil
            calls[call] = nil
            over.insert(call)
            count(reason.rawValue)
        case .callMembers(let call, let list) where calls[call] != nil:
            check(beliefs[viewer]?[call] == .accepted, "the members of a call that the page has not")
            members[viewer] = list
        case .negotiation(let call, let sender, _) where calls[call] != nil:
            check(beliefs[viewer]?[call] == .accepted, "a negotiation before the answer")
            check(sender != viewer && beliefs[sender]?[call] == .accepted, "a message of one who is not in the call")
            count("negotiated")
        default: return false
        }
        return true
    }

    /// What must hold whenever the hub has said all.
    mutating func settle(_ hub: CallHub, at now: Instant) {
        // the end of a call is told to whoever is there; with nobody there it shows in the hub alone
        let deserted = calls.filter { Set($0.value.away.keys) == Set($0.value.sides) }
        for (id, call) in deserted {
            let grace = call.away.values.map { $0 + configuration.resumptionGrace }
            let limit = configuration.maxCallDuration.flatMap { longest in call.acceptedAt.map { $0 + longest } }
            if (grace + [limit].compactMap(\.self)).contains(where: { $0 <= now }) { end(id) }
        }
        // who was sent away is not waited for
        for (id, call) in deserted where call.away.values.contains(now) && hub.directCallCount < calls.count { end(id) }
        if hub.directCallCount == 0 { for id in deserted.keys { end(id) } }
        check(hub.directCallCount == calls.count, "the hub has other calls between viewers than the pages")
        for (id, call) in calls {
            let believers = beliefs.filter { $0.value[id] != nil }
            check(believers.count + call.away.count == 2, "somebody is neither in the call nor awaited")
            check(
                Set(believers.map { origin($0.key) }).union(call.away.keys) == Set(call.sides), "others are in the call"
            )
            if let began = call.acceptedAt {
                check(believers.values.allSatisfy { $0[id] == .accepted }, "one talks and the other rings")
                if let longest = configuration.maxCallDuration { check(now < began + longest, "a call is too long") }
            } else {
                check(now < call.rungUntil, "a ring outlived its time")
                check(call.away.isEmpty, "a ring waits for somebody")
            }
            for since in call.away.values {
                check(now < since + configuration.resumptionGrace, "a call waits for longer than it should")
            }
            for viewer in believers.keys where call.acceptedAt != nil {
                let away = members[viewer]?.filter(\.isAway).map { origin($0.id) } ?? []
                let there = members[viewer]?.filter { !$0.isAway }.map(\.id) ?? []
                check(Set(away) == Set(call.away.keys), "\(viewer) knows others to be away than are")
                check(Set(there) == Set(believers.keys), "\(viewer) knows others than are there")
            }
        }
        for (viewer, calls) in beliefs { check(calls.count < 2, "\(viewer) has two calls") }
    }

    private mutating func believe(_ belief: Belief, of call: CallID, _ viewer: ParticipantID) {
        check(beliefs[viewer, default: [:]].updateValue(belief, forKey: call) == nil, "a page is told twice")
    }

    private mutating func end(_ call: CallID) {
        calls[call] = nil
        over.insert(call)
    }

    private func origin(_ viewer: ParticipantID) -> ParticipantID { origins[viewer] ?? viewer }

    private mutating func count(_ what: String) { reached[what, default: 0] += 1 }

    private mutating func check(_ condition: Bool, _ fault: String) {
        if !condition { faults.append("between viewers: \(fault)") }
    }
}
