// Kafka's quotas for clients, by client-id: how many bytes one may produce to this broker in a second
// (producer_byte_rate). As Kafka's ClientQuotaManager: while no such quota is set at all nothing is measured; as soon
// as one is, a default included, every client is, and one beyond its own quota is told how long it has to wait. Each
// broker for itself. Who makes it wait is the server's business; not the replication throttle.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "agent/base/time.h"
#include "engine/broker/cluster_image.h"

namespace medic::engine::broker {

inline constexpr std::string_view producer_byte_rate = "producer_byte_rate";

class ClientQuotas {
public:
    struct Use {
        double bytes_per_second = 0;
        double throttle_ms = 0;  // Mean of what its requests were told; 0: none was.
    };

    explicit ClientQuotas(const ClusterImage& image) : image_(image) {}

    // A produce request of so many bytes: for how long its connection is to be left unread. 0: within its quota, or
    // nothing is measured.
    [[nodiscard]] Duration record_produce(std::string_view client_id, std::int64_t bytes, Instant now);
    // Clients that have produced lately.
    void each(Instant now, const std::function<void(const std::string& client_id, const Use& use)>& take) const;

private:
    struct Window {
        Instant began;
        double bytes = 0, throttled_ms = 0;
        int throttled = 0;
    };
    using Windows = std::deque<Window>;  // Ascending, of a second each; at most windows_max.
    struct Rate {
        double bytes_per_second = 0;
        Duration over{0};
    };
    [[nodiscard]] static Rate rate_of(const Windows& windows, Instant now);
    [[nodiscard]] std::optional<double> limit_of(std::string_view client_id) const;
    void forget_silent(Instant now);

    const ClusterImage& image_;
    std::map<std::string, Windows, std::less<>> clients_;
};

}  // namespace medic::engine::broker
