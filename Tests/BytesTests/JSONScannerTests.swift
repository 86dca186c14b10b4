import Bytes
import Foundation
import Support
import Testing

@testable import Bytes

/// A value as the scanner finds it, for comparing with Foundation's.
private indirect enum Value: Equatable {
    case null, boolean(Bool), number(String), string(String)
    case array([Value]), object([String: Value])

    /// Reads a whole text; nil if the scanner refuses it.
    static func scan(_ bytes: [UInt8]) -> Value? {
        var at = 0
        guard let value = scan(bytes, &at, depth: 0) else { return nil }
        JSONScanner.skipSpace(bytes.span, &at)
        return at == bytes.count ? value : nil
    }

    private static func scan(_ bytes: [UInt8], _ at: inout Int, depth: Int) -> Value? {
        let text = bytes.span
        guard let token = JSONScanner.value(text, &at, depth: depth) else { return nil }
        switch token.kind {
        case .absent: return nil
        case .null: return .null
        case .boolean: return .boolean(token.range.count == 4)
        case .number: return .number(String(decoding: bytes[token.range], as: UTF8.self))
        case .string: return .string(String(unescaping: token, of: text))
        case .array:
            var values: [Value] = []
            var inner = token.range.lowerBound
            let isArray = JSONScanner.elements(text, &inner, depth: depth) { element in
                var start = element.kind == .string ? element.quotedRange.lowerBound : element.range.lowerBound
                if let value = scan(bytes, &start, depth: depth + 1) { values.append(value) }
            }
            return isArray && inner == token.range.upperBound ? .array(values) : nil
        case .object:
            var values: [String: Value] = [:]
            var inner = token.range.lowerBound
            let isObject = JSONScanner.members(text, &inner, depth: depth) { name, element in
                var start = element.kind == .string ? element.quotedRange.lowerBound : element.range.lowerBound
                let key = String(unescaping: name, of: text)
                values[key] = scan(bytes, &start, depth: depth + 1)
            }
            return isObject && inner == token.range.upperBound ? .object(values) : nil
        }
    }

    /// Whether there is a number in it that no Double holds: Foundation refuses that, the scanner does not look at it.
    var hasHugeNumber: Bool {
        switch self {
        case .number(let digits): Double(digits)?.isFinite == false
        case .array(let values): values.contains(where: \.hasHugeNumber)
        case .object(let values): values.values.contains(where: \.hasHugeNumber)
        case .null, .boolean, .string: false
        }
    }

    /// Whether Foundation reads the same. Numbers are compared as the numbers they are.
    func isSame(as other: Any) -> Bool {
        switch (self, other) {
        case (.null, is NSNull): true
        case (.string(let text), let other as String):
            // As scalars: for strings é is é however it is spelled.
            text.unicodeScalars.elementsEqual(other.unicodeScalars)
        case (.array(let values), let others as [Any]):
            values.count == others.count && zip(values, others).allSatisfy { $0.isSame(as: $1) }
        case (.object(let values), let others as [String: Any]):
            values.count == others.count && values.allSatisfy { key, value in others[key].map(value.isSame) ?? false }
        case (.boolean(let value), let other as NSNumber): other.boolValue == value
        case (.number(let digits), let other as NSNumber): Double(digits) == other.doubleValue
        default: false
        }
    }
}

private func foundation(_ bytes: [UInt8]) -> Any? {
    try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
}

@Suite struct JSONScannerTests {
    /// A random text that is JSON.
    private func text(_ random: inout SeededGenerator, depth: Int = 0) -> String {
        func space() -> String {
            String(repeating: random.pick([" ", "\n", "\t", "\r", ""]), count: random.below(2))
        }
        func string() -> String {
            let pieces = [
                "a", "é", "🦊", "\\n", "\\\"", "\\\\", "\\/", "\\u0041", "\\ud83e\\udd8a", "\\u00e9", " ", "type",
                "\u{7F}",
            ]
            return "\"" + (0..<random.below(5)).map { _ in random.pick(pieces) }.joined() + "\""
        }
        let kind = depth > 4 ? random.below(6) : random.below(10)
        let value =
            switch kind {
            case 0: random.pick(["true", "false", "null"])
            case 1, 2:
                random.pick(["0", "-0", "7", "-12", "1.5", "0.25", "1e3", "2E-2", "-1.5e+2", "9007199254740993"])
            case 3...5: string()
            case 6, 7:
                "[" + (0..<random.below(4)).map { _ in text(&random, depth: depth + 1) }.joined(separator: ",")
                    + "]"
            default:
                "{"
                    + (0..<random.below(4)).map {
                        "\"\($0)\(string().dropFirst())\(space()):" + text(&random, depth: depth + 1)
                    }
                    .joined(separator: ",") + "}"
            }
        return space() + value + space()
    }

    @Test func whatIsJSONIsReadAsFoundationReadsIt() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<3000 {
            let bytes = Array(text(&random).utf8)
            guard let value = Value.scan(bytes), let other = foundation(bytes) else {
                Issue.record("refused: \(String(decoding: bytes, as: UTF8.self))")
                continue
            }
            #expect(value.isSame(as: other), "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    /// Whatever the scanner accepts Foundation accepts, with the same values. Not the other way round: the scanner refuses
    /// lone surrogates, nesting deeper than it needs, and what is no JSON by the letter.
    @Test func whatIsAcceptedOfDamagedTextsFoundationReadsTheSame() {
        var random = SeededGenerator(seed: 12)
        let bits = Array("{}[]\":,\\ue0-+.19tfn \u{1}/\n".utf8)
        var accepted = 0
        for _ in 0..<30_000 {
            var bytes = Array(text(&random).utf8)
            for _ in 0...random.below(3) where !bytes.isEmpty {
                let at = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes.remove(at: at)
                case 1: bytes.insert(random.pick(bits), at: at)
                case 2: bytes.removeLast(bytes.count - at)
                default: if bytes[at] < 0x80 { bytes[at] = random.pick(bits) }
                }
            }
            // The server lets nothing through that is not UTF-8.
            guard String(validating: bytes, as: UTF8.self) != nil, let value = Value.scan(bytes) else { continue }
            if value.hasHugeNumber { continue }
            accepted += 1
            guard let other = foundation(bytes) else {
                Issue.record("only here: \(String(decoding: bytes, as: UTF8.self))")
                continue
            }
            #expect(value.isSame(as: other) || hasTwins(bytes), "\(String(decoding: bytes, as: UTF8.self))")
        }
        #expect(accepted > 3000)
    }

    /// Of a name that is there twice Foundation takes the first, this scanner's users the last.
    private func hasTwins(_ bytes: [UInt8]) -> Bool {
        var hasTwins = false
        func walk(_ at: Int) {
            var at = at
            guard let token = JSONScanner.value(bytes.span, &at) else { return }
            var names: Set<String> = []
            var inner = token.range.lowerBound
            if token.kind == .object {
                _ = JSONScanner.members(bytes.span, &inner) { name, value in
                    if !names.insert(String(unescaping: name, of: bytes.span)).inserted { hasTwins = true }
                    if value.kind == .object || value.kind == .array { walk(value.range.lowerBound) }
                }
            } else if token.kind == .array {
                _ = JSONScanner.elements(bytes.span, &inner) { value in
                    if value.kind == .object || value.kind == .array { walk(value.range.lowerBound) }
                }
            }
        }
        walk(0)
        return hasTwins
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "]", "{]", "[}", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{,}", "{\"a\"}", "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\" 1}", "{a:1}", "{'a':1}", "{1:1}", "{\"a\":1 \"b\":2}", "{\"a\"::1}", "tru", "truex", "True", "nul",
        "nan",
        "Infinity", "01", "-", "+1", "1.", ".5", "1e", "1e+", "1.e1", "0x1", "--1", "1_000", "\"", "\"a", "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"", "\"\\u123g\"", "\"\\u 123\"", "\"\\ud800\"", "\"\\ud800x\"", "\"\\ud800\\n\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800\\ud800\"", "\"\\udc00\"", "\"\\ud83e\\udd8\"", "\"\n\"", "\"\t\"", "\"\u{0}\"", "\"\u{1F}\"", "1 2",
        "{} {}",
        "// 1", "/**/1", "\u{FEFF}1", "\u{A0}1", "1\u{0}", "[1]]", "\"a\"\"b\"",
    ])
    func whatIsNoJSONIsRefused(text: String) { #expect(Value.scan(Array(text.utf8)) == nil) }

    @Test func nestingIsAllowedAsDeepAsIsSaid() {
        for deepest in [JSONScanner.deepest, JSONScanner.deepest + 1] {
            let isAllowed = deepest == JSONScanner.deepest
            let arrays = String(repeating: "[", count: deepest + 1) + String(repeating: "]", count: deepest + 1)
            let objects = String(repeating: "{\"a\":", count: deepest) + "{}" + String(repeating: "}", count: deepest)
            #expect((Value.scan(Array(arrays.utf8)) != nil) == isAllowed)
            #expect((Value.scan(Array(objects.utf8)) != nil) == isAllowed)
        }
    }

    @Test(
        arguments: [
            ("0", 0), ("7", 7), ("9223372036854775807", 9_223_372_036_854_775_807),
            ("9223372036854775808", 9_223_372_036_854_775_807), ("9223372036854775799", 9_223_372_036_854_775_799),
            ("18446744073709551617", 9_223_372_036_854_775_807), ("184467440737095516170", 9_223_372_036_854_775_807),
            ("-1", nil), ("-0", nil), ("1.0", nil), ("1e3", nil), ("\"1\"", nil), ("true", nil), ("null", nil),
            ("[]", nil),
        ] as [(String, UInt64?)])
    func aWholeNumberIsDigitsAlone(text: String, value: UInt64?) {
        let bytes = Array(text.utf8)
        var at = 0
        let token = JSONScanner.value(bytes.span, &at)
        let whole = token.flatMap { JSONScanner.whole(bytes.span, $0) }
        #expect(whole == value)
    }

    @Test func aStringKnowsWhetherItIsPlainAndASCII() {
        for (text, isPlain, isASCII) in [
            ("\"abc\"", true, true), ("\"é\"", true, false), ("\"\\n\"", false, true), ("\"\\u00e9é\"", false, false),
            ("\"\"", true, true), ("\"\u{7F}\"", true, true),
        ] {
            let bytes = Array(text.utf8)
            var at = 0
            let token = JSONScanner.value(bytes.span, &at)
            #expect(token?.isPlain == isPlain)
            #expect(token?.isASCII == isASCII)
            #expect(token.map { bytes[$0.quotedRange] == bytes[...] } == true)
        }
    }

    @Test func scalarsOfAStringAreCountedHoweverTheyAreWritten() {
        for text in ["", "a", "é🦊", "\\n\\u0041\\ud83e\\udd8a", "e\u{301}"] {
            let bytes = Array("\"\(text)\"".utf8)
            var at = 0
            guard let token = JSONScanner.value(bytes.span, &at) else { continue }
            let count = String(unescaping: token, of: bytes.span).unicodeScalars.count
            for range in [count...count, count + 1...count + 2, 0...max(0, count - 1)] {
                let has = token.hasScalars(range, in: bytes.span)
                #expect(has == range.contains(count))
            }
        }
    }
}
