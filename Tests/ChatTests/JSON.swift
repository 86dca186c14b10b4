import Foundation

/// A text as a JSON string, written by someone else than the chat.
func quoted(_ text: String) -> String {
    let data = (try? JSONSerialization.data(withJSONObject: text, options: .fragmentsAllowed)) ?? Data()
    return String(decoding: data, as: UTF8.self)
}

/// A JSON object as Foundation reads it: an independent opinion on what the chat writes.
struct JSON: CustomStringConvertible {
    let text: String
    fileprivate let object: [String: Any]

    init(_ text: String) {
        self.text = text
        let object = try? JSONSerialization.jsonObject(with: Data(text.utf8))
        self.object = object as? [String: Any] ?? ["type": "no JSON: \(text)"]
    }

    init(_ object: [String: Any]) {
        text = "\(object)"
        self.object = object
    }

    var description: String { text }
    var type: String { self["type"] ?? "" }
    var code: String? { self["code"] }
    var role: String? { self["role"] }
    var seq: Int? { self["seq"] }
    subscript(name: String) -> String? { object[name] as? String }
    subscript(name: String) -> Int? { object[name] as? Int }
    subscript(name: String) -> Bool? { object[name] as? Bool }
    subscript(name: String) -> [String]? { object[name] as? [String] }
    subscript(name: String) -> [JSON]? { (object[name] as? [[String: Any]])?.map(JSON.init) }
    var keys: Set<String> { Set(object.keys) }

    /// Type and what matters most.
    var short: String {
        switch type {
        case "message": "\(self["username"] ?? "?"): \(self["text"] ?? "?")"
        case "error": code ?? "?"
        case "rename": "rename \(self["username"] ?? "?") \(self["to"] ?? "?")"
        case "history": "history \((self["events"] as [JSON]? ?? []).map(\.short))"
        default: "\(type) \(self["username"] ?? "?")"
        }
    }
}

extension JSON {
    /// The objects that are members of an object, by their names.
    func objects(_ name: String) -> [String: JSON]? {
        (object[name] as? [String: [String: Any]])?.mapValues { JSON($0) }
    }
}
