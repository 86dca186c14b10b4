import Client
import Testing

@testable import Talk

/// What a line means that somebody types.
@Suite struct TypedLineTests {
    private static func moderation(
        _ action: String, _ person: PersonReference? = nil, minutes: UInt64? = nil, seconds: UInt64? = nil,
        reason: String? = nil, hasAddress: Bool = false
    ) -> ModerationRequest {
        var request = ModerationRequest(action, person)
        (request.minutes, request.seconds, request.reason, request.hasAddress) = (minutes, seconds, reason, hasAddress)
        return request
    }

    @Test(
        arguments: [
            ("hello", .say("hello")), ("  hello ", .say("  hello ")), ("", .nothing), (" \t ", .nothing),
            ("//who", .say("/who")), ("//", .say("/")), ("a/b", .say("a/b")), (" /who", .say(" /who")),
            ("/me waves", .say("/me waves")), ("/who", .who), ("/who ", .who), ("/quit", .quit), ("/help", .help),
            ("/rename  Eve Ada ", .rename("Eve Ada")), ("/nick Eve", .rename("Eve")),
            ("/topic", .topic(nil)), ("/topic what is new", .topic("what is new")), ("/search a b", .search("a b")),
            ("/join garden", .join("garden")), ("/join #garden", .join("garden")),
            ("/reply yes, it is", .reply(to: nil, "yes, it is")), ("/reply", .reply(to: nil, nil)),
            ("/reply #1", .reply(to: 1, nil)), ("/edit", .edit(nil, nil)), ("/edit #2 ", .edit(2, nil)),
            ("/reply #12 yes", .reply(to: 12, "yes")),
            ("/edit new text", .edit(nil, "new text")), ("/edit #12 new\nlines", .edit(12, "new\nlines")),
            ("/delete", .delete(nil)), ("/delete #12", .delete(12)), ("/react 👍", .react(nil, "👍")),
            ("/react #12 👍", .react(12, "👍")), ("/reply #x yes", .reply(to: nil, "#x yes")),
            ("/lock", .moderate(moderation("lock"))), ("/unlock", .moderate(moderation("unlock"))),
            ("/slow 30", .moderate(moderation("slow", seconds: 30))),
            ("/invite", .query(moderation("invite"))), ("/bans", .query(moderation("bans"))),
            ("/whois Eve", .query(moderation("whois", .username("Eve")))),
            ("/kick Eve", .moderate(moderation("kick", .username("Eve")))),
            ("/kick @Eve too loud", .moderate(moderation("kick", .username("Eve"), reason: "too loud"))),
            ("/ban Eve", .moderate(moderation("ban", .username("Eve")))),
            (
                "/ban Eve 10 +address spam, spam",
                .moderate(moderation("ban", .username("Eve"), minutes: 10, reason: "spam, spam", hasAddress: true))
            ),
            ("/ban Eve +address", .moderate(moderation("ban", .username("Eve"), hasAddress: true))),
            ("/unban user:abcdefghijk", .moderate(moderation("unban", .user("abcdefghijk")))),
            ("/mute Eve 5", .moderate(moderation("mute", .username("Eve"), minutes: 5))),
            ("/unmute Eve", .moderate(moderation("unmute", .username("Eve")))),
            ("/purge Eve 5", .moderate(moderation("purge", .username("Eve"), minutes: 5))),
            ("/host Eve", .moderate(moderation("host", .username("Eve")))),
            ("/unhost Eve", .moderate(moderation("unhost", .username("Eve")))),
        ] as [(String, TypedLine)])
    func commandsAreRead(line: String, meaning: TypedLine) {
        #expect(TypedLine(line) == meaning)
    }

    @Test(
        arguments: [
            "/wo", "/", "/who is it", "/usr/bin/env", "/quit now", "/rename", "/nick ", "/search", "/join", "/join a b",
            "/delete x", "/react", "/react a b", "/slow", "/slow x", "/lock now",
            "/kick",
            "/mute Eve x", "/purge", "/whois", "/bans Eve", "/unban \"Eve", "/me",
        ])
    func aSlip_isNotSaid(line: String) {
        guard case .incomplete(let reason) = TypedLine(line) else {
            Issue.record("\(line) is taken for something")
            return
        }
        #expect(!reason.isEmpty)
    }

    @Test func names_mayHaveSpaces() {
        let names = ["Eve", "Eve Ada", "Ünal Ö"]
        func person(_ line: String) -> (PersonReference?, String?)? {
            guard case .moderate(let request) = TypedLine(line, names: names) else { return nil }
            return (request.person, request.reason)
        }
        #expect(person("/kick eve ada loud")! == (.username("Eve Ada"), "loud"))
        #expect(person("/kick Eve Adamant")! == (.username("Eve"), "Adamant"))
        #expect(person("/kick @ünal ö")! == (.username("Ünal Ö"), nil))
        #expect(person("/kick \"No One\" here")! == (.username("No One"), "here"))
        #expect(person("/kick No One")! == (.username("No"), "One"))
    }

    /// What was refused goes back into the line, to be corrected and sent again: it must mean the same.
    @Test func aRequest_isWrittenAsItIsRead() {
        let lines = [
            "hello", "/me waves", "//who", "/reply #12 yes", "/edit #3 new text", "/delete #3", "/react #12 👍", "/lock",
            "/slow 30", "/ban \"Eve Ada\" 10 +address spam", "/unban user:abcdefghijk", "/topic what is new",
        ]
        for line in lines {
            let request: ChatRequest
            switch TypedLine(line) {
            case .say(let text): request = .message(text: text)
            case .reply(let seq?, let text?): request = .message(text: text, reply: seq)
            case .edit(let seq?, let text?): request = .edit(target: seq, text: text)
            case .delete(let seq?): request = .delete(target: seq)
            case .react(let seq?, let emoji): request = .react(target: seq, emoji: emoji, isOn: true)
            case .moderate(let moderation): request = .moderate(moderation)
            case .topic(let text?):
                var moderation = ModerationRequest("topic")
                moderation.text = text
                request = .moderate(moderation)
            default:
                Issue.record("\(line) is no request")
                continue
            }
            #expect(TalkConsole.line(for: request) == line)
        }
    }

    @Test func help_namesEveryCommandOfTheContract() {
        let help = TypedLine.explanation.joined(separator: "\n")
        let commands =
            "rename nick who help me topic search join reply edit delete react kick ban unban bans mute unmute slow lock "
            + "invite unlock purge host unhost whois"
        for command in commands.split(separator: " ") { #expect(help.contains("/\(command)")) }
    }
}
