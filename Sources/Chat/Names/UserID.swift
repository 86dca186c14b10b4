import Bytes

/// Who someone is: 66 bits of a keyed digest of the key that a client keeps, written as 11 characters of base64url. Nobody
/// can find the key from it, and the same key is the same user in all rooms and after any time.
package struct UserID: Hashable, Sendable {
    package let bits: UInt128

    /// Events from before there were users have none.
    package static let nobody = UserID(bits: 0)
    static let length = 11

    init(bits: UInt128) { self.bits = bits }

    /// Takes the first 66 bits of a digest.
    package init(digest: [UInt8]) { bits = UInt128(leading: digest) >> 62 }

    /// Reads the 11 characters; anything else is nil.
    package init?(_ text: Span<UInt8>) {
        guard text.count == UserID.length else { return nil }
        var bits: UInt128 = 0
        for i in text.indices {
            guard let sextet = Base64.urlSextet(of: text[i]) else { return nil }
            bits = bits << 6 | UInt128(sextet)
        }
        self.bits = bits
    }

    /// Appends the 11 characters.
    package func append(to bytes: inout [UInt8]) {
        for shift in stride(from: 60, through: 0, by: -6) {
            bytes.append(Base64.urlCharacter(of: UInt8(truncatingIfNeeded: bits >> UInt128(shift)) & 63))
        }
    }
}

/// The secrets of the server, by which others' secrets become values that may be kept and shown.
package struct ServerSecret: Sendable {
    private let hmac: HMAC

    /// - Parameter key: 32 random bytes that the server keeps for itself.
    package init(key: [UInt8]) { hmac = HMAC(key: key) }

    /// The user that a client's key stands for.
    package func user(ofKey clientKey: Span<UInt8>) -> UserID {
        UserID(digest: digest(of: clientKey, for: UInt8(ascii: "k")))
    }

    /// The user that a session without a key stands for.
    package func user(ofSession hash: UInt128) -> UserID {
        var text: [UInt8] = []
        text.append(hexadecimal: hash)
        return UserID(digest: digest(of: text.span, for: UInt8(ascii: "s")))
    }

    /// The user that a token's name stands for.
    func user(ofToken name: String) -> UserID {
        UserID(digest: digest(of: Array(name.utf8).span, for: UInt8(ascii: "t")))
    }

    /// What an address becomes, so that it can be compared and told to nobody.
    package func address(_ bytes: Span<UInt8>) -> UInt64 {
        // One bit less than fits, so that it can be read back as a number of JSON.
        UInt64(truncatingIfNeeded: UInt128(leading: digest(of: bytes, for: UInt8(ascii: "a"))) >> 65)
    }

    /// The invitation to a room that is locked: 128 bits that follow from the lock's nonce, as 22 characters of base64url.
    package func invitation(to room: String, nonce: UInt128) -> [UInt8] {
        var text = Array(room.utf8)
        text.append(UInt8(ascii: "|"))
        text.append(hexadecimal: nonce)
        return Base64.urlText(of: UInt128(leading: digest(of: text.span, for: UInt8(ascii: "i"))))
    }

    /// Another number that nobody can guess, made of one that was drawn.
    func nonce(from drawn: UInt128, _ number: UInt64) -> UInt128 {
        var text: [UInt8] = []
        text.append(hexadecimal: drawn)
        text.append(decimal: number)
        return UInt128(leading: digest(of: text.span, for: UInt8(ascii: "n")))
    }

    /// A password's digest: the same for all spellings that Unicode calls canonically equivalent. It holds for this process.
    package func password(_ text: String) -> [UInt8] {
        // A character's hash is that of its canonical form.
        var bytes: [UInt8] = []
        for character in text { bytes.append(bigEndian: UInt64(bitPattern: Int64(character.hashValue)), byteCount: 8) }
        return digest(of: bytes.span, for: UInt8(ascii: "p"))
    }

    /// Each use has a letter of its own, so that a digest made for one tells nothing in another.
    private func digest(of text: Span<UInt8>, for use: UInt8) -> [UInt8] {
        var bytes = [use]
        bytes.append(copying: text)
        return hmac.digest(of: bytes.span)
    }
}

/// The digest under which a session's secret is known to the server: the secret itself is the client's alone.
package enum SessionHash {
    package static func of(_ secret: UInt128) -> UInt128 {
        var bytes: [UInt8] = []
        bytes.append(hexadecimal: secret)
        return UInt128(leading: SHA1.digest(of: bytes.span))
    }
}

/// The digest under which an invitation or an operator's code is known.
package enum CodeHash {
    package static func of(_ text: Span<UInt8>) -> UInt128 { UInt128(leading: SHA1.digest(of: text)) }
}
