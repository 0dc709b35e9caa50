import Media
import Testing
import Wire

@testable import Gateway

@Suite struct EncodingControlTests {
    private let source = PictureSource(size: VideoSize(width: 1280, height: 720), frameRate: 30)

    /// Lets `seconds` pass with what `viewers` bear and a picture that takes `milliseconds` to encode; what is told.
    private func pass(
        _ control: inout EncodingControl, seconds: Int, from now: inout Instant, _ viewers: [Int: Int?],
        milliseconds: Int = 4
    ) -> [String] {
        var told: [String] = []
        let end = now + .seconds(seconds)
        while now < end {
            var counters = EncodingLine.Counters()
            // thirty pictures a second, or as many as there is time for
            let pictures = now.nanoseconds / 1_000_000 / 33
            counters.encoded = Int(pictures) / max(1, milliseconds / 33)
            counters.dropped = Int(pictures) - counters.encoded
            counters.busy = .milliseconds(milliseconds) * counters.encoded
            if control.isDue(at: now) {
                told += control.update(
                    Dictionary(uniqueKeysWithValues: viewers.map { (SessionID(rawValue: $0.key), $0.value) }),
                    source: source, counters: counters, at: now)
            }
            now += .milliseconds(10)
        }
        return told
    }

    @Test func `a viewer who comes has his plan at once, and then every 150 ms`() {
        var control = EncodingControl(configuration: Configuration.Video())
        let now = Instant.zero + .seconds(5)
        #expect(control.isDue(at: now))
        _ = control.update([:], source: source, counters: .init(), at: now)
        #expect(!control.isDue(at: now + .milliseconds(140)))
        #expect(control.isDue(at: now + .milliseconds(150)))
        control.watchersChanged()
        #expect(control.isDue(at: now + .milliseconds(10)))
    }

    @Test func `while nothing changes nothing is told`() {
        var control = EncodingControl(configuration: Configuration.Video())
        var now = Instant.zero + .seconds(5)
        #expect(pass(&control, seconds: 60, from: &now, [1: 3_000_000, 2: nil]).isEmpty)
    }

    @Test func `who has a smaller picture, and when that ends, is told in words`() {
        var control = EncodingControl(configuration: Configuration.Video())
        var now = Instant.zero + .seconds(5)
        _ = pass(&control, seconds: 3, from: &now, [1: 3_000_000, 2: 3_000_000])
        #expect(
            pass(&control, seconds: 3, from: &now, [1: 3_000_000, 2: 400_000]) == [
                "peer #2 bears 400 kbit/s and has a smaller picture than the others: 640x360 at 30 pictures a second, 400 kbit/s"
            ])
        #expect(
            pass(&control, seconds: 20, from: &now, [1: 3_000_000, 2: 3_000_000]).last == "the second picture has ended"
        )
        #expect(
            pass(&control, seconds: 3, from: &now, [2: 500_000])
                == ["the picture is now 640x360 at 30 pictures a second, 500 kbit/s"])
    }

    @Test func `a board that is too slow is told of once for each step, and when it has time again`() {
        var control = EncodingControl(configuration: Configuration.Video())
        var now = Instant.zero + .seconds(5)
        _ = pass(&control, seconds: 3, from: &now, [1: nil])
        let slow = pass(&control, seconds: 3, from: &now, [1: nil], milliseconds: 66)
        #expect(slow.count == 1)
        #expect(slow.first?.hasPrefix("the board is too slow: a picture takes 66 ms, and ") == true)
        #expect(
            slow.first?.hasSuffix("from now on at most 1280x720 at 30 pictures a second with the least effort") == true)
        #expect(control.plan.main?.leastEffort == true)
        let fast = pass(&control, seconds: 60, from: &now, [1: nil])
        #expect(fast == ["the board has time again: at most 1280x720 at 30 pictures a second"])
    }
}
