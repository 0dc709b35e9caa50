/// A first-in, first-out queue that gives its memory back.
struct FIFO<Element: Sendable>: Sendable {
    private var storage: [Element] = []
    private var head = 0

    var count: Int { storage.count - head }
    var isEmpty: Bool { count == 0 }

    /// The element at `index`, the oldest at 0.
    subscript(index: Int) -> Element {
        get { storage[head + index] }
        _modify { yield &storage[head + index] }
    }

    mutating func append(_ element: Element) {
        storage.append(element)
    }

    mutating func removeFirst(_ count: Int = 1) {
        head += count
        // moved only when as many have gone as stay, so that each moves about once
        if head * 2 >= storage.count {
            storage.removeFirst(head)
            head = 0
        }
    }
}
