import Testing
import Wire

@testable import Gateway

@Suite struct LatencyHistogramTests {
    private func histogram(_ milliseconds: [Double]) -> LatencyHistogram {
        var histogram = LatencyHistogram()
        for value in milliseconds { histogram.record(.nanoseconds(Int64(value * 1e6))) }
        return histogram
    }

    @Test func `What never happened took no time that anybody knows`() {
        let histogram = histogram([])
        #expect(histogram.quantile(0.5) == nil)
        #expect(histogram.count == 0)
        #expect(histogram.longest == .zero)
    }

    @Test func `Each falls into the bucket whose bound it does not exceed`() {
        let histogram = histogram([0, 1, 1.001, 5, 1000, 1001, 99_999, -3])
        #expect(histogram.counts[0] == 3)
        #expect(histogram.counts[1] == 1)
        #expect(histogram.counts[4] == 1)
        #expect(histogram.counts[LatencyHistogram.bounds.count - 1] == 1)
        #expect(histogram.counts[LatencyHistogram.bounds.count] == 2)
        #expect(histogram.counts.reduce(0, +) == histogram.count)
        #expect(histogram.count == 8)
        #expect(histogram.longest == .milliseconds(99_999))
    }

    @Test func `Quantiles lie within the bucket in which they fall, and never beyond the longest`() throws {
        let histogram = histogram((1...100).map { Double($0) * 0.2 })
        for fraction in [0.05, 0.25, 0.5, 0.9, 0.95, 0.99] {
            let exact = fraction * 20
            let found = try #require(histogram.quantile(fraction))
            #expect(abs(found - exact) < 1.5, "\(fraction): \(found), not \(exact)")
        }
        #expect(histogram.quantile(1) == 20)
        #expect(self.histogram([7.5]).quantile(0.5)! <= 7.5)
        #expect(self.histogram([2_000, 4_000]).quantile(1) == 4_000)
        let growing = (0...100).map { histogram.quantile(Double($0) / 100)! }
        #expect(growing == growing.sorted())
    }

    @Test func `The bounds rise`() {
        #expect(LatencyHistogram.bounds == LatencyHistogram.bounds.sorted())
        #expect(Set(LatencyHistogram.bounds).count == LatencyHistogram.bounds.count)
    }
}
