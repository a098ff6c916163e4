#include "agent/world/real/http_server.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace medic {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using ErrorOf = boost::system::error_code;

std::string endpoint_text(const tcp::socket& socket) {
    ErrorOf error;
    const auto peer = socket.remote_endpoint(error);
    if (error) return "unknown";
    return fmt::format("{}:{}", peer.address().to_string(), peer.port());
}

// False: the target is not a well-formed path with an optional query.
bool split_target(HttpRequest& request) {
    std::string_view target = request.target;
    if (const auto hash = target.find('#'); hash != std::string_view::npos) target = target.substr(0, hash);
    const auto mark = target.find('?');
    std::string_view path = target.substr(0, mark);
    if (!path.starts_with('/')) return false;
    auto decoded = url_decode(path, UrlPart::path);
    if (!decoded) return false;
    request.path = *std::move(decoded);
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        if (!segment.empty()) request.segments.push_back(*url_decode(segment, UrlPart::path));
    }
    if (mark == std::string_view::npos) return true;
    std::string_view query = target.substr(mark + 1);
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        const auto equals = pair.find('=');
        auto key = url_decode(pair.substr(0, equals), UrlPart::query);
        auto value = url_decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), UrlPart::query);
        if (!key || !value) return false;
        if (!key->empty()) request.query.emplace_back(*std::move(key), *std::move(value));
    }
    return true;
}

HttpResponse plain(int status, std::string text) {
    return {status, std::move(text) + "\n", "text/plain; charset=utf-8", {}};
}

}  // namespace

struct HttpServer::Impl {
    class Session;

    HttpServerOptions options;
    HttpHandler handler;
    asio::io_context io{1};
    tcp::acceptor acceptor{io};
    asio::steady_timer before_accept{io};
    std::uint16_t port = 0;
    std::unique_ptr<asio::thread_pool> pool;
    std::thread thread;
    std::set<std::shared_ptr<Session>> sessions;  // Touched on the I/O thread only.
    std::atomic<bool> stopping = false;
    std::once_flag stopped;

    Status listen();
    void serve();
    void accept();
    void accept_later();
    [[nodiscard]] bool make_room();
    void run_handler(HttpRequest request, std::function<void(HttpResponse)> answer);
    void stop();
};

// One connection: reads a request, has it answered, writes the answer, and again. All steps run on the I/O thread.
class HttpServer::Impl::Session : public std::enable_shared_from_this<Session> {
public:
    Session(Impl& server, tcp::socket socket)
        : server_(server), peer_(endpoint_text(socket)), stream_(std::move(socket)) {}

    void read_header() {
        waiting_ = true;
        waits_since_ = std::chrono::steady_clock::now();
        parser_.emplace();
        parser_->header_limit(server_.options.header_bytes_max);
        // The parser compares Content-Length with the limit while it reads the header, before the path is known.
        parser_->body_limit(std::max(server_.options.body_bytes_max, server_.options.upload_bytes_max));
        stream_.expires_after(server_.options.idle_timeout);
        http::async_read_header(stream_, buffer_, *parser_, [self = shared_from_this()](ErrorOf error, std::size_t) {
            self->waiting_ = false;
            if (error) return self->refuse(error);
            self->read_body();
        });
    }

    // Closes the connection if no request is under way; else it ends after its answer.
    void stop() {
        if (waiting_) close();
    }

    // Since when no request is under way; nullopt: one is.
    [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> waits_since() const {
        return waiting_ ? std::optional(waits_since_) : std::nullopt;
    }

private:
    void read_body() {
        const auto& head = parser_->get();
        const auto& upload = server_.options.upload_path;
        const bool is_upload = !upload.empty() && std::string_view(head.target()).starts_with(upload);
        const auto limit = is_upload ? server_.options.upload_bytes_max : server_.options.body_bytes_max;
        if (parser_->content_length().value_or(0) > limit) return refuse(http::error::body_limit);
        parser_->body_limit(limit);
        stream_.expires_after(server_.options.request_timeout);
        if (beast::iequals(head[http::field::expect], "100-continue")) {
            static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            asio::async_write(stream_, asio::buffer(go_on), [self = shared_from_this()](ErrorOf error, std::size_t) {
                if (error) return self->close();
                self->finish_body();
            });
            return;
        }
        finish_body();
    }

    void finish_body() {
        http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](ErrorOf error, std::size_t) {
            if (error) return self->refuse(error);
            self->handle();
        });
    }

    void handle() {
        auto message = parser_->release();
        keep_alive_ = message.keep_alive();
        head_only_ = message.method() == http::verb::head;
        HttpRequest request;
        request.method = std::string(message.method_string());
        request.target = std::string(message.target());
        request.peer = peer_;
        for (const auto& field : message) {
            std::string name(field.name_string());
            std::ranges::transform(name, name.begin(),
                                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
            request.headers.emplace_back(std::move(name), std::string(field.value()));
        }
        request.body = std::move(message.body());
        if (!split_target(request)) return write(plain(400, "malformed request target"));
        stream_.expires_never();
        server_.run_handler(std::move(request), [self = shared_from_this()](HttpResponse response) {
            asio::post(self->stream_.get_executor(),
                       [self, response = std::move(response)]() mutable { self->write(std::move(response)); });
        });
    }

    void write(HttpResponse response) {
        auto message = std::make_shared<http::response<http::string_body>>();
        message->result(static_cast<unsigned>(std::clamp(response.status, 100, 599)));
        message->version(11);
        const bool bodiless = response.status == 204 || response.status == 304;
        if (!bodiless) message->set(http::field::content_type, response.content_type);
        for (const auto& [name, value] : response.headers) message->set(name, value);
        message->keep_alive(keep_alive_ && !server_.stopping);
        if (!bodiless) message->content_length(response.body.size());
        if (!head_only_ && !bodiless) message->body() = std::move(response.body);
        const bool last = message->need_eof() || !message->keep_alive();
        stream_.expires_after(server_.options.request_timeout);
        auto serializer = std::make_shared<http::response_serializer<http::string_body>>(*message);
        auto done = [self = shared_from_this(), message, serializer, last](ErrorOf error, std::size_t) {
            if (error || last || self->server_.stopping) return self->close();
            self->read_header();
        };
        if (head_only_) {
            http::async_write_header(stream_, *serializer, std::move(done));
        } else {
            http::async_write(stream_, *serializer, std::move(done));
        }
    }

    void refuse(ErrorOf error) {
        keep_alive_ = head_only_ = false;
        if (error == http::error::body_limit) return write(plain(413, "request body too large"));
        if (error == http::error::header_limit) return write(plain(431, "request header too large"));
        if (error.category() == make_error_code(http::error::bad_method).category() &&
            error != http::error::end_of_stream && error != http::error::partial_message)
            return write(plain(400, "malformed request: " + error.message()));
        close();
    }

    void close() {
        ErrorOf ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
        stream_.close();
        server_.sessions.erase(shared_from_this());
    }

    Impl& server_;
    std::string peer_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    bool waiting_ = false, keep_alive_ = false, head_only_ = false;
    std::chrono::steady_clock::time_point waits_since_{};  // While waiting_.
};

Status HttpServer::Impl::listen() {
    ErrorOf error;
    const auto address = asio::ip::make_address(options.host, error);
    if (error) return fail(ErrorCode::invalid, "listen address '{}': an IP address is expected", options.host);
    const tcp::endpoint endpoint(address, options.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return fail(ErrorCode::unavailable, "listen on {}:{}: {}", options.host, options.port, error.message());
    port = acceptor.local_endpoint().port();
    return {};
}

void HttpServer::Impl::serve() {
    if (options.handler_threads > 0)
        pool = std::make_unique<asio::thread_pool>(static_cast<std::size_t>(options.handler_threads));
    accept();
    thread = std::thread([this] { io.run(); });
}

void HttpServer::Impl::accept() {
    acceptor.async_accept([this](ErrorOf error, tcp::socket socket) {
        if (stopping || error == asio::error::operation_aborted) return;
        if (error) return accept_later();
        if (static_cast<int>(sessions.size()) >= options.connections_max && !make_room()) {
            static constexpr std::string_view busy =
                "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            socket.non_blocking(true, error);
            socket.write_some(asio::buffer(busy), error);
        } else {
            socket.set_option(tcp::no_delay(true), error);
            auto session = std::make_shared<Session>(*this, std::move(socket));
            sessions.insert(session);
            session->read_header();
        }
        accept();
    });
}

// Who only keeps a connection open keeps out nobody who asks for something: the one that has waited longest is closed.
bool HttpServer::Impl::make_room() {
    std::shared_ptr<Session> oldest;
    for (const auto& session : sessions)
        if (session->waits_since() && (!oldest || *session->waits_since() < *oldest->waits_since())) oldest = session;
    if (oldest) oldest->stop();
    return oldest != nullptr;
}

// Without a free descriptor the kernel refuses at once, time and again: a processor would do nothing else.
void HttpServer::Impl::accept_later() {
    constexpr std::chrono::milliseconds pause{100};
    before_accept.expires_after(pause);
    before_accept.async_wait([this](ErrorOf error) {
        if (!stopping && !error) accept();
    });
}

void HttpServer::Impl::run_handler(HttpRequest request, std::function<void(HttpResponse)> answer) {
    auto work = [this, request = std::move(request), answer, guard = asio::make_work_guard(io)] {
        HttpResponse response;
        try {
            response = handler(request);
        } catch (const std::exception& error) {
            response = plain(500, std::string("internal error: ") + error.what());
        }
        answer(std::move(response));
    };
    if (pool && !stopping) {
        asio::post(*pool, std::move(work));
    } else if (pool) {
        answer(plain(503, "stopping"));
    } else {
        work();
    }
}

void HttpServer::Impl::stop() {
    std::call_once(stopped, [this] {
        stopping = true;
        if (!thread.joinable()) return;  // It never served; whoever waits is refused as the listening socket closes.
        std::promise<void> closed;  // From then on no request reaches the pool, so that joining it leaves none behind.
        asio::post(io, [this, &closed] {
            ErrorOf ignored;
            acceptor.close(ignored);
            before_accept.cancel();
            for (const auto& session : std::set(sessions)) session->stop();
            closed.set_value();
        });
        closed.get_future().wait();
        if (pool) pool->join();
        thread.join();
    });
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { stop(); }
std::uint16_t HttpServer::port() const { return impl_->port; }
void HttpServer::stop() { impl_->stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::listen(HttpServerOptions options) {
    auto impl = std::make_unique<Impl>();
    impl->options = std::move(options);
    MEDIC_CHECK(impl->listen());
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

void HttpServer::serve(HttpHandler handler) {
    impl_->handler = std::move(handler);
    impl_->serve();
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options, HttpHandler handler) {
    MEDIC_TRY(auto server, listen(std::move(options)));
    server->serve(std::move(handler));
    return server;
}

}  // namespace medic
