import Foundation
import Sockets
import Testing

/// Receiving and sending without waiting: every outcome that there is.
@Suite struct StreamTests {
    @Test func nothingThereIsAValue() throws {
        let pair = try Pair()
        #expect(receive(pair.near).0.isWouldBlock)
    }

    @Test func noMoreIsReceivedThanThereIsRoomFor() throws {
        let pair = try Pair()
        #expect(send(pair.far, [1, 2, 3, 4, 5]).count == 5)
        #expect(waitUntilReadable(pair.near))
        #expect(receive(pair.near, 2).1 == [1, 2])
        #expect(receive(pair.near, 2).1 == [3, 4])
        #expect(receive(pair.near, 2).1 == [5])
        #expect(receive(pair.near, 2).0.isWouldBlock)
    }

    @Test func aFullKernelTakesAPartThenNothingAndNothingIsLost() throws {
        let pair = try Pair()
        let bytes = (0..<16_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let first = try #require(send(pair.near, bytes).count)
        #expect(first > 0 && first < bytes.count, "only a part of 16 MB fits into the kernel")
        var sent = first
        // It goes on taking what has left for the other side meanwhile, until that is full, too.
        while let count = send(pair.near, Array(bytes[sent...])).count { sent += count }
        #expect(try receiveAll(pair.far, sent) == Array(bytes[..<sent]))
        #expect(waitUntilWritable(pair.near))
        #expect(send(pair.near, [1]).count == 1)
    }

    @Test func severalPiecesArriveAsOne() throws {
        let pair = try Pair()
        var (one, two) = ([UInt8]([1, 2]), [UInt8]([3, 4, 5]))
        let count = one.withUnsafeMutableBytes { one in
            two.withUnsafeMutableBytes { two in
                var pieces = [
                    Piece(iov_base: one.baseAddress, iov_len: 2), Piece(iov_base: nil, iov_len: 0),
                    Piece(iov_base: two.baseAddress, iov_len: 3),
                ]
                return Stream.send(pair.near, gathering: &pieces).count
            }
        }
        #expect(count == 5)
        #expect(try receiveAll(pair.far, 5) == [1, 2, 3, 4, 5])
    }

    @Test func theEndComesAfterAllThatWasSent() throws {
        let pair = try Pair()
        #expect(send(pair.far, [1]).count == 1)
        Stream.finishSending(pair.far)
        #expect(waitUntilReadable(pair.near))
        #expect(receive(pair.near).1 == [1])
        #expect(waitUntilReadable(pair.near))
        #expect(receive(pair.near).0.isEnd)
        #expect(receive(pair.near).0.isEnd, "and it stays so")
        // The other direction goes on.
        #expect(send(pair.near, [2]).count == 1)
        #expect(try receiveAll(pair.far, 1) == [2])
    }

    @Test func aBrokenConnectionIsAnErrorBothWays() throws {
        let pair = try Pair()
        #expect(send(pair.near, [1]).count == 1)
        pair.resetFar()
        #expect(waitUntilReadable(pair.near))
        #expect(receive(pair.near).0.error == ECONNRESET)
        // There is no signal: this test would end with it.
        #expect(send(pair.near, [1]).error == EPIPE)
    }

    @Test func sendingToWhoHasGoneIsAnErrorInTheEnd() throws {
        let pair = try Pair()
        pair.closeFar()
        #expect(waitUntilReadable(pair.near))
        // The first is answered with a reset.
        _ = send(pair.near, [1])
        #expect(wait(for: pair.near, POLLERR))
        #expect(send(pair.near, [1]).error != nil)
    }

    @Test func whoIsRefusedIsTold() throws {
        let address = try Listener(address: anywhere).address  // closed again at once
        do {
            let stream = try Stream.connect(to: address)
            defer { Stream.close(stream) }
            #expect(waitUntilWritable(stream))
            #expect(Stream.connectError(stream)?.code == ECONNREFUSED)
        } catch {
            #expect(error.code == ECONNREFUSED)
        }
    }

    @Test func aDescriptorThatIsNoneIsAnError() {
        #expect(receive(-1).0.error == EBADF)
        #expect(send(-1, [1]).error == EBADF)
    }

    @Test func anErrorSaysWhatWasTriedAndWhatTheSystemSays() {
        let error = SystemError(code: EACCES, operation: "listen on 127.0.0.1:80")
        #expect(error.description == "listen on 127.0.0.1:80: \(String(cString: strerror(EACCES)))")
        #expect(error.isPermission)
        #expect(SystemError(code: 0, operation: "look up x").description == "look up x")
    }
}
