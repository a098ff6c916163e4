// A topic whose newest records only one broker has, and that broker's disk, which is lost.
#include <chrono>
#include <filesystem>
#include <thread>

#include "agent/wire/messages/cluster.h"
#include "agent/world/real/kafka_client.h"
#include "engine/drill/platform.h"

namespace medic::engine::drill {
namespace {

constexpr const char* topic = "bookings";
constexpr std::int32_t first = 1, second = 2;
constexpr const char* second_node = "broker-2";
constexpr auto patience = std::chrono::seconds(60);
constexpr auto poll_interval = std::chrono::milliseconds(100);
constexpr auto booked_alone = std::chrono::seconds(2);

using Partition = wire::MetadataResponse::Partition;

Result<Partition> partition(KafkaClient& client) {
    client.forget_metadata();
    MEDIC_TRY(const auto metadata, client.metadata(std::vector<std::string>{topic}));
    if (metadata.topics.empty() || metadata.topics[0].partitions.empty())
        return fail(ErrorCode::not_ready, "topic {} is not listed", topic);
    return metadata.topics[0].partitions[0];
}

template <class Condition>
Status wait_for(KafkaClient& client, const char* what, const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        if (const auto now = partition(client); now && condition(*now)) return {};
        if (std::chrono::steady_clock::now() > deadline)
            return fail(ErrorCode::unavailable, "{}: still waiting until {}", topic, what);
        std::this_thread::sleep_for(poll_interval);
    }
}

// A disk that is pulled: whatever the broker writes next fails, and it gives the dir up.
Status pull_disk(KafkaClient& client, std::int32_t broker) {
    MEDIC_TRY(const auto answer, client.call(KafkaTarget::broker(broker), wire::DescribeLogDirsRequest{}));
    if (answer.log_dirs.empty()) return fail(ErrorCode::not_ready, "broker {} names no log dir", broker);
    for (const auto& dir : answer.log_dirs) {
        const std::filesystem::path path = dir.path;
        std::filesystem::path pulled = path;
        pulled += ".pulled";
        std::error_code error;
        std::filesystem::rename(path, pulled, error);
        if (error) return fail(ErrorCode::unavailable, "{}: {}", path.string(), error.message());
        std::filesystem::remove_all(pulled, error);
    }
    return {};
}

}  // namespace

Result<std::uint64_t> Platform::bookings_read() {
    if (!bookings_) {
        MEDIC_TRY(bookings_, Ledger::open(bootstrap(), {.topic = topic,
                                                        .replicas = {first, second},
                                                        .acks = workload::DeliveryOptions::Acks::leader}));
    }
    return bookings_->read();
}

Status Platform::lose_the_only_copy_in_sync() const {
    KafkaClient client({.bootstrap = bootstrap()});
    MEDIC_CHECK(wait_for(client, "both copies are in sync",
                         [](const Partition& one) { return one.leader_id == first && one.isr.size() == 2; }));
    MEDIC_CHECK(stop_in_good_order(second_node));
    MEDIC_CHECK(wait_for(client, "one copy is in sync", [](const Partition& one) { return one.isr.size() == 1; }));
    std::this_thread::sleep_for(booked_alone);
    MEDIC_CHECK(pull_disk(client, first));
    MEDIC_CHECK(wait_for(client, "nobody leads", [](const Partition& one) { return one.leader_id < 0; }));
    return start(second_node);
}

Status Platform::give_a_new_disk() const { return restart_in_good_order("broker-1"); }

void Platform::close_bookings() { bookings_.reset(); }

}  // namespace medic::engine::drill
