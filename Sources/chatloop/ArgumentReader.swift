/// A command line that makes no sense: one line that says which argument is wrong, and what it takes.
struct UsageError: Error {
    var message: String
}

/// Reads a command's arguments one after the other: `--name value`, `--name=value`, and others.
struct ArgumentReader {
    enum Argument {
        case option(String)
        case positional(String)
    }

    private var rest: ArraySlice<String>
    /// What followed the `=` of the option that was read last.
    private var attached: String?
    private var current = ""
    private var onlyPositional = false

    init(_ arguments: [String]) { rest = arguments[...] }

    /// The next argument.
    mutating func next() throws(UsageError) -> Argument? {
        if let attached { throw UsageError(message: "\(current) takes no value, but has \"\(attached)\"") }
        guard let argument = rest.popFirst() else { return nil }
        guard argument.hasPrefix("-"), argument != "-", !onlyPositional else { return .positional(argument) }
        if argument == "--" {
            onlyPositional = true
            return try next()
        }
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        current = String(parts[0])
        if parts.count == 2 { attached = String(parts[1]) }
        return .option(current)
    }

    /// The value of the option that was read last.
    ///
    /// - Parameter what: what the value has to be, for people.
    mutating func value(_ what: String) throws(UsageError) -> String {
        if let value = attached {
            attached = nil
            return value
        }
        guard let value = rest.popFirst() else { throw UsageError(message: "\(current) takes \(what)") }
        return value
    }

    /// The same, for values that are read in some way; nil from `read` is a value that does not fit.
    mutating func value<Value>(_ what: String, _ read: (String) -> Value?) throws(UsageError) -> Value {
        let text = try value(what)
        guard let value = read(text) else { throw UsageError(message: "\(current) takes \(what), not \"\(text)\"") }
        return value
    }

    /// A whole number.
    mutating func number(_ range: ClosedRange<Int>) throws(UsageError) -> Int {
        let end = range.upperBound == .max ? "" : " to \(range.upperBound)"
        let what = "a whole number\(end.isEmpty ? ", \(range.lowerBound) or more" : " from \(range.lowerBound)\(end)")"
        return try value(what) { text in
            text.utf8.allSatisfy { (0x30...0x39).contains($0) }
                ? Int(text).flatMap { range.contains($0) ? $0 : nil } : nil
        }
    }

    /// A number that need not be whole.
    mutating func decimal(_ range: ClosedRange<Double>) throws(UsageError) -> Double {
        try value("a number from \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))") { text in
            Double(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    private static func text(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
    }

    /// One of a few words.
    mutating func choice<Choice: RawRepresentable & CaseIterable>() throws(UsageError) -> Choice
    where Choice.RawValue == String {
        let words = Choice.allCases.map(\.rawValue)
        let what =
            words.count > 1 ? "\(words.dropLast().joined(separator: ", ")) or \(words[words.count - 1])" : words[0]
        return try value(what) { Choice(rawValue: $0) }
    }

    /// An option that there is not.
    func unknown() -> UsageError { UsageError(message: "there is no option \(current)") }
}
