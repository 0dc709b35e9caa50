import Meeting
import Testing
import Wire

/// The door's sessions with pages, and with brokers that do as they like.
@Suite struct MeetingSessionsTests {
    private let keys: X25519KeyPair
    private var door: MeetingSessions
    private var now = Instant.zero
    /// Everything that the door wanted, but for what it published.
    private var outputs: [MeetingOutput] = []

    init() {
        let random = SeededRandomSource(seed: 1)
        keys = X25519KeyPair(random: random)
        door = MeetingSessions(keys: keys, random: random, at: .zero)
    }

    /// Has the door act, and lets in everybody unless `refuses`; `page` takes what is published.
    private mutating func act(_ input: MeetingInput, for page: inout Page, refuses: Bool = false) throws {
        door.handle(input, at: now)
        while let output = door.nextOutput() {
            switch output {
            case .publish(let payload, page.mailbox): try page.take(payload)
            case .publish: break
            case .introduced(let introduction):
                outputs.append(output)
                door.handle(
                    refuses
                        ? .refused(introduction.id, payload: Array("no".utf8))
                        : .admitted(introduction.id, payload: Array("yes".utf8)), at: now)
            default: outputs.append(output)
            }
        }
    }

    private mutating func open(_ seed: UInt64) throws -> Page {
        var page = try Page(seed, of: keys)
        try act(.received(page.mailbox, page.greeting), for: &page)
        try act(.received(page.mailbox, try page.seal("hello")), for: &page)
        return page
    }

    private func isOver(_ page: Page, _ end: MeetingEnd) -> Bool { outputs.last == .closed(page.mailbox, end) }

    @Test mutating func `a page comes in, and each hears what the other says`() throws {
        var page = try Page(2, of: keys, says: "hi")
        try act(.received(page.mailbox, page.greeting), for: &page)
        guard case .introduced(let introduction) = outputs.first else {
            Issue.record("nobody was introduced")
            return
        }
        #expect(introduction.payload == Array("hi".utf8))
        #expect(page.answer == "yes")
        #expect(door.openCount == 0, "a first message may be a repetition: nobody is there yet")
        try act(.received(page.mailbox, try page.seal("one")), for: &page)
        try act(.received(page.mailbox, try page.seal("two")), for: &page)
        #expect(
            outputs.dropFirst() == [
                .opened(page.mailbox, key: introduction.key), .message(page.mailbox, Array("one".utf8)),
                .message(page.mailbox, Array("two".utf8)),
            ])
        try act(.send(page.mailbox, Array("three".utf8)), for: &page)
        try act(.send(page.mailbox, Array("four".utf8)), for: &page)
        #expect(page.heard == ["three", "four"])
        #expect(door.discards.isEmpty)
    }

    @Test mutating func `who may not come in is told so, and is nobody after that`() throws {
        var page = try Page(2, of: keys)
        try act(.received(page.mailbox, page.greeting), for: &page, refuses: true)
        #expect(page.answer == "no")
        try act(.received(page.mailbox, try page.seal("let me in")), for: &page)
        #expect(page.isUnknown)
        #expect(outputs.count == 1)
        #expect(door.discards == [.noSession: 1])
        #expect(door.deadline == nil)
    }

    @Test(arguments: ["{\"type\":\"ping\"}", "{ \"type\": \"ping\" }"])
    mutating func `a ping is answered, and is no message`(ping: String) throws {
        var page = try open(2)
        let before = outputs
        try act(.received(page.mailbox, try page.seal(ping)), for: &page)
        #expect(page.heard == ["{\"type\":\"pong\"}"])
        #expect(outputs == before)
    }

    @Test mutating func `a page that is silent for too long is gone, and one that pings is not`() throws {
        var page = try open(2)
        let began = now
        while now < began + .seconds(200) {
            now += .seconds(25)
            try act(.received(page.mailbox, try page.seal("{\"type\":\"ping\"}")), for: &page)
        }
        #expect(door.openCount == 1)
        now = try #require(door.deadline)
        #expect(now == began + .seconds(250))
        try act(.timePassed, for: &page)
        #expect(isOver(page, .silent))
        #expect(page.isUnknown)
    }

    @Test mutating func `a page that does not go on after the handshake is forgotten`() throws {
        var page = try Page(2, of: keys)
        try act(.received(page.mailbox, page.greeting), for: &page)
        now = try #require(door.deadline)
        try act(.timePassed, for: &page)
        #expect(door.deadline == nil)
        #expect(outputs.count == 1, "who never was there does not leave")
    }

    @Test mutating func `a message that comes twice counts once`() throws {
        var page = try open(2)
        let message = try page.seal("once")
        try act(.received(page.mailbox, message), for: &page)
        let before = outputs
        try act(.received(page.mailbox, message), for: &page)
        #expect(outputs == before)
        #expect(door.discards == [.duplicate: 1])
        #expect(door.openCount == 1)
    }

    @Test mutating func `a message that was changed ends the session`() throws {
        var page = try open(2)
        var message = try page.seal("unlock")
        message[12] ^= 1
        try act(.received(page.mailbox, message), for: &page)
        #expect(isOver(page, .tampered))
        #expect(page.isUnknown)
        #expect(door.discards == [.tampered: 1])
    }

    @Test mutating func `a message that is missing ends the session`() throws {
        var page = try open(2)
        _ = try page.seal("withheld")
        try act(.received(page.mailbox, try page.seal("next")), for: &page)
        #expect(isOver(page, .gap))
        #expect(page.isUnknown)
    }

    @Test mutating func `a handshake that is repeated changes nothing, and opens nothing later`() throws {
        var page = try open(2)
        try act(.received(page.mailbox, page.greeting), for: &page)
        #expect(door.discards == [.repeatedHandshake: 1])
        try act(.send(page.mailbox, Array("still here".utf8)), for: &page)
        #expect(page.heard == ["still here"])
        let recorded = try page.seal("recorded")
        try act(.received(page.mailbox, recorded), for: &page)
        try act(.received(page.mailbox, []), for: &page)
        #expect(isOver(page, .left))
        // a broker that plays all of it again gets a handshake, but with another key of the door's
        let before = outputs.count
        door.handle(.received(page.mailbox, page.greeting), at: now)
        while let output = door.nextOutput() {
            if case .introduced(let again) = output { door.handle(.admitted(again.id, payload: []), at: now) }
        }
        door.handle(.received(page.mailbox, recorded), at: now)
        while let output = door.nextOutput() { outputs.append(output) }
        #expect(!outputs.dropFirst(before).contains { if case .opened = $0 { true } else { false } })
        #expect(door.openCount == 0)
    }

    @Test(arguments: [[], [4]]) mutating func `a page that leaves is gone, and hears no more`(payload: [UInt8]) throws {
        var page = try open(2)
        try act(.received(page.mailbox, payload), for: &page)
        #expect(isOver(page, .left))
        #expect(!page.isUnknown)
        try act(.send(page.mailbox, [1]), for: &page)
        #expect(page.heard.isEmpty)
    }

    @Test mutating func `what knows no session is never answered with the same`() throws {
        var page = try Page(2, of: keys)
        try act(.received(page.mailbox, [4]), for: &page)
        try act(.received(page.mailbox, []), for: &page)
        #expect(!page.isUnknown)
    }

    @Test mutating func `a new connection to the broker ends what was before it`() throws {
        var page = try open(2)
        try act(.connected, for: &page)
        #expect(isOver(page, .reconnected))
        #expect(door.deadline == nil)
    }

    @Test mutating func `the door ends a session`() throws {
        var page = try open(2)
        try act(.end(page.mailbox), for: &page)
        #expect(isOver(page, .ended))
        #expect(page.isUnknown)
    }

    @Test mutating func `handshakes are limited to so many a second`() throws {
        for seed in 0..<30 {
            var page = try Page(100 + UInt64(seed), of: keys)
            try act(.received(page.mailbox, page.greeting), for: &page, refuses: true)
        }
        #expect(outputs.count == MeetingSessions.Limits.handshakesPerSecond)
        #expect(door.discards == [.tooManyHandshakes: 10])
    }

    @Test mutating func `there are no more than so many sessions, and none that is open gives way`() throws {
        for seed in 0..<MeetingSessions.Limits.sessions {
            now += .milliseconds(100)
            _ = try open(100 + UInt64(seed))
        }
        #expect(door.openCount == MeetingSessions.Limits.sessions)
        now += .milliseconds(100)
        var late = try Page(1000, of: keys)
        try act(.received(late.mailbox, late.greeting), for: &late)
        #expect(late.answer == nil)
        #expect(door.discards == [.tooManySessions: 1])
        #expect(door.openCount == MeetingSessions.Limits.sessions)
    }

    @Test mutating func `sessions that never open give way to newer ones`() throws {
        for seed in 0...MeetingSessions.Limits.sessions {
            now += .milliseconds(100)
            var page = try Page(100 + UInt64(seed), of: keys)
            try act(.received(page.mailbox, page.greeting), for: &page)
            #expect(page.answer == "yes")
        }
        #expect(door.discards == [.tooManySessions: 1])
    }

    @Test mutating func `an answer to a page that has left goes nowhere`() throws {
        let page = try Page(2, of: keys)
        door.handle(.received(page.mailbox, page.greeting), at: now)
        guard case .introduced(let introduction)? = door.nextOutput() else {
            Issue.record("nobody was introduced")
            return
        }
        door.handle(.received(page.mailbox, []), at: now)
        door.handle(.admitted(introduction.id, payload: []), at: now)
        #expect(door.nextOutput() == nil)
    }

    @Test mutating func `whatever comes, nobody gets in without the handshake`() throws {
        let random = SeededRandomSource(seed: 77)
        let honest = try Page(2, of: keys)
        for _ in 0..<5000 {
            now += .milliseconds(Int64(random.below(200)))
            var payload: [UInt8]
            switch random.below(4) {
            case 0: payload = honest.greeting
            case 1: payload = [3] + random.bytes(random.below(60))
            case 2: payload = [UInt8(random.below(6))] + random.bytes(random.below(200))
            default: payload = random.bytes(random.below(4))
            }
            if !payload.isEmpty, random.below(2) == 0 { payload[random.below(payload.count)] ^= 1 << random.below(8) }
            door.handle(.received(honest.mailbox, payload), at: now)
            while let output = door.nextOutput() {
                if case .introduced(let introduction) = output {
                    door.handle(.admitted(introduction.id, payload: []), at: now)
                }
                if case .opened = output { Issue.record("somebody is in") }
            }
        }
        #expect(door.openCount == 0)
    }

    @Test func `a mailbox is 32 digits`() {
        #expect(MeetingMailbox("0123456789abcdef0123456789abcdef") != nil)
        for bad in ["", "0123456789ABCDEF0123456789abcdef", "0123456789abcdef0123456789abcde", "../../in/+"] {
            #expect(MeetingMailbox(bad) == nil, "\(bad)")
        }
    }

    @Test(arguments: [[5], [1, 2], [3, 0, 0], [4, 0], [3] + [UInt8](repeating: 0, count: 65_600)])
    mutating func `what is no frame is discarded`(payload: [UInt8]) throws {
        var page = try open(2)
        try act(.received(page.mailbox, payload), for: &page)
        #expect(door.openCount == 1)
        #expect(door.discards.values.reduce(0, +) == 1)
    }
}
