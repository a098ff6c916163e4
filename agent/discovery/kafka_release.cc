// Which Kafka release a broker speaks like, from the versions that it offers. Each line of the table is the release in
// which the named API gained that version or appeared (Apache Kafka's message definitions and release notes: Fetch v12
// 2.7, v13 3.1, v15 3.5, v16 3.7, v17 3.9, v18 4.1; DescribeCluster 2.8; DescribeLogDirs v4 3.3;
// DescribeTopicPartitions 3.8; 4.0 drops Fetch below v4, KIP-896).
#include <algorithm>

#include "agent/discovery/look_once.h"

namespace medic::discovery {
namespace {

constexpr std::int16_t fetch = 1, describe_log_dirs = 35, describe_cluster = 60, describe_topic_partitions = 75;

const wire::ApiVersionsResponse::Api* find(const wire::ApiVersionsResponse& versions, std::int16_t key) {
    const auto found = std::ranges::find(versions.apis, key, &wire::ApiVersionsResponse::Api::api_key);
    return found == versions.apis.end() ? nullptr : &*found;
}

}  // namespace

std::string kafka_release(const wire::ApiVersionsResponse& versions) {
    const auto* fetched = find(versions, fetch);
    if (fetched == nullptr) return "";
    const auto* dirs = find(versions, describe_log_dirs);
    const int newest = fetched->version_max;
    if (newest >= 18) return "4.1+";
    if (newest == 17) return fetched->version_min >= 4 ? "4.0" : "3.9";
    if (newest == 16) return find(versions, describe_topic_partitions) != nullptr ? "3.8" : "3.7";
    if (newest >= 14) return "3.5–3.6";
    if (newest == 13) return dirs != nullptr && dirs->version_max >= 4 ? "3.3–3.4" : "3.1–3.2";
    if (newest == 12) return find(versions, describe_cluster) != nullptr ? "2.8–3.0" : "2.7";
    if (newest == 11) return "2.3–2.6";
    return "before 2.3";
}

}  // namespace medic::discovery
