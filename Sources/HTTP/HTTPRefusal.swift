/// Why a request is refused. After any of these the connection ends: where the next request would begin is unknown, or
/// not worth the risk of being wrong about it.
package enum HTTPRefusal: Sendable, Equatable {
    /// The lines of the head break a rule that requests and responses share.
    case head(HeadFault)

    /// More than one empty line before the request line (RFC 9112, 2.2 has a server ignore one).
    case emptyLines
    /// Not `method SP target SP version`, with single spaces and nothing else (RFC 9112, 3).
    case malformedRequestLine
    /// The method is not a token (RFC 9110, 9.1).
    case invalidMethod
    /// A character that no target may hold, or a form of target that does not go with the method (RFC 9112, 3.2).
    case invalidTarget
    /// A version of HTTP other than 1.x (RFC 9110, 15.6.6).
    case unsupportedVersion

    /// HTTP/1.1 without a Host (RFC 9112, 3.2).
    case missingHost
    /// More than one Host (RFC 9112, 3.2).
    case repeatedHost
    /// A Host that is no host with an optional port (RFC 9110, 7.2).
    case invalidHost

    /// Content-Length and Transfer-Encoding both: the sign of a smuggled request (RFC 9112, 6.1).
    case lengthAndTransferEncoding
    /// A Content-Length that is not a row of digits (RFC 9112, 6.3).
    case invalidContentLength
    /// More than one Content-Length, be they equal or not (RFC 9112, 6.3).
    case repeatedContentLength
    /// Transfer-Encoding in HTTP/1.0, which knows of none (RFC 9112, 6.1).
    case transferEncodingInOldVersion
    /// Transfer codings that do not end with one `chunked`, so that the content has no end (RFC 9112, 6.3).
    case chunkedNotLast
    /// A transfer coding other than `chunked` (RFC 9112, 6.1).
    case unknownTransferCoding
    /// A content in chunks that break the rules (RFC 9112, 7.1).
    case malformedChunk
    /// A content that is longer than is taken here.
    case contentTooLong

    /// The status of the answer.
    package var status: HTTPStatus {
        switch self {
        case .head(.startLineTooLong): .uriTooLong
        case .head(.headTooLong), .head(.tooManyFields): .headerFieldsTooLarge
        case .unsupportedVersion: .versionNotSupported
        case .unknownTransferCoding: .notImplemented
        case .contentTooLong: .contentTooLarge
        default: .badRequest
        }
    }

    /// What broke, as a phrase for the peer to read in the answer's body. It repeats nothing that the peer sent.
    package var reason: String {
        switch self {
        case .head(let fault): fault.reason
        case .emptyLines: "empty lines before the request"
        case .malformedRequestLine: "the request line is not METHOD TARGET VERSION"
        case .invalidMethod: "an invalid method"
        case .invalidTarget: "an invalid request target"
        case .unsupportedVersion: "this server speaks HTTP/1.1 and HTTP/1.0"
        case .missingHost: "no Host"
        case .repeatedHost: "more than one Host"
        case .invalidHost: "an invalid Host"
        case .lengthAndTransferEncoding: "both Content-Length and Transfer-Encoding"
        case .invalidContentLength: "an invalid Content-Length"
        case .repeatedContentLength: "more than one Content-Length"
        case .transferEncodingInOldVersion: "Transfer-Encoding in HTTP/1.0"
        case .chunkedNotLast: "chunked is not the last transfer coding"
        case .unknownTransferCoding: "an unknown transfer coding"
        case .malformedChunk: "a malformed chunk of content"
        case .contentTooLong: "the content is too long"
        }
    }
}
