internal import PeerConnection
internal import RTP
internal import SDP
internal import Wire

/// What an application does to its connection while descriptions are on their way.
package enum GlareAction: CaseIterable, Hashable, Sendable {
    case addAudioTrack, addVideoTrack, addReceivingTransceiver, stopSending, removeTrack, stop, restartIce
}

/// Every order in which two negotiating peers can do what they do and hear what they are told.
///
/// Each delivery of a description and each action of an application is a step; after a step both sides do at once what
/// `negotiationneeded` asks for. From the beginning all steps that are possible are tried, one after the other, until
/// nothing is left to do or hear: then both sides must be in `stable`, want no negotiation, agree about every media
/// description, and none of what either application has added may be missing.
///
/// Orders that lead to the same state have the same future, which is followed once. Two states are the same where both
/// sides have the same transceivers and descriptions, and the same descriptions are under way, whatever random names and
/// numbers are in them.
///
/// A connection is a value, so that a state is kept by copying it. Its DTLS transport, which is not, does nothing here,
/// for no datagram is carried.
package struct GlareExploration {
    /// How many states were seen.
    package private(set) var states = 0
    /// How many of them were an end, with nothing left to do or hear.
    package private(set) var ends = 0
    /// How many steps were made in all.
    package private(set) var steps = 0
    /// The most steps of one order.
    package private(set) var depth = 0
    /// What went wrong, with the steps that lead there; the first few.
    package private(set) var failures: [String] = []

    /// No order of a few actions takes more steps: one that does goes round in circles.
    private static let depthLimit = 80
    private static let failureLimit = 5
    private var seen: Set<String> = []
    fileprivate static let names = ["polite", "impolite"]

    package init() {}

    /// Tries all orders of the actions `polite` of the one side and `impolite` of the other, each side's own in their
    /// order, from a new connection or (`isEstablished`) from one with sound both ways.
    package mutating func explore(
        polite: [GlareAction], impolite: [GlareAction], isEstablished: Bool = false
    ) {
        var state = State(scripts: [polite, impolite])
        if isEstablished { state.establish() }
        seen = []
        explore(state, depth: 0)
    }

    private mutating func explore(_ state: State, depth: Int) {
        guard failures.count < Self.failureLimit else { return }
        self.depth = max(self.depth, depth)
        guard depth < Self.depthLimit else { return fail("does not come to an end", state) }
        guard seen.insert(state.signature).inserted else { return }
        states += 1
        let possible = state.possibleSteps
        if possible.isEmpty {
            ends += 1
            if let failure = state.failure { fail(failure, state) }
            return
        }
        for step in possible {
            steps += 1
            var next = state
            next.take(step)
            explore(next, depth: depth + 1)
        }
    }

    private mutating func fail(_ reason: String, _ state: State) {
        failures.append("\(reason) after \(state.history.joined(separator: ", "))")
    }

    // MARK: A state

    private enum Step {
        case action(side: Int)
        case delivery(to: Int)
    }

    fileprivate struct Side {
        var connection: RTCPeerConnection
        var negotiation: PerfectNegotiation
        /// What is on its way to this side.
        var inbox: [RTCSessionDescription] = []
        var script: [GlareAction]
        var added: [TransceiverID] = []
        var stopped: [TransceiverID] = []
        var wantsRestart = false
        var fragmentsBefore: [String] = []
        var errors: [String] = []
    }

    private struct State {
        var sides: [Side]
        var history: [String] = []

        init(scripts: [[GlareAction]]) {
            let random = SeededRandomSource(seed: 1)
            sides = scripts.enumerated().map { index, script in
                Side(
                    connection: RTCPeerConnection(
                        configuration: .init(certificate: SimulatedCertificates.all[index]), random: random),
                    negotiation: PerfectNegotiation(isPolite: index == 0), script: script)
            }
        }

        var possibleSteps: [Step] {
            sides.indices.flatMap { index -> [Step] in
                (sides[index].script.isEmpty ? [] : [.action(side: index)])
                    + (sides[index].inbox.isEmpty ? [] : [.delivery(to: index)])
            }
        }

        /// Sound both ways, agreed on.
        mutating func establish() {
            for index in sides.indices { perform(.addAudioTrack, on: index) }
            drain()
            while let index = sides.indices.first(where: { !sides[$0].inbox.isEmpty }) { take(.delivery(to: index)) }
            history = []
        }

        mutating func take(_ step: Step) {
            switch step {
            case .action(let side):
                let action = sides[side].script.removeFirst()
                history.append("\(GlareExploration.names[side]): \(action)")
                perform(action, on: side)
            case .delivery(let side):
                let description = sides[side].inbox.removeFirst()
                history.append("\(GlareExploration.names[side]) hears the \(description.type.rawValue)")
                do throws(RTCError) {
                    let answer = try sides[side].receive(description)
                    if let answer { sides[1 - side].inbox.append(answer) }
                } catch {
                    sides[side].errors.append(error.description)
                }
            }
            drain()
        }

        private mutating func perform(_ action: GlareAction, on side: Int) {
            switch action {
            case .addAudioTrack: sides[side].add(sides[side].connection.addTrack(.audio, streamID: "s"))
            case .addVideoTrack: sides[side].add(sides[side].connection.addTrack(.video, streamID: "s"))
            case .addReceivingTransceiver:
                sides[side].add(sides[side].connection.addTransceiver(.video, direction: .recvonly))
            case .stopSending:
                let sending = sides[side].connection.allTransceivers.last { $0.direction.sends && !$0.isStopped }
                guard let sending else { return }
                sides[side].connection.setDirection(sending.direction.receives ? .recvonly : .inactive, of: sending.id)
            case .removeTrack:
                let sending = sides[side].connection.senders.last { $0.track != nil }
                guard let sending else { return }
                attempt(on: side) { connection throws(RTCError) in try connection.removeTrack(sending.transceiver) }
            case .stop:
                guard let last = sides[side].connection.allTransceivers.last(where: { !$0.isStopping }) else { return }
                sides[side].stopped.append(last.id)
                attempt(on: side) { connection throws(RTCError) in try connection.stop(last.id, at: .zero) }
            case .restartIce:
                // before there are credentials there is nothing to replace
                sides[side].fragmentsBefore = sides[side].connection.localUsernameFragments
                sides[side].wantsRestart = !sides[side].fragmentsBefore.isEmpty
                sides[side].connection.restartIce()
            }
        }

        private mutating func attempt(
            on side: Int, _ body: (inout RTCPeerConnection) throws(RTCError) -> Void
        ) {
            do throws(RTCError) {
                try body(&sides[side].connection)
            } catch {
                sides[side].errors.append(error.description)
            }
        }

        /// Does what `negotiationneeded` asks for, on either side.
        private mutating func drain() {
            for index in sides.indices {
                while let event = sides[index].connection.nextOutput() {
                    guard case .negotiationNeeded = event else { continue }
                    do throws(RTCError) {
                        let offer = try sides[index].negotiate()
                        if let offer { sides[1 - index].inbox.append(offer) }
                    } catch {
                        sides[index].errors.append(error.description)
                    }
                }
                sides[index].connection.outbox.removeAll()
            }
        }

        // MARK: Which state it is

        /// The same for states that have the same future.
        var signature: String {
            var names = Numbering()
            return sides.map { side in
                let descriptions = [side.connection.localDescription, side.connection.remoteDescription] + side.inbox
                let transceivers = side.connection.allTransceivers.map { item in
                    "\(item.kind) \(item.mid ?? "") \(item.direction) \(item.currentDirection.map { "\($0)" } ?? "")"
                        + " \(item.sender.track != nil) \(item.hasSent)"
                }
                let hasYetToRestart =
                    side.wantsRestart && side.fragmentsBefore == side.connection.localUsernameFragments
                var lines = [side.connection.signalingState.rawValue, "\(side.script)", "\(side.errors.count)"]
                lines.append("\(hasYetToRestart)")
                lines += transceivers
                lines += descriptions.map { names.outline($0) }
                return lines.joined(separator: "\n")
            }.joined(separator: "\n\n")
        }

        // MARK: The end

        /// What is wrong where nothing is left to do; nil where all is well.
        var failure: String? {
            for (index, side) in sides.enumerated() {
                if let error = side.errors.first { return "\(GlareExploration.names[index]): \(error)" }
                if side.connection.signalingState != .stable {
                    return "\(GlareExploration.names[index]) ends in \(side.connection.signalingState.rawValue)"
                }
                if side.wantsRestart, side.connection.localUsernameFragments == side.fragmentsBefore {
                    return "\(GlareExploration.names[index]) has not restarted ICE"
                }
            }
            return disagreement(0) ?? disagreement(1)
        }

        /// Where the transceivers of a side are not what both sides want of them.
        private func disagreement(_ index: Int) -> String? {
            let (own, other) = (sides[index], sides[1 - index])
            let transceivers = own.connection.allTransceivers
            // what either side has stopped is gone on both
            let lost = Set(own.added).subtracting(transceivers.map(\.id)).subtracting(own.stopped)
            guard lost.count <= other.stopped.count else {
                return "\(GlareExploration.names[index]) has lost \(lost)"
            }
            for transceiver in transceivers {
                guard !transceiver.isStopping else {
                    return "\(GlareExploration.names[index]): \(transceiver.id) has not stopped"
                }
                guard let mid = transceiver.mid else {
                    return "\(GlareExploration.names[index]): \(transceiver.id) was never negotiated"
                }
                let counterpart = other.connection.allTransceivers.first { $0.mid == mid }
                guard let counterpart, counterpart.kind == transceiver.kind else {
                    return "\(GlareExploration.names[1 - index]) has no \(transceiver.kind) \(mid)"
                }
                let wanted = MediaDirection(
                    sends: transceiver.direction.sends && counterpart.direction.receives,
                    receives: transceiver.direction.receives && counterpart.direction.sends)
                guard transceiver.currentDirection == .init(wanted) else {
                    return
                        "\(GlareExploration.names[index]): \(mid) is \(transceiver.currentDirection.map { "\($0)" } ?? "nothing"),"
                        + " should be \(wanted)"
                }
            }
            return nil
        }
    }
}

/// Numbers for random names, in the order in which they turn up.
private struct Numbering {
    private var numbers: [ArraySlice<UInt8>: Int] = [:]

    private subscript(name: ArraySlice<UInt8>) -> Int {
        mutating get {
            if let known = numbers[name] { return known }
            numbers[name] = numbers.count
            return numbers.count - 1
        }
    }

    /// What of a description decides about the negotiation: of its bytes, for to find that out is most of what an
    /// exploration does.
    mutating func outline(_ description: RTCSessionDescription?) -> String {
        guard let description else { return "none" }
        var outline = Array(description.type.rawValue.utf8)
        for line in Array(description.sdp.utf8).split(separator: UInt8(ascii: "\n")) {
            if line.starts(with: Self.fragment) {
                outline += "\nufrag \(self[line.dropFirst(Self.fragment.count)])".utf8
            } else if Self.kept.contains(where: line.starts) {
                outline.append(UInt8(ascii: "\n"))
                outline += line
            }
        }
        return String(decoding: outline, as: UTF8.self)
    }

    private static let fragment = Array("a=ice-ufrag:".utf8)
    private static let kept = [
        "m=", "a=mid:", "a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive", "a=setup:", "a=group:",
    ].map { Array($0.utf8) }
}

extension GlareExploration.Side {
    fileprivate mutating func receive(_ description: RTCSessionDescription) throws(RTCError) -> RTCSessionDescription? {
        try negotiation.received(description, on: &connection, at: .zero)
    }

    fileprivate mutating func negotiate() throws(RTCError) -> RTCSessionDescription? {
        try negotiation.negotiationNeeded(on: &connection, at: .zero)
    }

    fileprivate mutating func add(_ transceiver: TransceiverID) { added.append(transceiver) }
}
