import Support
import Testing

/// Who joins, leaves and is called otherwise: quiet lines.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct NoticesTests {
    @Test func threeInARowFoldIntoOneThatOpens() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            try ada.say("a line between")
            try ada.wait(forMessage: "a line between")
            var others = [try scene.client("Bo"), try scene.client("Cy")]
            try ada.wait(forRow: "Cy joined")
            #expect(try ada.notices() == ["Ada joined", "Bo joined", "Cy joined"])
            for name in ["Di", "Ed", "Flo", "Gus"] { others.append(try scene.client(name)) }
            try ada.wait(forRow: "Bo, Cy, and 4 others joined")
            #expect(try ada.notices() == ["Ada joined", "Bo, Cy, and 4 others joined"])
            #expect(try !ada.find("log", "Messages").text().contains("Flo"))
            try ada.screenshot("notices-folded")
            try ada.evaluate("document.querySelector('summary').focus()")
            try ada.press("Enter")
            try ada.wait(forRow: "Flo joined")
            // What a person has opened stays open when more comes.
            others.append(try scene.client("Hal"))
            try ada.wait(forRow: "Hal joined")
        }
    }

    @Test func whoLeftAndCameBackIsOneLine() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo", key: "the key that Bo keeps")
            try ada.say("a line between")
            try ada.wait(forMessage: "a line between")
            try bo.close(.normal)
            try ada.wait(forRow: "Bo left")
            let again = try scene.client("Bo", key: "the key that Bo keeps")
            try ada.wait(forRow: "Bo left and came back")
            #expect(try ada.notices().last == "Bo left and came back")
            try again.send(["type": "rename", "username": "Bob"])
            try ada.wait(forRow: "Bo is now Bob")
            try ada.wait(forPeople: ["Ada", "Bob"])
        }
    }

    @Test func whoJoinedAndLeftIsAmongBoth() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            try ada.say("a line between")
            try ada.wait(forMessage: "a line between")
            let bo = try scene.client("Bo")
            try ada.wait(forRow: "Bo joined")
            try bo.close(.normal)
            try ada.wait(forRow: "Bo left")
            #expect(try ada.notices().last == "Bo joined · Bo left")
            scene.keep(try scene.client("Cy"), try scene.client("Di"))
            try ada.wait(forRow: "Bo, Cy, and Di joined · Bo left")
        }
    }

    @Test func theyCanBeHiddenWhichIsRemembered() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            _ = try scene.client("Bo")
            try ada.wait(forRow: "Bo joined")
            try ada.openOptions()
            try ada.find("checkbox", "Show who joins and leaves").click()
            try ada.closeDialog()
            try ada.wait(for: "!document.querySelector('.notices')")
            let cy = try scene.client("Cy")
            try cy.say("hello")
            try ada.wait(forMessage: "hello")
            #expect(try ada.notices().isEmpty)
            try ada.reload()
            try ada.wait(forMessage: "hello")
            #expect(try ada.notices().isEmpty)
            try ada.openOptions()
            #expect(try !ada.find("checkbox", "Show who joins and leaves").bool("this.checked"))
        }
    }

    @Test func noticesPushNoMessageOutOfTheHistory() throws {
        try Scene.play { scene in
            let ada = try scene.client("Ada")
            try ada.say("long ago")
            _ = try ada.skip(to: "message")
            for _ in 0..<150 {
                let passer = try scene.client("Passer-by")
                try passer.close(.normal)
                _ = try passer.expectClose()
                _ = try ada.skip(to: "leave", of: "Passer-by")
            }
            try scene.enter("Bo").wait(forMessage: "long ago")
        }
    }
}
