// A blocking HTTP client for one request at a time (libcurl), for command-line tools, tests and the engine's own calls.
// The daemon's reactor does not use it. Proxies from the environment are ignored: an operation goes where its URL says.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic {

struct HttpCall {
    enum class Redirects : std::uint8_t { refuse, follow };  // At most 5 are followed, and only by GET and HEAD.

    // A file sent as one part of a multipart/form-data body (Flink's POST /jars/upload takes the field "jarfile").
    struct Upload {
        std::string field, path, filename, content_type;
    };

    std::string method = "GET";
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::vector<Upload> uploads;  // Not empty: sent instead of `body`.
    Duration timeout{10'000};     // For the whole call.
    Duration connect_timeout{2'000};
    std::uint64_t body_bytes_max = 16 << 20;  // Of the answer, after decompression.
    Redirects redirects = Redirects::refuse;
    std::string ca_file;  // Empty: the system's trust store; otherwise that file alone counts.
};

struct HttpReply {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  // Names in lower case.
    std::string body;

    [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;  // "" when absent.
};

// Keeps its connection between calls that only read (GET, HEAD); any other has one of its own and is sent at most once.
// One thread at a time.
class HttpClient {
public:
    HttpClient();
    HttpClient(HttpClient&&) noexcept;
    HttpClient& operator=(HttpClient&&) noexcept;
    ~HttpClient();

    // Any status is a reply. Errors: invalid (URL, certificate, answer too large), unavailable (no connection, or a GET
    // or HEAD that got no answer: safe to repeat), outcome_unknown (another method was sent and no whole answer came
    // back).
    [[nodiscard]] Result<HttpReply> perform(const HttpCall& call);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace medic
