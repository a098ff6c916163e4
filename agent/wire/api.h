// The APIs that this codec speaks: one line each in api.cc with the versions it can read and write.
// Not what a given broker supports: that is negotiated with ApiVersions, per connection.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace medic::wire {

enum class ApiKey : std::int16_t {
    produce = 0,
    fetch = 1,
    list_offsets = 2,
    metadata = 3,
    offset_commit = 8,
    offset_fetch = 9,
    find_coordinator = 10,
    join_group = 11,
    heartbeat = 12,
    leave_group = 13,
    sync_group = 14,
    describe_groups = 15,
    list_groups = 16,
    sasl_handshake = 17,
    api_versions = 18,
    create_topics = 19,
    delete_topics = 20,
    delete_records = 21,
    init_producer_id = 22,
    offset_for_leader_epoch = 23,
    write_txn_markers = 27,
    describe_configs = 32,
    describe_log_dirs = 35,
    sasl_authenticate = 36,
    create_partitions = 37,
    delete_groups = 42,
    elect_leaders = 43,
    incremental_alter_configs = 44,
    alter_partition_reassignments = 45,
    list_partition_reassignments = 46,
    describe_client_quotas = 48,
    alter_client_quotas = 49,
    describe_quorum = 55,
    describe_cluster = 60,
    describe_producers = 61,
    describe_transactions = 65,
    list_transactions = 66,
    consumer_group_describe = 69,
};

// Whether a request that was sent and not answered may have changed something; `reads` are what an agent without a
// policy may send.
enum class Effect : std::uint8_t { reads, changes };

struct ApiInfo {
    ApiKey key{};
    std::string_view name;
    std::int16_t version_min = 0;
    std::int16_t version_max = 0;
    std::int16_t flexible_from = 0;  // INT16_MAX: no version is flexible.
    Effect effect = Effect::reads;

    [[nodiscard]] constexpr bool has(std::int16_t version) const {
        return version >= version_min && version <= version_max;
    }
    [[nodiscard]] constexpr bool flexible(std::int16_t version) const { return version >= flexible_from; }
    // Request header v2 (tagged fields) in flexible versions, else v1 (with client id).
    [[nodiscard]] constexpr std::int16_t request_header(std::int16_t version) const {
        return flexible(version) ? 2 : 1;
    }
    // ApiVersions answers with header v0 always: an old client must be able to read "unsupported version" (KIP-511).
    [[nodiscard]] constexpr std::int16_t response_header(std::int16_t version) const {
        return flexible(version) && key != ApiKey::api_versions ? 1 : 0;
    }
};

[[nodiscard]] std::span<const ApiInfo> all_apis();            // Ascending by key.
[[nodiscard]] const ApiInfo* find_api(std::int16_t api_key);  // nullptr: not spoken here.
[[nodiscard]] const ApiInfo& api_info(ApiKey key);
[[nodiscard]] std::string_view to_string(ApiKey key);

}  // namespace medic::wire
