/// The members of one JSON object, by name.
package struct JSONFields {
    private var names: [String: JSONToken] = [:]

    /// Nil where the text is not one object.
    package init?(_ text: Span<UInt8>) {
        var found: [String: JSONToken] = [:]
        var at = 0
        JSONScanner.skipSpace(text, &at)
        guard JSONScanner.members(text, &at, onMember: { found[String(unescaping: $0, of: text)] = $1 }) else {
            return nil
        }
        JSONScanner.skipSpace(text, &at)
        guard at == text.count else { return nil }
        names = found
    }

    package subscript(name: String) -> JSONToken { names[name] ?? .absent }
}
