/// Why a request was refused. The raw value is what stands in the protocol.
package enum ErrorCode: String, Sendable, CaseIterable {
    case badJSON = "bad_json"
    case unknownType = "unknown_type"
    case badField = "bad_field"
    case notJoined = "not_joined"
    case alreadyJoined = "already_joined"
    case usernameInvalid = "username_invalid"
    case usernameTaken = "username_taken"
    case roomInvalid = "room_invalid"
    case roomLimit = "room_limit"
    case passwordRequired = "password_required"
    case passwordWrong = "password_wrong"
    case inviteRequired = "invite_required"
    case banned = "banned"
    case muted = "muted"
    case slowMode = "slow_mode"
    case textEmpty = "text_empty"
    case textTooLong = "text_too_long"
    case notAllowed = "not_allowed"
    case notFound = "not_found"
    case tooLate = "too_late"
    case rateLimited = "rate_limited"
    case storageFailed = "storage_failed"
}

extension ErrorCode {
    /// Whether a join that is refused so is to be tried again: with another name, a password, or when the disk is well.
    var asksAgain: Bool {
        switch self {
        case .usernameInvalid, .usernameTaken, .storageFailed, .passwordRequired, .passwordWrong, .inviteRequired: true
        default: false
        }
    }
}

/// A refusal: the code, and a sentence for a person.
package struct Refusal: Error, Sendable {
    package var code: ErrorCode
    var message: StaticString
    /// Milliseconds after which the same would be accepted.
    package var retryAfter: Int64?
    /// When a ban or a mute lapses, in milliseconds since the Unix epoch; nil for one that does not.
    package var until: Int64?

    init(_ code: ErrorCode, _ message: StaticString, retryAfter: Int64? = nil, until: Int64? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
        self.until = until
    }

    static func tooFast(_ wait: Int64) -> Refusal {
        Refusal(.rateLimited, "That was too fast. Wait a moment and try again.", retryAfter: wait)
    }

    static func banned(_ ban: Sanction) -> Refusal {
        Refusal(.banned, "You may not come in here.", until: ban.shownUntil)
    }

    static func muted(_ mute: Sanction, time: Int64) -> Refusal {
        Refusal(
            .muted, "You may not speak here now.", retryAfter: mute.shownUntil.map { $0 - time },
            until: mute.shownUntil)
    }

    static func slowMode(_ wait: Int64) -> Refusal {
        Refusal(.slowMode, "The room is in slow mode. Wait a moment and try again.", retryAfter: wait)
    }

    static let passwordRequired = Refusal(.passwordRequired, "This chat has a password.")
    static let passwordWrong = Refusal(.passwordWrong, "This is not the password.")
    static let roomLimit = Refusal(.roomLimit, "There are as many rooms as there may be.")
    static let notAllowed = Refusal(.notAllowed, "You may not do this.")
    static let inviteRequired = Refusal(
        .inviteRequired, "This room is locked. Ask somebody who is in it for an invitation.")
    static let alreadyJoined = Refusal(.alreadyJoined, "You are in the room already.")
    static let badJSON = Refusal(.badJSON, "A message must be one JSON object.")
    static let notFound = Refusal(.notFound, "There is no such message or person.")
    static let notYours = Refusal(.notAllowed, "Only whoever said it may do that.")
    static let tooLate = Refusal(.tooLate, "A message can be edited for 24 hours.")
    static let tooManyReactions = Refusal(.notAllowed, "A message can have 20 kinds of reactions.")
    static let notJoined = Refusal(.notJoined, "Join the room first.")
    static let roomInvalid = Refusal(.roomInvalid, "A room's name is 1 to 32 of a-z, 0-9 and -.")
    static let usernameInvalid = Refusal(
        .usernameInvalid, "A name is 1 to 32 characters long, none of them invisible or a control character.")
    static let usernameReserved = Refusal(
        .usernameInvalid, "This name, or one that looks like it, is the server's own.")
    static let usernameOfProgram = Refusal(
        .usernameInvalid, "This name, or one that looks like it, is a program's.")
    static let usernameTaken = Refusal(
        .usernameTaken, "Someone in the room has this name, or one that looks like it.")
    static let storageFailed = Refusal(.storageFailed, "The server cannot write to its disk now. Try again later.")
}
