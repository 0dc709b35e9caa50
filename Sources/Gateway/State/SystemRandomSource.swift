import Wire

/// The system's generator (getrandom), for secrets too.
package final class SystemRandomSource: RandomSource {
    private var generator = SystemRandomNumberGenerator()

    package init() {}

    package func next() -> UInt64 { generator.next() }
}
