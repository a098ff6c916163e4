#include "engine/broker/commands.h"

#include <malloc.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <charconv>
#include <future>
#include <limits>

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

HttpResponse plain(int status, std::string text) {
    return {.status = status, .body = std::move(text), .content_type = std::string(MetricsPage::content_type)};
}

using OnLoop = std::function<HttpResponse(const HttpRequest&)>;

// Requests are answered on the loop, where the values live; the server's thread waits for it.
Result<std::unique_ptr<HttpServer>> serve_http(const std::string& where, Loop& loop, OnLoop answer) {
    if (where.empty()) return std::unique_ptr<HttpServer>();
    MEDIC_TRY(const Address address, parse_address(where));
    HttpServerOptions options;
    options.host = address.host;
    options.port = address.port;
    options.handler_threads = 1;
    options.connections_max = 16;
    return HttpServer::start(options, [&loop, answer = std::move(answer)](const HttpRequest& request) -> HttpResponse {
        // Shared: after a time-out the loop still finds its copies.
        const auto promise = std::make_shared<std::promise<HttpResponse>>();
        const auto shared_answer = std::make_shared<OnLoop>(answer);
        auto response = promise->get_future();
        loop.post([promise, shared_answer, request] { promise->set_value((*shared_answer)(request)); });
        constexpr auto patience = std::chrono::seconds(5);
        if (response.wait_for(patience) != std::future_status::ready) return plain(503, "the process is busy\n");
        return response.get();
    });
}

std::optional<std::int64_t> number_in(const HttpRequest& request, std::string_view name) {
    const auto text = request.query_value(name).value_or("");
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
}

HttpResponse answer_speed(BrokerNode& node, const HttpRequest& request) {
    const auto speed = number_in(request, "bytes_per_second");
    if (request.method != "POST" || !speed) return plain(400, "expected POST ?bytes_per_second=N\n");
    node.set_log_dir_speed(*speed);
    return {.status = 200, .body = fmt::format(R"({{"schema":1,"bytes_per_second":{}}})", *speed)};
}

HttpResponse answer_block(BrokerNode& node, const HttpRequest& request) {
    const auto partition = number_in(request, "partition");
    if (request.method != "POST" || !partition || *partition > std::numeric_limits<std::int32_t>::max())
        return plain(400, "expected POST ?partition=N\n");
    node.block_coordinator(static_cast<std::int32_t>(*partition));
    return {.status = 200, .body = fmt::format(R"({{"schema":1,"partition":{}}})", *partition)};
}

// GET /metrics; POST /log-dir-capacity?bytes=N lets the log dir grow (for the driver that administers this node);
// POST /log-dir-speed?bytes_per_second=N makes its volume slow, POST /coordinator-block?partition=N ends the service of
// one partition of the offsets topic (faults to practise on).
HttpResponse answer_broker(BrokerNode& node, const HttpRequest& request) {
    if (request.path == "/metrics") return plain(200, node.metrics_page());
    if (request.path == "/log-dir-speed") return answer_speed(node, request);
    if (request.path == "/coordinator-block") return answer_block(node, request);
    if (request.path != "/log-dir-capacity")
        return plain(404, "only /metrics, /log-dir-capacity, /log-dir-speed and /coordinator-block are here\n");
    if (request.method == "POST") {
        const auto bytes = number_in(request, "bytes");
        if (!bytes || *bytes == 0) return plain(400, "expected ?bytes=N with the new capacity\n");
        if (const auto grown = node.grow_log_dir(*bytes); !grown) {
            return plain(grown.error().code == ErrorCode::invalid ? 400 : 500, grown.error().message + "\n");
        }
    }
    const Replicas& replicas = node.replicas();
    return {.status = 200,
            .body = fmt::format(R"({{"schema":1,"capacity_bytes":{},"used_bytes":{},"offline":{}}})",
                                replicas.total_bytes(), replicas.used_bytes(), replicas.offline())};
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
    const auto page = serve_http(given.metrics, loop, [&node](const HttpRequest& request) {
        return request.path == "/metrics" ? plain(200, controller_page(node)) : plain(404, "only /metrics is here\n");
    });
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
    Duration::rep start_takes = 0;
    add_common(app, given);
    app.add_option("--id", options.id, "broker id")->required()->check(CLI::NonNegativeNumber);
    app.add_option("--controller", controller, "host:port of the controller")->required();
    app.add_option("--log-dir-capacity", options.capacity_bytes,
                   "bytes that the log dir holds; 0: as large as the file system")
        ->check(CLI::NonNegativeNumber);
    app.add_option("--start-takes", start_takes, "milliseconds before it begins, as a JVM needs some that loads logs")
        ->check(CLI::Range(0, 600'000));
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
    if (start_takes > 0 && signal.wait_for(Duration{start_takes})) return 0;
    Loop loop;
    keep_memory_small(loop);
    BrokerNode node(loop, std::move(options));
    if (const auto started = node.start(); !started) return fail_start("broker", started.error());
    const auto page =
        serve_http(given.metrics, loop, [&node](const HttpRequest& request) { return answer_broker(node, request); });
    if (!page) return fail_start("broker", page.error());
    loop.watch(signal.fd(), EPOLLIN, [&](std::uint32_t) {
        loop.forget(signal.fd());
        node.shut_down(controlled_shutdown_max, [&loop] { loop.stop(); });
    });
    loop.run();
    return 0;
}

}  // namespace medic::engine::broker
