import CAllocations
import SimulatedPeers

/// Many simulated calls, on all processors.
struct Campaign {
    private let options: Options
    /// Calls that one task runs at a time.
    private static let batch: UInt64 = 25
    /// The first calls make what is made once; after them memory must not grow by more than this for a call.
    private static let warmUp: UInt64 = 500
    private static let allowedGrowth = 256.0

    init(_ options: Options) {
        self.options = options
    }

    func run() async -> Report {
        let clock = ContinuousClock()
        let start = clock.now
        let end = options.seed + UInt64(options.count)
        let warm = min(options.seed + Self.warmUp, end)
        var outcomes = await outcomes(options.seed..<warm)
        var growth: Double?
        if warm < end {
            let before = allocatedBytes()
            let rest = await self.outcomes(warm..<end)
            growth = Double(allocatedBytes() - before - size(of: rest)) / Double(end - warm)
            outcomes += rest
        }
        return Report(
            outcomes: outcomes, elapsed: clock.now - start,
            growth: options.count >= 2000 ? growth.map { ($0, Self.allowedGrowth) } : nil)
    }

    private func outcomes(_ seeds: Range<UInt64>) async -> [CallOutcome] {
        let options = options
        return await withTaskGroup(of: [CallOutcome].self) { group in
            for first in stride(from: seeds.lowerBound, to: seeds.upperBound, by: Int(Self.batch)) {
                group.addTask {
                    (first..<min(first + Self.batch, seeds.upperBound)).map { seed in
                        options.scenario(seed).run(trace: options.isTraced ? { print($0) } : nil)
                    }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }.sorted { $0.seed < $1.seed }
        }
    }

    private func allocatedBytes() -> Int { allocated_bytes() }

    private func size(of outcomes: [CallOutcome]) -> Int { outcomes.capacity * MemoryLayout<CallOutcome>.stride }
}
