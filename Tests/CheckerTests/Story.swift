import Checker
import Testing

/// A small room. Ada and Bo talk; while Bo is away, Ada edits, deletes and leaves; Bo comes back and renames; Cy comes.
enum Story {
    static func event(_ type: String, _ seq: UInt64, _ name: String, _ more: String = "") -> String {
        let user = name == "Bob" ? "uBo" : "u\(name)"
        return
            #"{"type":"\#(type)","seq":\#(seq),"time":\#(seq),"username":"\#(name)","user":"\#(user)"\#(more)}"#
    }
    static func message(_ seq: UInt64, _ name: String, _ text: String, id: String) -> String {
        event("message", seq, name, #","text":"\#(text)","id":"\#(id)""#)
    }
    static func welcome(_ name: String, _ users: String, count: Int, seq: UInt64, _ history: [String]) -> String {
        let list = history.joined(separator: ",")
        return #"{"type":"welcome","username":"\#(name)","user":"u\#(name)","room":"lobby","users":[\#(users)],"#
            + #""userCount":\#(count),"seq":\#(seq),"history":[\#(list)],"gap":false,"session":"s\#(name)"}"#
    }
    static func got(_ connection: Int, _ message: String, at time: Int? = nil) -> String {
        #"{\#(time.map { #""at":\#($0),"# } ?? "")"on":\#(connection),"got":\#(message)}"#
    }
    static func sent(_ connection: Int, _ message: String, at time: Int? = nil) -> String {
        got(connection, message, at: time).replacing("\"got\"", with: "\"sent\"")
    }
    static func say(_ text: String, _ id: String, at time: Int) -> String {
        sent(1, #"{"type":"message","text":"\#(text)","id":"\#(id)"}"#, at: time)
    }

    // The events, from 10 on.
    static let first = message(10, "Zoe", "first", id: "z")
    static let one = message(14, "Ada", "one", id: "a1")
    static let hi = message(15, "Bo", "hi", id: "b1")
    static let react = event("react", 16, "Ada", #","target":15,"emoji":"👍","on":true"#)
    static let two = message(17, "Ada", "two", id: "a2")
    static let edit = event("edit", 18, "Ada", #","target":14,"text":"ONE""#)
    static let delete = event("delete", 19, "Ada", #","target":17"#)
    static let leave = event("leave", 20, "Ada")
    static let back = message(21, "Bo", "back", id: "b3")
    static let rename = event("rename", 22, "Bo", #","to":"Bob""#)
    static let join = event("join", 23, "Cy")
    static let kick = event("moderation", 24, "Bob", #","action":"kick","to":"Cy","toUser":"uCy""#)
    static let ban = event("moderation", 24, "Bob", #","action":"ban","to":"Cy","toUser":"uCy""#)

    // Messages as they are in the end.
    static let twoNow = event("message", 17, "Ada", #","id":"a2","deleted":true"#)
    static let oneNow = event("message", 14, "Ada", #","text":"ONE","id":"a1","edited":18"#)
    static let reactions = #","reactions":{"👍":{"count":1,"names":["Ada"],"users":["uAda"]}}"#
    static let hiNow = event("message", 15, "Bo", #","text":"hi","id":"b1""# + reactions)

    static let adaWelcome = got(1, welcome("Ada", #""Ada""#, count: 1, seq: 11, [first]), at: 1)
    static let ada = """
        {"at":0,"on":1,"sent":{"type":"join","username":"Ada"}}
        \(adaWelcome)
        \(got(1, event("join", 12, "Ada"), at: 2))
        \(got(1, event("join", 13, "Bo"), at: 4))
        \(say("one", "a1", at: 10))
        \(say("two", "a2", at: 11))
        \(got(1, #"{"type":"typing","username":"Bo"}"#, at: 12))
        \(got(1, one, at: 13))
        \(got(1, hi, at: 14))
        \(got(1, react, at: 15))
        \(got(1, two, at: 20))
        \(got(1, edit, at: 21))
        \(got(1, delete, at: 22))
        {"at":23,"on":1,"closed":1000}

        """

    static let boWelcome = got(1, welcome("Bo", #""Bo","Ada""#, count: 2, seq: 12, [first]))
    static let bo = """
        {"on":1,"sent":{"type":"join","username":"Bo"}}
        \(boWelcome)
        \(got(1, event("join", 13, "Bo")))
        \(say("hi", "b1", at: 11))
        \(got(1, one))
        \(got(1, hi))
        \(got(1, react))
        {"on":1,"closed":1006}
        {"on":2,"sent":{"type":"join","username":"Bo","session":"sBo","since":16}}
        \(got(2, welcome("Bo", #""Bo""#, count: 1, seq: 20, [twoNow, edit, delete, leave])))
        \(got(2, back))
        \(got(2, rename))
        \(got(2, join))

        """

    static let page = got(1, #"{"type":"history","events":[\#(hiNow),\#(twoNow)],"more":true,"ref":"p"}"#)
    static let error = got(1, #"{"type":"error","code":"bad_field","message":"…","id":"e"}"#)
    static let cy = """
        {"on":1,"sent":{"type":"join","username":"Cy"}}
        \(got(1, welcome("Cy", #""Cy","Bob""#, count: 2, seq: 22, [first, oneNow, hiNow, twoNow, back])))
        \(got(1, join))
        {"on":1,"sent":{"type":"history","before":20,"limit":2,"ref":"p"}}
        {"on":1,"sent":{"type":"message","text":" ","id":"e"}}
        \(page)
        \(error)

        """

    /// Bo locks the room, and is told the invitation.
    static let lock =
        got(2, event("moderation", 24, "Bob", #","action":"lock""#)) + "\n"
        + got(2, #"{"type":"invite","invite":"word"}"#)

    /// Ada comes in once more.
    static func comesIn(_ invitation: String, at seq: UInt64 = 25) -> String {
        let hi = hiNow.replacing(#"["uAda"]}"#, with: #"["uAda"],"mine":true}"#)
        return sent(2, #"{"type":"join","username":"Ada"\#(invitation)}"#) + "\n"
            + got(
                2,
                welcome("Ada", #""Ada","Bob","Cy""#, count: 3, seq: seq - 1, [first, oneNow, hi, twoNow, back]))
            + "\n" + got(2, event("join", seq, "Ada"))
    }

    /// Bo comes back after an unclean stop of the machine.
    static func jump(since: Int) -> String {
        #"{"on":3,"sent":{"type":"join","username":"Bob","session":"sBo","since":\#(since)}}"# + "\n"
            + got(3, welcome("Bob", #""Bob""#, count: 1, seq: 1 << 32, []).replacing("uBob", with: "uBo"))
    }

    /// The transcripts, with parts of them replaced. An empty part is the end.
    static func transcripts(_ changes: [(client: String, text: String, by: String)] = []) throws -> [Transcript] {
        var texts = ["ada": ada, "bo": bo, "cy": cy]
        for change in changes {
            let text = texts[change.client] ?? ""
            if change.text.isEmpty {
                texts[change.client] = text + change.by + "\n"
            } else {
                #expect(text.contains(change.text), "\(change.client) has nothing like \(change.text)")
                texts[change.client] = text.replacing(change.text, with: change.by)
            }
        }
        return try texts.sorted { $0.key < $1.key }.map { try Transcript(client: $0.key, text: $0.value) }
    }
}
