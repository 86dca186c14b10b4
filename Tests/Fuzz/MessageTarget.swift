import Bytes
import Chat

/// The chat that hears them all: a new one each time would cost more than the message.
nonisolated(unsafe) private var chat = Chat(limits: generous, secret: ServerSecret(key: [1]))
nonisolated(unsafe) private var generation: UInt32 = 0

/// Nothing is too fast; and little is remembered, so that a welcome is not long.
private let generous: Limits = {
    var limits = Limits(messagesPerSecond: 0, isDurable: false)
    (limits.typing, limits.renames, limits.history, limits.errors) = (nil, nil, nil, nil)
    (limits.rules.recentMessages, limits.rules.recentBytes) = (2, 400)
    return limits
}()

private let bot = Username("Bot").map { Bot($0, ServerSecret(key: [1])) }

/// One message of a client, said before it has joined and after: every kind of command, with any fields. A program posts the
/// same, as the content of a request.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let text = Array(unsafe Input(bytes, count).rest)
    guard String(validating: text, as: UTF8.self) != nil else { return 0 }  // the frames let nothing else through
    generation &+= 1
    let id = ConnectionID(slot: 0, generation: generation)
    var inputs = TickInputs()
    func add(_ text: [UInt8]) -> Range<Int> {
        inputs.bytes += text
        return inputs.bytes.count - text.count..<inputs.bytes.count
    }
    let secret = UInt128(generation)
    inputs.items.append(.opened(id, room: add(Array("lobby".utf8)), secret: secret, address: 1))
    inputs.items.append(.text(id, add(text)))
    inputs.items.append(.text(id, add(Array(#"{"type":"join","username":"Ada"}"#.utf8))))
    inputs.items.append(.text(id, add(text)))
    if let bot {
        let request = WebRequest(.post(by: bot, content: add(text)), room: add(Array("lobby".utf8)), address: 2)
        inputs.items.append(.asked(ConnectionID(slot: 1, generation: generation), request))
    }
    inputs.items.append(.closed(id, .left))
    tick(&chat, &inputs) { _, _ in }
    return 0
}
