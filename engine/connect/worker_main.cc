#include <filesystem>

#include "agent/world/real/http_server.h"
#include "engine/common/log.h"
#include "engine/common/options_internal.h"
#include "engine/connect/connect.h"
#include "engine/connect/rest.h"

namespace medic::engine {
namespace {

using namespace connect;

struct WorkerOptions {
    std::string bootstrap, data_dir, cluster_id;
    std::string host = "127.0.0.1";
    int rest_port = 8083;  // Kafka Connect's default.
    int metrics_port = 0;
    std::int64_t graceful_ms = 5'000, flush_ms = 60'000;
    std::string protocol = "sessioned";  // Kafka Connect's default.
};

Status serve(const WorkerOptions& options) {
    std::error_code error;
    std::filesystem::create_directories(options.data_dir, error);
    if (error) return fail(ErrorCode::invalid, "create {}: {}", options.data_dir, error.message());

    HerderOptions herder_options;
    herder_options.worker_id = fmt::format("{}:{}", options.host, options.rest_port);
    herder_options.bootstrap = options.bootstrap;
    herder_options.data_dir = options.data_dir;
    herder_options.program = own_executable();
    herder_options.graceful = Duration{options.graceful_ms};
    herder_options.flush = Duration{options.flush_ms};
    herder_options.protocol = options.protocol == "eager" ? Protocol::eager : Protocol::sessioned;
    herder_options.group_offsets = make_group_offsets(options.bootstrap);
    Herder herder(herder_options);
    MEDIC_CHECK(herder.load());

    HttpServerOptions metrics;
    metrics.host = options.host;
    metrics.port = static_cast<std::uint16_t>(options.metrics_port);
    MEDIC_TRY(const auto metrics_server, HttpServer::start(metrics, make_metrics_page(herder)));

    HttpServerOptions rest;
    rest.host = options.host;
    rest.port = static_cast<std::uint16_t>(options.rest_port);
    rest.handler_threads = 8;        // A restart may wait for the graceful stop; others must still be answered.
    rest.body_bytes_max = 64 << 10;  // A configuration must fit the socket buffer to its task.
    MEDIC_TRY(const auto rest_server,
              HttpServer::start(rest, make_rest(herder, [id = options.cluster_id] { return id; })));
    log_info("connect-worker", "REST on {}:{}, metrics on {}:{}, brokers {}", options.host, rest_server->port(),
             options.host, metrics_server->port(), options.bootstrap);

    const StopSignal stop;
    herder.run(stop);
    log_info("connect-worker", "stopped");
    return {};
}

}  // namespace

int run_connect_worker(std::span<char*> args) {
    CLI::App app("A Kafka Connect worker: REST API, one process per connector task");
    WorkerOptions options;
    app.add_option("--bootstrap", options.bootstrap, "Kafka brokers, host:port separated by commas")->required();
    app.add_option("--data", options.data_dir, "Folder of configurations and source offsets")->required();
    app.add_option("--host", options.host, "Address to listen on")->capture_default_str();
    app.add_option("--rest-port", options.rest_port, "Port of the REST API")
        ->capture_default_str()
        ->check(CLI::Range(1, 65535));
    app.add_option("--metrics-port", options.metrics_port, "Port of the metrics page, 0 for any")
        ->check(CLI::Range(0, 65535));
    app.add_option("--cluster-id", options.cluster_id, "Kafka's cluster id, shown by GET /");
    app.add_option("--task-shutdown-graceful-timeout-ms", options.graceful_ms,
                   "As Connect's task.shutdown.graceful.timeout.ms")
        ->capture_default_str();
    app.add_option("--offset-flush-interval-ms", options.flush_ms, "As Connect's offset.flush.interval.ms")
        ->capture_default_str();
    app.add_option("--connect-protocol", options.protocol,
                   "As Connect's connect.protocol: with eager all connectors stand during a rebalance")
        ->capture_default_str()
        ->check(CLI::IsMember({"sessioned", "eager"}));
    if (const auto exit_code = parse_options(app, args)) return *exit_code;
    if (const auto served = serve(options); !served) {
        log_error("connect-worker", "{}", served.error().message);
        return 1;
    }
    return 0;
}

}  // namespace medic::engine
