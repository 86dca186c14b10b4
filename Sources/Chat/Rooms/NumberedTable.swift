/// Elements under numbers that only ever grow: an element is found by its number in O(log n), and all are walked in the
/// order of their numbers. So no output follows the order of a dictionary, and a number is never used twice.
struct NumberedTable<Element: Sendable>: Sendable {
    private var numbers: [UInt64] = []
    /// At their places; nil where one was taken out.
    private(set) var elements: [Element?] = []
    /// How many elements there are.
    private(set) var count = 0
    /// The number that the next element gets.
    private(set) var next: UInt64 = 1

    /// Adds an element under the next number.
    mutating func append(_ element: Element) -> UInt64 {
        let number = next
        insert(element, at: number)
        return number
    }

    /// Puts an element under a number of its own: one that was taken out, or one from a snapshot. It replaces what is there.
    mutating func insert(_ element: Element, at number: UInt64) {
        let place = position(of: number)
        if place < numbers.count, numbers[place] == number {
            if elements[place] == nil { count += 1 }
            elements[place] = element
        } else {
            numbers.insert(number, at: place)
            elements.insert(element, at: place)
            count += 1
        }
        next = max(next, number &+ 1)
    }

    /// Numbers below this one are taken.
    mutating func reserve(below number: UInt64) { next = max(next, number) }

    /// Gives the newest numbers back, which nothing has any more.
    mutating func reuse(from number: UInt64) {
        next = number
        assert(numbers.last.map { $0 < number } ?? true, "a number is given back that an element has")
    }

    /// Takes an element out.
    mutating func remove(_ number: UInt64) -> Element? {
        let place = position(of: number)
        guard place < numbers.count, numbers[place] == number, let element = elements[place] else { return nil }
        count -= 1
        elements[place] = nil
        // No empty place stays at the end: its number can be given back.
        while let last = elements.last, last == nil {
            numbers.removeLast()
            elements.removeLast()
        }
        if numbers.count > 16, count * 2 < numbers.count { compact() }
        return element
    }

    /// Where in `elements` the number stands, so that a part of an element is read without a copy of the whole; nil where there is
    /// no such number.
    func place(of number: UInt64) -> Int? {
        let place = position(of: number)
        return place < numbers.count && numbers[place] == number ? place : nil
    }

    /// The element with this number. Through it an element may be changed, but neither added nor removed.
    subscript(number: UInt64) -> Element? {
        get {
            guard let place = place(of: number) else { return nil }
            return elements[place]
        }
        _modify {
            let place = position(of: number)
            if place < numbers.count, numbers[place] == number {
                yield &elements[place]
            } else {
                var none: Element?
                yield &none
            }
        }
    }

    /// All, in the order of their numbers.
    func forEach(_ body: (_ number: UInt64, _ element: Element) -> Void) {
        for place in numbers.indices {
            if let element = elements[place] { body(numbers[place], element) }
        }
    }

    /// The first with a number of at least this one, for walking the table in pieces.
    func first(from number: UInt64) -> (number: UInt64, element: Element)? {
        for place in position(of: number)..<numbers.count {
            if let element = elements[place] { return (numbers[place], element) }
        }
        return nil
    }

    private func position(of number: UInt64) -> Int {
        // Mostly the newest are asked for, and in small tables all is near.
        var low = 0
        var high = numbers.count
        while low < high {
            let middle = (low + high) / 2
            if numbers[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func compact() {
        let kept = numbers.indices.filter { elements[$0] != nil }
        numbers = kept.map { numbers[$0] }
        elements = kept.map { elements[$0] }
    }
}
