import Calls
import PeerConnection
import Testing
import Wire

@Suite struct HubSimulationTests {
    @Test(arguments: 0..<40)
    func whateverHappensEveryRingAndEveryCallHasOneBeginningAndOneEndAndEveryMemberKnowsTheOthers(seed: Int) throws {
        var reached: [String: Int] = [:]
        for offset in 0..<25 {
            let witness = HubSimulationTests.run(seed: UInt64(seed * 25 + offset), steps: 300)
            let faults = witness.faults
            #expect(faults.isEmpty, "seed \(seed * 25 + offset): \(faults.prefix(3))")
            reached.merge(witness.direct.reached, uniquingKeysWith: +)
        }
        for what in ["accepted", "had back", "negotiated", "hangup", "rejected", "unanswered", "door"] {
            #expect(reached[what, default: 0] > 0, "a call between viewers is never \(what): \(reached)")
        }
    }

    /// One house with a life decided by `seed`; returns who watched it.
    private static func run(seed: UInt64, steps: Int) -> HubWitness {
        let dice = SeededRandomSource(seed: seed &* 0x9E37 &+ 1)
        var configuration = CallHub.Configuration()
        // whoever is at the door is called by nobody
        let areTalkative = seed % 2 == 0
        configuration.maximumCalls = areTalkative ? 1 : 1 + dice.below(5)
        configuration.maxCallDuration = dice.below(2) == 0 ? nil : .seconds(20)
        configuration.resumptionGrace = .seconds([0, 5, 10][dice.below(3)])
        configuration.maximumMissed = 3
        configuration.messageBurst = dice.below(10) == 0 ? 5 : 200
        var hub = CallHub(configuration: configuration, devices: House.devices, random: SeededRandomSource(seed: seed))
        var witness = HubWitness(configuration)
        var now = Instant.zero
        let act = { (input: HubInput) in
            witness.see(input)
            hub.handle(input, at: now)
            while let output = hub.nextOutput() { witness.see(output, at: now) }
            witness.settle(hub, at: now)
        }
        for _ in 0..<steps {
            // Now and then the timer is late; mostly it is not.
            now += .milliseconds([0, 0, 1, 20, 200, 3000, 12_000][dice.below(7)])
            if dice.below(8) != 0, let deadline = hub.deadline, deadline <= now { act(.timePassed) }
            act(input(from: dice, witness, areTalkative: areTalkative))
        }
        for viewer in witness.viewers { act(.viewerDisconnected(viewer)) }
        while let deadline = hub.deadline {
            now = max(now, deadline)
            act(.timePassed)
        }
        witness.seeTheEnd(of: hub)
        return witness
    }

    /// What happens next; those who are talkative call one another more than the door.
    private static func input(from dice: SeededRandomSource, _ witness: HubWitness, areTalkative: Bool) -> HubInput {
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
        let anySecret = { () -> ResumptionSecret in
            let all = witness.everySecret
            return all.isEmpty ? ResumptionSecret("none") : all[max(0, all.count - 1 - dice.below(6))]
        }
        let recipient = dice.below(3) == 0 || viewers.isEmpty ? ParticipantID.door : viewers[dice.below(viewers.count)]
        switch areTalkative && dice.below(2) == 0 ? 28 + dice.below(8) : dice.below(36) {
        case 0, 1, 35: return viewers.count < 6 ? .viewerConnected(.random(from: dice)) : .timePassed
        case 2: return dice.below(5) == 0 ? .viewerExpelled(viewer) : .viewerDisconnected(viewer)
        case 3, 4, 5: return .buttonPressed(wallClock: 1)
        case 6, 7: return .message(viewer, .callInitiate(recipient: dice.below(3) == 0 ? recipient : .door))
        case 28, 29: return .message(viewer, .callInitiate(recipient: recipient))
        case 30, 31:
            guard let (call, callee) = witness.direct.ringing.first else { return .timePassed }
            return switch dice.below(6) {
            case 0: .message(callee, .callReject(call))
            case 1: .message(viewer, .callHangup(call))
            default: .message(callee, .callAccept(call))
            }
        case 32:
            guard let (call, pages) = witness.direct.openCalls.first, let sender = pages.first else {
                return .timePassed
            }
            return switch dice.below(4) {
            case 0: .message(sender, .callHangup(call))
            case 1: .viewerDisconnected(sender)
            default: .message(sender, .negotiation(call, recipient: pages.last ?? recipient, step))
            }
        case 34:
            let newcomer = viewers.first { !witness.direct.busy.contains($0) } ?? viewer
            return .message(newcomer, .callResume(witness.direct.awaited.first ?? anySecret(), keepsMedia: false))
        case 8, 9, 10: return .message(viewer, .callAccept(witness.currentRing ?? anyCall()))
        case 11, 12: return .message(viewer, .callReject(witness.currentRing ?? anyCall()))
        case 13: return .message(viewer, .callHangup(anyCall()))
        case 14, 20: return .message(viewer, .negotiation(anyCall(), recipient: recipient, step))
        case 15: return .negotiation(anyCall(), step)
        case 16: return .peerConnected(anyCall())
        case 17:
            return switch dice.below(5) {
            case 0: .callRevoked(anyCall())
            case 1, 2: .peerFailed(anyCall(), "gone")
            default: .peerClosed(anyCall())
            }
        case 21, 22: return .message(viewer, .callResume(anySecret(), keepsMedia: dice.below(2) == 0))
        case 23:
            return .message(viewer, .missedSeen(witness.everyMissed.dropFirst(dice.below(3)).first ?? CallID("none")))
        case 24: return dice.below(4) == 0 ? .channelClosed(anyCall()) : .channelOpened(anyCall())
        case 25, 26:
            let recipient = dice.below(2) == 0 ? nil : viewer
            return .channelMessage(anyCall(), .chat(id: "1", text: "x", recipient: recipient))
        case 27:
            return [
                .channelMessage(anyCall(), .control(id: "1", .unlock)), .channelMessage(anyCall(), .snapshot(id: "1")),
                .actuated(.unlock, anyCall(), messageID: "1", .done), .snapshotTaken(anyCall(), messageID: "1", .done),
            ][dice.below(4)]
        case 18, 33:
            return .message(viewer, .presence(name: "Name \(dice.below(9))", takesCalls: dice.below(8) != 0))
        default: return dice.below(40) == 0 ? .shutdown : .watchersChanged(dice.below(3))
        }
    }
}
