/// What there is a first state of, in an array that all who are in it share.
protocol Blank: Sendable {
    static var blank: [Self] { get }
}

/// A value that is nearly always in its first state: until it is changed it takes eight bytes, whatever its size.
struct Seldom<Value: Blank>: Sendable {
    /// One value. The first change makes an array of its own.
    private var storage = Value.blank

    var value: Value {
        get { storage[0] }
        _modify { yield &storage[0] }
    }
}
