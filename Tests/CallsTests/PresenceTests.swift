import Calls
import Testing
import Wire

@Suite struct PresenceTests {
    @Test func aPageThatOpensIsWelcomedAndThenToldWhoIsThere() throws {
        var house = House {
            $0.iceServers = [ICEServer(urls: ["stun:stun.example"])]
            $0.maxCallDuration = .seconds(600)
        }
        let viewer = ParticipantID("v")
        let messages = house.handle(.viewerConnected(viewer)).allMessages(to: viewer)
        #expect(messages.count == 2)
        let resumption = try house.resumption(of: viewer)
        #expect(resumption.rawValue.utf8.count == 32)
        let welcome = DoorMessage.Welcome(
            id: viewer, doorName: "Front door", devices: House.devices,
            iceServers: [ICEServer(urls: ["stun:stun.example"])], ringTimeout: .seconds(30),
            maxCallDuration: .seconds(600), resumption: resumption)
        #expect(messages.first == .welcome(welcome))
        #expect(
            messages.last
                == .presence(
                    [
                        Presence(id: .door, name: "Front door", kind: .door, inCall: false),
                        Presence(id: viewer, name: "Viewer v", kind: .viewer, inCall: false),
                    ], watchers: 0))
    }

    @Test func newCredentialsAreToldToWhoIsThereAndToWhoComes() throws {
        var house = House { $0.iceServers = [ICEServer(urls: ["turn:t.example"], username: "1:v", credential: "a")] }
        let kitchen = house.open("Kitchen")
        let renewed = [ICEServer(urls: ["turn:t.example"], username: "2:v", credential: "b")]
        #expect(house.handle(.iceServersChanged(renewed)).allMessages(to: kitchen) == [.iceServers(renewed)])
        // the same again is no news
        #expect(house.handle(.iceServersChanged(renewed)).allMessages(to: kitchen).isEmpty)
        let study = ParticipantID("study")
        guard case .welcome(let welcome)? = house.handle(.viewerConnected(study)).allMessages(to: study).first else {
            Issue.record("no welcome")
            return
        }
        #expect(welcome.iceServers == renewed)
    }

    @Test func whatTheOwnerChangesIsToldToWhoIsThereAndToWhoComes() throws {
        var house = House()
        let kitchen = house.open("Kitchen")
        var settings = CallHub.Configuration()
        #expect(house.handle(.settingsChanged(settings)).isEmpty, "nothing has changed")
        settings.doorName = "Gate"
        settings.ringTimeout = .seconds(5)
        let told = house.handle(.settingsChanged(settings)).allMessages(to: kitchen)
        #expect(told.first == .doorSettings(name: "Gate", ringTimeout: .seconds(5), maxCallDuration: nil))
        guard case .presence(let present, _)? = told.last else { return #expect(Bool(false), "the name is told") }
        #expect(present.first?.name == "Gate")
        let study = ParticipantID("study")
        guard case .welcome(let welcome)? = house.handle(.viewerConnected(study)).allMessages(to: study).first else {
            return #expect(Bool(false), "a page is welcomed")
        }
        #expect(welcome.doorName == "Gate" && welcome.ringTimeout == .seconds(5))
        house.pass(.seconds(1))
        // the next ring is as long; one that is going on ends when it was to end
        let began = house.now
        house.handle(.buttonPressed(wallClock: 0))
        #expect(house.hub.deadline == began + .seconds(5))
        settings.ringTimeout = .seconds(60)
        house.handle(.settingsChanged(settings))
        #expect(house.hub.deadline == began + .seconds(5))
    }

    @Test func aCallThatHasLastedLongerThanIsAllowedNowIsOver() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let call = try house.watch(viewer)
        house.handle(.peerConnected(call))
        house.pass(.seconds(100))
        var settings = CallHub.Configuration()
        settings.maxCallDuration = .seconds(60)
        let told = house.handle(.settingsChanged(settings)).messages(to: viewer)
        #expect(told.contains(.callHangup(call, .maxDuration, by: nil)))
        #expect(house.hub.callCount == 0)
    }

    @Test func everyoneIsToldWhenSomeoneComesIsRenamedCallsAndGoes() throws {
        var house = House()
        let kitchen = house.open("Kitchen")
        let last = { (outputs: [HubOutput]) in
            outputs.allMessages(to: kitchen).compactMap { message -> [Presence]? in
                if case .presence(let list, _) = message { list } else { nil }
            }.last ?? []
        }
        let study = ParticipantID("study")
        #expect(last(house.handle(.viewerConnected(study))).map(\.id) == [.door, kitchen, study])
        house.pass(.seconds(1))
        #expect(
            last(house.send(.presence(name: "A study"), from: study)).map(\.name) == [
                "Front door", "A study", "Kitchen",
            ])
        house.pass(.seconds(1))
        #expect(last(house.send(.callInitiate(recipient: .door), from: study)).map(\.inCall) == [true, true, false])
        house.pass(.seconds(1))
        #expect(last(house.handle(.viewerDisconnected(study))).map(\.inCall) == [true, false])
        #expect(last(house.pass(.seconds(10))).map(\.inCall) == [false, false], "the door waited for him")
        house.pass(.seconds(1))
        #expect(house.send(.presence(name: "Kitchen"), from: kitchen).isEmpty, "the same name is no change")
    }

    @Test func whepPlayersAreCounted() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        guard case .presence(let list, let watchers) = house.handle(.watchersChanged(3)).allMessages(to: viewer).last
        else {
            return #expect(Bool(false), "everyone is told")
        }
        #expect(watchers == 3)
        #expect(list.first?.inCall == true)
    }

    @Test func changesInQuickSuccessionAreToldTogether() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        var told = 0
        for number in 0..<100 {
            told += house.send(.presence(name: "Name \(number)"), from: viewer).allMessages(to: viewer).count
            told += house.pass(.milliseconds(10)).allMessages(to: viewer).count
        }
        #expect(told <= 11)
        let last = house.pass(.seconds(1)).allMessages(to: viewer).last ?? house.outputs.allMessages(to: viewer).last
        guard case .presence(let list, _) = last else { return #expect(Bool(false), "the last change is told") }
        #expect(list.last?.name == "Name 99")
        #expect(house.hub.deadline == nil, "and then nothing is due")
    }

    @Test func aDevicesChangeIsToldOnce() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let unplugged = DoorDevices(camera: .testCard, microphone: .live, speaker: .none)
        #expect(house.handle(.devicesChanged(unplugged)).messages(to: viewer) == [.door(unplugged)])
        #expect(house.handle(.devicesChanged(unplugged)).isEmpty)
        guard
            case .welcome(let welcome) = house.handle(.viewerConnected(ParticipantID("late"))).messages(
                to: ParticipantID("late")
            ).first
        else { return #expect(Bool(false), "a page is welcomed") }
        #expect(welcome.devices == unplugged)
    }

    @Test func aBadMessageIsAnsweredAndNothingElseHappens() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let outputs = house.handle(.badMessage(viewer, BadMessage("the field “call” is missing", type: "call-accept")))
        #expect(
            outputs.messages(to: viewer)
                == [
                    .callError(.badMessage, message: "the field “call” is missing", call: nil, inReplyTo: "call-accept")
                ])
        #expect(outputs.acts.isEmpty)
    }

    @Test func aPageThatFloodsIsThrownOutAndItsCallEnds() throws {
        var house = House {
            $0.messageBurst = 20
            $0.messagesPerSecond = 10
        }
        let viewer = house.open("Kitchen")
        let call = try house.watch(viewer)
        house.pass(.seconds(10))
        var outputs: [HubOutput] = []
        for _ in 0..<21 { outputs += house.send(.callReject(CallID("none")), from: viewer) }
        #expect(outputs.errors(to: viewer).count == 20)
        #expect(outputs.acts == [.endSession(call, .hangup), .disconnect(viewer, "too many messages")])
        #expect(outputs.last == .disconnect(viewer, "too many messages"), "nothing is sent to it afterwards")
        #expect(house.hub.viewerCount == 0)
        #expect(house.send(.callInitiate(recipient: .door), from: viewer).isEmpty)
        #expect(house.handle(.viewerDisconnected(viewer)).isEmpty)
    }

    @Test func aPageThatKeepsToTheRateIsHeardForEver() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        for _ in 0..<5000 {
            house.pass(.milliseconds(10))
            #expect(house.send(.callReject(CallID("none")), from: viewer).errors(to: viewer) == [.unknownCall])
        }
    }

    @Test func whoIsNotConnectedIsNotHeard() {
        var house = House()
        let stranger = ParticipantID("stranger")
        #expect(house.send(.callInitiate(recipient: .door), from: stranger).isEmpty)
        #expect(house.handle(.badMessage(stranger, BadMessage("x"))).isEmpty)
        #expect(house.handle(.viewerDisconnected(stranger)).isEmpty)
    }

    @Test func identifiersAreLongAndNeverTheSame() {
        let random = SeededRandomSource(seed: 5)
        let identifiers = (0..<10_000).map { _ in CallID.random(from: random).rawValue }
        #expect(Set(identifiers).count == identifiers.count)
        for identifier in identifiers {
            #expect(identifier.utf8.count == 32)
            #expect(identifier.allSatisfy { $0.isHexDigit && !$0.isUppercase })
        }
    }
}
