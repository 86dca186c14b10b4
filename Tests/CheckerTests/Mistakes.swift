import Checker
import Testing

/// A mistake made by hand in transcripts that are right, and the rule by which it must be found.
struct Mistake: CustomTestStringConvertible, Sendable {
    var rule: Checker.Rule
    var what: String
    var changes: [(client: String, text: String, by: String)]
    var testDescription: String { what }

    /// - Parameter changes: in whose transcript, what is replaced, and by what.
    init(_ rule: Checker.Rule, _ what: String, _ changes: (String, String, String)...) {
        self.rule = rule
        self.what = what
        self.changes = changes.map { (client: $0.0, text: $0.1, by: $0.2) }
    }

    static let all = form + gaps + requests + people + messages

    private static let form = [
        Mistake(.form, "an event before the welcome", ("bo", Story.boWelcome + "\n", "")),
        Mistake(.form, "two welcomes", ("ada", Story.adaWelcome, Story.adaWelcome + "\n" + Story.adaWelcome)),
        Mistake(.form, "something after the end", ("ada", "", Story.got(1, #"{"type":"typing","username":"Bo"}"#))),
        Mistake(.form, "a notice among a newcomer's messages", ("cy", Story.oneNow, Story.event("join", 13, "Bo"))),
        Mistake(.sameEvent, "another author", ("bo", Story.one, Story.one.replacing("Ada", with: "Bo"))),
        Mistake(.sameEvent, "another time", ("bo", Story.one, Story.one.replacing(#""time":14"#, with: #""time":9"#))),
        Mistake(.sameEvent, "another text", ("bo", Story.one, Story.one.replacing("one", with: "won"))),
    ]

    private static let gaps = [
        Mistake(.noGap, "an event left out", ("bo", Story.got(1, Story.one) + "\n", "")),
        Mistake(.noGap, "the last event left out of a resume", ("bo", "," + Story.leave, "")),
        Mistake(.noGap, "the first event left out of a resume", ("bo", Story.twoNow + ",", "")),
        Mistake(
            .noGap, "a resume out of order", ("bo", Story.twoNow + "," + Story.edit, Story.edit + "," + Story.twoNow)),
        Mistake(.noGap, "a gap for a newcomer", ("cy", #""gap":false"#, #""gap":true"#)),
        Mistake(.noGap, "a message left out of a newcomer's", ("cy", Story.oneNow + ",", "")),
        Mistake(.noGap, "a message left out of a page", ("cy", "," + Story.twoNow + "]", "]")),
        Mistake(.noGap, "a page that goes too far", ("cy", #""before":20"#, #""before":17"#)),
        Mistake(.noGap, "the end of the past too early", ("cy", #""more":true"#, #""more":false"#)),
        Mistake(.noGap, "a jump over an event that was seen", ("bo", "", Story.jump(since: 22))),
    ]

    private static let requests = [
        Mistake(
            .realTime, "a request sent after others knew of a later event",
            ("ada", Story.say("two", "a2", at: 11), Story.say("two", "a2", at: 22))),
        Mistake(
            .realTime, "a request sent after its client knew of a later event",
            ("ada", Story.say("two", "a2", at: 11) + "\n", ""), ("ada", "", Story.say("two", "a2", at: 11))),
        Mistake(
            .askedOrder, "two messages in another order than asked",
            ("ada", Story.say("one", "a1", at: 10) + "\n", ""),
            (
                "ada", Story.say("two", "a2", at: 11),
                Story.say("two", "a2", at: 11) + "\n" + Story.say("one", "a1", at: 11)
            )),
        Mistake(
            .askedOrder, "answers in another order than asked",
            ("cy", Story.page + "\n" + Story.error, Story.error + "\n" + Story.page)),
        Mistake(
            .onceOnly, "an id that makes two events", ("bo", #""id":"b3""#, #""id":"b1""#),
            ("cy", #""id":"b3""#, #""id":"b1""#)),
        Mistake(
            .onceOnly, "done by another event than the id's",
            (
                "ada", Story.got(1, Story.edit, at: 21),
                Story.got(1, #"{"type":"done","id":"a1","seq":13}"#) + "\n" + Story.got(1, Story.edit, at: 21)
            )),
        Mistake(
            .asSaid, "another text than was said",
            ("ada", Story.say("two", "a2", at: 11), Story.say("too", "a2", at: 11))),
    ]

    private static let people = [
        Mistake(.uniqueNames, "a name twice in a welcome", ("bo", #"["Bo","Ada"]"#, #"["Bo","Ada","ada"]"#)),
        Mistake(
            .uniqueNames, "a rename to a name that is taken",
            ("bo", "", Story.got(2, Story.event("rename", 24, "Bob", #","to":"cy""#)))),
        Mistake(
            .uniqueNames, "a join under a name that is taken", ("bo", "", Story.got(2, Story.event("join", 24, "CY")))),
        Mistake(.presence, "a leave without a join", ("bo", Story.leave, Story.event("leave", 20, "Eve"))),
        Mistake(
            .presence, "a welcome that names somebody who has left",
            ("cy", #"["Cy","Bob"],"userCount":2"#, #"["Cy","Bob","Ada"],"userCount":3"#)),
        Mistake(
            .presence, "a welcome that leaves somebody out",
            ("cy", #"["Cy","Bob"],"userCount":2"#, #"["Cy"],"userCount":1"#)),
        Mistake(.presence, "a welcome that counts wrong", ("cy", #""userCount":2"#, #""userCount":3"#)),
        Mistake(.presence, "a welcome without its own name", ("cy", #"["Cy","Bob"]"#, #"["Bob","Dee"]"#)),
        Mistake(
            .presence, "a newcomer who does not join", ("cy", Story.join, Story.message(23, "Bob", "x", id: "x")),
            ("bo", Story.join, Story.message(23, "Bob", "x", id: "x"))),
        Mistake(
            .presence, "somebody types who is not there",
            ("ada", #""typing","username":"Bo""#, #""typing","username":"Eve""#)),
        Mistake(
            .presence, "somebody speaks who is not there",
            ("bo", "", Story.got(2, Story.message(24, "Eve", "x", id: "x")))),
        Mistake(
            .identity, "a name with another user", ("ada", Story.hi, Story.hi.replacing("uBo", with: "uEve")),
            ("bo", Story.hi, Story.hi.replacing("uBo", with: "uEve"))),
        Mistake(
            .putOut, "a word after a kick",
            (
                "cy", "",
                [Story.kick, Story.event("leave", 25, "Cy"), Story.message(26, "Bob", "x", id: "x")].map {
                    Story.got(1, $0)
                }.joined(separator: "\n")
            )),
        Mistake(
            .putOut, "a message of somebody who is banned", ("bo", "", Story.got(2, Story.ban)),
            ("bo", "", Story.got(2, Story.message(25, "Cy", "x", id: "x")))),
        Mistake(
            .putOut, "a message of somebody who is muted",
            ("bo", "", Story.got(2, Story.ban.replacing("ban", with: "mute"))),
            ("bo", "", Story.got(2, Story.message(25, "Cy", "x", id: "x")))),
        Mistake(.right, "somebody comes into a locked room", ("bo", "", Story.lock), ("ada", "", Story.comesIn(""))),
        Mistake(
            .right, "somebody comes in by an invitation that is worthless",
            ("bo", "", Story.lock + "\n" + Story.lock.replacing("24", with: "25").replacing("word", with: "other")),
            ("ada", "", Story.comesIn(#","invite":"word""#, at: 26))),
        Mistake(
            .right, "somebody moderates who is no host any more",
            (
                "bo", "",
                [
                    Story.event("moderation", 24, "Bob", #","action":"unhost","to":"Cy","toUser":"uCy""#),
                    Story.event("moderation", 25, "Cy", #","action":"topic","text":"x""#),
                ].map { Story.got(2, $0) }.joined(separator: "\n")
            )),
    ]

    private static let messages = [
        Mistake(.asItIsNow, "an old text for a newcomer", ("cy", Story.oneNow, Story.one)),
        Mistake(.asItIsNow, "an edit at another time", ("cy", #""edited":18"#, #""edited":17"#)),
        Mistake(.asItIsNow, "a reaction left out", ("cy", Story.reactions, "")),
        Mistake(.asItIsNow, "somebody else's reaction as one's own", ("cy", #"["uAda"]}"#, #"["uAda"],"mine":true}"#)),
        Mistake(.asItIsNow, "a deletion that nobody asked for", ("cy", #""text":"back","#, #""deleted":true,"#)),
        Mistake(.asItIsNow, "the newest edit without its text", ("bo", #""target":14,"text":"ONE""#, #""target":14"#)),
        Mistake(.deleted, "a deleted text in a welcome", ("cy", Story.twoNow, Story.two)),
        Mistake(.deleted, "a deleted text in a resume", ("bo", Story.twoNow, Story.two)),
        Mistake(
            .deleted, "the edit of a deleted message with its text",
            ("ada", Story.delete, Story.delete.replacing("17", with: "14")),
            ("bo", Story.delete, Story.delete.replacing("17", with: "14"))),
        Mistake(
            .deleted, "a text that was purged",
            ("bo", Story.leave, Story.event("moderation", 20, "Bo", #","action":"purge","toUser":"uAda","from":10"#))),
        Mistake(
            .effect, "a second deletion", ("bo", Story.leave, Story.delete.replacing(#""seq":19"#, with: #""seq":20"#))),
        Mistake(
            .effect, "an edit by somebody else", ("ada", Story.edit, Story.edit.replacing("Ada", with: "Bo")),
            ("bo", Story.edit, Story.edit.replacing("Ada", with: "Bo"))),
        Mistake(
            .effect, "a reaction that was there",
            ("bo", Story.leave, Story.react.replacing(#""seq":16"#, with: #""seq":20"#))),
        Mistake(
            .effect, "a reaction taken back that was not there",
            (
                "bo", Story.leave,
                Story.react.replacing(#""seq":16"#, with: #""seq":20"#).replacing("true", with: "false").replacing(
                    "👍", with: "🎈")
            )),
    ]
}
