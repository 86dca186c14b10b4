import Support

/// Keys and what comes of them, as a keyboard or an input method sends them.
extension Tab {
    /// Types a text letter by letter, into whatever has the focus. A line break is Shift+Enter.
    func type(_ text: String) throws {
        for letter in text {
            if letter == "\n" {
                try press("Enter", shift: true)
            } else {
                let key = String(letter)
                try call("Input.dispatchKeyEvent", ["type": "keyDown", "key": key, "text": key])
                try call("Input.dispatchKeyEvent", ["type": "keyUp", "key": key])
            }
        }
    }

    /// Puts in a text at once, as pasting does.
    func insert(_ text: String) throws { try call("Input.insertText", ["text": text]) }

    private static let codes = [
        "Enter": 13, "Tab": 9, "Escape": 27, " ": 32, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36,
        "ArrowUp": 38, "ArrowDown": 40, "Backspace": 8, "a": 65,
    ]

    /// Presses a key that is no letter.
    ///
    /// - Parameter processed: as an input method's: the key is its own, whatever it does with it (key code 229).
    func press(_ key: String, shift: Bool = false, control: Bool = false, processed: Bool = false) throws {
        guard let code = Self.codes[key] else { throw Failure("there is no key \(key)") }
        let modifiers = (shift ? 8 : 0) + (control ? 2 : 0)
        var event: [String: Any] = [
            "key": key, "code": key == " " ? "Space" : key == "a" ? "KeyA" : key, "modifiers": modifiers,
            "windowsVirtualKeyCode": processed ? 229 : code,
        ]
        if key == "a", control { event["commands"] = ["selectAll"] }
        let text = ["Enter": "\r", " ": " "][key]
        event["type"] = text == nil || processed ? "rawKeyDown" : "keyDown"
        if !processed { event["text"] = text }
        try call("Input.dispatchKeyEvent", event)
        event["type"] = "keyUp"
        event["text"] = nil
        try call("Input.dispatchKeyEvent", event)
    }

    /// Has an input method show what it has composed so far.
    func compose(_ text: String) throws {
        let end = text.utf16.count
        try call("Input.imeSetComposition", ["text": text, "selectionStart": end, "selectionEnd": end])
    }
}
