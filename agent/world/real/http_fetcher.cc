#include "agent/world/real/http_fetcher.h"

#include <curl/curl.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <optional>

#include "agent/world/real/clock.h"
#include "agent/world/real/fetch_queue_internal.h"
#include "agent/world/real/http_change_internal.h"
#include "agent/world/real/http_transfer_internal.h"
#include "agent/world/real/reactor_internal.h"
#include "agent/world/real/secret.h"
#include "agent/world/real/url.h"

namespace medic {
namespace {

// "http://host:port/path" → "host:port".
std::string host_of(std::string_view url) {
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    return std::string(url.substr(0, url.find('/')));
}

constexpr std::string_view late = "not sent: its time was over before its turn came";

}  // namespace

struct HttpFetcher::State : std::enable_shared_from_this<HttpFetcher::State> {
    using Clock = std::chrono::steady_clock;

    struct Watch {
        boost::asio::posix::stream_descriptor descriptor;
        int wanted = 0;  // CURL_POLL_…
        bool reading = false, writing = false;
    };
    struct Waiting {
        FetchRequest request;
        Done done;  // Empty: it was told already that nothing is sent.
        const HttpAccess* access = nullptr;
        Secret secret;
        int redirects_left = 2;
    };

    State(Reactor& reactor_in, HttpFetcherOptions options_in)
        : reactor(reactor_in),
          options(std::move(options_in)),
          secrets(reactor),
          timer(reactor.native().context),
          waiting({.in_flight_max = options.in_flight_max,
                   .acting_max = options.acting_max,
                   .suspects_max = std::max<std::size_t>(1, options.in_flight_max / 4),
                   .per_host_max = options.per_host_max}) {
        static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
        (void)initialised;
        multi = curl_multi_init();
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &State::on_socket);
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &State::on_timer);
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.connections_kept_max));
    }
    ~State() {
        for (auto& [easy, transfer] : transfers) curl_multi_remove_handle(multi, easy);
        transfers.clear();
        pool.clear();
        curl_multi_cleanup(multi);
        for (auto& [socket, watch] : watches) watch->descriptor.release();  // curl has closed them.
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    static int on_socket(CURL*, curl_socket_t socket, int what, void* user, void*) {
        static_cast<State*>(user)->watch_socket(socket, what);
        return 0;
    }
    static int on_timer(CURLM*, long ms, void* user) {
        static_cast<State*>(user)->set_timer(ms);
        return 0;
    }

    // curl moves its time-out with every transfer that begins or ends, nearly always away from now, and each change of
    // a timer is a system call: one that is set already and comes sooner stays, and looks again when it comes.
    void set_timer(long ms) {
        due.reset();
        if (ms < 0) return;
        due = Clock::now() + std::chrono::milliseconds(ms);
        if (ms == 0) {
            boost::asio::post(reactor.native().context, [weak = weak_from_this()] {
                if (const auto self = weak.lock()) self->time_out();
            });
        } else if (!comes || *due < *comes) {
            arm();
        }
    }

    void arm() {
        comes = due;
        timer.expires_at(*due);
        timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            const auto self = weak.lock();
            if (!self || error) return;
            self->comes.reset();
            self->time_out();
        });
    }

    void time_out() {
        if (!due) return;
        if (Clock::now() >= *due) {
            due.reset();
            drive(CURL_SOCKET_TIMEOUT, 0);
        } else if (!comes || *due < *comes) {
            arm();
        }
    }

    void watch_socket(curl_socket_t socket, int what) {
        const auto found = watches.find(socket);
        if (what == CURL_POLL_REMOVE) {
            if (found == watches.end()) return;
            found->second->wanted = 0;
            found->second->descriptor.release();  // The socket stays curl's.
            watches.erase(found);
            return;
        }
        auto& watch = found != watches.end() ? found->second : watches[socket];
        if (!watch)
            watch = std::make_shared<Watch>(boost::asio::posix::stream_descriptor(reactor.native().context, socket));
        watch->wanted = what;
        wait(socket, watch);
    }

    void wait(curl_socket_t socket, const std::shared_ptr<Watch>& watch) {
        const auto arm = [&](int flag, bool Watch::* armed, auto kind, int event) {
            if ((watch->wanted & flag) == 0 || (*watch).*armed) return;
            (*watch).*armed = true;
            watch->descriptor.async_wait(
                kind, [weak = weak_from_this(), watch, socket, armed, event](const boost::system::error_code& error) {
                    (*watch).*armed = false;
                    const auto self = weak.lock();
                    if (!self || error || watch->wanted == 0) return;
                    self->drive(socket, event);
                    const auto still = self->watches.find(socket);
                    if (still != self->watches.end() && still->second == watch) self->wait(socket, watch);
                });
        };
        using boost::asio::posix::descriptor_base;
        arm(CURL_POLL_IN, &Watch::reading, descriptor_base::wait_read, CURL_CSELECT_IN);
        arm(CURL_POLL_OUT, &Watch::writing, descriptor_base::wait_write, CURL_CSELECT_OUT);
    }

    void drive(curl_socket_t socket, int events) {
        int running = 0;
        curl_multi_socket_action(multi, socket, events, &running);
        int left = 0;
        while (CURLMsg* message = curl_multi_info_read(multi, &left))
            if (message->msg == CURLMSG_DONE) finish(message->easy_handle, message->data.result);
        start_waiting();
    }

    void finish(CURL* easy, CURLcode code) {
        auto node = transfers.extract(easy);
        if (node.empty()) return;
        const std::unique_ptr<HttpTransfer> transfer = std::move(node.mapped());
        curl_multi_remove_handle(multi, easy);
        waiting.ended(transfer->queue_key);
        Result<FetchReply> result = FetchReply{};
        if (code == CURLE_OK) {
            const long status = status_of(*transfer);
            if (status == 401 && transfer->access != nullptr) secrets.refused(source_of(*transfer->access));
            if (follow(*transfer, status)) return;
            result = take_reply(*transfer);
        } else {
            result = std::unexpected(error_of(*transfer, code));
        }
        if (pool.size() < options.in_flight_max) pool.push_back(std::move(transfer->easy));
        transfer->done(std::move(result));
    }

    static const SecretSource& source_of(const HttpAccess& access) {
        return access.auth.username.empty() ? access.auth.bearer : access.auth.password;
    }

    // Whether the transfer goes on elsewhere, or has ended with the reason why it must not.
    bool follow(HttpTransfer& transfer, long status) {
        FetchRequest& request = transfer.request;
        char* target = nullptr;
        curl_easy_getinfo(transfer.easy.get(), CURLINFO_REDIRECT_URL, &target);
        if (request.cluster.empty() || request.access || target == nullptr) return false;
        const std::string to = target;
        const bool same_change = (status == 307 || status == 308) && same_target(request.url, to);
        if (!only_reads(request.method) && !same_change) return false;
        Status allowed = may_follow(options.access, request.cluster, request.url, to);
        if (allowed && transfer.redirects_left == 0)
            allowed = fail(ErrorCode::invalid, "{}: it redirects again and again, at last to {}",
                           shown_url(request.url), shown_url(to));
        if (!allowed) {
            transfer.done(std::unexpected(allowed.error()));
            return true;
        }
        request.url = to;
        admit(std::make_shared<Waiting>(Waiting{.request = std::move(request),
                                                .done = std::move(transfer.done),
                                                .redirects_left = transfer.redirects_left - 1}));
        return true;
    }

    // Looks up what the address is to be shown, and puts the request into the queue.
    void admit(const std::shared_ptr<Waiting>& next) {
        watch_deadline(next);
        next->access = next->request.access ? next->request.access.get()
                                            : options.access.find(next->request.cluster, next->request.url);
        if (next->access == nullptr || !next->access->auth.given()) return enqueue(next);
        ++without_secret;
        secrets.get(source_of(*next->access), [weak = weak_from_this(), next](Result<Secret> secret) {
            const auto self = weak.lock();
            if (!self) return;
            --self->without_secret;
            if (!secret) return self->refuse(*next, secret.error().message);
            if (!next->done) return;
            next->secret = *std::move(secret);
            self->enqueue(next);
        });
    }

    // Whoever asked is told when the time is over, not when the turn would have come. Once it has begun, curl watches.
    void watch_deadline(const std::shared_ptr<Waiting>& next) {
        if (!next->request.deadline) return;
        const Duration left = std::max(*next->request.deadline - read_clock().monotonic, Duration{0});
        reactor.after(left, [weak = weak_from_this(), waits = std::weak_ptr(next)] {
            const auto self = weak.lock();
            const auto still = waits.lock();
            if (self && still) self->refuse(*still, late);
        });
    }

    // Nothing is sent. It keeps its place in the queue until its turn comes, and is passed over then.
    void refuse(Waiting& next, std::string_view why) {
        if (!next.done) return;
        reactor.post(
            [done = std::exchange(next.done, nullptr), text = fmt::format("{}: {}", shown_url(next.request.url), why)] {
                done(fail(ErrorCode::unavailable, "{}", text));
            });
    }

    void enqueue(const std::shared_ptr<Waiting>& next) {
        const auto which = !only_reads(next->request.method)                           ? FetchClass::acting
                           : next->request.standing == FetchRequest::Standing::suspect ? FetchClass::suspect
                                                                                       : FetchClass::healthy;
        const FetchKey key{which, host_of(next->request.url)};
        waiting.push(key, next);
        start_waiting();
    }

    void start_waiting() {
        while (auto next = waiting.take()) {
            auto& [key, item] = *next;
            if (in_time(*item))
                start(std::move(key), std::move(*item));
            else
                waiting.ended(key);
        }
    }

    // Whether it may still be sent; its time-out is then no longer than what is left. Otherwise it is told so.
    bool in_time(Waiting& next) {
        if (next.request.deadline) {
            const Duration left = *next.request.deadline - read_clock().monotonic;
            if (left <= Duration{0}) refuse(next, late);
            next.request.timeout = std::min(next.request.timeout, left);
        }
        return next.done != nullptr;
    }

    void start(FetchKey key, Waiting next) {
        auto transfer = std::make_unique<HttpTransfer>();
        transfer->queue_key = std::move(key);
        transfer->request = std::move(next.request);
        transfer->done = std::move(next.done);
        transfer->access = next.access;
        transfer->secret = std::move(next.secret);
        transfer->redirects_left = next.redirects_left;
        if (!pool.empty()) {
            transfer->easy = std::move(pool.back());
            pool.pop_back();
            curl_easy_reset(transfer->easy.get());
        } else {
            transfer->easy.reset(curl_easy_init());
        }
        set_options(*transfer, options);
        CURL* easy = transfer->easy.get();
        transfers.emplace(easy, std::move(transfer));
        curl_multi_add_handle(multi, easy);
    }

    Reactor& reactor;
    HttpFetcherOptions options;
    SecretCache secrets;
    boost::asio::steady_timer timer;
    std::optional<Clock::time_point> due, comes;  // When curl wants to be called; when `timer` comes.
    CURLM* multi = nullptr;
    std::map<CURL*, std::unique_ptr<HttpTransfer>> transfers;
    std::map<curl_socket_t, std::shared_ptr<Watch>> watches;
    std::vector<CurlEasy> pool;
    FetchQueue<std::shared_ptr<Waiting>> waiting;
    std::size_t without_secret = 0;                        // Requests that wait for theirs.
    std::atomic<std::uint64_t> requests = 0, writing = 0;  // Read on other threads.
};

HttpFetcher::HttpFetcher(Reactor& reactor, HttpFetcherOptions options)
    : state_(std::make_shared<State>(reactor, std::move(options))) {}
HttpFetcher::~HttpFetcher() = default;

void HttpFetcher::fetch(FetchRequest request, Done done) {
    if (state_->waiting.waiting() + state_->without_secret >= state_->options.queue_max) {
        state_->reactor.post([done = std::move(done), url = shown_url(request.url)] {
            done(fail(ErrorCode::unavailable, "{}: too many requests are waiting here", url));
        });
        return;
    }
    ++state_->requests;
    if (!only_reads(request.method)) {
        ++state_->writing;
        const Instant over = read_clock().monotonic + request.timeout;
        request.deadline = std::min(request.deadline.value_or(over), over);
    }
    state_->admit(
        std::make_shared<State::Waiting>(State::Waiting{.request = std::move(request), .done = std::move(done)}));
}

std::uint64_t HttpFetcher::requests() const { return state_->requests; }
std::uint64_t HttpFetcher::writing_requests() const { return state_->writing; }

}  // namespace medic
