import Support

/// Joins a room with a key of 16 times the same letter, and returns what was answered.
func enter(
    _ server: LiveServer, _ name: String, _ letter: Character, room: String = "garden", more: [String: Any] = [:]
) throws -> (client: TestClient, answer: JSON) {
    let client = try TestClient(server, room: room)
    let fields: [String: Any] = ["type": "join", "username": name, "key": String(repeating: letter, count: 16)]
    try client.send(fields.merging(more) { $1 })
    return (client, try client.next())
}
