// One arm of a drill: a lab with its workload, and what a person in front of it could see and do. Knows nothing of the
// agent.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/wire/messages/metadata.h"
#include "engine/drill/archive.h"
#include "engine/drill/disk_filler.h"
#include "engine/drill/flooder.h"
#include "engine/drill/ledger.h"
#include "engine/drill/receipts.h"
#include "engine/drill/scorecard.h"
#include "engine/drill/shipper.h"
#include "engine/lab/lab.h"
#include "engine/workload/checker.h"

namespace medic::engine::drill {

inline constexpr std::string_view workload_topic = lab::topic_name;

struct WorkloadStats {
    std::uint64_t acknowledged = 0;
    std::int64_t event_time_ms = 0;
    std::map<std::string, std::uint64_t> answered, unanswered;  // By service: lookup, tickets, confirm.
};

struct JobState {
    std::string id, state;
};

// What must hold at the end: every acknowledged record counted once.
struct RecordCheck {
    std::uint64_t checked = 0, lost = 0, doubled = 0;
    std::string remark{};  // Where records lack: what else is known of them.
};

class Platform {
public:
    // Errors: see lab::up().
    [[nodiscard]] static Result<std::unique_ptr<Platform>> up(const lab::LabOptions& options, lab::Leave leave,
                                                              const lab::Progress& progress);
    ~Platform();  // Down, and leaves what it was told to.
    Platform(const Platform&) = delete;
    Platform& operator=(const Platform&) = delete;

    [[nodiscard]] const lab::LabPlan& plan() const { return plan_; }
    [[nodiscard]] const std::string& data_dir() const { return plan_.options.data_dir; }

    // --- the workload ---
    [[nodiscard]] Result<WorkloadStats> stats() const;
    [[nodiscard]] Status set_rate(double records_per_second) const;
    [[nodiscard]] Status forget_connection(
        const std::string& service) const;  // One of its present callers waits for ever.
    [[nodiscard]] Status fail_next(const std::string& service, int count) const;
    // From now on for so long nobody answers there: connections break, new ones are refused.
    [[nodiscard]] Status interrupt(const std::string& service, Duration outage) const;

    // How many lines of the processes' logs hold the text; the agent's own log is left out.
    [[nodiscard]] int lines_with(const std::string& text) const;

    // --- processes ---
    [[nodiscard]] Status signal(const std::string& node, int signal) const;
    [[nodiscard]] Status start(const std::string& node) const;
    // kill -9, and started again at once, as whoever supervises a process does.
    [[nodiscard]] Status kill_and_start(const std::string& node) const;
    // As people do for an upgrade: stopped in good order, started again at once.
    [[nodiscard]] Status restart_in_good_order(const std::string& node) const;
    [[nodiscard]] Status stop_in_good_order(const std::string& node) const;

    // --- the products' own interfaces ---
    [[nodiscard]] Result<JobState> job() const;  // The newest job of the workload's name.
    [[nodiscard]] Result<std::string> working_taskmanager()
        const;  // One that runs subtasks of the job; the last by name.
    [[nodiscard]] Result<std::uint64_t> completed_checkpoints(const std::string& job_id) const;
    // Records of the workload's topic below the job's committed offsets: what its completed checkpoints hold.
    [[nodiscard]] Result<std::uint64_t> committed_records() const;
    [[nodiscard]] Status deploy(
        const std::string& version) const;  // As a team would: stop with a savepoint, start the version from it.
    [[nodiscard]] Result<std::string> other_good_version() const;  // v3 or v1: the one that does not run.
    // As a person does it: the configuration as it stands, with one setting of another value.
    [[nodiscard]] Status change_connector(const std::string& connector, const std::string& setting,
                                          const std::string& value) const;
    [[nodiscard]] Status deliver_poison() const;  // A record that is no event, into the job's topic.
    // A record with this value (nullopt: none) into the topic that the SQLite sink reads.
    [[nodiscard]] Status deliver_to_sink(const std::optional<std::string>& value) const;
    [[nodiscard]] Status start_filling(
        DiskFillerOptions options);  // Where it writes, and how much there is, is set here.
    [[nodiscard]] Status stop_filling();
    [[nodiscard]] bool filling_is_over() const { return !filler_ || filler_->done(); }
    [[nodiscard]] Result<std::uint64_t> filler_lost() const;
    [[nodiscard]] Status start_archiving();  // Of the topic that grows; see Archive.
    // Of what was written to that topic; the archive is waited for.
    [[nodiscard]] Result<RecordCheck> check_archive(Duration patience) const;
    [[nodiscard]] Result<std::map<std::string, double>> disk_fill()
        const;  // Broker → used share of its log directory, by DescribeLogDirs.

    // As a reassignment sets them: every replica of the workload's topic on the brokers is held to so many bytes a
    // second.
    [[nodiscard]] Status throttle_replication(std::int64_t bytes_per_second) const;
    // A new topic on the first two brokers, then a move of its second replicas to broker `target`.
    [[nodiscard]] Status begin_move_to(std::int32_t target) const;
    [[nodiscard]] Result<int> moves_under_way() const;  // Partitions.
    // Of the workload's topic; absent: as the brokers have it.
    [[nodiscard]] Status set_topic_setting(const std::string& setting, const std::optional<std::string>& value) const;
    // Partitions that lack in-sync replicas.
    [[nodiscard]] Result<int> under_replicated() const;
    // Of each broker's preferred partitions, the share that another one leads: the worst broker's, 0…1.
    [[nodiscard]] Result<double> displaced_leaders() const;

    // What clients of that id may produce to each broker in a second, or all that have no quota of their own; absent:
    // taken away.
    [[nodiscard]] Status set_produce_quota(const std::optional<std::string>& client_id,
                                           std::optional<double> bytes_per_second) const;
    [[nodiscard]] Status start_flooding(const std::string& client_id);  // See Flooder.
    void stop_flooding();
    [[nodiscard]] Status start_shipping();  // See Shipper.
    void stop_shipping();
    [[nodiscard]] Result<Duration> slowest_shipment() const;
    // From now on the volume of the broker's log dir takes so many bytes a second; 0: as fast as the file system.
    [[nodiscard]] Status set_volume_speed(const std::string& broker_node, std::int64_t bytes_per_second) const;
    // Share of time in which the busiest broker's request handlers wait for work, in the last minute.
    [[nodiscard]] Result<double> busiest_broker_idle() const;

    // What the ledger has read of the payments; they begin with the first call. See Ledger.
    [[nodiscard]] Result<std::uint64_t> payments_read();
    // In a transaction that nobody ends, with a record of that age.
    [[nodiscard]] Status leave_payment_open(Duration age) const;
    void close_ledger();

    // Of a topic of two copies, on brokers 1 and 2, written with acks=1; it begins with the first call. See Ledger.
    [[nodiscard]] Result<std::uint64_t> bookings_read();
    // Broker 2 is stopped in good order, what is booked meanwhile only broker 1 has, and then its disk is gone; broker
    // 2 comes back. Returns when the partition has no leader.
    [[nodiscard]] Status lose_the_only_copy_in_sync() const;
    // A new disk under broker 1: it begins empty and copies everything.
    [[nodiscard]] Status give_a_new_disk() const;
    void close_bookings();

    // By two applications, each in a group of its own; they begin with the first call. See Receipts.
    [[nodiscard]] Result<std::uint64_t> receipts_committed();
    // The thread of their coordinator never comes back; its broker does all else.
    [[nodiscard]] Status hang_coordinator_of_receipts() const;
    void close_receipts();

    // Waits until the output has come past the present event time, then compares all windows since the last check. A
    // job that still catches up is waited for, however slow: `patience` is for one whose output does not go on.
    [[nodiscard]] Result<RecordCheck> check_records(Duration patience);
    // The connectors' path: rows of the SQLite sink against the sequence of the source.
    [[nodiscard]] Result<RecordCheck> check_inventory() const;
    // The same where one record must not get there: only the very one that deliver_to_sink() wrote may be missing.
    [[nodiscard]] Result<RecordCheck> check_inventory_without(const std::optional<std::string>& value) const;
    // Records of the sink's dead letter queue with this value.
    [[nodiscard]] Result<int> dead_letters(const std::string& value) const;

private:
    Platform(lab::LabPlan plan, lab::Leave leave) : plan_(std::move(plan)), leave_(leave) {}

    lab::LabPlan plan_;
    lab::Leave leave_;
    [[nodiscard]] std::vector<std::string> bootstrap() const;
    [[nodiscard]] std::string inventory_path() const { return data_dir() + "/inventory.db"; }
    [[nodiscard]] Result<wire::MetadataResponse> metadata() const;
    [[nodiscard]] std::string about_lost_records(std::int64_t short_by_ms) const;
    [[nodiscard]] Result<double> late_records_dropped() const;

    std::int64_t checked_until_ms_ = 0;  // Event time.
    std::unique_ptr<DiskFiller> filler_;
    std::unique_ptr<Archive> archive_;
    std::unique_ptr<Flooder> flooder_;
    std::unique_ptr<Shipper> shipper_;
    std::unique_ptr<Ledger> ledger_, bookings_;
    std::unique_ptr<Receipts> receipts_;
};

}  // namespace medic::engine::drill
