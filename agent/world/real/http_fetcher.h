// HTTP requests on a Reactor through libcurl's multi interface: connections are kept, handles pooled, everything
// bounded. Used for looking (GET) by agent/daemon and for acting by RealWorld. Not for servers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/world/real/http_access.h"
#include "agent/world/real/reactor.h"

namespace medic {

struct FetchRequest {
    std::string method = "GET";
    std::string url;
    std::string cluster;  // Whose endpoint it is: decides over credentials. "" = none, and redirects are answers.
    std::shared_ptr<const HttpAccess> access;  // Instead: how this one address is opened.
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string upload_file;  // When not empty: sent as multipart form field `upload_field`.
    std::string upload_field = "jarfile";
    Duration timeout{5'000};  // Of the exchange, without the time that it waited here for its turn.
    // Once it has passed, nothing is sent any more, and what was sent has ended: waiting here, for a secret or for a
    // turn, counts. What may change something has one in any case, `timeout` after it was taken in: whoever decided on
    // it believes then that nothing leaves any more. A look has none of its own: a host that is asked much, two
    // questions at a time, would be called silent for our waiting.
    std::optional<Instant> deadline{};
    std::size_t body_bytes_max = 8 * 1024 * 1024;  // Of the answer, after decompression.
    std::size_t body_tail_bytes = 0;               // Only so much of its end is kept; 0: all.
    // A host that failed lately is a suspect: all of them together get a quarter of the slots.
    enum class Standing : std::uint8_t { healthy, suspect };
    Standing standing = Standing::healthy;
};

struct FetchReply {
    int status = 0;
    std::string content_type;
    std::string date;  // Its Date header; "" when absent.
    std::string body;
    std::uint64_t left_out_bytes = 0;  // Came before the body and was not kept.
    Duration took{0};                  // Of this exchange, without the time that it waited here for its turn.
};

struct HttpFetcherOptions {
    std::size_t in_flight_max = 64;          // Of GETs; more wait, and hosts take turns.
    std::size_t acting_max = 16;             // Of all other requests, which do not wait for GETs.
    std::size_t queue_max = 8'192;           // More are refused at once (unavailable).
    std::size_t per_host_max = 2;            // What we may cost one watched process at a time.
    std::size_t connections_kept_max = 768;  // Idle ones are kept for the next look, the longest unused go first.
    Duration connect_timeout{2'000};
    std::string user_agent = "streammedic";
    HttpAccessTable access;
};

class HttpFetcher {
public:
    // A redirect is followed (twice at most) where may_follow() allows it; each address gets its own credentials, or
    // none. A request that may change something goes on only where its method is kept and path and query are the same
    // (a standby that sends to its leader): any other redirect is its answer. It is sent at most once to each address.
    // unavailable: nothing was received by the other side (refused, not resolved, queue full, its time was over before
    // its turn). outcome_unknown: time-out or a broken connection after the request may have arrived. invalid: the
    // answer broke a limit.
    using Done = std::function<void(Result<FetchReply>)>;

    HttpFetcher(Reactor& reactor, HttpFetcherOptions options);
    ~HttpFetcher();
    HttpFetcher(const HttpFetcher&) = delete;
    HttpFetcher& operator=(const HttpFetcher&) = delete;

    // On the reactor's thread; `done` is called there, exactly once, later.
    void fetch(FetchRequest request, Done done);
    [[nodiscard]] std::uint64_t requests() const;
    [[nodiscard]] std::uint64_t writing_requests() const;  // Those that may change something.

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace medic
