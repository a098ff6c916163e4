#include "engine/broker/commands.h"

#include <malloc.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <future>

#include "agent/world/real/http_server.h"
#include "engine/broker/broker_node.h"
#include "engine/broker/controller_node.h"
#include "engine/common/log.h"
#include "engine/common/metrics_page.h"
#include "engine/common/options_internal.h"
#include "engine/common/signals.h"

namespace medic::engine::broker {
namespace {

constexpr Duration controlled_shutdown_max{5'000};
constexpr Duration trim_interval{10'000};

struct Common {
    std::string listen = "127.0.0.1:0";
    std::string metrics;
    std::string data;
    std::vector<std::string> config;
};

void add_common(CLI::App& app, Common& options) {
    app.add_option("--listen", options.listen, "host:port of the Kafka listener")->required();
    app.add_option("--data", options.data, "folder for everything that must survive a restart")->required();
    app.add_option("--metrics", options.metrics, "host:port of the /metrics page");
    app.add_option("--config", options.config, "key=value, Kafka's names; may be given several times");
}

Result<Config::Static> parse_config(const std::vector<std::string>& given) {
    Config::Static config;
    for (const std::string& pair : given) {
        const auto equals = pair.find('=');
        if (equals == std::string::npos) return fail(ErrorCode::invalid, "--config {}: expected key=value", pair);
        const std::string key = pair.substr(0, equals);
        const std::string value = pair.substr(equals + 1);
        MEDIC_CHECK(check_config(ConfigResource::broker, key, value));
        config[key] = value;
    }
    return config;
}

void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;  // Several files per replica, one per connection.
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Large batches come and go: memory goes back to the system instead of staying in the allocator.
void keep_memory_small(Loop& loop) {
    ::mallopt(M_ARENA_MAX, 2);
    ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 20);
    loop.every(trim_interval, [] { ::malloc_trim(0); });
}

// The page is written on the loop, where the values live; the server's thread waits for it.
Result<std::unique_ptr<HttpServer>> serve_metrics(const std::string& where, Loop& loop,
                                                  std::function<std::string()> page) {
    if (where.empty()) return std::unique_ptr<HttpServer>();
    MEDIC_TRY(const Address address, parse_address(where));
    HttpServerOptions options;
    options.host = address.host;
    options.port = address.port;
    options.handler_threads = 1;
    options.connections_max = 16;
    return HttpServer::start(options, [&loop, page = std::move(page)](const HttpRequest& request) -> HttpResponse {
        if (request.path != "/metrics")
            return {.status = 404, .body = "only /metrics is here\n", .content_type = "text/plain"};
        auto promise = std::make_shared<std::promise<std::string>>();
        auto text = promise->get_future();
        loop.post([promise, &page] { promise->set_value(page()); });
        constexpr auto patience = std::chrono::seconds(5);
        if (text.wait_for(patience) != std::future_status::ready) {
            return {.status = 503, .body = "the broker is busy\n", .content_type = "text/plain"};
        }
        return {.status = 200, .body = text.get(), .content_type = std::string(MetricsPage::content_type)};
    });
}

std::string controller_page(const ControllerNode& node) {
    MetricsPage page;
    using Type = MetricsPage::Type;
    double active = 0, fenced = 0, partitions = 0, offline = 0;
    for (const auto& [id, broker] : node.image().brokers()) (broker.fenced ? fenced : active) += 1;
    for (const auto& [name, topic] : node.image().topics()) {
        for (const PartitionState& state : topic.partitions) {
            ++partitions;
            offline += state.leader == no_broker ? 1 : 0;
        }
    }
    page.add("kafka_controller_kafkacontroller_activecontrollercount", {}, 1, Type::gauge);
    page.add("kafka_controller_kafkacontroller_activebrokercount", {}, active, Type::gauge);
    page.add("kafka_controller_kafkacontroller_fencedbrokercount", {}, fenced, Type::gauge);
    page.add("kafka_controller_kafkacontroller_globaltopiccount", {}, static_cast<double>(node.image().topics().size()),
             Type::gauge);
    page.add("kafka_controller_kafkacontroller_globalpartitioncount", {}, partitions, Type::gauge);
    page.add("kafka_controller_kafkacontroller_offlinepartitionscount", {}, offline, Type::gauge);
    page.add("kafka_controller_kafkacontroller_lastcommittedrecordoffset", {},
             static_cast<double>(node.metadata_offset() - 1), Type::gauge);
    page.add_process();
    return page.render();
}

int fail_start(std::string_view who, const Error& error) {
    log_error(who, "can't start: {}", error.message);
    return error.code == ErrorCode::invalid ? 64 : 1;
}

}  // namespace

int run_controller(std::span<char*> args) {
    CLI::App app("The embedded cluster's controller");
    Common given;
    add_common(app, given);
    if (const auto code = parse_options(app, args)) return *code;
    raise_file_limit();
    const auto config = parse_config(given.config);
    if (!config) return fail_start("controller", config.error());
    const auto listen = parse_address(given.listen);
    if (!listen) return fail_start("controller", listen.error());

    const StopSignal signal;
    Loop loop;
    keep_memory_small(loop);
    ControllerNode node(loop, {.listen = *listen, .data_dir = given.data, .config = *config});
    if (const auto started = node.start(); !started) return fail_start("controller", started.error());
    const auto page = serve_metrics(given.metrics, loop, [&node] { return controller_page(node); });
    if (!page) return fail_start("controller", page.error());
    loop.watch(signal.fd(), EPOLLIN, [&](std::uint32_t) { loop.stop(); });
    loop.run();
    return 0;
}

int run_broker(std::span<char*> args) {
    CLI::App app("A broker of the embedded cluster");
    Common given;
    BrokerNodeOptions options;
    std::string controller;
    add_common(app, given);
    app.add_option("--id", options.id, "broker id")->required()->check(CLI::NonNegativeNumber);
    app.add_option("--controller", controller, "host:port of the controller")->required();
    app.add_option("--log-dir-capacity", options.capacity_bytes,
                   "bytes that the log dir holds; 0: as large as the file system")
        ->check(CLI::NonNegativeNumber);
    if (const auto code = parse_options(app, args)) return *code;
    raise_file_limit();
    auto config = parse_config(given.config);
    if (!config) return fail_start("broker", config.error());
    const auto listen = parse_address(given.listen);
    if (!listen) return fail_start("broker", listen.error());
    const auto controller_address = parse_address(controller);
    if (!controller_address) return fail_start("broker", controller_address.error());
    options.listen = *listen;
    options.controller = *controller_address;
    options.log_dir = given.data;
    options.config = *std::move(config);

    const StopSignal signal;
    Loop loop;
    keep_memory_small(loop);
    BrokerNode node(loop, std::move(options));
    if (const auto started = node.start(); !started) return fail_start("broker", started.error());
    auto page = serve_metrics(given.metrics, loop, [&node] { return node.metrics_page(); });
    if (!page) return fail_start("broker", page.error());
    loop.watch(signal.fd(), EPOLLIN, [&](std::uint32_t) {
        loop.forget(signal.fd());
        node.shut_down(controlled_shutdown_max, [&loop] { loop.stop(); });
    });
    loop.run();
    return 0;
}

}  // namespace medic::engine::broker
