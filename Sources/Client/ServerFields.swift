import Bytes
import Chat

/// The members of an object in a server's message, by name. Of a name that is there twice the last counts, as in JavaScript.
struct ServerFields {
    private var tokens: [String: JSONToken] = [:]

    /// Reads the object at `at`, and moves past it; nil where there is none.
    init?(_ text: Span<UInt8>, _ at: inout Int) {
        var tokens: [String: JSONToken] = [:]
        let isObject = JSONScanner.members(text, &at) { name, value in
            var bytes: [UInt8] = []
            bytes.append(unescaping: name, of: text)
            tokens[String(decoding: bytes, as: UTF8.self)] = value
        }
        guard isObject else { return nil }
        self.tokens = tokens
    }

    /// The object that a token stands for; nil where it is none.
    init?(_ token: JSONToken, _ text: Span<UInt8>) {
        guard token.kind == .object else { return nil }
        var at = token.range.lowerBound
        self.init(text, &at)
    }

    private func token(_ name: String) -> JSONToken { tokens[name] ?? .absent }

    /// A string's text; nil for anything else.
    func string(_ name: String, _ text: Span<UInt8>) -> String? { Self.string(token(name), text) }

    private static func string(_ token: JSONToken, _ text: Span<UInt8>) -> String? {
        guard token.kind == .string else { return nil }
        var bytes: [UInt8] = []
        bytes.append(unescaping: token, of: text)
        return String(decoding: bytes, as: UTF8.self)
    }

    func strings(_ name: String, _ text: Span<UInt8>) -> [String]? {
        guard let tokens = elements(name, text) else { return nil }
        let strings = tokens.compactMap { Self.string($0, text) }
        return strings.count == tokens.count ? strings : nil
    }

    /// The elements of an array; nil for anything else.
    func elements(_ name: String, _ text: Span<UInt8>) -> [JSONToken]? {
        let array = token(name)
        guard array.kind == .array else { return nil }
        var elements: [JSONToken] = []
        var at = array.range.lowerBound
        guard JSONScanner.elements(text, &at, onElement: { elements.append($0) }) else { return nil }
        return elements
    }

    /// The objects in an array; nil for anything else, empty where there is no such member.
    func objects(_ name: String, _ text: Span<UInt8>) -> [ServerFields]? {
        guard !token(name).isMissing else { return [] }
        guard let tokens = elements(name, text) else { return nil }
        let objects = tokens.compactMap { ServerFields($0, text) }
        return objects.count == tokens.count ? objects : nil
    }

    /// The members of an object that is a member of this one, each an object itself, by name in order; empty for anything else.
    func named(_ name: String, _ text: Span<UInt8>) -> [(name: String, fields: ServerFields)] {
        guard let outer = ServerFields(token(name), text) else { return [] }
        return outer.tokens.keys.sorted().compactMap { name in
            ServerFields(outer.token(name), text).map { (name, $0) }
        }
    }

    func whole(_ name: String, _ text: Span<UInt8>) -> UInt64? { JSONScanner.whole(text, token(name)) }

    /// Milliseconds.
    func time(_ name: String, _ text: Span<UInt8>) -> Int64? { whole(name, text).map { Int64(clamping: $0) } }

    /// True or false; nil for anything else.
    func flag(_ name: String, _ text: Span<UInt8>) -> Bool? {
        let token = token(name)
        return token.kind == .boolean ? text.extracting(token.range).isEqual(to: "true") : nil
    }
}
