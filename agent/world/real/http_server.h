// A small HTTP/1.1 server: listens, reads bounded requests, calls one handler, writes its answer.
// It is not a framework: no routing, no TLS, no streaming. Used by the agent's API and by the engine's REST and metrics
// pages. It runs its own threads; the handler is called on them (see `handler_threads`) and must be thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic {

struct HttpRequest {
    std::string method;                 // "GET", "POST", …, as sent.
    std::string target;                 // As sent: path and query, still escaped.
    std::string path;                   // Decoded, without the query; always starts with '/'.
    std::vector<std::string> segments;  // The path split at '/', then decoded: "/a%2Fb/c/" is {"a/b", "c"}.
    std::vector<std::pair<std::string, std::string>> query;    // Decoded, in the order sent; "?x" gives {"x", ""}.
    std::vector<std::pair<std::string, std::string>> headers;  // Names in lower case.
    std::string body;
    std::string peer;  // "127.0.0.1:40312".

    [[nodiscard]] std::optional<std::string_view> query_value(std::string_view name) const;  // The first of that name.
    [[nodiscard]] std::vector<std::string_view> query_values(std::string_view name) const;
    [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;  // "" when absent.
};

struct HttpResponse {
    int status = 200;
    std::string body;
    std::string content_type = "application/json";
    std::vector<std::pair<std::string, std::string>> headers;  // Besides content-type and content-length.
};

using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

struct HttpServerOptions {
    std::string host = "127.0.0.1";  // An IP address, not a name.
    std::uint16_t port = 0;          // 0: any free port, see HttpServer::port().
    int handler_threads = 0;         // 0: the handler runs on the one I/O thread and must not block.
    std::uint32_t header_bytes_max = 16 << 10;
    std::uint64_t body_bytes_max = 1 << 20;
    std::string upload_path;  // Requests under this path may carry up to `upload_bytes_max`.
    std::uint64_t upload_bytes_max = 0;
    int connections_max = 256;         // For one more the longest idle is closed; where none is, it is answered 503.
    Duration idle_timeout{30'000};     // Until a request's header is complete; also between kept-alive requests.
    Duration request_timeout{10'000};  // For the body, and again for writing the answer.
};

class HttpServer {
public:
    // listen() and serve() in one. Errors: as listen().
    [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options, HttpHandler handler);

    // Takes the port and lets callers wait in the kernel's queue: for whoever needs the port, or must know that it is
    // free, before all that the handler uses is there. Errors: invalid (address), unavailable (port taken).
    [[nodiscard]] static Result<std::unique_ptr<HttpServer>> listen(HttpServerOptions options);
    // Once: from now on the handler is called, first for those who have waited.
    void serve(HttpHandler handler);

    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();  // stop()

    [[nodiscard]] std::uint16_t port() const;

    // Takes no new request, lets running handlers answer, closes every connection. Not from inside a handler.
    // Idempotent.
    void stop();

private:
    struct Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// One part of a multipart/form-data body; the views point into the request's body.
struct MultipartPart {
    std::string name, filename, content_type;
    std::string_view body;
};

// Errors: invalid (not multipart, malformed, more than 16 parts).
[[nodiscard]] Result<std::vector<MultipartPart>> parse_multipart(const HttpRequest& request);

// Percent-decoding; '+' is a space only in a query. nullopt: a broken escape or a NUL.
enum class UrlPart : std::uint8_t { path, query };
[[nodiscard]] std::optional<std::string> url_decode(std::string_view text, UrlPart part);

}  // namespace medic
