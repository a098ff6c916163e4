// Clients that flood a broker or wait for one, what clients are held to, and how busy or slow that makes the brokers.
#include <algorithm>
#include <charconv>

#include "agent/wire/messages/quotas.h"
#include "agent/world/real/http_client.h"
#include "agent/world/real/kafka_client.h"
#include "engine/drill/platform.h"

namespace medic::engine::drill {
namespace {

constexpr std::string_view idle_line = "\nkafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent_1m ";

}  // namespace

Status Platform::set_produce_quota(const std::optional<std::string>& client_id,
                                   std::optional<double> bytes_per_second) const {
    wire::AlterClientQuotasRequest request;
    auto& entry = request.entries.emplace_back();
    entry.entity.push_back({"client-id", client_id});
    entry.changes.push_back(
        {.key = "producer_byte_rate", .value = bytes_per_second.value_or(0), .remove = !bytes_per_second});
    KafkaClient client({.bootstrap = bootstrap()});
    MEDIC_TRY(const auto answer, client.call(KafkaTarget::controller(), request));
    for (const auto& one : answer.entries)
        MEDIC_CHECK(wire::check(one.error, "quota of " + client_id.value_or("all"), one.error_message.value_or("")));
    return {};
}

Status Platform::start_flooding(const std::string& client_id) {
    MEDIC_TRY(flooder_, Flooder::start({.bootstrap = bootstrap(), .client_id = client_id}));
    return {};
}

void Platform::stop_flooding() { flooder_.reset(); }

Status Platform::start_shipping() {
    MEDIC_TRY(shipper_, Shipper::start({.bootstrap = bootstrap()}));
    return {};
}

void Platform::stop_shipping() { shipper_.reset(); }

Result<Duration> Platform::slowest_shipment() const {
    if (!shipper_) return fail(ErrorCode::not_ready, "nothing is shipped");
    return shipper_->slowest();
}

Status Platform::set_volume_speed(const std::string& broker_node, std::int64_t bytes_per_second) const {
    for (const lab::ProcessPlan& process : plan_.processes) {
        if (process.name != broker_node) continue;
        HttpClient http;
        MEDIC_TRY(const HttpReply reply,
                  http.perform({.method = "POST",
                                .url = fmt::format("http://127.0.0.1:{}/log-dir-speed?bytes_per_second={}",
                                                   process.ports.at("metrics"), bytes_per_second)}));
        if (reply.status != 200) return fail(ErrorCode::unavailable, "volume of {}: {}", broker_node, reply.body);
        return {};
    }
    return fail(ErrorCode::invalid, "no broker {}", broker_node);
}

Result<double> Platform::busiest_broker_idle() const {
    std::optional<double> least;
    HttpClient http;
    for (const lab::ProcessPlan& process : plan_.processes) {
        if (process.role != lab::Role::broker) continue;
        MEDIC_TRY(const HttpReply page,
                  http.perform({.url = fmt::format("http://127.0.0.1:{}/metrics", process.ports.at("metrics"))}));
        const auto at = page.body.find(idle_line);
        if (at == std::string::npos) continue;
        const char* const begin = page.body.data() + at + idle_line.size();
        double idle = 0;
        if (std::from_chars(begin, page.body.data() + page.body.size(), idle).ec != std::errc{}) continue;
        least = std::min(idle, least.value_or(idle));
    }
    if (!least) return fail(ErrorCode::not_ready, "no broker tells how busy it is");
    return *least;
}

}  // namespace medic::engine::drill
