import Calls
import FoundationEssentials
import Testing

/// The fields of the messages about calls between viewers, as PROTOCOL.md has them.
@Suite struct DirectMessageTests {
    private func decode(_ json: String) throws -> ViewerMessage {
        try JSONDecoder().decode(ViewerMessage.self, from: Data(json.utf8))
    }

    private func encode(_ message: DoorMessage) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(message), as: UTF8.self)
    }

    @Test func aPageTakesCallsOnlyWhereItSaysSo() throws {
        #expect(
            try decode(#"{"type":"presence","name":"Hall","takesCalls":true}"#)
                == .presence(name: "Hall", takesCalls: true))
        #expect(try decode(#"{"type":"presence","name":"Hall"}"#) == .presence(name: "Hall", takesCalls: false))
        do {
            _ = try decode(#"{"type":"presence","name":"Hall","takesCalls":1}"#)
            Issue.record("a number is not true")
        } catch {
            #expect(BadMessage(describing: error).reason == "the field “takesCalls” is true or false")
        }
    }

    @Test func aRingBetweenViewersHasTheFieldsOfTheDocument() throws {
        let call = CallID("c")
        let kitchen = Party(id: ParticipantID("v"), name: "Kitchen")
        #expect(
            try encode(.callRinging(call, to: kitchen, expiresIn: .seconds(30)))
                == #"{"call":"c","expiresInMs":30000,"to":{"id":"v","name":"Kitchen"},"type":"call-ringing"}"#)
        #expect(
            try encode(.callIncoming(call, from: kitchen, at: nil, expiresIn: .seconds(30)))
                == #"{"call":"c","expiresInMs":30000,"from":{"id":"v","name":"Kitchen"},"type":"call-incoming"}"#)
        for (reason, name) in [(EndReason.recipientOffline, "recipient_offline"), (.door, "door")] {
            #expect(
                try encode(.callHangup(call, reason, by: nil))
                    == #"{"call":"c","reason":"\#(name)","type":"call-hangup"}"#)
        }
    }

    @Test func presenceTellsWhoCanBeCalledOfThoseWhoCanBe() throws {
        let door = Presence(id: .door, name: "D", kind: .door, inCall: false)
        let viewer = Presence(id: ParticipantID("v"), name: "K", kind: .viewer, inCall: false, availability: .free)
        #expect(
            try encode(.presence([door, viewer], watchers: 0))
                == #"{"participants":[{"id":"door","inCall":false,"kind":"door","name":"D"},"#
                + #"{"availability":"free","id":"v","inCall":false,"kind":"viewer","name":"K"}],"#
                + #""type":"presence","watchers":0}"#)
    }
}
