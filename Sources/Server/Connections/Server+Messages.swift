import Chat
import WebSocket

/// WebSocket messages in.
extension Server where W: ~Copyable {
    /// Reads frames.
    mutating func readMessages(_ slot: Int, _ bytes: Span<UInt8>, at offset: inout Int) {
        let id = connections.id(slot)
        let first = inputs.bytes.count
        var start = first
        while let event = connections[slot].reader.next(
            in: bytes, at: &offset, into: &inputs.bytes, maxMessage: options.maxMessage, inflater: reading.inflater)
        {
            defer { start = inputs.bytes.count }
            switch event {
            case .text(let range):
                if connections[slot].isChat {
                    metrics.messagesReceived += 1
                    connections[slot].chat?.lastSpoke = thisTick.number
                    inputs.items.append(.text(id, range))
                    // Many small messages, each of which unpacks to a thousand times its length: no client of ours does that.
                    guard inputs.bytes.count - first <= max(Sizes.tickBytes, options.maxMessage) else {
                        return fail(slot, .policyViolation, "That is more than can be taken in at once.")
                    }
                } else {
                    echo(slot, .text, range, start)
                }
            case .binary(let range):
                if connections[slot].isChat {
                    return fail(slot, .unsupportedData, "This chat speaks JSON in text messages.")
                }
                echo(slot, .binary, range, start)
            case .ping(let range):
                if !connections[slot].isClosing {
                    Compression.append(.pong, of: inputs.bytes, range, to: &connections[slot].own, nil)
                    outgoing.markDirty(slot)
                }
                inputs.bytes.removeLast(inputs.bytes.count - start)
            case .pong:
                inputs.bytes.removeLast(inputs.bytes.count - start)
            case .close(let code, _):
                inputs.bytes.removeLast(inputs.bytes.count - start)
                return closedByPeer(slot, code)
            case .violation(let violation):
                metrics.violations += 1
                return fail(slot, violation.closeCode, violation.reason)
            }
        }
    }

    private mutating func echo(_ slot: Int, _ opcode: Opcode, _ range: Range<Int>, _ start: Int) {
        if case .echo(let socket) = connections[slot].state {
            // Compressed messages can be a thousand times as long as they come in.
            guard connections[slot].own.count <= options.maxQueue else {
                inputs.bytes.removeLast(inputs.bytes.count - start)
                return fail(slot, .tryAgainLater, "That is more than can be echoed at once.")
            }
            let compressor = socket.deflates ? outgoing.deflater : nil
            Compression.append(opcode, of: inputs.bytes, range, to: &connections[slot].own, compressor)
            outgoing.markDirty(slot)
        }
        inputs.bytes.removeLast(inputs.bytes.count - start)
    }
}
