import Bytes
import Chat
import Log
import Platform
import Sockets

/// The server's own files of who may do what: what operators have decided, the link for a new one, and the password.
enum DoorFiles {
    /// In the data folder: operators and their bans, and the link that makes an operator.
    static let facts = "server.json"
    static let link = "operator.json"
    /// How long the link is valid (ms).
    static let linkTime: Int64 = 3_600_000
}

extension OperatorLink {
    /// As it stands in its file.
    var json: [UInt8] {
        var text: [UInt8] = []
        text.append("{\"code\":\"")
        text.append(hexadecimal: code)
        text.append("\",\"until\":")
        text.append(decimal: UInt64(clamping: until))
        text.append(endsOthers ? ",\"renew\":true}\n" : ",\"renew\":false}\n")
        return text
    }

    /// Nil where the text is not that.
    init?(json text: Span<UInt8>) {
        var (code, until, endsOthers, at) = (UInt128?.none, UInt64?.none, false, 0)
        let isRead = JSONScanner.members(
            text, &at,
            onMember: { name, value in
                switch String(unescaping: name, of: text) {
                case "code": if value.kind == .string { code = UInt128(hexadecimal: text.extracting(value.range)) }
                case "until": until = JSONScanner.whole(text, value)
                case "renew": endsOthers = text[value.range.lowerBound] == UInt8(ascii: "t")
                default: break
                }
            })
        guard isRead, let code, let until else { return nil }
        self.init(code: code, until: Int64(clamping: until), endsOthers: endsOthers)
    }

    /// A code that nobody can guess.
    package static func makeCode() -> String {
        String(decoding: Base64.urlText(of: UInt128(leading: Entropy.bytes(16))), as: UTF8.self)
    }
}

extension OperatorLink {
    /// A new one, and the code that belongs into it.
    package static func make(endsOthers: Bool) -> (code: String, link: OperatorLink) {
        let code = makeCode()
        let digest = CodeHash.of(Array(code.utf8).span)
        return (code, OperatorLink(code: digest, until: Clock.wall + DoorFiles.linkTime, endsOthers: endsOthers))
    }
}

/// Makes a link for an operator, which the server that keeps its data in this folder takes up, running or not.
///
/// - Parameter endsOthers: whether those who are operators now are none any more.
/// - Returns: the code that belongs into the link.
package func makeOperatorLink(dataFolder: String, endsOthers: Bool) throws(StartFailure) -> String {
    let (code, link) = OperatorLink.make(endsOthers: endsOthers)
    do {
        try DataFolder.replaceFile(DoorFiles.link, in: dataFolder, with: link.json, FileStorage())
    } catch {
        throw StartFailure(
            error.isPermission ? .noPermission : .cannotCreate,
            "Cannot write to the data folder: \(error). Name the server's folder with --data.")
    }
    return code
}

extension ServeOptions {
    /// The password as it stands in its file; nil where there is none to be given.
    func readPassword() throws(StartFailure) -> String? {
        guard let passwordFile else { return nil }
        let bytes: [UInt8]?
        do throws(SystemError) {
            bytes = try SmallFile.read(passwordFile)
        } catch {
            throw StartFailure(.noPermission, "--password-file: cannot \(error).")
        }
        guard let bytes else { throw StartFailure(.usage, "--password-file: there is no file \(passwordFile).") }
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
        guard UTF8Validator.isValid(Array(line).span) else {
            throw StartFailure(.usage, "--password-file: the first line of \(passwordFile) is not UTF-8.")
        }
        var password = Substring(String(decoding: line, as: UTF8.self))
        while password.first?.isWhitespace == true { password.removeFirst() }
        while password.last?.isWhitespace == true { password.removeLast() }
        guard !password.isEmpty else {
            throw StartFailure(.usage, "--password-file: the first line of \(passwordFile) is empty.")
        }
        return String(password)
    }
}

extension Server where W: ~Copyable {
    /// Takes in what stands in the files.
    package mutating func openDoors() throws(StartFailure) {
        if let password = try options.readPassword() { chat.password = chat.secret.password(password) }
        if let code = options.operatorCode {
            let until = world.wall + DoorFiles.linkTime
            keeping.link = OperatorLink(code: CodeHash.of(Array(code.utf8).span), until: until, endsOthers: false)
        }
        guard let history else { return }
        let bytes: [UInt8]?
        do throws(StorageError) {
            bytes = try history.read(file: DoorFiles.facts)
            chat.roomsWithFiles = try history.roomCount
        } catch {
            throw StartFailure(.cannotCreate, "Cannot read the server's operators and bans: \(error).")
        }
        guard let bytes else { return }
        guard let facts = ServerFacts(json: bytes.span) else {
            throw StartFailure(
                .cannotCreate, "Cannot read \(options.dataFolder)/\(DoorFiles.facts). Mend it, or take it away.")
        }
        chat.begin(with: facts)
    }

    /// The password's file is read again. Where that does not work, the old one stays.
    mutating func readPassword() {
        guard options.passwordFile != nil else { return }
        do throws(StartFailure) {
            guard let password = try options.readPassword() else { return }
            chat.password = chat.secret.password(password)
            log(.info, "password-read")
        } catch {
            log(.error, "password-refused", "reason", error.message, "remedy", "the old one stays")
        }
    }

    /// Keeps what operators have decided, and looks for the link where somebody has come with one; before anything is sent.
    mutating func keepFacts() {
        if cluster != nil, let facts = chat.takeFacts() { shareFacts(facts) }
        if let facts = chat.takeFacts(), let history {
            do throws(StorageError) {
                try history.replace(file: DoorFiles.facts, with: facts.json)
            } catch {
                chat.keepFactsLater()
                storageFailed(error)
            }
        }
        if output.operatorLinkUse != .none { useLink() }
        if output.wantsOperatorLink { return thisTick.carry(.operatorLink(findLink())) }
        guard let due = nextLinkLook, now >= due else { return }
        keeping.nextLinkLook = now + Timing.linkLook
        if let link = findLink(), link.endsOthers { thisTick.carry(.operatorLink(link)) }
    }

    /// When it is looked whether all operators are ended; nil while there are none.
    var nextLinkLook: Int64? { history != nil && chat.hasOperators ? keeping.nextLinkLook : nil }

    private mutating func findLink() -> OperatorLink? {
        if let cluster { keeping.link = cluster.server.link }
        guard let history else { return keeping.link }
        let bytes = try? history.read(file: DoorFiles.link)
        keeping.link = bytes.flatMap { OperatorLink(json: $0.span) }
        return keeping.link
    }

    /// The link has done something that it is not to do again.
    private mutating func useLink() {
        let isOpened = output.operatorLinkUse == .opened
        log(.info, isOpened ? "operator-made" : "operators-ended")
        keeping.link?.endsOthers = false
        let link = keeping.link
        if isOpened { keeping.link = nil }
        if cluster != nil { return shareLink(keeping.link) }
        guard let history, let link else { return }
        do throws(StorageError) {
            if isOpened {
                try history.remove(file: DoorFiles.link)
            } else {
                try history.replace(file: DoorFiles.link, with: link.json)
            }
        } catch {
            storageFailed(error)
        }
    }
}
