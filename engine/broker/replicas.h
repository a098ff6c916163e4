// All replicas of this broker: opens and removes their logs, gives them the roles that the metadata says, appends and
// reads, keeps ISRs and high watermarks, applies retention, and takes the log dir offline when its disk fails.
// Requests that have to wait register here and are woken through callbacks.
#pragma once

#include <filesystem>
#include <set>

#include "engine/broker/config_registry.h"
#include "engine/broker/private_api.h"
#include "engine/broker/replica.h"

namespace medic::engine::broker {

struct ReplicasOptions {
    BrokerId self = no_broker;
    std::filesystem::path log_dir;
    std::int64_t capacity_bytes = 0;  // 0: as large as the file system. A capacity persisted by grow() wins.
};

// What happened since the start, for the metrics page. Per topic only where Kafka counts per topic.
struct TopicCounters {
    std::uint64_t messages_in = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t bytes_rejected = 0;
    std::uint64_t produce_requests = 0;
    std::uint64_t fetch_requests = 0;
    std::uint64_t failed_produce = 0;
    std::uint64_t failed_fetch = 0;
    std::uint64_t replication_bytes_in = 0;  // All topics together.
    std::uint64_t replication_bytes_out = 0;
    std::uint64_t reassignment_bytes_in = 0;
    std::uint64_t reassignment_bytes_out = 0;
};
struct ReplicaCounters {
    TopicCounters all;
    std::map<std::string, TopicCounters, std::less<>> topics;
    std::uint64_t isr_shrinks = 0;
    std::uint64_t isr_expands = 0;
    std::uint64_t failed_isr_updates = 0;
};

class Replicas {
public:
    struct Callbacks {
        std::function<void(std::uint64_t request)>
            produce_progress;  // Its offset is committed, or its replica changed.
        std::function<void(std::uint64_t request)> fetch_ready;
        std::function<void(const TopicPartition&)> leadership;  // Gained, lost or renewed.
        std::function<void(std::vector<AlterPartition>)> alter_isr;
        std::function<void()> log_dir_failed;
    };

    Replicas(ReplicasOptions options, const ClusterImage& image, const Config& config, Callbacks callbacks);

    // Reads what is on disk; replicas get their roles with the first apply(). Errors: unavailable.
    [[nodiscard]] Status start();
    [[nodiscard]] Status stop();  // Flushes and marks the log dir cleanly shut down.

    // The image has changed for these topics.
    void apply(const std::set<std::string>& topics, Instant now);

    [[nodiscard]] Replica* find(std::string_view topic, std::int32_t partition);
    [[nodiscard]] const std::map<TopicPartition, std::unique_ptr<Replica>>& all() const { return replicas_; }

    // Why this broker can't serve the partition as its leader; `none` when it can. `epoch` -1: the client does not
    // know.
    [[nodiscard]] Fault check_leader(const Replica* replica, std::int32_t epoch) const;

    struct AppendRequest {
        std::span<char> batches;
        bool all_in_sync = true;  // acks=all
        std::int64_t wall_ms = 0;
        Origin origin = Origin::client;
    };
    [[nodiscard]] Log::Appended append(Replica& replica, const AppendRequest& request);
    // Batches that a follower has fetched, with the leader's high watermark. False: dropped, see the log.
    bool append_fetched(Replica& replica, std::string_view batches, std::int64_t leader_high_watermark,
                        std::int64_t wall_ms);
    void truncate(Replica& replica, std::int64_t offset);
    void restart_log(Replica& replica, std::int64_t offset);
    void raise_log_start(Replica& replica, std::int64_t offset);

    void on_follower_fetch(Replica& replica, BrokerId follower, std::int64_t offset, Instant now);
    [[nodiscard]] Result<std::string> read(Replica& replica, std::int64_t offset, const ReadLimits& limits);

    void isr_answer(const AlterPartition& wish, Fault fault);
    void check_isr(Instant now, Duration lag_max);
    void apply_retention(std::int64_t wall_ms);
    void store_high_watermarks();
    void refresh_options();  // Configurations have changed.

    // Persisted. A log dir that is offline comes back with it. Errors: invalid (it can't shrink), unavailable (disk).
    [[nodiscard]] Status grow(std::int64_t capacity_bytes);
    void set_write_speed(std::int64_t bytes_per_second);  // Of the volume, until the next start; 0: as it is.
    [[nodiscard]] bool offline() const { return offline_; }
    [[nodiscard]] std::int64_t used_bytes() const;
    [[nodiscard]] std::int64_t total_bytes() const;
    [[nodiscard]] std::int64_t usable_bytes() const;
    [[nodiscard]] const std::filesystem::path& log_dir() const { return options_.log_dir; }
    [[nodiscard]] ReplicaCounters& counters() { return counters_; }
    [[nodiscard]] TopicCounters& counters(std::string_view topic);
    [[nodiscard]] std::size_t min_in_sync(const std::string& topic) const;

private:
    [[nodiscard]] LogOptions log_options(const std::string& topic) const;
    [[nodiscard]] Status open_log(Replica& replica);
    void open_failed(const Replica& replica, const Error& error);
    void give_role(Replica& replica, const PartitionState& state, Instant now);
    void remove(const TopicPartition& id);
    void remove_strays();
    void disk_failed(const Error& error);
    void advance(Replica& replica);
    void wake_produce(Replica& replica);
    void wake_all(Replica& replica);
    void wake_fetches(Replica& replica);
    static void drain(std::vector<std::uint64_t>& waiters, const std::function<void(std::uint64_t)>& wake);
    [[nodiscard]] std::filesystem::path folder_of(const TopicPartition& id) const;

    ReplicasOptions options_;
    const ClusterImage& image_;
    const Config& config_;
    Callbacks callbacks_;
    std::unique_ptr<DiskSpace> space_ = std::make_unique<DiskSpace>();
    std::map<TopicPartition, std::unique_ptr<Replica>> replicas_;
    std::map<TopicPartition, std::int64_t> stored_high_watermarks_;
    Shutdown last_stop_ = Shutdown::unclean;
    bool offline_ = false;
    bool strays_removed_ = false;
    ReplicaCounters counters_;
    TopicCounters unknown_topic_;
};

}  // namespace medic::engine::broker
