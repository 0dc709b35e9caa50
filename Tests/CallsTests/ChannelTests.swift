import Calls
import FoundationEssentials
import Testing
import Wire

@Suite struct ChannelTests {
    /// A house with three people in the call, whose channels are open, and what is said on each.
    private struct Talk {
        var house = House()
        let people: [ParticipantID]
        let calls: [CallID]

        init(_ change: (inout CallHub.Configuration) -> Void = { _ in }) throws {
            house = House(change)
            var people: [ParticipantID] = []
            var calls: [CallID] = []
            for name in ["Kitchen", "Study", "Hall"] {
                people.append(house.open(name))
                calls.append(try house.watch(people[people.count - 1]))
                house.handle(.channelOpened(calls[calls.count - 1]))
            }
            (self.people, self.calls) = (people, calls)
        }

        mutating func write(_ text: String, to recipient: ParticipantID? = nil, id: String = "1") -> [HubOutput] {
            house.handle(.channelMessage(calls[0], .chat(id: id, text: text, recipient: recipient)))
        }
    }

    private static func said(_ outputs: [HubOutput], on call: CallID) -> [ChannelMessage] {
        outputs.compactMap { if case .sendOnChannel(let message, call) = $0 { message } else { nil } }
    }

    @Test func whatSomebodyWritesIsReadByAllOthersInTheCall() throws {
        var talk = try Talk()
        let outputs = talk.write("Who is it?")
        let message = ChannelMessage.chat(
            from: Party(id: talk.people[0], name: "Kitchen"), text: "Who is it?", isPrivate: false)
        #expect(Self.said(outputs, on: talk.calls[1]) == [message])
        #expect(Self.said(outputs, on: talk.calls[2]) == [message])
        #expect(
            Self.said(outputs, on: talk.calls[0]) == [.ack(id: "1", recipients: [talk.people[1], talk.people[2]])])
    }

    @Test func whatIsForOneIsReadByHimAlone() throws {
        var talk = try Talk()
        let outputs = talk.write("Only you", to: talk.people[2])
        #expect(Self.said(outputs, on: talk.calls[1]).isEmpty)
        #expect(
            Self.said(outputs, on: talk.calls[2]) == [
                .chat(from: Party(id: talk.people[0], name: "Kitchen"), text: "Only you", isPrivate: true)
            ])
        #expect(Self.said(outputs, on: talk.calls[0]) == [.ack(id: "1", recipients: [talk.people[2]])])
    }

    @Test func whoIsGoneOrHasNoChannelIsToldToBeOffline() throws {
        var talk = try Talk()
        talk.house.handle(.channelClosed(talk.calls[1]))
        talk.house.send(.callHangup(talk.calls[2]), from: talk.people[2])
        for recipient in [talk.people[0], talk.people[1], talk.people[2], ParticipantID("nobody")] {
            let outputs = talk.write("Hello?", to: recipient, id: "2")
            guard case .error(id: "2", .recipientOffline, _)? = Self.said(outputs, on: talk.calls[0]).first else {
                Issue.record("\(recipient) was written to")
                continue
            }
        }
        #expect(Self.said(talk.write("Anybody?"), on: talk.calls[0]) == [.ack(id: "1", recipients: [])])
    }

    @Test func whoIsInNoCallOrHasNoChannelSaysNothing() throws {
        var talk = try Talk()
        let message = MemberMessage.chat(id: "1", text: "x", recipient: nil)
        #expect(talk.house.handle(.channelMessage(CallID("none"), message)).isEmpty)
        talk.house.handle(.channelClosed(talk.calls[0]))
        #expect(talk.house.handle(.channelMessage(talk.calls[0], message)).isEmpty)
    }

    @Test func whoWritesTooFastIsToldOnceAndNotRead() throws {
        var talk = try Talk {
            $0.channelMessageBurst = 3
            $0.channelMessagesPerSecond = 1
        }
        var outputs: [HubOutput] = []
        for _ in 0..<10 { outputs += talk.write("again") }
        #expect(Self.said(outputs, on: talk.calls[1]).count == 3)
        let answers = Self.said(outputs, on: talk.calls[0])
        #expect(answers.count == 4)
        guard case .error(id: "1", .tooFast, _)? = answers.last else { return #expect(Bool(false), "he is told") }
        talk.house.pass(.seconds(1))
        #expect(Self.said(talk.write("slower"), on: talk.calls[1]).count == 1)
    }

    @Test func theDoorsControlsAreToldToWhoComesAndAtEveryChange() throws {
        var talk = try Talk()
        let controls = DoorControls(lock: .locked, light: .off)
        let outputs = talk.house.handle(.controlsChanged(controls))
        for call in talk.calls { #expect(Self.said(outputs, on: call) == [.controls(controls)]) }
        #expect(talk.house.handle(.controlsChanged(controls)).isEmpty)
        talk.house.handle(.channelClosed(talk.calls[0]))
        #expect(
            talk.house.handle(.channelOpened(talk.calls[0])) == [.sendOnChannel(.controls(controls), talk.calls[0])])
    }

    @Test func aControlIsActuatedAndItsOutcomeToldToWhoAskedForIt() throws {
        var talk = try Talk()
        let kitchen = Party(id: talk.people[0], name: "Kitchen")
        let ask = HubInput.channelMessage(talk.calls[0], .control(id: "7", .unlock))
        #expect(talk.house.handle(ask) == [.actuate(.unlock, talk.calls[0], messageID: "7", by: kitchen)])
        #expect(
            talk.house.handle(.actuated(.unlock, talk.calls[0], messageID: "7", .done)) == [
                .log(.controlled(.unlock, by: kitchen, .done)),
                .sendOnChannel(.ack(id: "7", recipients: nil), talk.calls[0]),
            ])
        let refused = talk.house.handle(
            .actuated(.light(isOn: true), talk.calls[0], messageID: "8", .refused(.notConfigured, "no light")))
        #expect(
            Self.said(refused, on: talk.calls[0]) == [.error(id: "8", .notConfigured, message: "no light")])
    }

    @Test func aPictureIsTakenForWhoAsksForItAndItsEndAcknowledged() throws {
        var talk = try Talk()
        let call = talk.calls[1]
        #expect(
            talk.house.handle(.channelMessage(call, .snapshot(id: "9"))) == [.takeSnapshot(call, messageID: "9")])
        #expect(
            talk.house.handle(.snapshotTaken(call, messageID: "9", .done)) == [
                .sendOnChannel(.ack(id: "9", recipients: nil), call)
            ])
        #expect(
            talk.house.handle(.snapshotTaken(call, messageID: "10", .refused(.failed, "no camera"))) == [
                .sendOnChannel(.error(id: "10", .failed, message: "no camera"), call)
            ])
        talk.house.handle(.channelClosed(call))
        #expect(talk.house.handle(.snapshotTaken(call, messageID: "11", .done)).isEmpty, "nobody reads it any more")
    }

    @Test func aCallThatIsResumedWithItsMediaKeepsItsChannelAndOneWithAnotherPeerDoesNot() throws {
        for keepsMedia in [true, false] {
            var talk = try Talk()
            let secret = try talk.house.resumption(of: talk.people[1])
            talk.house.handle(.viewerDisconnected(talk.people[1]))
            #expect(Self.said(talk.write("Still there?"), on: talk.calls[1]).count == 1, "his media goes on meanwhile")
            let new = talk.house.open("Viewer")
            talk.house.send(.callResume(secret, keepsMedia: keepsMedia), from: new)
            let ack = Self.said(talk.write("And now?"), on: talk.calls[0])
            #expect(ack == [.ack(id: "1", recipients: keepsMedia ? [new, talk.people[2]] : [talk.people[2]])])
        }
    }

    // MARK: Messages

    private func decode(_ json: String) throws -> MemberMessage {
        try JSONDecoder().decode(MemberMessage.self, from: Data(json.utf8))
    }

    @Test func everyMessageOfAPageIsRead() throws {
        #expect(
            try decode(#"{"type":"chat","id":"1","text":"Two\nlines"}"#)
                == .chat(id: "1", text: "Two\nlines", recipient: nil))
        #expect(
            try decode(#"{"type":"chat","id":"1","text":"x","recipient":"v"}"#)
                == .chat(id: "1", text: "x", recipient: ParticipantID("v")))
        #expect(try decode(#"{"type":"unlock","id":"2"}"#) == .control(id: "2", .unlock))
        #expect(try decode(#"{"type":"light","id":"3","on":true}"#) == .control(id: "3", .light(isOn: true)))
        #expect(try decode(#"{"type":"snapshot","id":"4"}"#) == .snapshot(id: "4"))
    }

    @Test(arguments: [
        "[]", "{}", #"{"type":"chat"}"#, #"{"type":"chat","id":"1"}"#, #"{"type":"chat","id":"1","text":" \n "}"#,
        #"{"type":"chat","id":"1","text":"a\u0007"}"#, #"{"type":"chat","id":"1","text":"\u202Eevil"}"#,
        #"{"type":"chat","id":"1","text":"x","recipient":""}"#, #"{"type":"chat","id":7,"text":"x"}"#,
        #"{"type":"unlock"}"#, #"{"type":"light","id":"1"}"#, #"{"type":"light","id":"1","on":"yes"}"#,
        #"{"type":"open","id":"1"}"#,
    ])
    func whatIsNoMessageIsRefused(json: String) {
        #expect(throws: BadMessage.self) { try decode(json) }
    }

    @Test func aTextHasALength() throws {
        let text = String(repeating: "é", count: 1000)
        #expect(
            try decode(#"{"type":"chat","id":"1","text":"\#(text)"}"#) == .chat(id: "1", text: text, recipient: nil))
        #expect(throws: BadMessage.self) { try decode(#"{"type":"chat","id":"1","text":"\#(text)x"}"#) }
    }

    @Test func theDoorsMessagesHaveTheFieldsOfTheDocument() throws {
        let encode = { (message: ChannelMessage) in
            try JSONDecoder().decode([String: JSONValue].self, from: JSONEncoder().encode(message))
        }
        #expect(
            try encode(.controls(DoorControls(lock: .unlocked, light: .none))) == [
                "type": "controls", "lock": "unlocked", "light": "none",
            ])
        #expect(
            try encode(.chat(from: Party(id: ParticipantID("v"), name: "Hall"), text: "Hi", isPrivate: true)) == [
                "type": "chat", "from": ["id": "v", "name": "Hall"], "text": "Hi", "isPrivate": true,
            ])
        #expect(
            try encode(.ack(id: "1", recipients: [ParticipantID("v")])) == [
                "type": "ack", "id": "1", "recipients": ["v"],
            ])
        #expect(try encode(.ack(id: "1", recipients: nil)) == ["type": "ack", "id": "1"])
        #expect(
            try encode(.snapshot(id: "1", mimeType: "image/jpeg", size: 3)) == [
                "type": "snapshot", "id": "1", "mimeType": "image/jpeg", "size": 3,
            ])
        #expect(
            try encode(.error(id: nil, .tooFast, message: "slow")) == [
                "type": "error", "code": "too_fast", "message": "slow",
            ])
    }
}
