import Calls
import FoundationEssentials
import PeerConnection
import Testing

@Suite struct MessageTests {
    private func decode(_ json: String) throws -> ViewerMessage {
        try BadMessage.check(Array(json.utf8))
        return try JSONDecoder().decode(ViewerMessage.self, from: Data(json.utf8))
    }

    private func complaint(_ json: String) -> BadMessage? {
        do {
            let message = try decode(json)
            Issue.record("\(json) was taken for \(message)")
            return nil
        } catch {
            return BadMessage(describing: error)
        }
    }

    private func encode(_ message: DoorMessage) throws -> [String: JSONValue] {
        try JSONDecoder().decode([String: JSONValue].self, from: JSONEncoder().encode(message))
    }

    @Test func everyMessageOfAPageIsRead() throws {
        let call = CallID("c1")
        #expect(try decode(#"{"type":"presence","name":"  Küche \n"}"#) == .presence(name: "Küche"))
        #expect(try decode(#"{"type":"call-initiate","recipient":"door"}"#) == .callInitiate(recipient: .door))
        #expect(try decode(#"{"type":"call-accept","call":"c1"}"#) == .callAccept(call))
        #expect(try decode(#"{"type":"call-reject","call":"c1"}"#) == .callReject(call))
        #expect(try decode(#"{"type":"call-hangup","call":"c1","unknown":[{"field":1}]}"#) == .callHangup(call))
        #expect(
            try decode(#"{"type":"call-offer","call":"c1","description":{"type":"offer","sdp":"v=0\r\n"}}"#)
                == .negotiation(
                    call, recipient: .door, .description(RTCSessionDescription(type: .offer, sdp: "v=0\r\n"))))
        #expect(
            try decode(#"{"type":"call-answer","call":"c1","description":{"type":"answer","sdp":"v=0"}}"#)
                == .negotiation(call, recipient: .door, .description(RTCSessionDescription(type: .answer, sdp: "v=0"))))
        let full =
            #"{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"x"}"#
        #expect(
            try decode(#"{"type":"call-ice-candidate","call":"c1","candidate":\#(full)}"#)
                == .negotiation(
                    call, recipient: .door,
                    .candidate(
                        RTCIceCandidate(
                            candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host", sdpMid: "0", sdpMLineIndex: 0,
                            usernameFragment: "x"))))
        #expect(
            try decode(#"{"type":"call-ice-candidate","call":"c1","candidate":null}"#)
                == .negotiation(call, recipient: .door, .candidate(nil)))
        let end = #"{"candidate":"","sdpMid":null,"sdpMLineIndex":null}"#
        #expect(
            try decode(#"{"type":"call-ice-candidate","call":"c1","candidate":\#(end)}"#)
                == .negotiation(
                    call, recipient: .door, .candidate(RTCIceCandidate(candidate: "", sdpMid: nil, sdpMLineIndex: nil)))
        )
    }

    @Test func whatAPageSaysToAnotherAndOfWhatItMissedIsRead() throws {
        let call = CallID("c1")
        #expect(
            try decode(
                #"{"type":"call-offer","call":"c1","recipient":"v2","description":{"type":"offer","sdp":"v=0"}}"#)
                == .negotiation(
                    call, recipient: ParticipantID("v2"),
                    .description(RTCSessionDescription(type: .offer, sdp: "v=0"))))
        #expect(
            try decode(#"{"type":"call-ice-candidate","call":"c1","recipient":"v2","candidate":null}"#)
                == .negotiation(call, recipient: ParticipantID("v2"), .candidate(nil)))
        #expect(
            try decode(#"{"type":"call-resume","resumption":"s"}"#)
                == .callResume(ResumptionSecret("s"), keepsMedia: false))
        #expect(
            try decode(#"{"type":"call-resume","resumption":"s","keepsMedia":true}"#)
                == .callResume(ResumptionSecret("s"), keepsMedia: true))
        #expect(try decode(#"{"type":"missed-seen","call":"c1"}"#) == .missedSeen(call))
    }

    @Test(arguments: [
        ("", "not JSON"), ("{", "not JSON"), ("nonsense", "not JSON"), ("[]", "JSON object"), ("7", "JSON object"),
        ("{}", "“type” is missing"), (#"{"type":7}"#, "“type” is a string"), (#"{"type":null}"#, "“type” is a string"),
        (#"{"type":"call-dance"}"#, "“call-dance”"), (#"{"type":"welcome"}"#, "“welcome”"),
        (#"{"type":"call-accept"}"#, "“call” is missing"), (#"{"type":"call-accept","call":5}"#, "“call” is a string"),
        (#"{"type":"call-accept","call":""}"#, "“call” is no identifier"),
        (#"{"type":"call-initiate"}"#, "“recipient” is missing"),
        (#"{"type":"presence"}"#, "“name” is missing"), (#"{"type":"presence","name":" \t "}"#, "“name” is empty"),
        (#"{"type":"presence","name":"a\u0000b"}"#, "control character"),
        (#"{"type":"presence","name":"a\nb"}"#, "control character"),
        (#"{"type":"presence","name":"evil\u202Egnp.exe"}"#, "control character"),
        (#"{"type":"call-offer","call":"c"}"#, "“description” is missing"),
        (#"{"type":"call-offer","call":"c","description":"v=0"}"#, "“description” is an object"),
        (#"{"type":"call-offer","call":"c","description":{"type":"offer"}}"#, "“description” is an object"),
        (#"{"type":"call-offer","call":"c","description":{"type":"answer","sdp":""}}"#, "type “offer”"),
        (#"{"type":"call-answer","call":"c","description":{"type":"rollback","sdp":""}}"#, "description"),
        (#"{"type":"call-ice-candidate","call":"c"}"#, "“candidate” is missing"),
        (#"{"type":"call-ice-candidate","call":"c","candidate":"x"}"#, "“candidate” is null, or an object"),
        (
            #"{"type":"call-ice-candidate","call":"c","candidate":{"candidate":"x","sdpMLineIndex":-1}}"#,
            "“candidate” is null"
        ),
        (
            #"{"type":"call-ice-candidate","call":"c","candidate":{"candidate":"x","sdpMLineIndex":70000}}"#,
            "“candidate” is null"
        ),
        (#"{"type":"call-ice-candidate","call":"c","candidate":{"candidate":"x"}}"#, "neither “sdpMid” nor"),
        (#"{"type":"call-ice-candidate","call":"c","recipient":7,"candidate":null}"#, "“recipient” is a string"),
        (#"{"type":"call-ice-candidate","call":"c","recipient":"","candidate":null}"#, "“recipient” is no identifier"),
        (#"{"type":"call-resume"}"#, "“resumption” is missing"),
        (#"{"type":"call-resume","resumption":"s","keepsMedia":"yes"}"#, "“keepsMedia” is true or false"),
        (#"{"type":"missed-seen"}"#, "“call” is missing"),
    ])
    func whatIsWrongIsSaid(json: String, part: String) throws {
        let complaint = try #require(self.complaint(json))
        #expect(complaint.reason.contains(part), "\(json): \(complaint.reason)")
    }

    @Test func theTypeOfAWrongMessageIsNamed() {
        #expect(complaint(#"{"type":"call-accept"}"#)?.type == "call-accept")
        #expect(complaint("{}")?.type == nil)
        let long = String(repeating: "x", count: 5000)
        #expect(complaint(#"{"type":"\#(long)"}"#)?.type?.count == 40)
    }

    @Test func namesAndIdentifiersHaveALength() throws {
        let name = String(repeating: "é", count: 64)
        #expect(try decode(#"{"type":"presence","name":"\#(name)"}"#) == .presence(name: name))
        #expect(complaint(#"{"type":"presence","name":"\#(name)x"}"#) != nil)
        let combining = "a" + String(repeating: "\u{301}", count: 200)
        #expect(complaint(#"{"type":"presence","name":"\#(combining)"}"#) != nil)
        #expect(try decode(#"{"type":"presence","name":"👨‍👩‍👧"}"#) == .presence(name: "👨‍👩‍👧"))
        let identifier = String(repeating: "a", count: 64)
        #expect(try decode(#"{"type":"call-accept","call":"\#(identifier)"}"#) == .callAccept(CallID(identifier)))
        #expect(complaint(#"{"type":"call-accept","call":"\#(identifier)a"}"#) != nil)
        let candidate = String(repeating: "a", count: 2049)
        #expect(
            complaint(
                #"{"type":"call-ice-candidate","call":"c","candidate":{"candidate":"\#(candidate)","sdpMid":"0"}}"#)
                != nil)
    }

    @Test func whatIsTooLongOrTooDeepIsRefusedBeforeItIsRead() {
        #expect(throws: BadMessage.self) { try BadMessage.check([UInt8](repeating: 0x20, count: 65_537)) }
        #expect(throws: Never.self) { try BadMessage.check([UInt8](repeating: 0x20, count: 65_536)) }
        let nested = { (depth: Int) in
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(throws: Never.self) { try BadMessage.check(nested(8)) }
        #expect(throws: BadMessage.self) { try BadMessage.check(nested(9)) }
        #expect(throws: BadMessage.self) { try BadMessage.check([UInt8](repeating: UInt8(ascii: "{"), count: 60_000)) }
        #expect(throws: Never.self) { try BadMessage.check(Array(#"{"a":"[[[[[[[[[[\"[[[[[[["}"#.utf8)) }
    }

    @Test func aWelcomeHasTheFieldsOfTheDocument() throws {
        let welcome = DoorMessage.Welcome(
            id: ParticipantID("v"), doorName: "Door", devices: House.devices,
            iceServers: [
                ICEServer(urls: ["turn:t.example"], username: "u", credential: "c"),
                ICEServer(urls: ["stun:s.example"]),
            ],
            iceTransportPolicy: .relay, ringTimeout: .milliseconds(30_500), maxCallDuration: nil,
            resumption: ResumptionSecret("s"))
        #expect(
            try encode(.welcome(welcome)) == [
                "type": "welcome", "id": "v", "protocol": 2, "resumption": "s", "ringTimeoutMs": 30_500,
                "maxCallDurationMs": 0,
                "door": ["id": "door", "name": "Door", "camera": "live", "microphone": "live", "speaker": "live"],
                "iceServers": [
                    ["urls": ["turn:t.example"], "username": "u", "credential": "c"], ["urls": ["stun:s.example"]],
                ],
                "iceTransportPolicy": "relay",
            ])
        #expect(
            try encode(.iceServers([ICEServer(urls: ["turn:t.example"], username: "later:u", credential: "d")])) == [
                "type": "ice-servers",
                "iceServers": [["urls": ["turn:t.example"], "username": "later:u", "credential": "d"]],
            ])
    }

    @Test func theDoorsMessagesHaveTheFieldsOfTheDocument() throws {
        let call = CallID("c")
        let kitchen = Party(id: ParticipantID("v"), name: "Kitchen")
        #expect(
            try encode(.presence([Presence(id: .door, name: "Door", kind: .door, inCall: true)], watchers: 2)) == [
                "type": "presence", "watchers": 2,
                "participants": [["id": "door", "name": "Door", "kind": "door", "inCall": true]],
            ])
        #expect(
            try encode(.door(DoorDevices(camera: .testCard, microphone: .tone, speaker: .none))) == [
                "type": "door", "camera": "test-card", "microphone": "tone", "speaker": "none",
            ])
        #expect(
            try encode(.doorSettings(name: "Gate", ringTimeout: .seconds(5), maxCallDuration: nil)) == [
                "type": "door-settings", "name": "Gate", "ringTimeoutMs": 5000, "maxCallDurationMs": 0,
            ])
        #expect(
            try encode(.callIncoming(call, from: House.door, at: 1_764_000_000_000, expiresIn: .seconds(30))) == [
                "type": "call-incoming", "call": "c", "from": ["id": "door", "name": "Front door"],
                "at": 1_764_000_000_000,
                "expiresInMs": 30_000,
            ])
        #expect(
            try encode(.callAccepted(call, by: kitchen, continues: CallID("w"))) == [
                "type": "call-accepted", "call": "c", "by": ["id": "v", "name": "Kitchen"], "continues": "w",
            ])
        #expect(
            try encode(.callHangup(call, .maxDuration, by: nil)) == [
                "type": "call-hangup", "call": "c", "reason": "max_duration",
            ])
        #expect(
            try encode(
                .negotiation(call, sender: .door, .description(RTCSessionDescription(type: .answer, sdp: "v=0")))) == [
                    "type": "call-answer", "call": "c", "description": ["type": "answer", "sdp": "v=0"],
                ])
        #expect(
            try encode(.negotiation(call, sender: .door, .candidate(nil))) == [
                "type": "call-ice-candidate", "call": "c", "candidate": .null,
            ])
        #expect(
            try encode(.callError(.alreadyAnswered, message: "late", call: call, inReplyTo: "call-accept")) == [
                "type": "call-error", "code": "already_answered", "message": "late", "call": "c",
                "inReplyTo": "call-accept",
            ])
    }

    @Test func whatIsToldOfTheOthersInACallHasTheFieldsOfTheDocument() throws {
        let call = CallID("c")
        let study = ParticipantID("w")
        #expect(
            try encode(.callMembers(call, [Member(id: study, name: "Study", isAway: true)])) == [
                "type": "call-members", "call": "c", "members": [["id": "w", "name": "Study", "isAway": true]],
            ])
        #expect(
            try encode(.negotiation(call, sender: study, .candidate(nil))) == [
                "type": "call-ice-candidate", "call": "c", "sender": "w", "candidate": .null,
            ])
        #expect(
            try encode(.callResumed(call, elapsed: .milliseconds(1500))) == [
                "type": "call-resumed", "call": "c", "elapsedMs": 1500,
            ])
        #expect(
            try encode(.missed([MissedRing(call: call, at: 1_764_000_000_000)])) == [
                "type": "missed", "rings": [["call": "c", "at": 1_764_000_000_000]],
            ])
    }

    @Test func theDocumentsExamplesAreMessagesOfTheProtocol() throws {
        let path =
            #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Sources/Calls/PROTOCOL.md"
        let document = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        var count = 0
        for line in document.split(separator: "\n") {
            let line = line.drop { $0 == " " }
            guard line.hasPrefix("→"), let start = line.firstIndex(of: "{"), !line.contains(", …}") else { continue }
            #expect(throws: Never.self, "\(line)") { try decode(String(line[start...])) }
            count += 1
        }
        #expect(count >= 8)
    }

    @Test func theDocumentKnowsEveryReasonAndEveryCode() throws {
        let path =
            #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Sources/Calls/PROTOCOL.md"
        let document = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        let reasons: [EndReason] = [
            .hangup, .unanswered, .rejected, .maxDuration, .peerFailed, .connectionLost, .shutdown,
        ]
        let codes: [CallErrorCode] = [
            .badMessage, .unknownCall, .recipientOffline, .notAllowed, .alreadyAnswered, .busy, .negotiationFailed,
        ]
        let channelCodes: [ChannelErrorCode] = [
            .badMessage, .recipientOffline, .notAllowed, .notConfigured, .tooFast, .failed,
        ]
        for name in reasons.map(\.rawValue) + codes.map(\.rawValue) + channelCodes.map(\.rawValue) {
            #expect(document.contains("| `\(name)` |"), "\(name)")
        }
    }
}

/// Any JSON, to compare what was written without minding the order.
enum JSONValue: Decodable, Hashable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    case null
    case bool(Bool)
    case number(Int64)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Int64.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int64) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(uniqueKeysWithValues: elements))
    }
}
