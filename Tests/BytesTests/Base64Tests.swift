import Bytes
import Testing

/// RFC 4648, sections 3, 4 and 10.
@Suite struct Base64Tests {
    @Test(
        "The RFC's test vectors go both ways",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func vectors(plain: String, text: String) {
        #expect(encode(Array(plain.utf8)) == Array(text.utf8))
        #expect(decode(Array(text.utf8)) == Array(plain.utf8))
    }

    @Test("Every character of the alphabet stands for its own six bits")
    func alphabet() {
        let text = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let bytes: [UInt8] = stride(from: 0, to: 64, by: 4).flatMap { first in
            let group = (first..<(first + 4)).reduce(0) { $0 << 6 | $1 }
            return [group >> 16, group >> 8, group].map { UInt8(truncatingIfNeeded: $0) }
        }
        #expect(encode(bytes) == text)
        #expect(decode(text) == bytes)
    }

    @Test("What was encoded is decoded, at every length")
    func roundTrip() {
        for count in 0..<100 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 151 + 200) }
            #expect(decode(encode(bytes)) == bytes)
        }
    }

    @Test(
        "Anything but the one spelling is refused",
        arguments: [
            "Z", "Zg", "Zg=", "Zm8", "Zm9v=", "Zm9v====",  // padding missing or too much
            "=", "====", "Z===", "Zg==Zg==", "Zm=v", "=m9v",  // padding elsewhere than at the end
            "Zh==", "Zv==", "Zm9=", "Zm/=",  // bits set after the last byte
            "Zm9v\n", " Zm9", "Zm 9", "Zm-_", "Zm9\u{0}", "Zmé", "Zm9v!===",  // outside the alphabet
        ])
    func refusals(text: String) {
        #expect(decode(Array(text.utf8)) == nil)
    }

    private func encode(_ bytes: [UInt8]) -> [UInt8] { Base64.encode(bytes.span) }

    private func decode(_ text: [UInt8]) -> [UInt8]? { Base64.decode(text.span) }
}
