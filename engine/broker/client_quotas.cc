#include "engine/broker/client_quotas.h"

#include <cmath>

namespace medic::engine::broker {
namespace {

constexpr std::size_t windows_max = 11;   // Kafka's default: quota.window.num
constexpr Duration window_length{1'000};  // Kafka's default: quota.window.size.seconds = 1
constexpr Duration kept_for{3'600'000};   // ClientQuotaManager.INACTIVE_SENSOR_EXPIRATION_TIME_SECONDS
constexpr std::size_t clients_max = 10'000;

}  // namespace

// Its own quota, or the one for all that have none.
std::optional<double> ClientQuotas::limit_of(std::string_view client_id) const {
    const auto& quotas = image_.client_quotas();
    for (const auto& entity : {std::optional(std::string(client_id)), std::optional<std::string>()}) {
        const auto found = quotas.find(entity);
        if (found == quotas.end()) continue;
        if (const auto value = found->second.find(producer_byte_rate); value != found->second.end())
            return value->second;
    }
    return std::nullopt;
}

// The sum over what is reckoned as ten whole windows at least, as Kafka's Rate does: a first burst is no rate yet.
ClientQuotas::Rate ClientQuotas::rate_of(const Windows& windows, Instant now) {
    double bytes = 0;
    Duration elapsed{0};
    for (const Window& one : windows) {
        if (now - one.began >= windows_max * window_length) continue;
        bytes += one.bytes;
        elapsed = std::max(elapsed, now - one.began);
    }
    constexpr auto whole_min = static_cast<Duration::rep>(windows_max - 1);
    const Duration::rep whole = elapsed / window_length;
    if (whole < whole_min) elapsed += (whole_min - whole) * window_length;
    return {bytes * 1'000 / static_cast<double>(elapsed.count()), elapsed};
}

Duration ClientQuotas::record_produce(std::string_view client_id, std::int64_t bytes, Instant now) {
    if (!image_.client_quota_set(producer_byte_rate)) {
        clients_.clear();
        return Duration(0);
    }
    auto found = clients_.find(client_id);
    if (found == clients_.end()) {
        if (clients_.size() >= clients_max) forget_silent(now);
        if (clients_.size() >= clients_max) return Duration(0);
        found = clients_.emplace(std::string(client_id), Windows()).first;
    }
    Windows& windows = found->second;
    if (windows.empty() || now - windows.back().began >= window_length) windows.push_back({.began = now});
    while (windows.size() > windows_max) windows.pop_front();
    windows.back().bytes += static_cast<double>(bytes);
    const auto limit = limit_of(client_id);
    const Rate rate = rate_of(windows, now);
    if (!limit || rate.bytes_per_second <= *limit) return Duration(0);
    // Until the mean is back at the quota if nothing more comes (Kafka's QuotaUtils.throttleTime).
    const double wait = std::round((rate.bytes_per_second - *limit) / *limit * static_cast<double>(rate.over.count()));
    windows.back().throttled_ms += wait;
    ++windows.back().throttled;
    return Duration(static_cast<Duration::rep>(std::min(wait, 2'147'483'647.0)));  // On the wire: 32 bits.
}

void ClientQuotas::forget_silent(Instant now) {
    std::erase_if(clients_, [&](const auto& one) { return now - one.second.back().began > kept_for; });
}

void ClientQuotas::each(Instant now, const std::function<void(const std::string&, const Use&)>& take) const {
    if (!image_.client_quota_set(producer_byte_rate)) return;
    for (const auto& [client_id, windows] : clients_) {
        if (now - windows.back().began > kept_for) continue;
        Use use{.bytes_per_second = rate_of(windows, now).bytes_per_second};
        double throttled_ms = 0;
        int throttled = 0;
        for (const Window& one : windows) {
            throttled_ms += one.throttled_ms;
            throttled += one.throttled;
        }
        if (throttled > 0) use.throttle_ms = throttled_ms / throttled;
        take(client_id, use);
    }
}

}  // namespace medic::engine::broker
