// The outside as discovery and the doctor see it: GET requests and Kafka reads, each with how long it took. It can't
// write. agent/cli gives the real one, tests give fakes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "agent/collectors/kafka/kafka.h"
#include "agent/collectors/look.h"
#include "agent/config/config.h"
#include "agent/wire/messages/api_versions.h"

namespace medic::discovery {

struct Get {
    std::string url;
    std::string cluster = "";  // Whose endpoint it is: decides over credentials, as in the agent's looks.
    Duration timeout{3'000};   // The agent's own for REST.
    std::size_t body_bytes_max = 8 * 1024 * 1024;
};

struct Got {
    Result<HttpAnswer> answer = fail(ErrorCode::unavailable, "not asked");
    Duration took{0};
    std::optional<WallTime> server_time;  // Its Date header; most precise to a second.
    WallTime at;                          // When the answer was there, by our clock.
};

class Outside {
public:
    Outside() = default;
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;
    virtual ~Outside() = default;

    [[nodiscard]] virtual Now now() = 0;
    // Side by side, bounded; one answer for each request, in its order.
    [[nodiscard]] virtual std::vector<Got> get(const std::vector<Get>& requests) = 0;
    // Valid as long as this lives; the same one for the same cluster name.
    [[nodiscard]] virtual KafkaReader& kafka(const ClusterConfig& cluster) = 0;
    [[nodiscard]] virtual Result<KafkaReader::ByBroker<wire::ApiVersionsResponse>> kafka_versions(
        const ClusterConfig& cluster) = 0;
};

}  // namespace medic::discovery
