#include "agent/node/node_agent.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>

#include "agent/base/redact.h"
#include "agent/node/node_service.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/folder_lock.h"
#include "agent/world/real/reactor.h"
#include "agent/world/real/service_manager.h"
#include "agent/world/real/worker.h"

namespace medic {
namespace {

// Four operations, a dump and some looks at the same time (node_operations.cc).
constexpr int handler_threads = 8;
constexpr std::uint64_t body_bytes_max = 64 * 1024;
constexpr std::size_t status_bytes_max = 64 * 1024;

}  // namespace

struct NodeAgent::State {
    explicit State(NodeAgentOptions options_in) : options(std::move(options_in)) {}

    NodeAgentOptions options;
    FolderLock lock;
    Reactor reactor;
    std::unique_ptr<NodeService> service;
    std::unique_ptr<HttpServer> server;
    std::unique_ptr<Worker> io;
    std::atomic<bool> stopped{false};

    [[nodiscard]] Status open();
    void look();
    [[nodiscard]] Result<CommandReply> run(CommandRequest request);
    void stop();
};

Status NodeAgent::State::open() {
    const Config& config = options.config;
    if (config.scope != Scope::node) return fail(ErrorCode::invalid, "{}: expected `scope: node`", config.path);
    MEDIC_TRY(lock, FolderLock::take(config.data_dir));
    MEDIC_TRY(TokenFile tokens, TokenFile::open(config.api_token_file));
    if (tokens.empty())
        return fail(ErrorCode::invalid, "{}: it holds no line NAME TOKEN: nobody could look or act",
                    config.api_token_file);
    MEDIC_TRY(OperationBook book, OperationBook::open({.path = config.data_dir + "/operations.db"}));
    service = std::make_unique<NodeService>(
        NodeService::Parts{.config = config,
                           .tokens = std::move(tokens),
                           .book = std::move(book),
                           .run = [this](CommandRequest request) { return run(std::move(request)); },
                           .clock = [] { return read_clock(); },
                           .say = options.say});
    HttpServerOptions server_options;
    server_options.host = config.api_address.host;
    server_options.port = config.api_address.port;
    server_options.handler_threads = handler_threads;
    server_options.connections_max = 64;
    server_options.body_bytes_max = body_bytes_max;
    MEDIC_TRY(server, HttpServer::listen(server_options));
    std::ofstream(config.data_dir + "/api_address")
        << to_string(ListenAddress{.host = server_options.host, .port = server->port()}) << "\n";
    reactor.every(config.intervals.process, Duration{0}, [this] { look(); });
    io = std::make_unique<Worker>("io", 1);
    (void)io->post([this] { reactor.run(); });
    server->serve([this](const HttpRequest& request) { return service->handle(request); });
    return {};
}

// On the reactor's thread. The look goes on without waiting for what the drivers say.
void NodeAgent::State::look() {
    for (NodeService::StatusDue& due : service->due())
        run_command(reactor, {.argv = due.ask.argv, .timeout = due.ask.timeout, .output_bytes_max = status_bytes_max},
                    [this, cluster = due.cluster, node = due.ask.node](Result<CommandReply> reply) {
                        Result<std::string> output =
                            reply ? Result<std::string>(reply->output) : std::unexpected(reply.error());
                        if (reply && reply->exit_code != 0)
                            output = fail(ErrorCode::unavailable, "its status command ended with {}: {}",
                                          reply->exit_code, redact(reply->errors, 200));
                        service->answer(cluster, node, output);
                    });
    service->look();
    tell_service_manager(ServiceState::alive);
}

// From a handler's thread, which waits.
Result<CommandReply> NodeAgent::State::run(CommandRequest request) {
    std::promise<Result<CommandReply>> promise;
    auto reply = promise.get_future();
    reactor.post([this, &promise, &request] {
        run_command(reactor, std::move(request),
                    [&promise](Result<CommandReply> done) { promise.set_value(std::move(done)); });
    });
    return reply.get();
}

void NodeAgent::State::stop() {
    if (stopped.exchange(true)) return;
    if (server) server->stop();  // First: handlers wait for commands that the reactor runs.
    reactor.stop();
    if (io) io->stop();
    std::error_code ignored;
    std::filesystem::remove(options.config.data_dir + "/api_address", ignored);
}

NodeAgent::NodeAgent(std::unique_ptr<State> state) : state_(std::move(state)) {}
NodeAgent::~NodeAgent() { stop(); }

Result<std::unique_ptr<NodeAgent>> NodeAgent::start(NodeAgentOptions options) {
    auto state = std::make_unique<State>(std::move(options));
    MEDIC_CHECK(state->open());
    return std::unique_ptr<NodeAgent>(new NodeAgent(std::move(state)));
}

void NodeAgent::stop() { state_->stop(); }
std::uint16_t NodeAgent::port() const { return state_->server->port(); }

}  // namespace medic
