import Bytes
import Chat
import HTTP

/// What a program posts, made a JSON object with `text` where it is plain text.
enum PostContent {
    case object([UInt8])
    case refused(Response)

    init(_ request: HTTPRequest) {
        var isJSON = false
        if let value = request.value(of: "content-type") {
            let type = MediaType(value)
            switch type?.name {
            // A form is what `curl -d` says it sends: it is the text all the same.
            case "text/plain", "application/x-www-form-urlencoded": break
            case "application/json": isJSON = true
            default:
                self = .refused(.plain(.unsupportedMediaType, "Post text/plain or application/json."))
                return
            }
            guard ["utf-8", "utf8"].contains(type?.charset ?? "utf-8") else {
                self = .refused(.plain(.unsupportedMediaType, "Post it in UTF-8."))
                return
            }
        }
        guard request.count(of: "content-encoding") == 0 else {
            self = .refused(.plain(.unsupportedMediaType, "Post it as it is, without Content-Encoding."))
            return
        }
        guard UTF8Validator.isValid(request.content.span) else {
            self = .refused(.plain(.badRequest, "The content is not UTF-8."))
            return
        }
        self = .object(isJSON ? request.content : Self.object(saying: request.content))
    }

    /// Less one line break at the end, which most programs put there.
    private static func object(saying text: [UInt8]) -> [UInt8] {
        var text = text
        if text.last == UInt8(ascii: "\n") {
            text.removeLast()
            if text.last == UInt8(ascii: "\r") { text.removeLast() }
        }
        var object = Array("{\"text\":".utf8)
        object.append(quoting: text.span)
        object.append(UInt8(ascii: "}"))
        return object
    }
}
