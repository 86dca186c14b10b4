import Client

/// A message of a room, at which edits, deletions and reactions are aimed.
struct Target: Hashable {
    var room: String
    var seq: UInt64
}

/// A message that was deleted, and by which event.
struct Deletion {
    var room: String
    var seq: UInt64
    var target: UInt64
    /// When somebody first saw that (ns).
    var time: Int64
    var isChecked = false
    /// A power cut has taken the mark that says that there is something to be erased: nobody knows until the room is loaded.
    var isUnmarked = false
}

/// What becomes of messages, and of those who are put out. What a message is at which time is judged by the transcripts; here it is
/// looked whether what is said is what was asked, and what the files hold.
extension Judge {
    /// How long after a deletion its text may be in a file: a minute, and what is under way.
    private static let erasure: Int64 = 62_000_000_000
    /// How long what the server has decided may be on its way to whoever is told (ms).
    private static let delivery: Int64 = 90_000

    // MARK: What is asked

    /// A word that stands nowhere else.
    func newWord(person: Int) -> String {
        wordCount += 1
        return "~p\(person)w\(wordCount)~"
    }

    /// A person who behaves asks for something.
    func asks(_ id: String, _ request: ChatRequest, room: String, person: Int) {
        var text = ""
        switch request {
        case .message(let said, _):
            text = said
            words[id] = Self.word(said)
        case .edit(let seq, let said):
            text = said
            let target = Target(room: room, seq: seq)
            editTexts[target, default: []].insert(Judge.fingerprint(said))
            editWords[target, default: []].append(Self.word(said))
        case .moderate(let request): if ["kick", "ban"].contains(request.action) { rulesOut.insert(room) }
        case .delete, .react: break
        }
        said[id] = (person, said.count, Judge.fingerprint(text))
    }

    /// What `newWord` has given it.
    private static func word(_ text: String) -> String {
        text.dropFirst().firstIndex(of: "~").map { String(text[...$0]) } ?? text
    }

    // MARK: What is answered

    /// Texts are what was said.
    func checkText(_ heard: Heard, in room: String) {
        let text = Judge.fingerprint(heard.text)
        switch heard.type {
        case "message":
            if heard.isDeleted {
                if !heard.text.isEmpty { fail("message \(heard.seq) in \(room) is deleted, and has a text") }
            } else if heard.isEdited {
                if editTexts[Target(room: room, seq: heard.seq)]?.contains(text) != true {
                    fail("message \(heard.seq) in \(room) is not what it was edited to: \(heard.text)")
                }
            } else {
                if let id = heard.id, said[id]?.text != text {
                    fail("message \(id) in \(room) is not what was said: \(heard.text)")
                }
                compare(text, heard, in: room)
            }
        case "edit" where !heard.text.isEmpty:
            if let id = heard.id, said[id]?.text != text {
                fail("edit \(id) in \(room) is not what was said: \(heard.text)")
            }
        default: break
        }
    }

    private func compare(_ text: UInt64, _ heard: Heard, in room: String) {
        guard let known = rooms[room]?.texts.updateValue(text, forKey: heard.seq), known != text else { return }
        fail("message \(heard.seq) in \(room) was seen with two texts")
    }

    /// A request of somebody who behaves was refused for good.
    func refused(_ request: OutgoingRequest, _ error: ServerError, person: Int) {
        switch (error.code, request.request) {
        case ("storage_failed", _), ("rate_limited", _): break
        case ("muted", .delete), ("muted", .moderate): fail("person \(person) is muted, and may do that")
        case ("muted", _):
            world.reach(.muted)
            if hasLapsed(error.until) { fail("the mute of person \(person) does not lapse") }
        case ("not_found", .message(_, let reply)) where reply != nil: world.reach(.targetGone)
        case ("not_found", .edit), ("not_found", .delete), ("not_found", .react): world.reach(.targetGone)
        case ("too_late", .edit): break
        case ("not_allowed", .delete), ("not_allowed", .edit), ("not_found", .moderate): break
        case ("not_allowed", .moderate): world.reach(.notAllowed)
        default: fail("a request of person \(person) was refused: \(error.code) for \(request.request)")
        }
    }

    /// A person was not let in because of a ban.
    func keptOut(_ person: Int, _ room: String, until: Int64?) {
        world.reach(.keptOutByBan)
        if hasLapsed(until) { fail("person \(person) is kept out of \(room) by a ban that has lapsed") }
    }

    private func hasLapsed(_ until: Int64?) -> Bool {
        guard let until, world.now - world.lastTrouble > Self.delivery * 1_000_000 else { return false }
        return until < world.wall - Self.delivery
    }

    // MARK: Hosts

    func noteModeration(_ event: Heard, in room: String) {
        switch event.action {
        case "kick", "ban":
            // Their leaves follow.
            for (person, stay) in stays where stay.room == room && stay.user == event.toUser && stay.seq < event.seq {
                stays[person]?.isPutOut = true
            }
        case "purge":
            for (seq, source) in rooms[room]?.sources ?? [:]
            where source.user == event.toUser && seq < event.seq && source.time >= event.from {
                noteDeletion(of: seq, by: event.seq, in: room)
            }
        default: break
        }
    }

    // MARK: What is deleted

    func noteDeletion(of target: UInt64, by seq: UInt64, in room: String) {
        guard !world.plan.options.isEphemeral else { return }
        deletions.append(Deletion(room: room, seq: seq, target: target, time: world.now))
    }

    /// Looks for texts that were deleted more than a minute ago, where nothing has kept the server from its work since.
    func lookForTheDeleted() {
        guard !deletions.isEmpty, !world.isKilled, !world.network.isExhausted,
            max(world.lastTrouble, world.network.availableSince) + Self.erasure < world.now
        else { return }
        let due = deletions.indices.filter { !deletions[$0].isChecked && isDue(deletions[$0]) }
        guard !due.isEmpty else { return }
        checkErased(due.map { deletions[$0] })
        for place in due { deletions[place].isChecked = true }
        world.reach(.erased)
    }

    func isDue(_ deletion: Deletion) -> Bool { !deletion.isUnmarked && deletion.time + Self.erasure < world.now }

    /// The power was cut. A deletion that is kept all the same may have lost its mark where the disk was not asked to keep both.
    func noteLostMarks(of room: String) {
        guard world.disk.contents("/data/erasing/\(room)") == nil else { return }
        for place in deletions.indices where deletions[place].room == room && !deletions[place].isChecked {
            deletions[place].isUnmarked = true
        }
    }

    /// Somebody has come into a room: it is loaded, so that its deletions are known.
    func noteLoaded(_ room: String) {
        for place in deletions.indices where deletions[place].isUnmarked && deletions[place].room == room {
            (deletions[place].isUnmarked, deletions[place].time) = (false, world.now)
        }
    }

    /// No file holds what was deleted.
    func checkErased(_ deletions: [Deletion]) {
        guard !deletions.isEmpty, !hasFailed else { return }
        let held = Self.words(in: world.disk)
        for deletion in deletions {
            let target = Target(room: deletion.room, seq: deletion.target)
            let source = rooms[deletion.room]?.sources[deletion.target]
            let own = source.flatMap { words[$0.id] }.map { [$0] } ?? []
            for word in own + (editWords[target] ?? []) {
                guard let path = held[word] else { continue }
                fail(
                    "message \(deletion.target) of \(deletion.room), deleted by \(deletion.seq), is in \(path): \(word)"
                )
            }
        }
    }

    /// Every word that stands in a file, and in which.
    private static func words(in disk: SimulatedDisk) -> [String: String] {
        var words: [String: String] = [:]
        for path in disk.files.keys.sorted() {
            let bytes = disk.contents(path) ?? []
            var start: Int?
            for index in bytes.indices where bytes[index] == UInt8(ascii: "~") {
                if let first = start, index - first < 24 {
                    words[String(decoding: bytes[first...index], as: UTF8.self)] = path
                    start = nil
                } else {
                    start = index
                }
            }
        }
        return words
    }
}
