import Testing
import Wire

@testable import Gateway

@Suite struct ExpectedLossTests {
    private var loss = ExpectedLoss()

    private func at(_ seconds: Double) -> Instant { .zero + .milliseconds(Int(seconds * 1000)) }

    @Test func `Nothing is prepared for where nobody loses anything`() {
        var loss = loss
        #expect(loss.update([], at: at(0)) == nil)
        #expect(loss.update([0, 0], at: at(1)) == nil)
    }

    @Test func `The worst of all listeners counts, at once`() {
        var loss = loss
        #expect(loss.update([0, 0.07, 0.02], at: at(0)) == 0.07)
        #expect(loss.update([0.12, 0.07], at: at(1)) == 0.12)
    }

    @Test func `More than a fifth is not prepared for`() {
        var loss = loss
        #expect(loss.update([0.9], at: at(0)) == 0.2)
        #expect(loss.update([1], at: at(1)) == nil)
    }

    @Test func `Less than a percent is not worth it`() {
        var loss = loss
        #expect(loss.update([0.009], at: at(0)) == nil)
    }

    @Test func `It falls slowly, and in the end to nothing`() {
        var loss = loss
        _ = loss.update([0.2], at: at(0))
        let values = (1...30).compactMap { loss.update([0], at: at(Double($0))) }
        #expect(values.first == 0.18)
        #expect(values == values.sorted(by: >))
        #expect(values.count >= 10)
        #expect(values.last == 0)
    }

    @Test func `The reports are read once a second`() {
        var loss = loss
        _ = loss.update([0.01], at: at(0))
        #expect(loss.update([0.1], at: at(0.999)) == nil)
        #expect(loss.update([0.1], at: at(1)) == 0.1)
    }
}
