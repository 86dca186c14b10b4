/// What there is a first state of.
protocol Blank: Sendable {
    init()
}

/// A value that is nearly always in its first state: until it is changed it takes eight bytes, whatever its size.
struct Seldom<Value: Blank>: Sendable {
    /// The value, once it was changed; no more than one.
    private var changed: [Value] = []

    var value: Value {
        get { changed.first ?? Value() }
        _modify {
            if changed.isEmpty { changed.append(Value()) }
            yield &changed[0]
        }
    }
}
