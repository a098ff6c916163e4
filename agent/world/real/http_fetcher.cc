#include "agent/world/real/http_fetcher.h"

#include <curl/curl.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <algorithm>
#include <cctype>
#include <map>

#include "agent/world/real/content_type_internal.h"
#include "agent/world/real/fetch_queue_internal.h"
#include "agent/world/real/reactor_internal.h"
#include "agent/world/real/secret.h"
#include "agent/world/real/url.h"

namespace medic {
namespace {

struct EasyDeleter {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

// One request on its way: the handle, where the answer goes, and what was given to curl and must outlive it.
struct Transfer {
    Easy easy;
    FetchRequest request;
    HttpFetcher::Done done;
    const HttpAccess* access = nullptr;
    Secret secret;
    int redirects_left = 0;
    FetchKey queue_key;
    FetchReply reply;
    bool too_long = false;
    curl_slist* headers = nullptr;
    curl_mime* form = nullptr;
    char error[CURL_ERROR_SIZE] = {};

    ~Transfer() {
        curl_slist_free_all(headers);
        curl_mime_free(form);
    }
};

std::size_t on_body(char* data, std::size_t, std::size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    if (transfer.reply.body.size() + count > transfer.request.body_bytes_max) {
        transfer.too_long = true;
        return 0;
    }
    transfer.reply.body.append(data, count);
    return count;
}

// Only the Date is kept: how far the other side's clock is off.
std::size_t on_header(char* data, std::size_t, std::size_t count, void* user) {
    constexpr std::string_view name = "date:";
    std::string_view line(data, count);
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    if (line.size() < name.size() || !std::ranges::equal(line.substr(0, name.size()), name, same)) return count;
    line.remove_prefix(name.size());
    const auto first = line.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return count;
    static_cast<Transfer*>(user)->reply.date =
        std::string(line.substr(first, line.find_last_not_of(" \t\r\n") - first + 1));
    return count;
}

// Whether the other side can't have seen the request.
bool never_arrived(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_CONNECT:
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_URL_MALFORMAT:
        case CURLE_READ_ERROR: return true;
        default: return false;
    }
}

// What someone can do about it, where curl's own words don't say.
std::string_view hint(std::string_view why) {
    const auto says = [&](std::string_view part) { return why.find(part) != std::string_view::npos; };
    if (says("wrong version number")) return " (it does not speak TLS here: is it an http:// address?)";
    if (says("HTTP/0.9")) return " (it does not answer in HTTP: is it an https:// address?)";
    if (says("certificate required") || says("alert handshake failure") || says("alert bad certificate"))
        return " (it wants a client certificate that it trusts: `tls: {certificate, key}`)";
    if (says("unable to get local issuer certificate") || says("self-signed certificate") ||
        says("self signed certificate"))
        return " (give the certificate authority's file as `tls: {ca}`)";
    if (says("no alternative certificate subject name")) return " (connect by a name that its certificate holds)";
    return "";
}

// "http://host:port/path" → "host:port".
std::string host_of(std::string_view url) {
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    return std::string(url.substr(0, url.find('/')));
}

Error error_of(const Transfer& transfer, CURLcode code) {
    std::string why = transfer.error[0] != '\0' ? transfer.error : curl_easy_strerror(code);
    why += hint(why);
    if (transfer.too_long)
        return {ErrorCode::invalid, fmt::format("{}: the answer is longer than {} bytes",
                                                shown_url(transfer.request.url), transfer.request.body_bytes_max)};
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        return {ErrorCode::invalid, fmt::format("{}: {}", shown_url(transfer.request.url), why)};
    // A time-out while connecting is told apart by what was sent.
    long sent = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_REQUEST_SIZE, &sent);
    const bool unseen = never_arrived(code) || (code == CURLE_OPERATION_TIMEDOUT && sent == 0);
    return {unseen ? ErrorCode::unavailable : ErrorCode::outcome_unknown,
            fmt::format("{}: {}", shown_url(transfer.request.url), why)};
}

}  // namespace

struct HttpFetcher::State : std::enable_shared_from_this<HttpFetcher::State> {
    struct Watch {
        boost::asio::posix::stream_descriptor descriptor;
        int wanted = 0;  // CURL_POLL_…
        bool reading = false, writing = false;
    };
    struct Waiting {
        FetchRequest request;
        Done done;
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

    void set_timer(long ms) {
        timer.cancel();
        if (ms < 0) return;
        timer.expires_after(std::chrono::milliseconds(ms));
        timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            if (const auto self = weak.lock(); self && !error) self->drive(CURL_SOCKET_TIMEOUT, 0);
        });
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
        const std::unique_ptr<Transfer> transfer = std::move(node.mapped());
        curl_multi_remove_handle(multi, easy);
        waiting.ended(transfer->queue_key);
        Result<FetchReply> result = FetchReply{};
        if (code == CURLE_OK) {
            long status = 0;
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
            if (status == 401 && transfer->access != nullptr) secrets.refused(source_of(*transfer->access));
            if (follow(*transfer, status)) return;
            const char* type = nullptr;
            curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
            transfer->reply.status = static_cast<int>(status);
            transfer->reply.content_type = type != nullptr ? type : "";
            curl_off_t microseconds = 0;
            curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &microseconds);
            transfer->reply.took = Duration{static_cast<Duration::rep>(microseconds / 1000)};
            result = std::move(transfer->reply);
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
    bool follow(Transfer& transfer, long status) {
        FetchRequest& request = transfer.request;
        char* target = nullptr;
        curl_easy_getinfo(transfer.easy.get(), CURLINFO_REDIRECT_URL, &target);
        if (request.cluster.empty() || request.access || target == nullptr) return false;
        const std::string to = target;
        const bool keeps_method = status == 307 || status == 308;
        Status allowed = may_follow(options.access, request.cluster, request.url, to);
        if (allowed && transfer.redirects_left == 0)
            allowed = fail(ErrorCode::invalid, "{}: it redirects again and again, at last to {}",
                           shown_url(request.url), shown_url(to));
        if (request.method != "GET" && !keeps_method) return false;
        if (!allowed) {
            transfer.done(std::unexpected(allowed.error()));
            return true;
        }
        request.url = to;
        admit({.request = std::move(request),
               .done = std::move(transfer.done),
               .redirects_left = transfer.redirects_left - 1});
        return true;
    }

    // Looks up what the address is to be shown, and puts the request into the queue.
    void admit(Waiting next) {
        next.access = next.request.access ? next.request.access.get()
                                          : options.access.find(next.request.cluster, next.request.url);
        if (next.access == nullptr || !next.access->auth.given()) {
            return enqueue(std::move(next));
        }
        ++without_secret;
        const SecretSource& source = source_of(*next.access);
        auto shared = std::make_shared<Waiting>(std::move(next));
        secrets.get(source, [weak = weak_from_this(), shared](Result<Secret> secret) {
            const auto self = weak.lock();
            if (!self) return;
            --self->without_secret;
            if (!secret) {
                self->reactor.post([shared, error = wrap(secret.error(), shown_url(shared->request.url)).error()] {
                    shared->done(fail(ErrorCode::unavailable, "{}", error.message));
                });
                return;
            }
            shared->secret = *std::move(secret);
            self->enqueue(std::move(*shared));
        });
    }

    void enqueue(Waiting next) {
        const auto which = next.request.method != "GET"                               ? FetchClass::acting
                           : next.request.standing == FetchRequest::Standing::suspect ? FetchClass::suspect
                                                                                      : FetchClass::healthy;
        const FetchKey key{which, host_of(next.request.url)};
        waiting.push(key, std::move(next));
        start_waiting();
    }

    void start_waiting() {
        while (auto next = waiting.take()) start(std::move(next->first), std::move(next->second));
    }

    void start(FetchKey key, Waiting next) {
        auto transfer = std::make_unique<Transfer>();
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
        set_options(*transfer);
        CURL* easy = transfer->easy.get();
        transfers.emplace(easy, std::move(transfer));
        curl_multi_add_handle(multi, easy);
    }

    void set_options(Transfer& transfer) const {
        CURL* easy = transfer.easy.get();
        const FetchRequest& request = transfer.request;
        curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROXY,
                         "");  // Watched systems are reached directly, whatever the environment says.
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 16'384L);
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
        curl_easy_setopt(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
        if (transfer.access != nullptr) set_access(easy, *transfer.access, transfer.secret);
        if (const auto line = content_type_line(request.headers, request.body);
            !line.empty() && request.upload_file.empty())
            transfer.headers = curl_slist_append(transfer.headers, line.c_str());
        for (const auto& [name, value] : request.headers)
            transfer.headers = curl_slist_append(transfer.headers, (name + ": " + value).c_str());
        if (request.method != "GET") {
            curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
            if (!request.upload_file.empty()) {
                transfer.form = curl_mime_init(easy);
                curl_mimepart* part = curl_mime_addpart(transfer.form);
                curl_mime_name(part, request.upload_field.c_str());
                curl_mime_filedata(part, request.upload_file.c_str());
                curl_mime_type(part, "application/x-java-archive");
                curl_easy_setopt(easy, CURLOPT_MIMEPOST, transfer.form);
            } else {
                curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
                curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
            }
        }
        if (transfer.headers != nullptr) curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
    }

    static void set_access(CURL* easy, const HttpAccess& access, const Secret& secret) {
        if (access.auth.given()) {
            const bool basic = !access.auth.username.empty();
            curl_easy_setopt(easy, CURLOPT_HTTPAUTH, static_cast<long>(basic ? CURLAUTH_BASIC : CURLAUTH_BEARER));
            if (basic) curl_easy_setopt(easy, CURLOPT_USERNAME, access.auth.username.c_str());
            curl_easy_setopt(easy, basic ? CURLOPT_PASSWORD : CURLOPT_XOAUTH2_BEARER,
                             std::string(secret.reveal()).c_str());
        }
        if (!access.tls) return;
        if (!access.tls->ca.empty()) {
            curl_easy_setopt(easy, CURLOPT_CAINFO, access.tls->ca.c_str());
            curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);  // That one alone, not the system's as well.
        }
        if (!access.tls->certificate.empty()) {
            curl_easy_setopt(easy, CURLOPT_SSLCERT, access.tls->certificate.c_str());
            curl_easy_setopt(easy, CURLOPT_SSLKEY, access.tls->key.c_str());
        }
        if (!access.tls->check_hostname) curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }

    Reactor& reactor;
    HttpFetcherOptions options;
    SecretCache secrets;
    boost::asio::steady_timer timer;
    CURLM* multi = nullptr;
    std::map<CURL*, std::unique_ptr<Transfer>> transfers;
    std::map<curl_socket_t, std::shared_ptr<Watch>> watches;
    std::vector<Easy> pool;
    FetchQueue<Waiting> waiting;
    std::size_t without_secret = 0;  // Requests that wait for theirs.
    std::uint64_t requests = 0;
    std::uint64_t writing = 0;
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
    if (request.method != "GET") ++state_->writing;
    state_->admit({.request = std::move(request), .done = std::move(done)});
}

std::uint64_t HttpFetcher::requests() const { return state_->requests; }
std::uint64_t HttpFetcher::writing_requests() const { return state_->writing; }

}  // namespace medic
