import Foundation
import Support
import Testing

/// The page and the server together: doors that close, and keeping the peace.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct HostingTests {
    /// The evening of a host: a spammer comes, what they said is deleted, they are banned, and the room is locked.
    @Test func aHostDeletesBansAndLocks() throws {
        try Scene.play { scene in
            let host = try scene.enter("Ada", room: "garden")
            try host.say("welcome to the garden")
            try host.wait(forMessage: "welcome to the garden")
            // The first to speak with a key is the host, and the page knows it.
            try host.wait(for: "document.querySelector('#people').textContent.includes('host')")
            let troll = try TestClient(scene.server, room: "garden")
            _ = try troll.join("Troll", key: String(repeating: "t", count: 16))
            for number in 0..<5 { try troll.say("buy \(number)") }
            try host.wait(forMessage: "buy 4")
            try host.find("button", "Person actions: Troll").click()
            try host.find("menuitem", "Delete messages").click()
            try host.wait(for: "document.querySelectorAll('.deleted').length === 5")
            try host.find("button", "Person actions: Troll").click()
            try host.find("menuitem", "Ban").click()
            try host.wait(forRow: "Troll left")
            #expect(try troll.skip(to: "moderation")["action"] == "purge")
            #expect(try troll.expectClose().code == 4003)
            let again = try TestClient(scene.server, room: "garden")
            try again.send(["type": "join", "username": "Nobody", "key": String(repeating: "t", count: 16)])
            #expect(try again.skip(to: "error")["code"] == "banned")
            try host.say("/lock")
            try host.wait(for: "document.body.innerText.includes('locked')")
            try host.screenshot("host-evening")
            let stranger = try TestClient(scene.server, room: "garden")
            try stranger.send(["type": "join", "username": "Stranger"])
            #expect(try stranger.skip(to: "error")["code"] == "invite_required")
            // All of it is so after a reload.
            try host.reload()
            try host.wait(forStatus: "Connected")
            try host.wait(for: "document.querySelectorAll('.deleted').length === 5")
        }
    }

    @Test func aPasswordKeepsPeopleOut() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/password"
        try Data("sesame\n".utf8).write(to: URL(fileURLWithPath: file))
        try Scene.play("--password-file", file) { scene in
            let tab = try scene.open()
            _ = try tab.find("textbox", "Password")
            try tab.find("textbox", "Username").focus()
            try tab.insert("Ada")
            try tab.press("Enter")
            try tab.wait(for: "document.activeElement.id === 'password'")
            try tab.insert("open")
            try tab.press("Enter")
            try tab.wait(for: "document.querySelector('#usernameError').textContent === 'This is not the password.'")
            try tab.press("a", control: true)
            try tab.insert("sesame")
            try tab.press("Enter")
            try tab.wait(forStatus: "Connected")
            try tab.say("behind the door")
            try tab.wait(forMessage: "behind the door")
        }
    }
}
