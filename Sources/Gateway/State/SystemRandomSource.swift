import Wire

/// The system's generator (getrandom), for secrets too.
final class SystemRandomSource: RandomSource {
    private var generator = SystemRandomNumberGenerator()

    func next() -> UInt64 { generator.next() }
}
