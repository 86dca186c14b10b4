import Bytes
import Chat
import Client
import Foundation

/// A value as the scanner finds it, in the terms of Foundation's.
private func value(_ text: Span<UInt8>, _ at: inout Int, _ isUnsure: inout Bool, depth: Int = 0) -> Any? {
    guard let token = JSONScanner.value(text, &at, depth: depth) else { return nil }
    func inner(_ token: JSONToken) -> Any? {
        var at = token.kind == .string ? token.quotedRange.lowerBound : token.range.lowerBound
        return value(text, &at, &isUnsure, depth: depth + 1)
    }
    func string(_ token: JSONToken) -> String {
        var bytes: [UInt8] = []
        bytes.append(unescaping: token, of: text)
        return String(decoding: bytes, as: UTF8.self)
    }
    switch token.kind {
    case .absent: return nil
    case .null: return NSNull()
    case .boolean: return token.range.count == 4
    case .number:
        var digits: [UInt8] = []
        for index in token.range { digits.append(text[index]) }
        // What no Double holds Foundation refuses; the scanner does not look at it.
        guard let number = Double(String(decoding: digits, as: UTF8.self)), number.isFinite else {
            isUnsure = true
            return 0.0
        }
        return number
    case .string: return string(token)
    case .array:
        var values: [Any] = []
        var start = token.range.lowerBound
        let isWhole = JSONScanner.elements(text, &start, depth: depth) { token in
            if let value = inner(token) { values.append(value) }
        }
        return isWhole ? values : nil
    case .object:
        var values: [String: Any] = [:]
        var start = token.range.lowerBound
        let isWhole = JSONScanner.members(text, &start, depth: depth) { name, token in
            // Of two members with one name Foundation takes the first, the chat the last.
            if values.updateValue(inner(token) ?? NSNull(), forKey: string(name)) != nil { isUnsure = true }
        }
        return isWhole ? values : nil
    }
}

private func isSame(_ value: Any, _ other: Any) -> Bool {
    switch (value, other) {
    case (is NSNull, is NSNull): true
    case (let text as String, let other as String): text.unicodeScalars.elementsEqual(other.unicodeScalars)
    case (let values as [Any], let others as [Any]):
        values.count == others.count && zip(values, others).allSatisfy { isSame($0, $1) }
    case (let values as [String: Any], let others as [String: Any]):
        values.count == others.count
            && values.allSatisfy { key, value in others[key].map { isSame(value, $0) } ?? false }
    case (let flag as Bool, let other as NSNumber): other.boolValue == flag
    case (let number as Double, let other as NSNumber):
        // Foundation reads long numbers as decimals of 38 digits, and rounds the rest of them its own way.
        abs(other.doubleValue - number) <= abs(number) * 1e-9
    default: false
    }
}

/// The JSON scanner against Foundation's: what the one accepts the other accepts, and reads the same. And the client's
/// decoder of what servers say, which stands on the scanner.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let input = unsafe Input(bytes, count)
    let text = Array(input.rest)
    guard String(validating: text, as: UTF8.self) != nil else { return 0 }  // the frames let nothing else through
    _ = ServerMessage(text.span)
    var (at, isUnsure) = (0, false)
    JSONScanner.skipSpace(text.span, &at)
    guard let ours = value(text.span, &at, &isUnsure), !isUnsure else { return 0 }
    JSONScanner.skipSpace(text.span, &at)
    guard at == text.count else { return 0 }
    let theirs = try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
    guard let theirs else { fatalError("only the scanner takes it") }
    demand(isSame(ours, theirs), "\(ours) here, \(theirs) there")
    return 0
}
