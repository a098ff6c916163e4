// One member of a consumer group: joins, assigns (range assignor) when it leads, and keeps its place with a heartbeat
// thread, so that a consumer whose owner hangs in a call stays a member up to max.poll.interval.ms, as Kafka's Java
// consumer does.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/world/real/kafka_client.h"
#include "engine/connect/kafka_port.h"

namespace medic::engine::connect {

class GroupMember {
public:
    explicit GroupMember(const ReaderOptions& options);
    GroupMember(const GroupMember&) = delete;
    GroupMember& operator=(const GroupMember&) = delete;
    ~GroupMember();

    // Is a member with an assignment when it succeeds; waits for the group's other members. invalid: fenced.
    [[nodiscard]] Status ensure_joined();
    [[nodiscard]] bool must_rejoin() const { return rejoin_; }
    void note_poll();  // The owner is alive.

    [[nodiscard]] const std::vector<TopicPartition>& assignment() const { return assignment_; }
    [[nodiscard]] std::uint64_t epoch() const { return epoch_; }

    [[nodiscard]] Status commit(const std::map<TopicPartition, std::int64_t>& next_offsets);
    // Next offsets of the assigned partitions as the group has them; partitions without are missing.
    [[nodiscard]] Result<std::map<TopicPartition, std::int64_t>> committed();

    void leave();
    void interrupt();  // Any thread: ends a wait in ensure_joined() and makes later ones fail.

private:
    struct Identity {
        std::string member_id;
        std::int32_t generation = -1;
    };

    [[nodiscard]] Status join();
    [[nodiscard]] Result<std::map<std::string, std::string>> assign(
        const std::vector<std::pair<std::string, std::string>>& members);
    void take_assignment(const std::string& bytes);
    void heartbeat_loop();
    void beat();
    void look_for_new_partitions();
    void lose_membership();
    [[nodiscard]] Identity identity() const;

    const ReaderOptions options_;
    KafkaClient joining_;  // Waits long in JoinGroup; interrupted by stopping it.
    KafkaClient client_;   // Heartbeats, commits.
    std::vector<TopicPartition> assignment_;
    std::uint64_t epoch_ = 0;

    mutable std::mutex mutex_;  // Guards what follows; held for no call.
    std::condition_variable wake_;
    Identity identity_;
    bool member_ = false, closing_ = false;
    // Only while this member leads: the partitions that it has shared out, per topic; -1 for one that did not exist.
    std::map<std::string, int> shared_out_;
    std::chrono::steady_clock::time_point last_look_;
    std::chrono::steady_clock::time_point last_poll_;
    std::atomic<bool> rejoin_ = true, fenced_ = false, interrupted_ = false;
    std::thread heartbeats_;
};

}  // namespace medic::engine::connect
