import Support
import Testing

/// More rooms than one.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct RoomsTests {
    @Test func aRoomIsOpenedAndOneComesBack() throws {
        try Scene.play { scene in
            let lobby = try scene.client("Lea")
            let tab = try scene.enter("Ada")
            _ = try lobby.expect("join", of: "Ada")
            try tab.openRooms()
            try tab.find("textbox", "Room name").focus()
            try tab.insert("Tea Room")
            try tab.press("Enter")
            // One goes in under the same name, without being asked again.
            try tab.wait(for: "location.pathname === '/r/tea-room'")
            try tab.wait(forStatus: "Connected")
            try tab.wait(forPeople: ["Ada"])
            #expect(try tab.string("document.title") == "tea-room · Chatloop")
            _ = try lobby.expect("leave", of: "Ada")
            try tab.openRooms()
            let rooms = try tab.find("list", "Rooms")
            #expect(try rooms.text().split(separator: "\n") == ["lobby", "tea-room"])
            #expect(try tab.string("document.querySelector('#rooms [aria-current=page]').textContent") == "tea-room")
            try tab.find("link", "lobby").click()
            try tab.wait(for: "location.pathname === '/'")
            try tab.wait(forPeople: ["Ada", "Lea"])
            try tab.screenshot("rooms")
        }
    }

    @Test func percentEncodedName_isTheSameRoom() throws {
        try Scene.play { scene in
            let lea = try scene.client("Lea", room: "garden")
            let tab = try scene.enter("Ada", room: "%67ar%64en")
            _ = try lea.expect("join", of: "Ada")
            #expect(try tab.string("document.title") == "garden · Chatloop")
        }
    }

    @Test func aNameThatIsNoneIsExplained() throws {
        try Scene.play { scene in
            let tab = try scene.enter("Ada")
            try tab.openRooms()
            let field = try tab.find("textbox", "Room name")
            for name in ["Käse", "", String(repeating: "a", count: 33)] {
                try field.focus()
                try tab.press("a", control: true)
                try tab.insert(name)
                if name.isEmpty { try tab.press("Backspace") }
                try tab.press("Enter")
                try tab.wait(for: "document.querySelector('#roomError').textContent.includes('hyphens')")
                #expect(try tab.find("textbox", "Room name").description.contains("hyphens"))
            }
            #expect(try tab.string("location.pathname") == "/")
            try tab.screenshot("room-refused")
        }
    }

    @Test func theLinkIsCopied() throws {
        try Scene.play { scene in
            try scene.grant("clipboardReadWrite", "clipboardSanitizedWrite")
            let tab = try scene.enter("Ada", room: "garden")
            try tab.find("button", "Invite").click()
            _ = try tab.find("button", "Copied")
            #expect(try tab.string("navigator.clipboard.readText()") == scene.url(ofRoom: "garden"))
        }
    }

    @Test func roomsAreApart() throws {
        try Scene.play { scene in
            let (lobby, garden) = (try scene.enter("Ada"), try scene.enter("Bo", room: "garden"))
            try lobby.say("in the lobby")
            try garden.say("in the garden")
            try lobby.wait(forMessage: "in the lobby")
            try garden.wait(forMessage: "in the garden")
            #expect(try lobby.messages() == ["in the lobby"])
            #expect(try garden.messages() == ["in the garden"])
        }
    }
}
