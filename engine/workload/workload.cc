#include "engine/workload/workload.h"

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "agent/world/real/http_server.h"
#include "engine/common/log.h"
#include "engine/common/options_internal.h"
#include "engine/common/signals.h"
#include "engine/workload/generator.h"
#include "engine/workload/kafka_delivery.h"
#include "engine/workload/service.h"

namespace medic::engine::workload {
namespace {

constexpr std::string_view who = "workload";
constexpr int down_max_s = 3'600;

struct Options {
    std::string bootstrap;
    std::string topic = "fleet-events";
    std::string connector_topic = "inventory";  // Only created here: the lab's connectors write and read it.
    GeneratorOptions generator;
    std::uint16_t control_port = 0, lookup_port = 0, tickets_port = 0, confirm_port = 0;
    std::int64_t lookup_latency_us = 500;
};

using Services = std::map<std::string, std::unique_ptr<Service>, std::less<>>;

Result<Services> start_services(const Options& options) {
    Services services;
    const auto start = [&](const char* name, ServiceOptions wanted) -> Status {
        MEDIC_TRY(services[name], Service::start(std::move(wanted)));
        log_info(who, "service {} on port {}", name, services[name]->port());
        return {};
    };
    MEDIC_CHECK(start("lookup", {.port = options.lookup_port,
                                 .latency = std::chrono::microseconds(options.lookup_latency_us),
                                 .answer = answer_lookup}));
    MEDIC_CHECK(start("tickets", {.port = options.tickets_port, .answer = answer_confirm}));
    MEDIC_CHECK(start("confirm", {.port = options.confirm_port, .answer = answer_confirm}));
    return services;
}

HttpResponse json_response(int status, const nlohmann::json& body) {
    return {.status = status, .body = body.dump() + "\n"};
}

HttpResponse stats(const Generator& generator, const Services& services) {
    nlohmann::json body = {{"acknowledged", generator.acknowledged()},
                           {"records_per_second", generator.rate()},
                           {"behind", generator.behind()},
                           {"event_time_ms", generator.event_time_ms()},
                           {"gave_up", generator.gave_up()}};
    for (const auto& [name, service] : services)
        body["services"][name] = {{"answered", service->answered()}, {"unanswered", service->unanswered()}};
    return json_response(200, body);
}

std::optional<double> number_in(const HttpRequest& request, std::string_view name) {
    const auto text = request.query_value(name);
    double value = 0;
    if (!text) return std::nullopt;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc() || end != text->data() + text->size() || value < 0) return std::nullopt;
    return value;
}

HttpResponse control_service(Services& services, const HttpRequest& request) {
    const auto found = services.find(request.segments[1]);
    if (found == services.end())
        return json_response(
            404, {{"error", "no service " + request.segments[1] + "; there are lookup, tickets and confirm"}});
    if (request.segments[2] == "forget") {
        found->second->forget_connection();
    } else if (request.segments[2] == "fail") {
        found->second->fail_next(static_cast<std::uint32_t>(number_in(request, "count").value_or(1)));
    } else if (request.segments[2] == "down") {
        const auto seconds = number_in(request, "seconds");
        if (!seconds || *seconds < 0.001 || *seconds > down_max_s)
            return json_response(400, {{"error", fmt::format("seconds: expected 0.001 to {}", down_max_s)}});
        found->second->go_down(std::chrono::milliseconds(static_cast<std::int64_t>(*seconds * 1'000)));
    } else {
        return json_response(404, {{"error", "expected forget, fail or down"}});
    }
    return json_response(200, {{"done", request.segments[2]}});
}

HttpResponse control(Generator& generator, Services& services, const HttpRequest& request) {
    if (request.method == "GET" && request.path == "/stats") return stats(generator, services);
    if (request.method == "POST" && request.path == "/rate") {
        const auto rate = number_in(request, "records_per_second");
        if (!rate) return json_response(400, {{"error", "records_per_second: expected a number of at least 0"}});
        generator.set_rate(*rate);
        return json_response(200, {{"records_per_second", *rate}});
    }
    if (request.method == "POST" && request.segments.size() == 3 && request.segments[0] == "services")
        return control_service(services, request);
    return json_response(404, {{"error", "see GET /stats, POST /rate, POST /services/NAME/forget|fail|down"}});
}

Status serve(const Options& options) {
    MEDIC_TRY(Services services, start_services(options));
    MEDIC_TRY(const auto delivery, KafkaDelivery::connect(options.bootstrap));
    MEDIC_CHECK(delivery->create_topic({.name = options.topic, .partitions = options.generator.partitions}));
    MEDIC_CHECK(delivery->create_topic({.name = options.connector_topic, .partitions = 4}));
    MEDIC_TRY(auto generator, Generator::start(options.generator, [&](const auto& batch) {
                  return delivery->deliver(options.topic, batch);
              }));
    MEDIC_TRY(const auto server, HttpServer::start({.port = options.control_port}, [&](const HttpRequest& request) {
                  return control(*generator, services, request);
              }));
    log_info(who, "offering {} records/s to {}; control on port {}", options.generator.records_per_second,
             options.topic, server->port());
    StopSignal().wait();
    server->stop();
    delivery->stop();
    return {};
}

}  // namespace

int run_workload(std::span<char*> args) {
    Options options;
    CLI::App app("Offers load to the embedded platform and serves what its job and connectors depend on",
                 "medic-engine workload");
    app.add_option("--bootstrap", options.bootstrap, "Brokers, host:port,…")->required();
    app.add_option("--topic", options.topic, "Topic of the events")->capture_default_str();
    app.add_option("--connector-topic", options.connector_topic, "Topic to create for the connectors")
        ->capture_default_str();
    app.add_option("--partitions", options.generator.partitions, "Partitions of the topic")
        ->capture_default_str()
        ->check(CLI::Range(1, 1024));
    app.add_option("--rate", options.generator.records_per_second, "Events a second")->capture_default_str();
    app.add_option("--time-scale", options.generator.time_scale, "How many times faster than the clock event time runs")
        ->capture_default_str();
    app.add_option("--seed", options.generator.mix.seed, "Seed of the events")->capture_default_str();
    app.add_option("--ledger", options.generator.ledger_path, "File that gets one line per acknowledged fault event")
        ->required();
    app.add_option("--control", options.control_port, "Port of the HTTP control")->capture_default_str();
    app.add_option("--lookup-port", options.lookup_port, "Port of the lookup service")->capture_default_str();
    app.add_option("--tickets-port", options.tickets_port, "Port of the ticket service")->capture_default_str();
    app.add_option("--confirm-port", options.confirm_port, "Port of the confirm service")->capture_default_str();
    app.add_option("--lookup-latency-us", options.lookup_latency_us, "Time that a lookup takes, microseconds")
        ->capture_default_str();
    if (const auto exit_code = parse_options(app, args)) return *exit_code;
    if (auto status = serve(options); !status) {
        log_error(who, "{}", status.error().message);
        return 1;
    }
    return 0;
}

}  // namespace medic::engine::workload
