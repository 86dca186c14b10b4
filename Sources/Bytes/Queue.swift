/// First in, first out, over an array whose front is cleared away now and then.
package struct Queue<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var head = 0

    /// The oldest element.
    package var first: Element? { head < elements.count ? elements[head] : nil }
    package var count: Int { elements.count - head }

    package init() {}

    package mutating func append(_ element: Element) { elements.append(element) }

    /// Takes out the oldest element.
    package mutating func removeFirst() -> Element? {
        guard let element = first else { return nil }
        head += 1
        if head * 2 > elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }
}
