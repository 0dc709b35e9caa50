import Codecs
import Media
import RTP
import Testing
import Wire

@testable import Gateway

/// A viewer who talks to a `Voice`, each in 20 ms blocks of one clock.
private struct Talk {
    var voice = Voice()
    private let encoder: OpusEncoder
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var phase = 0.0
    private(set) var sequence: UInt16 = 65_500  // it wraps soon
    private(set) var timestamp: UInt32 = .max - 20_000
    var ssrc: SSRC = 7

    init() throws {
        encoder = try OpusEncoder(bitrate: 32_000, complexity: 3, expectedLoss: 0.2)
    }

    /// The next 20 ms of a buzz of 150 Hz, which a codec takes for a vowel.
    private mutating func buzz() -> [Int16] {
        (0..<AudioFormat.samplesPerBlock).map { _ in
            phase = (phase + 150.0 / 48_000).truncatingRemainder(dividingBy: 1)
            return Int16(16_000 * phase - 8000)
        }
    }

    /// 20 ms pass: the viewer talks, unless he is `silent`; his packet arrives, unless it is `lost`. What is played.
    mutating func step(silent: Bool = false, lost: Bool = false) throws -> [Int16]? {
        if !silent {
            let packet = try encoder.encode(buzz())
            if !lost { push(packet[...]) }
            sequence &+= 1
        }
        timestamp &+= 960
        defer { now = now + .milliseconds(20) }
        return voice.nextBlock(at: now)
    }

    mutating func push(_ payload: ArraySlice<UInt8>) {
        push(payload, sequence: sequence, timestamp: timestamp)
    }

    mutating func push(_ payload: ArraySlice<UInt8>, sequence: UInt16, timestamp: UInt32) {
        let header = RTPHeader(
            marker: false, payloadType: 111, sequenceNumber: SequenceNumber(sequence),
            timestamp: RTPTimestamp(timestamp), ssrc: ssrc)
        voice.push(RTPPacket(header: header, payload: payload), at: now)
    }

    mutating func pass(_ duration: Duration) {
        now = now + duration
    }
}

@Suite struct VoiceTests {
    /// The buzz is at -17.0 dBFS; its edges, and what Opus leaves out where it makes room for a copy, cost some.
    private let loudness = -19.5 ... -15.5

    @Test func `Who never talked has nothing to play`() {
        var voice = Voice()
        #expect(voice.nextBlock(at: .zero) == nil || voice.nextBlock(at: .zero)?.allSatisfy { $0 == 0 } == true)
        #expect(voice.statistics.level == -.infinity)
    }

    @Test func `Packets become blocks of 20 ms as loud as they were spoken`() throws {
        var talk = try Talk()
        var blocks: [[Int16]] = []
        for _ in 0..<100 { if let block = try talk.step() { blocks.append(block) } }
        #expect(blocks.allSatisfy { $0.count == AudioFormat.samplesPerBlock })
        #expect(blocks.count == 100)
        #expect(loudness.contains(talk.voice.statistics.level))
        #expect(talk.voice.statistics.jitterBuffer.concealedSamples == 0)
        #expect(talk.voice.statistics.jitterBuffer.playedSamples > 90 * 960)
    }

    @Test func `Lost packets are made up for without a gap`() throws {
        var talk = try Talk()
        for _ in 0..<25 { _ = try talk.step() }
        for number in 0..<200 {
            let block = try #require(try talk.step(lost: number % 5 == 0))
            #expect(block.count == AudioFormat.samplesPerBlock)
            #expect(talk.voice.statistics.level > -25, "a hole at \(number)")
        }
        #expect(talk.voice.statistics.jitterBuffer.concealedSamples > 0)
    }

    @Test func `Who falls silent is forgotten by the mixer after half a second, and heard again at once`() throws {
        var talk = try Talk()
        for _ in 0..<50 { _ = try talk.step() }
        var quiet = 0
        while try talk.step(silent: true) != nil {
            quiet += 1
            try #require(quiet < 60)
        }
        #expect((20...40).contains(quiet))
        #expect(talk.voice.statistics.level == -.infinity)
        #expect(try talk.step(silent: true) == nil)

        var heard = 0
        while talk.voice.statistics.level < -25 {
            _ = try talk.step()
            heard += 1
            try #require(heard < 25)
        }
        for _ in 0..<50 { #expect(try talk.step() != nil) }
        #expect(loudness.contains(talk.voice.statistics.level))
    }

    @Test func `A pause of an hour is a pause like any other`() throws {
        var talk = try Talk()
        for _ in 0..<50 { _ = try talk.step() }
        talk.pass(.seconds(3600))
        for _ in 0..<50 { _ = try talk.step() }
        #expect(loudness.contains(talk.voice.statistics.level))
    }

    @Test func `Another source in the same session, at other numbers, is heard`() throws {
        var talk = try Talk()
        for _ in 0..<50 { _ = try talk.step() }
        var other = try Talk()
        other.voice = talk.voice
        other.ssrc = 8
        for _ in 0..<50 { _ = try other.step() }
        #expect(loudness.contains(other.voice.statistics.level))
    }

    @Test func `Garbage is never played loud, never stops the player, and the voice goes on after it`() throws {
        let random = SeededRandomSource(seed: 5)
        var talk = try Talk()
        for _ in 0..<25 { _ = try talk.step() }
        for _ in 0..<2000 {
            // sizes and first bytes of every kind: no, one, several frames of 2.5 to 120 ms
            talk.push(random.bytes(random.below(60))[...])
            if let block = try talk.step(lost: true) { #expect(block.count == AudioFormat.samplesPerBlock) }
        }
        for _ in 0..<100 { _ = try talk.step() }
        #expect(loudness.contains(talk.voice.statistics.level))
    }

    @Test(arguments: 0..<20)
    func `Packets in any order, doubled, from any time, never stop the player`(seed: Int) throws {
        let random = SeededRandomSource(seed: UInt64(seed))
        let encoder = try OpusEncoder(bitrate: 24_000, complexity: 0, expectedLoss: 0.1)
        let packet = try encoder.encode([Int16](repeating: 100, count: AudioFormat.samplesPerBlock))
        var talk = try Talk()
        for _ in 0..<1500 {
            for _ in 0..<random.below(4) {
                let far = random.below(20) == 0
                let sequence = far ? random.uint16() : talk.sequence &+ UInt16(random.below(12)) &- 4
                let timestamp = far ? random.uint32() : talk.timestamp &+ UInt32(random.below(6000)) &- 2000
                talk.push(packet[...], sequence: sequence, timestamp: timestamp)
            }
            if random.below(100) == 0 { talk.pass(.milliseconds(random.below(3000))) }
            if let block = try talk.step(lost: random.below(3) == 0) {
                #expect(block.count == AudioFormat.samplesPerBlock)
            }
        }
        // and it finds back into a voice that talks on
        for _ in 0..<150 { _ = try talk.step() }
        #expect(loudness.contains(talk.voice.statistics.level))
    }
}
