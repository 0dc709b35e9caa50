import Testing
import Wire

/// Numbers that a test chooses.
private final class ScriptedRandomSource: RandomSource {
    private var numbers: ArraySlice<UInt64>

    init(_ numbers: [UInt64]) {
        self.numbers = numbers[...]
    }

    func next() -> UInt64 { numbers.removeFirst() }
}

@Suite struct RandomSourceTests {
    @Test func `a seed decides the whole sequence, as SplitMix64's authors publish it`() {
        let source = SeededRandomSource(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ]
        #expect(expected.map { _ in source.next() } == expected)
    }

    @Test func `sources with one seed agree, and a shared source never repeats itself`() {
        let (left, right) = (SeededRandomSource(seed: 7), SeededRandomSource(seed: 7))
        #expect(left.bytes(32) == right.bytes(32))
        let shared = left
        #expect(shared.next() != left.next())
    }

    @Test func `narrow numbers are the upper bits`() {
        let source = ScriptedRandomSource([0x0123_4567_89AB_CDEF, 0x0123_4567_89AB_CDEF, 0x0123_4567_89AB_CDEF])
        #expect(source.uint32() == 0x0123_4567)
        #expect(source.uint16() == 0x0123)
        #expect(source.bytes(1) == [0xEF])
    }

    @Test func `a number stays below its bound at both ends of the source's range`() {
        #expect(ScriptedRandomSource([0]).below(.max) == 0)
        #expect(ScriptedRandomSource([.max]).below(.max) == .max - 1)
        #expect(ScriptedRandomSource([.max]).below(1) == 0)
        #expect(ScriptedRandomSource([1 << 63]).below(10) == 5)
    }

    @Test func `a number takes every value below its bound about as often`() {
        let source = SeededRandomSource(seed: 3)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<7000 { counts[source.below(7)] += 1 }
        #expect(counts.allSatisfy { (850...1150).contains($0) })
    }

    @Test func `a token has the length asked for and only letters and digits`() {
        let source = SeededRandomSource(seed: 4)
        #expect(source.token(0).isEmpty)
        let token = source.token(4000)
        #expect(token.utf8.count == 4000)
        #expect(Set(token).count == 62)
        #expect(token.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
    }
}
