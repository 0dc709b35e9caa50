import Testing
import Wire

@Suite struct DatagramBatchTests {
    private struct Refused: Error {}
    private let local = SocketAddress(.v4(0xC000_0201), port: 1)
    private let remote = SocketAddress(.v4(0xC000_0202), port: 2)

    private func datagrams(_ batch: DatagramBatch) -> [[UInt8]] {
        batch.entries.map { Array(batch.storage[$0.range]) }
    }

    @Test func `datagrams leave in order, back to back`() {
        var batch = DatagramBatch()
        #expect(batch.isEmpty)
        batch.append([1, 2], from: local, to: remote)
        batch.append([3][...], from: remote, to: local)
        batch.append(from: local, to: remote) { $0 += [4, 5, 6] }
        #expect(datagrams(batch) == [[1, 2], [3], [4, 5, 6]])
        #expect(batch.storage == [1, 2, 3, 4, 5, 6])
        #expect(batch.entries.map(\.local) == [local, remote, local])
        #expect(batch.entries.map(\.remote) == [remote, local, remote])
    }

    @Test func `what goes by a stream names it, and a datagram names none`() {
        var batch = DatagramBatch()
        let streams = StreamIDSource()
        let (first, second) = (streams.next(), streams.next())
        #expect(first != second)
        batch.append([1], from: local, to: remote)
        batch.append([2], from: local, to: remote, on: first)
        batch.append(from: local, to: remote, on: second) { $0.append(3) }
        #expect(batch.entries.map(\.stream) == [nil, first, second])
    }

    @Test func `a writer that throws leaves nothing behind`() {
        var batch = DatagramBatch()
        batch.append([1, 2], from: local, to: remote)
        #expect(throws: Refused.self) {
            try batch.append(from: local, to: remote) { (buffer: inout [UInt8]) throws(Refused) in
                buffer += [7, 8, 9]
                throw Refused()
            }
        }
        #expect(datagrams(batch) == [[1, 2]])
        #expect(batch.storage == [1, 2])
        batch.append([3], from: local, to: remote)
        #expect(datagrams(batch) == [[1, 2], [3]])
    }

    @Test func `a writer that adds nothing makes no datagram`() {
        var batch = DatagramBatch()
        batch.append(from: local, to: remote) { _ in }
        #expect(batch.isEmpty)
        // unlike an empty datagram, which is one
        batch.append([], from: local, to: remote)
        #expect(datagrams(batch) == [[]])
    }

    @Test func `an emptied batch begins anew`() {
        var batch = DatagramBatch()
        batch.append([1, 2, 3], from: local, to: remote)
        batch.removeAll()
        #expect(batch.isEmpty && batch.storage.isEmpty)
        batch.append([9], from: local, to: remote)
        #expect(datagrams(batch) == [[9]])
    }
}
