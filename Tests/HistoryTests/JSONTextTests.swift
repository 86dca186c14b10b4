import Foundation
import History
import Simulation
import Testing

struct JSONTextTests {
    private func isObject(_ text: String) -> Bool { isObject(Array(text.utf8)) }
    private func isObject(_ bytes: [UInt8]) -> Bool { JSONText.isObject(bytes.span, 0..<bytes.count) }

    @Test(arguments: [
        "{}", "{ }", #"{"a":1}"#, #"{"a":-0.5e+10,"b":[1,2,[],{}],"c":null,"d":true,"e":false}"#,
        #"{"a" : "b" , "c":[ ]}"#,
        #"{"a":"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"}"#, #"{"é":"😀 ߿ ࠀ \#u{FFFF} \#u{10FFFF}"}"#,
        #"{"a":0,"b":10,"c":1E5}"#,
    ])
    func objectsAreObjects(text: String) {
        #expect(isObject(text))
    }

    @Test(arguments: [
        "", " {}", "{} ", "[]", "1", "null", "{", "}", "{]", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{,}"#, #"{a:1}"#,
        #"{"a":01}"#, #"{"a":+1}"#, #"{"a":.5}"#, #"{"a":1.}"#, #"{"a":1e}"#, #"{"a":tru}"#, #"{"a":nulL}"#,
        #"{"a":"b}"#,
        #"{"a":"\x"}"#, #"{"a":"\u12g4"}"#, #"{"a":"\u12"#, #"{"a":[1,]}"#, #"{"a":[1 2]}"#, #"{"a":1}{"b":2}"#,
        "{\"a\":\"\n\"}",
        "{\"a\":\"\0\"}", #"{"a":"\"#, #"{"a":NaN}"#,
    ])
    func anythingElseIsNot(text: String) {
        #expect(!isObject(text))
    }

    @Test func nestingHasAnEnd() {
        #expect(isObject(#"{"a":"# + String(repeating: "[", count: 15) + String(repeating: "]", count: 15) + "}"))
        #expect(!isObject(#"{"a":"# + String(repeating: "[", count: 16) + String(repeating: "]", count: 16) + "}"))
        #expect(!isObject(#"{"a":"# + String(repeating: "[", count: 1_000_000)))
    }

    /// RFC 3629, section 4: overlong forms, surrogates, what is beyond U+10FFFF, and what is cut short.
    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98],
            [0xE2, 0x82, 0x41], [0xF0, 0x9F, 0x98, 0x41],
        ] as [[UInt8]])
    func malformedUTF8IsNot(bytes: [UInt8]) {
        #expect(!isObject(Array(#"{"a":""#.utf8) + bytes + Array(#""}"#.utf8)))
    }

    /// A line cut anywhere, and a line with any of its bytes overwritten, against Foundation's parser.
    @Test func agreesWithAnotherParser() {
        let whole = Array(#"{"type":"message","seq":12,"time":1.5e3,"x":[true,null,{}],"text":"aé\n\u0041😀"}"#.utf8)
        for end in 0..<whole.count { #expect(!isObject(Array(whole[..<end]))) }
        for index in whole.indices {
            for byte in [
                0x00, 0x0A, 0x20, 0x22, 0x2C, 0x30, 0x3A, 0x5B, 0x5C, 0x5D, 0x61, 0x7B, 0x7D, 0x80, 0xC3, 0xFF,
            ] as [UInt8] {
                var bytes = whole
                bytes[index] = byte
                let oracle = (try? JSONSerialization.jsonObject(with: Data(bytes))) is [String: Any]
                let strict =
                    bytes.first == 0x7B && bytes.last == 0x7D && String(validating: bytes, as: UTF8.self) != nil
                // Foundation is content with "A, a lone half of a pair".
                #expect(isObject(bytes) == (oracle && strict), "\(String(decoding: bytes, as: UTF8.self))")
            }
        }
    }
}
