#include "tests/fleet/fake_fleet.h"

#include <boost/asio.hpp>

#include <atomic>
#include <thread>

#include "agent/world/real/clock.h"
#include "tests/fleet/answers_internal.h"

namespace medic::fleet {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds slow_by{1'000};

// One Flink, one Connect worker or one Kafka cluster, with all its ports.
struct Endpoint {
    Kind kind = Kind::flink;
    int index = 0;
    Manner manner = Manner::answers;
    std::vector<std::unique_ptr<tcp::acceptor>> acceptors;  // Kafka: one per broker.
    std::vector<std::uint16_t> ports;
    RestAnswers rest;
    KafkaAnswers kafka;
    std::atomic<std::uint64_t> looks = 0;
};

struct Shared {
    std::int64_t began_ms = 0;
    std::atomic<std::uint64_t> requests = 0;
};

// One connection: reads a request, answers as its endpoint's manner says, and goes on.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(tcp::socket socket, Endpoint& endpoint, int port, Shared& shared)
        : socket_(std::move(socket)),
          timer_(socket_.get_executor()),
          endpoint_(endpoint),
          port_(port),
          shared_(shared) {}

    void read() {
        if (endpoint_.kind == Kind::kafka) return read_frame();
        boost::asio::async_read_until(socket_, boost::asio::dynamic_buffer(in_), "\r\n\r\n",
                                      [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                                          if (!error) self->on_http(bytes);
                                      });
    }

private:
    void read_frame() {
        in_.resize(wire::kSizePrefixBytes);
        boost::asio::async_read(
            socket_, boost::asio::buffer(in_), [self = shared_from_this()](const error_code& error, std::size_t) {
                const auto size =
                    error ? Result<std::size_t>(fail(ErrorCode::invalid, "closed")) : wire::frame_size(self->in_);
                if (size) self->read_body(*size);
            });
    }
    void read_body(std::size_t size) {
        in_.resize(size);
        boost::asio::async_read(socket_, boost::asio::buffer(in_),
                                [self = shared_from_this()](const error_code& error, std::size_t) {
                                    if (!error) self->on_frame();
                                });
    }
    void on_frame() {
        const auto request = wire::decode_request_header(in_);
        if (!request) return;
        if (request->header.api == wire::ApiKey::metadata) ++endpoint_.looks;
        answer(endpoint_.kafka.answer(port_, *request, read_clock().wall.unix_ms - shared_.began_ms));
    }
    void on_http(std::size_t bytes) {
        const auto from = in_.find(' ') + 1;
        const std::string path = in_.substr(from, in_.find(' ', from) - from);
        in_.erase(0, bytes);
        if (path == "/jobs/overview" || path.starts_with("/connectors")) ++endpoint_.looks;
        const MovingText* found = endpoint_.rest.find(path);
        const std::string body =
            found != nullptr ? found->at(read_clock().wall.unix_ms) : R"({"errors":["Not found."]})";
        answer("HTTP/1.1 " + std::string(found != nullptr ? "200 OK" : "404 Not Found") +
               "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
               body);
    }
    void answer(std::string out) {
        ++shared_.requests;
        out_ = std::move(out);
        switch (endpoint_.manner) {
            case Manner::hangs: return wait_for_close();
            case Manner::half: out_.resize(out_.size() / 2); break;
            case Manner::slow:
                timer_.expires_after(slow_by);
                return timer_.async_wait([self = shared_from_this()](const error_code& error) {
                    if (!error) self->write();
                });
            default: break;
        }
        write();
    }
    void write() {
        boost::asio::async_write(socket_, boost::asio::buffer(out_),
                                 [self = shared_from_this()](const error_code& error, std::size_t) {
                                     if (error) return;
                                     if (self->endpoint_.manner == Manner::half) return self->wait_for_close();
                                     self->read();
                                 });
    }
    void wait_for_close() {
        socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
            error_code ignored;
            char byte = 0;
            if (!error && self->socket_.read_some(boost::asio::buffer(&byte, 1), ignored) > 0) self->wait_for_close();
        });
    }

    tcp::socket socket_;
    boost::asio::steady_timer timer_;
    Endpoint& endpoint_;
    int port_;
    Shared& shared_;
    std::string in_, out_;
};

}  // namespace

struct FakeFleet::State {
    FleetSize size;
    Shared shared;
    boost::asio::io_context context{1};
    std::vector<std::unique_ptr<Endpoint>> endpoints;
    std::jthread thread;

    void listen(Endpoint& endpoint, int ports) {
        for (int i = 0; i < ports; ++i) {
            auto& acceptor = endpoint.acceptors.emplace_back(std::make_unique<tcp::acceptor>(context));
            acceptor->open(tcp::v4());
            acceptor->bind({boost::asio::ip::address_v4::loopback(), 0});
            endpoint.ports.push_back(acceptor->local_endpoint().port());
            if (endpoint.manner == Manner::dead)
                continue;  // Bound and not listening: the port stays ours, and refuses.
            acceptor->listen();
            accept(endpoint, i);
        }
    }
    void accept(Endpoint& endpoint, int port) {
        endpoint.acceptors[static_cast<std::size_t>(port)]->async_accept(
            [this, &endpoint, port](const error_code& error, tcp::socket socket) {
                if (error) return;
                error_code ignored;
                socket.set_option(tcp::no_delay(true), ignored);
                std::make_shared<Connection>(std::move(socket), endpoint, port, shared)->read();
                accept(endpoint, port);
            });
    }
    [[nodiscard]] const Endpoint& endpoint(Kind kind, int index) const {
        for (const auto& one : endpoints)
            if (one->kind == kind && one->index == index) return *one;
        std::abort();
    }
};

FakeFleet::FakeFleet(const FleetSize& size, const std::string& testdata, const Manners& manners)
    : state_(std::make_unique<State>()) {
    State& state = *state_;
    state.size = size;
    state.shared.began_ms = read_clock().wall.unix_ms;
    const auto add = [&](Kind kind, int index, int ports) -> Endpoint& {
        auto& endpoint = *state.endpoints.emplace_back(std::make_unique<Endpoint>());
        endpoint.kind = kind;
        endpoint.index = index;
        endpoint.manner = manners ? manners(kind, index) : Manner::answers;
        state.listen(endpoint, ports);
        return endpoint;
    };
    for (int i = 0; i < size.clusters; ++i) {
        Endpoint& kafka = add(Kind::kafka, i, size.brokers);
        kafka.kafka = {i, size, kafka.ports};
        Endpoint& connect = add(Kind::connect, i, 1);
        connect.rest = RestAnswers::connect(testdata, i, size.connectors,
                                            "127.0.0.1:" + std::to_string(connect.ports[0]), state.shared.began_ms);
    }
    for (int i = 0; i < size.flinks; ++i)
        add(Kind::flink, i, 1).rest = RestAnswers::flink(testdata, i, state.shared.began_ms);
    state.thread = std::jthread([&state] { state.context.run(); });
}

FakeFleet::~FakeFleet() {
    state_->context.stop();
    state_->thread.join();
}

std::string FakeFleet::clusters_yaml() const {
    std::string out = "clusters:\n";
    const auto port = [&](Kind kind, int index) { return std::to_string(state_->endpoint(kind, index).ports[0]); };
    for (int i = 0; i < state_->size.clusters; ++i) {
        out += "  c" + std::to_string(i) + ":\n    kafka: {bootstrap: [\"127.0.0.1:" + port(Kind::kafka, i) + "\"]}\n";
        out += "    connect: {urls: [\"http://127.0.0.1:" + port(Kind::connect, i) + "\"]}\n";
        std::string flinks;
        for (int f = i; f < state_->size.flinks; f += state_->size.clusters)
            flinks += "      - {url: \"http://127.0.0.1:" + port(Kind::flink, f) + "\"}\n";
        if (!flinks.empty()) out += "    flink:\n" + flinks;
    }
    return out;
}

std::uint64_t FakeFleet::looks(Kind kind, int index) const { return state_->endpoint(kind, index).looks; }
std::uint64_t FakeFleet::requests() const { return state_->shared.requests; }
int FakeFleet::count(Kind kind) const { return kind == Kind::flink ? state_->size.flinks : state_->size.clusters; }

}  // namespace medic::fleet
