import Bytes
import Chat

/// A number with so many digits behind the point.
func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "-" }
    let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
    let scaled = Int((abs(value) * Double(scale)).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(scaled)" }
    let behind = String(scaled % scale)
    return "\(sign)\(scaled / scale).\(String(repeating: "0", count: digits - behind.count))\(behind)"
}

/// A number that people can take in: 3 digits and a unit of a thousand, a million, …
func rounded(_ value: Double) -> String {
    switch abs(value) {
    case 1e9...: fixed(value / 1e9, 2) + " G"
    case 1e6...: fixed(value / 1e6, 2) + " M"
    case 1e4...: fixed(value / 1e3, 1) + " k"
    case 100...: fixed(value, 0)
    default: fixed(value, 2)
    }
}

/// A JSON object, written member by member.
struct JSONObject {
    private(set) var text = "{"

    mutating func add(_ name: String, _ value: String) {
        var quoted: [UInt8] = []
        quoted.append(quoting: value)
        add(name, raw: String(decoding: quoted, as: UTF8.self))
    }

    mutating func add(_ name: String, _ value: Int) { add(name, raw: "\(value)") }
    mutating func add(_ name: String, _ value: UInt64) { add(name, raw: "\(value)") }
    mutating func add(_ name: String, _ value: Bool) { add(name, raw: "\(value)") }
    mutating func add(_ name: String, _ value: JSONObject) { add(name, raw: value.ended) }

    /// - Parameter digits: how many of them behind the point.
    mutating func add(_ name: String, _ value: Double?, digits: Int = 3) {
        guard let value, value.isFinite else { return add(name, raw: "null") }
        add(name, raw: fixed(value, digits))
    }

    private mutating func add(_ name: String, raw value: String) {
        if text.utf8.count > 1 { text += "," }
        text += "\"\(name)\":\(value)"
    }

    var ended: String { text + "}" }
}
