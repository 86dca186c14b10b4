import Foundation

/// What somebody was told: a JSON object as Foundation reads it, with each member as a text.
struct Told: Hashable, CustomStringConvertible {
    private var members: [String: String] = [:]
    private(set) var lists: [String: [Told]] = [:]

    /// - Parameter text: without the closing bracket.
    init(_ text: [UInt8]) {
        let object = try? JSONSerialization.jsonObject(with: Data(text + [UInt8(ascii: "}")]))
        self.init(
            object as? [String: Any] ?? ["type": "no JSON: \(String(decoding: text, as: UTF8.self))"])
    }

    private init(_ object: [String: Any]) {
        for (name, value) in object {
            switch value {
            case let text as String: members[name] = text
            case let list as [[String: Any]]: lists[name] = list.map(Told.init)
            case let list as [String]: members[name] = list.sorted().joined(separator: " ")
            case let object as [String: Any]: lists[name] = [Told(object)]
            case let number as NSNumber: members[name] = number.stringValue
            default: break
            }
        }
    }

    subscript(name: String) -> String? { members[name] }
    func number(_ name: String) -> UInt64? { members[name].flatMap(UInt64.init) }
    /// Whether a member is true.
    func holds(_ name: String) -> Bool { members[name] == "1" || members[name] == "true" }

    var description: String {
        members.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
}
